"""Is a record what its entity file says? All problems at once, each with field, rule and message."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import jsonschema_rs

from xrm_core.metadata.clock import MAX_SECONDS, duration_seconds
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.json_text import json_text
from xrm_core.metadata.model import AMOUNT, Entity, Model
from xrm_core.metadata.rules import RULE_WORDS
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.records.formats import Formats
from xrm_core.records.relationships import relationship_problems
from xrm_core.records.rules import RuleChecker
from xrm_core.records.sealed_fields import SEALED_FIELDS
from xrm_core.records.stored import digits_problem
from xrm_core.records.wording import FORMS, Problem, worded
from xrm_core.translation import say


class Validator:
    """Validates records of all entities of a model. Schemas are compiled once; patterns run in linear time.

    Args:
        model: says what records are like.
        formats: those of plugins.
    """

    def __init__(self, model: Model, formats: Formats | None = None) -> None:
        self._model = model
        self._formats = formats
        self._compiled = {
            entity.name: jsonschema_rs.Draft202012Validator(
                _without_rules(entity), validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
            )
            for entity in model
        }
        self._rules = {entity.name: RuleChecker(entity) for entity in model if entity.rules}
        self._alone: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._but: dict[tuple[str, frozenset[str]], jsonschema_rs.Draft202012Validator] = {}

    def problems(
        self,
        entity: Entity,
        record: Mapping[str, Any],
        *,
        rules: bool = True,
        changed: Mapping[str, Any] | None = None,
    ) -> list[Problem]:
        """What is wrong with a whole record (without system fields), in the order of the entity's fields.

        Without ``rules``, only its fields are looked at one by one. ``changed`` are those of them that do not stand in
        the database: whatever does has digits and characters that can be stored.
        """
        found: list[Problem] = []
        looked_at = record if changed is None else changed
        compiled = self._compiled[entity.name]
        if hidden := SEALED_FIELDS(entity):  # what stands sealed in the database was looked at when it was written
            stands = [name for name in hidden if name not in looked_at and record.get(name) is not None]
            compiled = self._without(entity, frozenset(stands)) if stands else compiled
        if not _is_ordinary(_LOOKED_AT(entity), looked_at):
            found.extend(_beyond_schema(entity, looked_at))
        if entity.relationship is not None:
            found.extend(relationship_problems(self._model, entity, record))
        if self._formats is not None and entity.name in self._formats:
            mine = (
                record if changed is None or not hidden else {**record, **dict.fromkeys(hidden.keys() - changed.keys())}
            )
            found.extend(self._formats.problems(entity, mine))
        if not found and entity.name not in self._rules and compiled.is_valid(record):
            return []  # most records, in a third of the time
        reported = {problem["field"] for problem in found}
        # What is no text cannot even be looked at by the validator.
        no_text = {problem["field"] for problem in found if problem["rule"] in ("characters", "json")}
        readable = {name: value for name, value in record.items() if name not in no_text}
        errors = compiled.iter_errors(readable)
        described = (worded(entity, error) for error in errors)
        found.extend(problem for problem in described if problem["field"] not in reported)
        if rules and entity.name in self._rules:
            reported |= {problem["field"] for problem in found} - {""}
            broken = self._rules[entity.name].problems(record)
            found.extend(problem for problem in broken if problem["field"] not in reported)
        places = {name: place for place, name in enumerate(entity.fields)}
        return sorted(found, key=lambda problem: places.get(problem["field"], -1))

    def _without(self, entity: Entity, names: frozenset[str]) -> jsonschema_rs.Draft202012Validator:
        """Looks at all but these fields; they have some value."""
        known = self._but.get((entity.name, names))
        if known is None:
            schema = _without_rules(entity)
            schema["properties"] = {**schema["properties"], **{name: {} for name in names}}
            options = jsonschema_rs.RegexOptions()
            known = jsonschema_rs.Draft202012Validator(schema, validate_formats=True, pattern_options=options)
            self._but[entity.name, names] = known
        return known

    def are_fit(self, entity: Entity, values: Mapping[str, Any]) -> bool:
        """Whether fields are what they have to be, each by itself; of an entity without formats of plugins."""
        known = self._alone.get(entity.name)
        if known is None:
            schema = {word: part for word, part in _without_rules(entity).items() if word != "required"}
            options = jsonschema_rs.RegexOptions()
            known = jsonschema_rs.Draft202012Validator(schema, validate_formats=True, pattern_options=options)
            self._alone[entity.name] = known
        ordinary = _is_ordinary(_LOOKED_AT(entity), values) or next(_beyond_schema(entity, values), None) is None
        return ordinary and known.is_valid(values)


def _is_ordinary(looked_at: frozenset[str], record: Mapping[str, Any]) -> bool:
    """Whether :func:`_beyond_schema` has nothing against a record, at a glance; most are like this."""
    for name, value in record.items():
        if value is None:
            continue
        if type(value) is not str:
            if name in looked_at or type(value) not in _NUMBERS:
                return False
        elif name in looked_at or not value.isascii() or "\0" in value:
            return False
    return True


_NUMBERS = frozenset({int, float, bool})


def _looked_at(entity: Entity) -> frozenset[str]:
    """The fields in which more than characters can be wrong that the schema does not see."""
    types = {FieldType.DECIMAL, FieldType.MONEY, FieldType.DURATION, FieldType.JSON}
    return frozenset(name for name, field in entity.fields.items() if field.given.type in types)


_LOOKED_AT = WorkedOut(_looked_at)


def _beyond_schema(entity: Entity, record: Mapping[str, Any]) -> Iterator[Problem]:
    fields = entity.fields
    for name, value in record.items():
        if name not in fields or value is None:
            continue
        field = fields[name].given
        if type(value) is str and field.type is not FieldType.DURATION and value.isascii() and "\0" not in value:
            continue  # an ordinary text
        if field.type is FieldType.DECIMAL and isinstance(value, Decimal) and (wrong := digits_problem(field, value)):
            yield {"field": name, "rule": "digits", "message": wrong}
        if field.type is FieldType.MONEY and isinstance(value, Mapping):
            amount = value.get(AMOUNT)
            if isinstance(amount, Decimal) and (wrong := digits_problem(field, amount)):
                yield {"field": name, "rule": "digits", "message": wrong}
        if field.type is FieldType.DURATION and (wrong := _duration_problem(value)):
            yield {"field": name, "rule": "format", "message": wrong}
        if field.type is FieldType.JSON and (wrong := _json_problem(value)):
            yield {"field": name, "rule": "json", "message": wrong}
        if field.type is not FieldType.JSON and _is_no_text(value):
            message = say("has characters that are not text (NUL, surrogates)")
            yield {"field": name, "rule": "characters", "message": message}


def _duration_problem(value: Any) -> str:
    try:
        duration_seconds(value)
    except ValueError as error:
        if "longer" in str(error):
            return say("is longer than {seconds} seconds", seconds=MAX_SECONDS)
        return say(FORMS[FieldType.DURATION])
    return ""


def _json_problem(value: Any) -> str:
    try:
        json_text(value)
    except ValueError as error:
        return str(error)
    return ""


def _is_no_text(value: Any) -> bool:
    """Whether a text, or the id in a polymorphic relation, has characters that cannot be stored."""
    texts = value.values() if isinstance(value, Mapping) else (value,)
    return any(_unstorable(text) for text in texts if isinstance(text, str))


def _unstorable(text: str) -> bool:
    return "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text))


def _without_rules(entity: Entity) -> dict[str, Any]:
    return {word: thaw(part) for word, part in entity.json_schema.items() if word not in RULE_WORDS}
