"""SQL text straight to the driver of a connection: what SQLAlchemy does around a statement costs more than itself.

On PostgreSQL a text that a connection has run before is prepared there, and runs by one call of libpq, without the
cursor of psycopg; values go and come by psycopg's adapters all the same. Whoever listens to statements of an engine, as
traces do, is not told of these; see :func:`listened_to`.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xrm_core.storage.liveness import wait_to_read

Row = tuple[Any, ...]

MAX_PREPARED = 256
"""Statements that a connection keeps prepared; of more, those that were not used for the longest go."""

_PLACE = "xrm_driver_calls"
_NUMBERS = count()


class Text:
    """SQL with placeholders: ``?`` on SQLite, ``$1`` on PostgreSQL. Made once, run often.

    Each has a name of its own, so that a plan of another model's tables is never taken for one of these.
    """

    __slots__ = ("formats", "number", "sent", "sql")

    def __init__(self, sql: str, places: int) -> None:
        self.sql = sql
        self.sent = sql.encode()
        self.number = next(_NUMBERS)
        self.formats = [PyFormat.AUTO] * places


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


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that is sent to PostgreSQL for a statement.

    ``asks``: its result is that of the statement. ``prepares``: what is prepared then, and as what.
    """

    text: Text
    send: Callable[[], None]
    asks: bool = False
    prepares: tuple[Any, bytes] | None = None


class _OnPostgres:
    """What one connection to PostgreSQL knows: its prepared statements, and how it puts values."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._pg: Any = driver.pgconn
        self._transformer: Any = Transformer(driver)
        self._texts: OrderedDict[str, Text] = OrderedDict()
        self._names: OrderedDict[tuple[int, tuple[int, ...]], bytes | None] = OrderedDict()

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
        return self._rows(self.run(text, values, prepares=prepares))

    def together(
        self, calls: Sequence[tuple[Text, Sequence[Any]]], first: Sequence[bytes] = ()
    ) -> list[tuple[list[Row], int]]:
        """See :func:`together`; ``first`` are commands before them, which have no values and give no rows."""
        if not first:
            self._begin()
        steps = [_Step(_BEGIN, partial(self._pg.send_query_params, each, None)) for each in first]
        for text, values in calls:
            steps += self._steps(text, values)
        try:
            results = self._piped(steps)
        except psycopg.Error as error:
            raise _wrapped(_BEGIN, error) from error
        for step, result in zip(steps, results, strict=True):
            try:
                self._checked(result)
            except psycopg.Error as error:
                raise _wrapped(step.text, error) from error
            if step.prepares is not None:
                self._names[step.prepares[0]] = step.prepares[1]
        asked = [result for step, result in zip(steps, results, strict=True) if step.asks]
        return [(self._rows(each), each.command_tuples or 0) for each in asked]

    def _steps(self, text: Text, values: Sequence[Any]) -> Iterator["_Step"]:
        """What is sent for a statement."""
        sent, types, formats = self._dumped(text, values)
        key = (text.number, types)
        if not self._seen(key):
            yield _Step(text, partial(self._pg.send_query_params, text.sent, sent, types, formats), asks=True)
            return
        name = self._names[key]
        if name is None:
            name = b"xrm_%d_%d" % (text.number, next(_NUMBERS))
            yield _Step(text, partial(self._pg.send_prepare, name, text.sent, types), prepares=(key, name))
        yield _Step(text, partial(self._pg.send_query_prepared, name, sent, formats), asks=True)

    def _rows(self, result: PGresult) -> list[Row]:
        transformer = self._transformer
        transformer.set_pgresult(result)
        found: list[Row] = transformer.load_rows(0, result.ntuples, tuple)
        transformer.set_pgresult(None)
        return found

    def run(self, text: Text, values: Sequence[Any], *, prepares: bool = True) -> PGresult:
        """The result of a statement. Begins the transaction, if need be, as psycopg does."""
        self._begin()
        try:
            sent, types, formats = self._dumped(text, values)
            name = self._name(text, types) if prepares else None
            if name is None:
                return self._checked(self._pg.exec_params(text.sent, sent, types, formats))
            return self._checked(self._pg.exec_prepared(name, sent, formats))
        except psycopg.Error as error:
            raise _wrapped(text, error) from error

    def _begin(self) -> None:
        if self._pg.transaction_status == TransactionStatus.IDLE:
            try:
                self._checked(self._pg.exec_(b"BEGIN"))
            except psycopg.Error as error:
                raise _wrapped(_BEGIN, error) from error

    def _dumped(self, text: Text, values: Sequence[Any]) -> tuple[Any, tuple[int, ...], Any]:
        if not values:
            return None, (), None
        transformer = self._transformer
        sent = transformer.dump_sequence(values, text.formats)
        return sent, transformer.types, transformer.formats

    def _piped(self, steps: Sequence["_Step"]) -> list[PGresult]:
        """The result of each step, all of which are sent before the first is answered."""
        pg = self._pg
        try:
            pg.enter_pipeline_mode()
            for step in steps:
                step.send()
            pg.pipeline_sync()
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

    def _name(self, text: Text, types: tuple[int, ...]) -> bytes | None:
        """What the statement is prepared as; None: it is run for the first time, and perhaps the last."""
        key = (text.number, types)
        if not self._seen(key):
            return None
        name = self._names[key]
        if name is None:
            name = b"xrm_%d_%d" % (text.number, next(_NUMBERS))
            self._checked(self._pg.prepare(name, text.sent, types))
            self._names[key] = name
        return name

    def _seen(self, key: tuple[int, tuple[int, ...]]) -> bool:
        """Whether the connection has run a statement with values of these types before; from now on it has."""
        names = self._names
        if key in names:
            names.move_to_end(key)
            return True
        names[key] = None
        if len(names) > MAX_PREPARED:
            _, oldest = names.popitem(last=False)
            if oldest is not None:
                self._checked(self._pg.exec_(b"DEALLOCATE " + oldest))
        return False

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if self._pg.status != ConnStatus.OK:
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)
