"""Whether a connection of the pool to PostgreSQL is still there: looked at, not asked.

A server that ends a connection says so, and closes it: its socket has something to read. Who hears nothing may go on;
to ask the server would be one more round trip for each transaction.
"""

import select
from typing import Any

import psycopg
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry


def look(connection: psycopg.Connection[Any], _entry: ConnectionPoolEntry, _fairy: Any) -> None:
    """As a listener to ``checkout`` of a pool: let SQLAlchemy open another connection instead of one that is gone.

    Raises:
        InvalidatePoolError: it is gone; so may be all that were opened before.
    """
    if connection.closed or (_has_something(connection.pgconn.socket) and not _answers(connection)):
        raise InvalidatePoolError


def wait_to_read(socket: int) -> None:
    """Wait until a socket has something to read, its end included. Other threads go on."""
    _has_something(socket, None)


def wait_to_send(socket: int) -> bool:
    """Wait until a socket takes more, or has something to read; answers whether it has. Other threads go on."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([socket], [socket], [])[0])
    poll = select.poll()
    poll.register(socket, select.POLLIN | select.POLLPRI | select.POLLOUT)
    return any(events & ~select.POLLOUT for _, events in poll.poll())


def _has_something(socket: int, milliseconds: int | None = 0) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([socket], [], [], milliseconds)[0])
    poll = select.poll()
    poll.register(socket, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(milliseconds))


def _answers(connection: psycopg.Connection[Any]) -> bool:
    """What is there to read may be a notice, too."""
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error:
        return False
    return True
