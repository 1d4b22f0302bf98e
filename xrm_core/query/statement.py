"""Request → statement: SQL text, compiled once, and how values are bound to it each time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Dialect, select
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

from xrm_core.query.aggregate import aggregate
from xrm_core.query.by_id import any_record, any_records
from xrm_core.query.connection import connection, record
from xrm_core.query.figures_request import Aggregate
from xrm_core.query.operands import KnownId
from xrm_core.query.ranking import ranked
from xrm_core.query.request import Connection
from xrm_core.query.roots import AnyRecord, AnyRecords, Record, Request, Search
from xrm_core.query.scan import Scope
from xrm_core.query.searched_text import SearchedText
from xrm_core.query.words import Words, has_trigrams
from xrm_core.storage.readers import ANEW, Call

Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that answers with one row of one column: JSON text, or NULL for a record that does not exist.

    Args:
        sql: with positional placeholders of the driver.
        names: name of the value at each position.
        fixed: values that stand in the request itself, ready for the driver.
        processors: how a value that arrives at run time becomes one for the driver.
        unindexed: the same without indexes for searches, for when none of the ``texts`` has anything to look up: to
            find all records by an index takes longer than to read them.
        texts: names of values that are searched for, if there is such another statement.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    processors: Mapping[str, Processor | None]
    unindexed: "Statement | None" = None
    texts: tuple[str, ...] = ()

    def call(self, values: Mapping[str, Any]) -> Call:
        """What is sent to the database. A name that is missing is a programming error (KeyError)."""
        if self.unindexed is not None and not any(has_trigrams(values[name]) for name in self.texts):
            return self.unindexed.call(values)
        return self.sql, self.bind(values)

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the placeholders."""
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
    statement, searches = _compile(scope, _json(scope, request))
    if scope.dialect.name == "postgresql":
        # Which way is best depends on the words: whether there are any, and whether they are rare.
        return replace(statement, sql=ANEW + statement.sql) if searches else statement
    texts = tuple(name for name, text in searches.items() if text.required)
    if not texts or any(has_trigrams(text.value) for text in searches.values() if not text.required):
        return statement
    unindexed, _ = _compile(replace(scope, indexed=False), _json(replace(scope, indexed=False), request))
    return replace(statement, unindexed=unindexed, texts=texts)


def _json(scope: Scope, request: Request) -> ColumnElement[Any]:
    match request:
        case Record():
            return record(scope, request)
        case AnyRecord():
            return any_record(scope, request)
        case AnyRecords():
            return any_records(scope, request)
        case Connection():
            return connection(scope, request)
        case Aggregate():
            return aggregate(scope, request)
        case Search():
            return ranked(scope, request)


def _compile(scope: Scope, json: ColumnElement[Any]) -> tuple[Statement, dict[str, BindParameter[Any]]]:
    """The statement, and those of its values that are searched for, by name."""
    compiled = select(scope.json.text(json)).compile(dialect=scope.dialect, compile_kwargs={"render_postcompile": True})
    names = tuple(compiled.positiontup or ())
    fixed: dict[str, Any] = {}
    processors: dict[str, Processor | None] = {}
    for parameter, name in compiled.bind_names.items():
        process = _processor(parameter.type, scope.dialect)
        if parameter.required:
            processors[name] = process
        else:
            fixed[name] = process(parameter.value) if process and parameter.value is not None else parameter.value
    searches = {name: each for each, name in compiled.bind_names.items() if isinstance(each.type, Words | SearchedText)}
    return Statement(str(compiled), names, fixed, processors), searches


def _processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What makes a value one for the driver."""
    impl = type_.dialect_impl(dialect)
    if isinstance(impl, KnownId) and impl.impl_instance.bind_processor(dialect) is None:
        return partial(
            impl.process_bind_param, dialect=dialect
        )  # by far the most frequent; without SQLAlchemy's detour
    return impl.bind_processor(dialect)
