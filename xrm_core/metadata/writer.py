"""Model → entity files that load as the same model: what ``xrm schema pull`` writes. The other way round of reading.

What a model does not keep is not written: how its author laid out the file, and words that say what would be so anyway.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from xrm_core import naming
from xrm_core.metadata.custom_types import STORED_AS, collapsed
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.model import Between, Entity, Field, Model, Relation, Relationship, Rollup
from xrm_core.metadata.ownership import OWNER, OWNER_TEAM
from xrm_core.metadata.reading import RELATIONSHIPS
from xrm_core.metadata.relationships import ENDS_AND_DATES, TARGET
from xrm_core.metadata.sealed_types import opened_up
from xrm_core.metadata.sealing import GENERAL, Sealing
from xrm_core.metadata.sequence import Sequence
from xrm_core.metadata.types import FieldType

_TYPES: Mapping[FieldType, Mapping[str, Any]] = {
    FieldType.TEXT: {"type": "string"},
    FieldType.LONG_TEXT: {"type": "string", "x-type": "long_text"},
    FieldType.PHONE: {"type": "string", "x-type": "phone"},
    FieldType.EMAIL: {"type": "string", "format": "email"},
    FieldType.URL: {"type": "string", "format": "uri"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.DATETIME: {"type": "string", "format": "date-time"},
    FieldType.UUID: {"type": "string", "format": "uuid"},
    FieldType.ENUM: {"type": "string"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.BIG_INTEGER: {"type": "integer", "x-type": "big_integer"},
    FieldType.TIME: {"type": "string", "x-type": "time"},
    FieldType.DURATION: {"type": "string", "format": "duration"},
    FieldType.SET: {"type": "array", "uniqueItems": True},
    FieldType.JSON: {"type": "object", "x-type": "json"},
    FieldType.MONEY: {"type": "object", "x-type": "money"},
    FieldType.DECIMAL: {"type": "number", "x-type": "decimal"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.FILE: {"x-type": "file"},
    FieldType.RELATION: {},
}

_FIELD_WORDS = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "const": "const",
    "min_items": "minItems",
    "max_items": "maxItems",
    "currencies": "x-currencies",
    "pattern": "pattern",
    "enum": "enum",
    "enum_labels": "x-enum-labels",
    "unique": "x-unique",
    "indexed": "x-index",
    "searched": "x-search",
    "renamed_from": "x-renamed-from",
    "description": "description",
    "labels": "x-labels",
}
"""Attributes whose values stand in files as they are."""

_ENTITY_WORDS = {
    "description": "description",
    "labels": "x-labels",
    "plural": "x-plural",
    "plural_labels": "x-plural-labels",
    "display": "x-display",
    "ownership": "x-ownership",
    "indexes": "x-indexes",
    "unique_together": "x-unique",
    "renamed_from": "x-renamed-from",
}


_RELATIONSHIP_WORDS = frozenset({"description", "labels", "plural", "renamed_from"})


def files_of(model: Model) -> dict[str, str]:
    """File name → text of each entity of the model."""
    files = {f"{entity.name}.json": entity_words(model, entity) for entity in model if entity.kind == "entity"}
    for entity in model:
        if entity.relationship is not None:
            files[f"{RELATIONSHIPS}/{entity.name}.json"] = _relationship_words(entity, entity.relationship)
    return {name: json_text(words) for name, words in files.items()}


def json_text(words: Mapping[str, Any]) -> str:
    """Indented JSON as it stands in files."""
    return json.dumps(words, ensure_ascii=False, indent=2) + "\n"


def entity_words(model: Model, entity: Entity) -> dict[str, Any]:
    """The entity as its file says it."""
    words: dict[str, Any] = {"x-entity": entity.name, **_plain(entity, _ENTITY_WORDS), "type": "object"}
    required = _required(entity.fields.values())
    if required:
        words["required"] = required
    if entity.log_reads:
        words["x-log-reads"] = True if "*" in entity.log_reads else list(entity.log_reads)
    words |= thaw(entity.rules) | thaw(entity.annotations)
    owners = (OWNER, OWNER_TEAM) if entity.ownership else ()  # they follow from the word
    words["properties"] = {
        field.name: field_words(field) for field in entity.fields.values() if field.name not in owners
    }
    links = (model[link.through] for link in entity.links.values() if link.owned)
    words["properties"] |= {
        through.between.name: _link_words(entity, through, through.between) for through in links if through.between
    }
    return words


def _required(fields: Iterable[Field]) -> list[str]:
    # A sequence number is required anyway; what shows that the file says so, too, is its least length.
    must = (field for field in fields if field.required and (not field.sequence or field.min_length))
    return [field.name for field in must]


def _link_words(owner: Entity, through: Entity, between: Between) -> dict[str, Any]:
    """A many-to-many relation as it stands in ``properties`` of its owner."""
    to = through.fields[between.target].reference.targets[0]
    relation: dict[str, Any] = {"to": to, "many": True, "inverse": between.inverse}
    if between.inverse_labels:
        relation["inverse_labels"] = thaw(between.inverse_labels)
    words_of_links = {"link_labels": through.labels, "link_plural_labels": through.plural_labels}
    relation |= {word: thaw(labels) for word, labels in words_of_links.items() if labels}
    if through.name != f"{owner.name}_{naming.singular(between.name)}":
        relation["through"] = through.name
    attributes = [field for name, field in through.fields.items() if name not in (between.source, between.target)]
    if attributes:
        relation["attributes"] = {field.name: field_words(field) for field in attributes}
    if required := _required(attributes):
        relation["required"] = required
    words: dict[str, Any] = {"description": through.description, "x-relation": relation, **thaw(through.annotations)}
    if between.labels:
        words["x-labels"] = thaw(between.labels)
    if between.former is not None:
        words["x-renamed-from"] = between.former
    return words


def field_words(field: Field) -> dict[str, Any]:
    """The field as it stands in ``properties``."""
    if field.virtual:
        return _virtual_words(field)
    if field.sealing is not None and field.sealing.given is not None:
        return field_words(opened_up(field))
    words: dict[str, Any] = {**_TYPES[field.type], **_plain(field, _FIELD_WORDS)}
    if field.type in (FieldType.DECIMAL, FieldType.MONEY):
        words |= {"x-precision": field.precision, "x-scale": field.scale}
    if field.type is FieldType.SET:
        words["items"] = {"enum": words.pop("enum")}
    if field.text_format is not None:
        words["format"] = field.text_format
    if field.default is not None:
        words["default"] = _default(field)
    if field.relation is not None:
        words["x-relation"] = _relation(field.relation)
    if field.file is not None:
        words |= {"x-max-bytes": field.file.max_bytes}
        words |= {"x-media-types": list(field.file.media_types)} if field.file.media_types else {}
    if field.sequence is not None:
        words["x-sequence"] = _attributes(field.sequence)
        for word in ("maxLength", "minLength", "x-unique"):  # follow from it
            words.pop(word, None)
    if field.sealing is not None:
        words["x-sealed"] = _sealing(field.sealing)
    if field.custom_type is not None:
        words = collapsed(words, field.custom_type, field.operators)
    return {**words, **thaw(field.annotations)}


def _sealing(sealing: Sealing) -> dict[str, Any]:
    words: dict[str, Any] = {"subject": sealing.subject} if sealing.subject else {}
    words |= {"class": sealing.class_name} if sealing.class_name != GENERAL else {}
    return words | ({"blind": {"bits": sealing.bits, "form": sealing.form}} if sealing.bits else {})


def lengths_in(model: Model) -> dict[str, int]:
    """Format of texts → the greatest length of a field that has it."""
    found: dict[str, int] = {}
    for entity in model:
        for field in entity.fields.values():
            if field.text_format is not None and field.max_length is not None:
                found[field.text_format] = max(field.max_length, found.get(field.text_format, 0))
    return found


def stored_in(model: Model) -> dict[str, Mapping[str, Any]]:
    """How the values of each type of a plugin are stored in a database that has a model."""
    fields = (field for entity in model for field in entity.fields.values() if field.custom_type is not None)
    return {str(field.custom_type): field_words(field)[STORED_AS] for field in fields}


def _relationship_words(entity: Entity, relationship: Relationship) -> dict[str, Any]:
    """A relationship as its file says it."""
    words: dict[str, Any] = {
        "x-relationship": entity.name,
        **_plain(entity, {name: word for name, word in _ENTITY_WORDS.items() if name in _RELATIONSHIP_WORDS}),
        "x-reverse": entity.fields[TARGET].reference.inverse,
        "x-pairs": [{"from": source, "to": target} for source, target in relationship.pairs],
        "type": "object",
    }
    if relationship.reverse_labels:
        words["x-reverse-labels"] = thaw(relationship.reverse_labels)
    words |= {"x-symmetric": True} if relationship.symmetric else {}
    words |= {"x-one-at-a-time": True} if relationship.one_at_a_time else {}
    attributes = [field for name, field in entity.fields.items() if name not in ENDS_AND_DATES]
    if required := _required(attributes):
        words["required"] = required
    if attributes:
        words["properties"] = {field.name: field_words(field) for field in attributes}
    return {**words, **thaw(entity.annotations)}


def _virtual_words(field: Field) -> dict[str, Any]:
    """A computed field or a roll-up. The type of most roll-ups follows from what they are made of."""
    words: dict[str, Any] = {}
    if field.rollup is not None:
        words["x-rollup"] = _rollup(field.rollup)
    else:
        words["x-computed"] = field.computed
    if field.rollup is None or field.rollup.function == "avg":
        words |= _TYPES[field.type]
        if field.type is FieldType.DECIMAL:
            words |= {"x-precision": field.precision, "x-scale": field.scale}
    return {**words, **_plain(field, {"description": "description", "labels": "x-labels"}), **thaw(field.annotations)}


def _rollup(rollup: Rollup) -> dict[str, Any]:
    words = {attribute.name: thaw(getattr(rollup, attribute.name)) for attribute in fields(rollup)}
    return {word: it for word, it in words.items() if it and (word, it) != ("order_by", "id")}


def _plain(value: Entity | Field, words: Mapping[str, str]) -> dict[str, Any]:
    """The words whose attributes are not what they would be anyway: none, empty or False."""
    found = {word: thaw(getattr(value, attribute)) for attribute, word in words.items()}
    return {word: it for word, it in found.items() if it is not None and it is not False and it not in ("", [], {})}


def _default(field: Field) -> Any:
    if field.type is FieldType.DECIMAL:  # kept as text, written as the number that reads as this text again
        return float(field.default) if "." in field.default else int(field.default)
    return thaw(field.default)


def _relation(relation: Relation) -> dict[str, Any]:
    targets: Any = list(relation.targets) if relation.polymorphic else relation.targets[0]
    words = {"to": targets, "inverse": relation.inverse, "on_delete": relation.on_delete}
    return words | ({"inverse_labels": thaw(relation.inverse_labels)} if relation.inverse_labels else {})


def _attributes(value: Sequence) -> dict[str, Any]:
    """All attributes of a value whose words are called as they are."""
    return {attribute.name: getattr(value, attribute.name) for attribute in fields(value)}
