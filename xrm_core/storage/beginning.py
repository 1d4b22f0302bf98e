"""The beginning of a transaction on PostgreSQL, with its limit of time: one round trip instead of two."""

from typing import Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xrm_core.storage.driver_calls import listened_to
from xrm_core.storage.driver_statements import Ahead


def begin(connection: Connection, limit: str, ahead: Ahead | None = None) -> None:
    """Begin the transaction, which psycopg would do before the first statement, together with a ``SET LOCAL``.

    Args:
        connection: of SQLAlchemy, in whose transaction nothing was done yet.
        limit: the statement.
        ahead: what is to be run with it.

    Raises:
        DBAPIError: SQLAlchemy's, as for any statement.
    """
    driver: Any = connection.connection.driver_connection
    if driver.pgconn.transaction_status != TransactionStatus.IDLE:  # somebody listens to its beginning, and has asked
        connection.exec_driver_sql(limit)
    elif ahead is not None and not listened_to(connection):
        ahead.begin(connection, limit)
        return
    else:
        _begin(driver, limit)
    if ahead is not None:
        ahead.run(connection)


def begin_reading(connection: Connection, limit: str) -> None:
    """Begin a transaction that only reads, from one snapshot, in the same way. Raises as :func:`begin`."""
    driver: Any = connection.connection.driver_connection
    if driver.pgconn.transaction_status != TransactionStatus.IDLE or listened_to(connection):
        connection.exec_driver_sql(limit)
    else:
        _begin(driver, limit, " ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _begin(driver: Any, limit: str, kind: str = "") -> None:
    try:
        result = driver.pgconn.exec_(f"BEGIN{kind}; {limit}".encode())
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
    except psycopg.Error as error:
        raise DBAPIError.instance(limit, None, error, psycopg.Error, hide_parameters=True) from error
