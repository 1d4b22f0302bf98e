"""Bringing the system tables to what the platform needs: the Alembic revisions in ``revisions/``, and running them."""

from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from xrm_core.errors import ModelOutOfDate
from xrm_core.storage.engines import Database
from xrm_core.storage.exclusive import exclusive
from xrm_core.storage.system import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_MIGRATING = Lock()  # Alembic's scripts find their connection in a variable of the whole process


@cache
def _revisions() -> tuple["Config", "ScriptDirectory"]:
    """Read once: a server makes and upgrades the tables of many tenants."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "revisions").replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def newest_revision() -> str:
    """The revision that this version of the platform needs."""
    return str(_revisions()[1].get_current_head())


def system_revision(connection: Connection) -> str | None:
    """The revision of the system tables; None if there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def run_revisions(connection: Connection, current: str | None) -> None:  # noqa: ARG001
    """Carry out all revisions after the current one (None: all) in the transaction of a connection."""
    from alembic.runtime.environment import EnvironmentContext

    config, scripts = _revisions()
    steps = partial(scripts._upgrade_revs, "head")
    with _MIGRATING, EnvironmentContext(config, scripts, fn=lambda revision, _: steps(revision)) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()


def upgrade_system(database: Database) -> None:
    """Bring the system tables to the newest revision: all or nothing, one process at a time.

    Raises:
        DatabaseUnavailable: the database does not answer.
        ModelOutOfDate: a newer version of the platform has made them.
        SchemaChangeRefused: the system tables stay in use, or somebody else changes tables for too long.
    """

    def upgrade(connection: Connection) -> None:
        known = [script.revision for script in _revisions()[1].walk_revisions()]
        current = system_revision(connection)
        if current == known[0]:
            return
        if current is not None and current not in known:
            raise ModelOutOfDate(
                "The system tables of the database were made by a newer version of the platform.",
                hint="Use that version, or a newer one.",
            )
        run_revisions(connection, current)

    try:
        with exclusive(database) as turn:
            turn.patiently(upgrade)
    except OperationalError as error:
        raise database.unavailable() from error
