"""Computed fields and roll-ups for an entity of a model, drawn at random."""

import random
from collections.abc import Sequence
from typing import Any

from tests.query.random_fields import Text
from tests.query.random_values import fitting
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.predicate import FLAGS, LISTS, operators
from xrm_core.metadata.types import COMPARABLE, NUMERIC, ORDERED, TEXTUAL, WHOLE, FieldType
from xrm_core.metadata.uses import related

_DECLARED: dict[str, Text] = {
    "number": {"type": "number", "x-type": "decimal", "x-scale": 3},
    "integer": {"type": "integer"},
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}
_FORMS: dict[str, Sequence[str]] = {
    "number": ["{number} + {number}", "{number} / {number}", "ROUND({number}, 1)", "COALESCE({number}, 0) * 2"],
    "integer": ["{date} - DATE '2000-01-01'", "YEAR({date})", "LENGTH({text})", "FLOOR({number}) % 7"],
    "text": ["{text} || '/' || {text}", "UPPER({text})", "CONCAT({text}, {date})", "SUBSTR({text}, 2, 3)", "'it''s'"],
    "boolean": ["{number} > 1", "{boolean} AND NOT {boolean}", "{text} IN ('a', 'ä')", "{date} IS NULL"],
    "date": ["{date} + 30", "COALESCE({date}, DATE '2024-02-29')", "CASE WHEN {number} > 0 THEN {date} END"],
}
_LITERALS = {"number": "1.25", "text": "'ä'", "boolean": "TRUE", "date": "DATE '1999-12-31'"}


def virtual(chance: random.Random, model: Model, entity: Entity) -> Text | None:
    """A computed field, or a figure over related records; None if there are none."""
    if chance.random() < 0.5:
        return _computed(chance, entity)
    lists = [*entity.inverses, *entity.links]
    return _rollup(chance, model, entity, chance.choice(lists)) if lists else None


def _computed(chance: random.Random, entity: Entity) -> Text:
    kind = chance.choice([*_DECLARED])
    form = chance.choice(_FORMS[kind])
    for name, literal in _LITERALS.items():
        known = [f'"{each.name}"' for each in entity.all_fields() if _kind(each) == name]
        while f"{{{name}}}" in form:
            form = form.replace(f"{{{name}}}", chance.choice(known) if known else literal, 1)
    return {**_DECLARED[kind], "x-computed": form}


def _kind(of: Field) -> str | None:
    if of.type in WHOLE or (of.type is FieldType.DECIMAL and of.scale <= 6):
        return "number"
    return {FieldType.BOOLEAN: "boolean", FieldType.DATE: "date"}.get(of.type, "text" if of.type in TEXTUAL else None)


def _rollup(chance: random.Random, model: Model, entity: Entity, relation: str) -> Text | None:
    source = related(entity, relation)
    assert source is not None
    fields = [*model[source.entity].fields.values()] * 3 + [*model[source.entity].all_fields()]
    numbers, ordered = ([each for each in fields if each.type in kinds] for kinds in (NUMERIC, ORDERED))
    function = chance.choice(["count", "sum", "avg", "min", "max", "first", "last"])
    found: Text = {"relation": relation, "function": function}
    money = [each for each in fields if each.parts]
    if function in ("sum", "avg") and money and chance.random() < 0.5:
        of = chance.choice(money)
        found |= {"field": of.name, "where": {of.name: {"currency": {"eq": of.currencies[0]}}}}
        return {"x-rollup": found}
    if function != "count":
        kinds = {"sum": numbers, "avg": [each for each in numbers if each.type is not FieldType.DURATION]}
        known = kinds.get(function, ordered)
        if function in ("first", "last"):
            known = [each for each in fields if each.type in COMPARABLE]
            found |= {"order_by": chance.choice(ordered).name} if chance.random() < 0.7 else {}
        if not known:
            return None
        found["field"] = chance.choice(known).name
    if chance.random() < 0.4:
        found["where"] = _condition(chance, fields)
    return {"x-rollup": found}


def _condition(chance: random.Random, fields: Sequence[Field]) -> dict[str, Any]:
    of = chance.choice([each for each in fields if each.relation is None and not each.parts])
    op = chance.choice(operators(of))
    known = ["a", "0731 123456"] if of.type in TEXTUAL else fitting(of)
    if of.type is FieldType.SET:
        known = [*of.enum]
    if op in FLAGS or not known:
        return {of.name: {"isNull": chance.random() < 0.5}}
    value = chance.choice(known)
    value = str(value) if of.type is FieldType.DECIMAL else value
    return {of.name: {op.value: [value] if op in LISTS else value}}
