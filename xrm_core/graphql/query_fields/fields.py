"""Root fields of queries that plugins bring: ``salesForecast(year)``."""

from typing import Any

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.meanings import PluginRoot
from xrm_core.graphql.shaped_types import capital, is_visible, record_in, shaped, type_of_kind, type_of_part
from xrm_core.graphql.types import Types
from xrm_core.records.actions.shapes import Kind, RecordOf, Shape


def add_query_fields(types: Types) -> None:
    """Those that the role may run."""
    for name, field in types.queries.items():
        if types.access.may_run(name) and is_visible(types, types.queries.answer(name)):
            called, shape = types.queries.field(field), types.queries.input(name)
            parts = () if shape is None else shape.parts
            arguments = [Argument(part.key, type_of_part(types, part, called, inputs=True)) for part in parts]
            result, about = _result(types, called, types.queries.answer(name)), field.about or f"Ask for {name}."
            builder.add(types.query, called, result, about, arguments)
            is_record = record_in(types.queries.answer(name)) is not None
            types.meanings.add("Query", called, PluginRoot(name, field.cost, field.records, is_record))


def _result(types: Types, called: str, answer: Kind) -> Any:
    """A dataclass that is the whole answer is named as the field; others have its name before theirs."""
    if isinstance(answer.of, Shape):
        found = shaped(types, answer.of, capital(called), called, inputs=False)
    else:
        found = type_of_kind(types, answer, called, inputs=False)
    return builder.optional(found) if answer.nullable or isinstance(answer.of, RecordOf) else found
