"""Request → statement: SQL text, compiled once, and how values are bound to it each time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql import ColumnElement

from xrm_core.query.aggregate import aggregate
from xrm_core.query.by_id import any_record, any_records
from xrm_core.query.connection import connection, record
from xrm_core.query.ranking import ranked
from xrm_core.query.request import Aggregate, AnyRecord, AnyRecords, Connection, Record, Request, Search
from xrm_core.query.scan import Scope

Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that answers with one row of one column: JSON text, or NULL for a record that does not exist.

    Args:
        sql: with positional placeholders of the driver.
        names: name of the value at each position.
        fixed: values that stand in the request itself, ready for the driver.
        processors: how a value that arrives at run time becomes one for the driver.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    processors: Mapping[str, Processor | None]

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the placeholders. A name that is missing is a programming error (KeyError)."""
        fixed, processors = self.fixed, self.processors
        return tuple(
            fixed[name] if name in fixed else process(values[name]) if (process := processors[name]) else values[name]
            for name in self.names
        )


def compile_request(scope: Scope, request: Request) -> Statement:
    """The one statement that answers a request.

    Raises:
        Forbidden: if it asks for something that the caller may not read at all.
    """
    match request:
        case Record():
            json = record(scope, request)
        case AnyRecord():
            json = any_record(scope, request)
        case AnyRecords():
            json = any_records(scope, request)
        case Connection():
            json = connection(scope, request)
        case Aggregate():
            json = aggregate(scope, request)
        case Search():
            json = ranked(scope, request)
    return _compile(scope, json)


def _compile(scope: Scope, json: ColumnElement[Any]) -> Statement:
    compiled = select(scope.json.text(json)).compile(dialect=scope.dialect, compile_kwargs={"render_postcompile": True})
    names = tuple(compiled.positiontup or ())
    fixed: dict[str, Any] = {}
    processors: dict[str, Processor | None] = {}
    for parameter, name in compiled.bind_names.items():
        process = parameter.type.dialect_impl(scope.dialect).bind_processor(scope.dialect)
        if parameter.required:
            processors[name] = process
        else:
            fixed[name] = process(parameter.value) if process and parameter.value is not None else parameter.value
    return Statement(str(compiled), names, fixed, processors)
