"""The list of content, outside of the database, that no file has: what is to be removed, and when."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from xrm_core.errors import Busy
from xrm_core.storage.file_tables import CONTENT_LEFTOVER, FILE

_BATCH = 1000
_TABLE = CONTENT_LEFTOVER.c


def add(connection: Connection, name: str, due_at: dt.datetime) -> None:
    """Put content on the list; it is removed from ``due_at`` on.

    Raises:
        Busy: it is on the list, and is being removed at this moment.
    """
    waiting = select(_TABLE.claimed_at).where(_TABLE.content_key == name).with_for_update()
    row = connection.execute(waiting).first()
    if row is not None and row[0] is not None:
        raise Busy("Content of this file is being removed.", hint="Try again in a moment.")
    connection.execute(delete(CONTENT_LEFTOVER).where(_TABLE.content_key == name))
    connection.execute(insert(CONTENT_LEFTOVER).values(content_key=name, due_at=due_at))


def add_all(connection: Connection, names: Iterable[str], due_at: dt.datetime) -> None:
    """Put the content of several removed files on the list."""
    rows = [{"content_key": name, "due_at": due_at} for name in names]
    if rows:
        connection.execute(insert(CONTENT_LEFTOVER), rows)


def take(connection: Connection, name: str) -> None:
    """Take content off the list, since a file has it from now on.

    Raises:
        Busy: it is being removed, for that took too long.
    """
    mine = _TABLE.content_key == name, _TABLE.claimed_at.is_(None)
    if connection.execute(delete(CONTENT_LEFTOVER).where(*mine)).rowcount != 1:
        raise Busy("The file took too long to store.", hint="Send it again.")


def due(connection: Connection, now: dt.datetime, scheme: str) -> list[str]:
    """Some of what is to be removed now from the store with this scheme."""
    mine = _TABLE.due_at <= now, _TABLE.content_key.startswith(f"{scheme}:", autoescape=True)
    return list(connection.scalars(select(_TABLE.content_key).where(*mine).order_by(_TABLE.due_at).limit(_BATCH)))


def claim(connection: Connection, name: str) -> bool:
    """Claim content for being removed: nobody makes it a file's any more. False: it is one's already."""
    claimed = update(CONTENT_LEFTOVER).where(_TABLE.content_key == name).values(claimed_at=dt.datetime.now(dt.UTC))
    return connection.execute(claimed).rowcount == 1


def all_content(connection: Connection) -> list[str]:
    """All content outside of the database, of files and of none."""
    of_files = select(FILE.c.content_key).where(FILE.c.content_key.is_not(None))
    return list(connection.scalars(of_files.union(select(_TABLE.content_key))))


def forget(connection: Connection, name: str) -> None:
    """Take content off the list, since it is removed."""
    connection.execute(delete(CONTENT_LEFTOVER).where(_TABLE.content_key == name))
