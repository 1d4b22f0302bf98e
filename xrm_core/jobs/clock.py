"""Which time it is for jobs: that of the database, so that processes on machines whose clocks differ agree."""

import datetime as dt

from sqlalchemy import Connection, func, select

from xrm_core.storage.columns import Instant
from xrm_core.storage.system_statements import SystemStatement

_NOW = SystemStatement(lambda _: select(func.clock_timestamp(type_=Instant())))


def now(connection: Connection) -> dt.datetime:
    """The moment at which the database executes this; on SQLite, which is a file, that of this machine."""
    if connection.dialect.name != "postgresql":
        return dt.datetime.now(dt.UTC)
    return moment(_NOW.value(connection))


def moment(text: str | None) -> dt.datetime:
    """A moment as a column of type ``Instant`` gives it."""
    return dt.datetime.fromisoformat(text or "")
