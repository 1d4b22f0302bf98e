"""Where passwords are kept, and what ends when one changes."""

import datetime as dt

from sqlalchemy import Connection, delete, insert, select, update

from xrm_core.auth import devices, events
from xrm_core.auth.sessions import end_sessions
from xrm_core.storage.system import ONE_TIME_TOKEN, PASSWORD


def kept_hash(connection: Connection, user_id: str) -> str | None:
    """The hash of a user's password, if the user has one."""
    found: str | None = connection.scalar(select(PASSWORD.c.hash).where(PASSWORD.c.user_id == user_id))
    return found


def is_unchanged(connection: Connection, user_id: str, kept: str) -> bool:
    """Whether a user still has the password of this hash; it cannot change until the transaction ends."""
    query = select(PASSWORD.c.hash).where(PASSWORD.c.user_id == user_id).with_for_update()
    return connection.scalar(query) == kept


def keep_better(connection: Connection, user_id: str, better: str) -> None:
    """Keep another hash of the same password."""
    connection.execute(update(PASSWORD).where(PASSWORD.c.user_id == user_id).values(hash=better))


def set_password(
    connection: Connection, user_id: str, kept: str, *, by: str | None = None, address: str | None = None
) -> None:
    """Give a user a password. All sessions end, no device is known any more, and links for a new password are void.

    Args:
        connection: in a write transaction.
        user_id: whose.
        kept: the hash.
        by: id of the user who did it; None: nobody who is signed in.
        address: from where; None: the command line.
    """
    values = {"hash": kept, "changed_at": dt.datetime.now(dt.UTC)}
    if connection.execute(update(PASSWORD).where(PASSWORD.c.user_id == user_id).values(values)).rowcount == 0:
        connection.execute(insert(PASSWORD).values(user_id=user_id, **values))
    end_sessions(connection, user_id)
    devices.forget_all(connection, user_id)
    connection.execute(delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == user_id))
    events.record(connection, events.Event.PASSWORD_CHANGED, user_id=by, subject=user_id, address=address)
