"""Locks that processes take of each other in a tenant, for work that one of them does for all."""

from sqlalchemy import Connection, text


def is_alone(connection: Connection, kind: int) -> bool:
    """Whether no other process is at this kind of work here, held until the transaction ends.

    SQLite lets one write at a time anyway.

    Args:
        connection: in a transaction that writes.
        kind: a number that no other kind of work has.
    """
    if connection.dialect.name != "postgresql":
        return True
    asked = text(f"SELECT pg_try_advisory_xact_lock({kind:d}, hashtext(current_schema()))")
    return bool(connection.scalar(asked))
