"""New rows of one table, straight to the driver: compiled once, many at a time.

SQLAlchemy takes longer to bind the values of a row than SQLite to store it. What goes through here is the same SQL,
with the same types; on PostgreSQL many rows go by COPY, which checks all that INSERT checks.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from xrm_core.storage.columns import Instant
from xrm_core.storage.driver_calls import changed, listened_to
from xrm_core.storage.driver_statements import Call, Outcome, Processor, bind_processor, with_numbers
from xrm_core.storage.prepared_steps import Text

MANY = 50
"""Rows from which on PostgreSQL takes them by COPY."""

Row = tuple[Any, ...]


class Rows:
    """Writes rows that have a value for each of some columns.

    Args:
        table: where.
        columns: their names, in the order of the values.
        dialect: of the database.

    ``columns`` are those in the order in which a row has their values; ``processors`` make a value, not None, one for
    the driver (None: it is one as it stands).
    """

    def __init__(self, table: Table, columns: Sequence[str], dialect: Dialect) -> None:
        positional = dialect if dialect.positional else type(dialect)(paramstyle="format")  # type: ignore[call-arg]
        compiled = insert(table).inline().compile(dialect=positional, column_keys=list(columns))
        self._sql = str(compiled)
        self.columns: tuple[str, ...] = tuple(compiled.positiontup or ())
        self.processors = tuple(_processor(table.c[name].type, positional) for name in self.columns)
        numbered = insert(table).inline().compile(dialect=with_numbers(dialect), column_keys=list(self.columns))
        self._alone = Text(str(numbered), len(self.columns))
        preparer = dialect.identifier_preparer
        names = ", ".join(preparer.quote(name) for name in self.columns)
        self._copy = f"COPY {preparer.format_table(table)} ({names}) FROM STDIN"

    def write(self, connection: Connection, rows: Iterable[Row], count: int) -> None:
        """Write so many rows, whose values stand in the order of ``columns`` and are ready for the driver.

        They are made while PostgreSQL takes those before them, if whoever gives them makes them one by one.

        Raises:
            DBAPIError: SQLAlchemy's, as for any statement (IntegrityError).
        """
        driver = connection.connection.driver_connection
        if count >= MANY and isinstance(driver, psycopg.Connection):
            self._by_copy(driver, rows)
        else:
            all_ = list(rows)
            if len(all_) == 1 and not listened_to(connection):
                changed(connection, self._alone, all_[0])
            else:
                connection.exec_driver_sql(self._sql, all_[0] if len(all_) == 1 else all_)

    def call(self, row: Row) -> Call:
        """The same for one row, to be run together with other statements."""
        return Call(self._alone, row, None, partial(self._apart, row))

    def _apart(self, row: Row, connection: Connection) -> Outcome:
        return [], connection.exec_driver_sql(self._sql, row).rowcount

    def _by_copy(self, driver: psycopg.Connection[Any], rows: Iterable[Row]) -> None:
        try:
            with driver.cursor() as cursor, cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            wrapped = DBAPIError.instance(self._copy, None, error, psycopg.Error, hide_parameters=True)
            raise wrapped from error


def _processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    found = bind_processor(type_, dialect)
    return _Latest(found) if found is not None and isinstance(type_, Instant) else found


class _Latest:
    """Moments are mostly that of the write: the same object for all of its rows."""

    __slots__ = ("_latest", "_process")

    def __init__(self, process: Processor) -> None:
        self._process = process
        self._latest: tuple[Any, Any] = (None, None)

    def __call__(self, value: Any) -> Any:
        """The value for the driver."""
        before, made = self._latest
        if before is not value:
            made = self._process(value)
            self._latest = value, made
        return made
