"""Model ⇄ JSON: what is kept in the database of the model applied there, and what the fingerprint is taken of.

Only what the files say is in it. Sources are not (where a thing was written down does not change it), nor are record
schemas and inverses, which follow from the rest. Values equal to the default of their attribute are left out, so that
a later attribute does not change the fingerprint of a model that makes no use of it.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from types import MappingProxyType
from typing import Any

from xrm_core.metadata.file_rules import FileRules
from xrm_core.metadata.frozen import freeze, thaw
from xrm_core.metadata.model import Between, Entity, Field, Model, Relation, Relationship, Rollup, fingerprint
from xrm_core.metadata.record_schema import record_schema
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.sequence import Sequence
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.virtual import resolve
from xrm_core.metadata.wiring import wire

FORMAT = 1
"""Version of this form."""

_PARTS = {"relation": Relation, "sequence": Sequence, "file": FileRules, "rollup": Rollup, "sealing": Sealing}
"""Attributes of a field that are values with attributes of their own."""

_GIVEN = "given"
"""Attribute of how a field is sealed that is a field itself."""

_PACKED = frozenset({Entity, Field, *_PARTS.values(), Between, Relationship})
_PARTS_OF_ENTITIES = frozenset({"fields", "between", "relationship"})
_DERIVED = {
    Entity: frozenset({"source", "layers", "tightened", "json_schema", "inverses", "links", "expressions"}),
    Field: frozenset({"source", "tightened"}),
}


def to_snapshot(model: Model) -> dict[str, Any]:
    """The model as JSON types. Entities are in alphabetical order, fields in that of their file."""
    return {"format": FORMAT, "entities": [_pack(entity) for entity in sorted(model, key=lambda found: found.name)]}


def from_snapshot(snapshot: Mapping[str, Any]) -> Model:
    """The model again, equal to the one that the snapshot was made of. Raises ValueError for another format."""
    if snapshot.get("format") != FORMAT:
        raise ValueError(f"This snapshot has format {snapshot.get('format')!r}; only {FORMAT} can be read.")
    return build(_entity(packed) for packed in snapshot["entities"])


def build(entities: Any) -> Model:
    """A model of these entities: inverses filled in, fingerprint set. They must have been checked (ValueError)."""
    resolved, misfits = resolve(wire(entities))
    if misfits:
        raise ValueError(f"The model is wrong at {misfits[0].entity}.{misfits[0].field}: {misfits[0].reason}")
    model = Model(resolved)
    return Model(model.entities, fingerprint(to_snapshot(model)))


def _pack(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _PACKED:
        packed = {}
        for name, default in _attributes(kind):
            part = getattr(value, name)
            if default is MISSING or part != default:
                packed[name] = _pack(part)
        if isinstance(value, Entity):
            packed["fields"] = [_pack(field) for field in value.fields.values()]  # a list keeps their order
        return packed
    return thaw(value)


@cache
def _attributes(kind: Any) -> tuple[tuple[str, Any], ...]:
    """What is kept of values of a class: attributes with their defaults."""
    return tuple(
        (each.name, each.default if each.default_factory is MISSING else each.default_factory())
        for each in fields(kind)
        if each.name not in _DERIVED.get(kind, ())
    )


def _entity(packed: Mapping[str, Any]) -> Entity:
    found = {text["name"]: _field(text) for text in packed["fields"]}
    between, relationship = packed.get("between"), packed.get("relationship")
    return Entity(
        **{name: freeze(value) for name, value in packed.items() if name not in _PARTS_OF_ENTITIES},
        between=None if between is None else Between(**freeze(between)),
        relationship=None if relationship is None else Relationship(**freeze(relationship)),
        fields=MappingProxyType(found),
        json_schema=freeze(record_schema(found.values(), packed.get("rules", {}))),
    )


def _field(packed: Mapping[str, Any]) -> Field:
    values = {name: freeze(value) for name, value in packed.items() if name not in ("type", *_PARTS)}
    parts = {name: _part(kind, packed[name]) for name, kind in _PARTS.items() if packed.get(name) is not None}
    return Field(**values, **parts, type=FieldType(packed["type"]))


def _part(kind: Any, packed: Mapping[str, Any]) -> Any:
    values = {
        name: _field(value) if kind is Sealing and name == _GIVEN else freeze(value) for name, value in packed.items()
    }
    return kind(**values)
