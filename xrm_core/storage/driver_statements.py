"""A statement of SQLAlchemy, compiled once and run by the driver; see :mod:`xrm_core.storage.driver_calls`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Dialect, Select, String, literal_column
from sqlalchemy.sql.expression import UpdateBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from xrm_core.storage.driver_calls import beginning, changed, listened_to, rows, together
from xrm_core.storage.prepared_steps import Row, Text

Processor = Callable[[Any], Any]

_NUMERIC = 1700
"""PostgreSQL's number of its type for decimals; no other type of ours asks which it is."""


Outcome = tuple[Sequence[Row], int]
"""The rows of a statement, and how many it has changed."""


@dataclass(slots=True)
class Call:
    """A statement with values ready for the driver.

    ``made`` makes a row of its what it is to be (None: it is that). ``apart`` does the same by SQLAlchemy.
    """

    text: Text
    values: Sequence[Any]
    made: Callable[[Row], Row] | None
    apart: Callable[[Connection], Outcome]


def run_together(connection: Connection, calls: Sequence[Call]) -> list[Outcome]:
    """Run statements in their order, in one round trip if the database can; those after one that fails are not run.

    Raises:
        DBAPIError: SQLAlchemy's, as for any statement, of the first that fails.
    """
    if listened_to(connection):
        return [each.apart(connection) for each in calls]
    return _made(calls, together(connection, [(each.text, each.values) for each in calls]))


class Ahead:
    """Statements that are run when a transaction begins, on PostgreSQL in the same round trip. See ``Database.begin``.

    ``outcomes`` are theirs, as soon as it has begun.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.outcomes: list[Outcome] = []

    def run(self, connection: Connection) -> None:
        """Run them in a transaction that has begun already."""
        self.outcomes = run_together(connection, self.calls)

    def begin(self, connection: Connection, limit: str) -> None:
        """Begin the transaction on PostgreSQL, with a ``SET LOCAL``, and run them."""
        found = beginning(connection, limit.encode(), [(each.text, each.values) for each in self.calls])
        self.outcomes = _made(self.calls, found)


def _made(calls: Sequence[Call], found: Sequence[tuple[list[Row], int]]) -> list[Outcome]:
    return [
        (rows if each.made is None else list(map(each.made, rows)), count)
        for each, (rows, count) in zip(calls, found, strict=True)
    ]


class DriverStatement:
    """A statement over the tables of one model.

    Args:
        statement: what it does. It has no lists that grow with their values (``IN``).
        dialect: of the database.
    """

    def __init__(self, statement: Select[Any] | CompoundSelect[Any] | UpdateBase, dialect: Dialect) -> None:
        numbered = with_numbers(dialect)
        compiled = statement.compile(dialect=numbered, compile_kwargs={"render_postcompile": True})
        self._statement = statement
        names = tuple(compiled.positiontup or ())
        self._text = Text(str(compiled), len(names))
        of = {name: parameter for parameter, name in compiled.bind_names.items()}
        self._given = tuple(name for name in dict.fromkeys(names) if of[name].required)
        self._binds = _Binds([of[name] for name in names], names, dialect)
        gives = (
            statement.selected_columns if isinstance(statement, Select | CompoundSelect) else statement.exported_columns
        )
        self.names = tuple(str(each) for each in gives.keys())  # noqa: SIM118 - it is no dict
        """Of the columns of its rows."""
        results = enumerate(_result_processor(each.type, dialect) for each in gives)
        self._results = [(place, process) for place, process in results if process is not None]

    @property
    def sql(self) -> str:
        """Its text, as the driver takes it."""
        return self._text.sql

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Row]:
        """The rows that it finds, each with the values of its columns in Python's types.

        Args:
            connection: in a transaction.
            values: those of the binds that have none of their own, by name; there may be others.

        Raises:
            DBAPIError: SQLAlchemy's, as for any statement.
        """
        if listened_to(connection):
            return [tuple(row) for row in connection.execute(self._statement, self._mine(values))]
        found = rows(connection, self._text, self._binds.values(values))
        return [self._made(row) for row in found] if self._results else found

    def call(self, values: Mapping[str, Any]) -> Call:
        """The statement with values, for :func:`run_together`."""
        mine = self._binds.values(values)
        return Call(self._text, mine, self._made if self._results else None, partial(self._apart, values))

    def _apart(self, values: Mapping[str, Any], connection: Connection) -> Outcome:
        result = connection.execute(self._statement, self._mine(values))
        return ([tuple(row) for row in result], 0) if result.returns_rows else ([], result.rowcount)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first of its rows, if there is one. As :meth:`rows`."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def changed(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it, which gives no rows; answers how many it has changed. As :meth:`rows`."""
        if listened_to(connection):
            return connection.execute(self._statement, self._mine(values)).rowcount
        return changed(connection, self._text, self._binds.values(values))

    def _mine(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: values[name] for name in self._given}

    def _made(self, row: Row) -> Row:
        made = list(row)
        for place, process in self._results:
            value = made[place]
            if value is not None:
                made[place] = process(value)
        return tuple(made)


def written_in(text: str) -> ColumnElement[str]:
    """A text that stands in a statement itself, in standard SQL: a value would be sent and read with each call."""
    return literal_column("'" + text.replace("'", "''") + "'", String())


class _Binds:
    """The values of a statement: most of those that stand in it itself are made once."""

    __slots__ = ("_given", "_own")

    def __init__(self, parameters: Sequence[Any], names: Sequence[str], dialect: Dialect) -> None:
        processors = [bind_processor(each.type, dialect) for each in parameters]
        self._own = [
            None if each.required else _processed(process, each.value)
            for each, process in zip(parameters, processors, strict=True)
        ]
        all_ = zip(names, parameters, processors, strict=True)
        self._given = [(place, name, process) for place, (name, each, process) in enumerate(all_) if each.required]

    def values(self, values: Mapping[str, Any]) -> list[Any]:
        """What goes to the driver."""
        found = self._own.copy()
        for place, name, process in self._given:
            value = values[name]
            found[place] = value if value is None or process is None else process(value)
        return found


def _processed(process: Processor | None, value: Any) -> Any:
    return value if value is None or process is None else process(value)


def with_numbers(dialect: Dialect) -> Dialect:
    """The dialect of a driver with the placeholders that :mod:`~xrm_core.storage.driver_calls` takes."""
    if dialect.name == "sqlite":
        return dialect
    numbered: Dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]
    return numbered


def bind_processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What makes a value, not None, one for the driver; None: it is one as it stands."""
    impl = type_.dialect_impl(dialect)
    found = impl.bind_processor(dialect)
    if found is not None and isinstance(impl, TypeDecorator) and impl.impl_instance.bind_processor(dialect) is None:
        return partial(impl.process_bind_param, dialect=dialect)  # the same without SQLAlchemy's detour
    return found


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    impl: Any = type_.dialect_impl(dialect)
    if isinstance(impl, TypeDecorator) and impl.impl_instance.result_processor(dialect, _NUMERIC) is None:
        plain = type(impl).process_result_value is TypeDecorator.process_result_value
        return None if plain else partial(impl.process_result_value, dialect=dialect)
    found: Processor | None = impl.result_processor(dialect, _NUMERIC)
    return found
