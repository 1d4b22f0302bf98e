"""Tables that take for ever to be read, on both databases."""

from sqlalchemy import Connection

_NUMBERS = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000000)"


def slow_down(connection: Connection, table: str) -> None:
    """Put a view in place of a table, which has the same records, but only after it has counted for hours."""
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_kept")
    connection.exec_driver_sql(
        f"CREATE VIEW {table} AS SELECT kept.* FROM {table}_kept kept, "
        f"({_NUMBERS} SELECT count(*) AS n FROM c) counted WHERE counted.n > 0"
    )


def speed_up(connection: Connection, table: str) -> None:
    """The table again."""
    connection.exec_driver_sql(f"DROP VIEW {table}")
    connection.exec_driver_sql(f"ALTER TABLE {table}_kept RENAME TO {table}")
