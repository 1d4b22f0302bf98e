"""SQL text straight to the driver of a connection: what SQLAlchemy does around a statement costs more than itself.

On PostgreSQL a text that a connection has run before is prepared there, and runs by one call of libpq, without the
cursor of psycopg; values go and come by psycopg's adapters all the same. Whoever listens to statements of an engine, as
traces do, is not told of these; see :func:`listened_to`.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xrm_core.storage.liveness import wait_to_read, wait_to_send
from xrm_core.storage.prepared_steps import MAX_PREPARED, PreparedSteps, Row, Step, StepFailed, Text

_PLACE = "xrm_driver_calls"


def listened_to(connection: Connection) -> bool:
    """Whether somebody wants to hear of each statement: then it has to go by SQLAlchemy."""
    listeners = connection.dispatch
    return bool(listeners.before_cursor_execute or listeners.after_cursor_execute)


def rows(connection: Connection, text: Text | str, values: Sequence[Any], *, prepares: bool = True) -> list[Row]:
    """The rows of a statement, as the driver has them.

    Args:
        connection: in a transaction.
        text: the statement; as a string it is one that can be prepared for any tables, since it gives text alone.
        values: those of its places.
        prepares: False: it is planned for its values each time.

    Raises:
        DBAPIError: SQLAlchemy's, as for any statement (IntegrityError).
    """
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        return _OnPostgres.of(connection, driver).rows(text, values, prepares=prepares)
    text = text if isinstance(text, Text) else Text(text, len(values))
    try:
        found: list[Row] = driver.execute(text.sql, values).fetchall()
    except sqlite3.Error as error:
        raise _wrapped(text, error) from error
    return found


def together(connection: Connection, calls: Sequence[tuple[Text, Sequence[Any]]]) -> list[tuple[list[Row], int]]:
    """Run statements in their order, on PostgreSQL in one round trip; of each its rows and how many it has changed.

    Raises:
        DBAPIError: of the first that fails; those after it are not run.
    """
    if not calls:
        return []
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        return _OnPostgres.of(connection, driver).together(calls)
    found: list[tuple[list[Row], int]] = []
    for text, values in calls:
        try:
            cursor = driver.execute(text.sql, values)
            found.append((cursor.fetchall(), cursor.rowcount))
        except sqlite3.Error as error:
            raise _wrapped(text, error) from error
    return found


def beginning(
    connection: Connection, limit: bytes, calls: Sequence[tuple[Text, Sequence[Any]]]
) -> list[tuple[list[Row], int]]:
    """As :func:`together` on PostgreSQL, after the beginning of the transaction and a ``SET LOCAL``."""
    driver: Any = connection.connection.driver_connection
    return _OnPostgres.of(connection, driver).together(calls, (b"BEGIN", limit))


def changed(connection: Connection, text: Text, values: Sequence[Any]) -> int:
    """Run a statement that gives no rows; answers how many it has changed. Raises as :func:`rows`."""
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        return _OnPostgres.of(connection, driver).run(text, values).command_tuples or 0
    try:
        rowcount: int = driver.execute(text.sql, values).rowcount
    except sqlite3.Error as error:
        raise _wrapped(text, error) from error
    return rowcount


def _wrapped(text: Text, error: Exception) -> BaseException:
    base = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
    return DBAPIError.instance(text.sql, None, error, base, hide_parameters=True)


_BEGIN = Text("BEGIN", 0)


class _OnPostgres:
    """One connection to PostgreSQL, of whose transaction SQLAlchemy knows."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._pg: Any = driver.pgconn
        self._steps = PreparedSteps(driver)
        self._texts: OrderedDict[str, Text] = OrderedDict()

    @classmethod
    def of(cls, connection: Connection, driver: psycopg.Connection[Any]) -> "_OnPostgres":
        """That of a connection; forgotten with the connection that it belongs to."""
        known: dict[Any, Any] = connection.connection.info
        found: _OnPostgres | None = known.get(_PLACE)
        if found is None or found._driver is not driver:
            found = known[_PLACE] = cls(driver)
        return found

    def rows(self, text: Text | str, values: Sequence[Any], *, prepares: bool) -> list[Row]:
        """See :func:`rows`."""
        if isinstance(text, str):
            text = self._known(text, len(values))
        return self._steps.rows(self.run(text, values, prepares=prepares))

    def together(
        self, calls: Sequence[tuple[Text, Sequence[Any]]], first: Sequence[bytes] = ()
    ) -> list[tuple[list[Row], int]]:
        """See :func:`together`; ``first`` are commands before them, which have no values and give no rows."""
        if not first:
            self._begin()
        steps = [Step(_BEGIN, self._pg.send_query_params, (each, None)) for each in first]
        for text, values in calls:
            try:
                self._steps.add(steps, text, values)
            except psycopg.Error as error:  # a value that cannot be sent
                self._steps.not_sent(steps)
                raise _wrapped(text, error) from error
        try:
            results = self._piped(steps)
        except psycopg.Error as error:
            raise _wrapped(_BEGIN, error) from error
        try:
            asked = self._steps.asked(steps, results)
        except StepFailed as failed:
            raise _wrapped(failed.text, failed.error) from failed.error
        return [(self._steps.rows(each), each.command_tuples or 0) for each in asked]

    def run(self, text: Text, values: Sequence[Any], *, prepares: bool = True) -> PGresult:
        """The result of a statement. Begins the transaction, if need be, as psycopg does."""
        self._begin()
        try:
            return self._steps.run(text, values, prepares=prepares)
        except psycopg.Error as error:
            raise _wrapped(text, error) from error

    def _begin(self) -> None:
        if self._pg.transaction_status == TransactionStatus.IDLE:
            try:
                self._steps.checked(self._pg.exec_(b"BEGIN"))
            except psycopg.Error as error:
                raise _wrapped(_BEGIN, error) from error

    def _piped(self, steps: Sequence[Step]) -> list[PGresult]:
        """The result of each step, all of which are sent before the first is answered."""
        pg = self._pg
        try:
            pg.enter_pipeline_mode()
            for step in steps:
                step.send(*step.given)
            pg.pipeline_sync()
            while (
                pg.flush()
            ):  # the connection does not block: what is longer than the socket takes at once is still here
                if wait_to_send(pg.socket):
                    pg.consume_input()
            results = self._received()
            pg.exit_pipeline_mode()
        except BaseException:
            pg.finish()  # who knows what it would still answer, and to what
            raise
        return results

    def _received(self) -> list[PGresult]:
        pg = self._pg
        results: list[PGresult] = []
        while True:
            while pg.is_busy():
                wait_to_read(pg.socket)  # libpq would wait, too, but with all threads
                pg.consume_input()
            result = pg.get_result()
            if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
                return results
            if result is not None:
                results.append(result)
            elif pg.status != ConnStatus.OK:
                raise psycopg.OperationalError("the connection is lost")

    def _known(self, sql: str, places: int) -> Text:
        found = self._texts.pop(sql, None) or Text(sql, places)
        self._texts[sql] = found
        if len(self._texts) > MAX_PREPARED:
            self._texts.popitem(last=False)
        return found
