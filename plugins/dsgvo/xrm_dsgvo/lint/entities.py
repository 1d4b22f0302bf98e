"""What entities say of themselves fits together."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from xrm_core.api import Entity, KeywordMistake
from xrm_dsgvo.lint.surroundings import Surroundings, of_entity_mistake

_NEEDED = ("datenart", "activities", "retention", "onErase")


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of all entities."""
    for entity in found.model:
        said = found.entities[entity.name]
        if "subject" not in said:
            remedy = 'Of an entity, say {"v": 1, "subject": {"role": "…"}, …}.'
            yield of_entity_mistake(entity.name, "form", "these are words of a field.", remedy)
            continue
        subject = said["subject"]
        if subject["role"] not in ("none", "may_mention"):
            needed = _NEEDED if entity.between is None else ()
            missing = [word for word in needed if word not in said] + [w for w in ("kinds",) if w not in subject]
            if missing:
                reason = f'where the role is "{subject["role"]}", {", ".join(missing)} must be said, too.'
                yield of_entity_mistake(entity.name, "incomplete", reason, "Add them.")
        yield from _when(entity, subject)
        if (date := subject.get("birthDate")) is not None:
            field = entity.fields.get(date)
            if field is None or field.type != "date":
                reason = f'"birthDate" names "{date}", which is no date of this entity.'
                yield of_entity_mistake(entity.name, "birth-date", reason, "Name the field with the day of birth.")
        yield from _contents(found, entity)


def _when(entity: Entity, subject: Mapping[str, Any]) -> Iterator[KeywordMistake]:
    when = subject.get("when")
    if when is None:
        return
    remedy = "Name fields of this entity, in the words of JSON Schema."
    try:
        Draft202012Validator.check_schema(_plain(when))
    except SchemaError as error:
        yield of_entity_mistake(entity.name, "when", f'"when" is no JSON Schema: {error.message[:200]}.', remedy)
        return
    named = [*when.get("properties", {}), *when.get("required", ())]
    for name in named:
        if name not in entity.fields:
            yield of_entity_mistake(entity.name, "when", f'"when" names "{name}", which is no field.', remedy)
    if not named:
        yield of_entity_mistake(entity.name, "when", '"when" names no field, so it always fits.', remedy)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _contents(found: Surroundings, entity: Entity) -> Iterator[KeywordMistake]:
    said = found.entities[entity.name]
    fields = found.fields[entity.name].values()
    personal = [each.field.name for each in fields if "category" in each.words]
    if personal and said["subject"]["role"] == "none":
        reason = f'the role is "none", and {", ".join(personal[:3])} is personal.'
        yield of_entity_mistake(entity.name, "role-none", reason, 'Say "may_mention" at least.')
    belongs = [
        each.field.name
        for each in fields
        if each.words.get("link", {}).get("traverse", "none") != "none" and not each.implied
    ]
    if belongs and said["subject"]["role"] in ("none", "may_mention"):
        reason = f"records are found by {', '.join(belongs[:3])}, so they are about somebody."
        yield of_entity_mistake(entity.name, "role-none", reason, 'Say "about_subject" or "shared".')
    searched = [each.field.name for each in fields if "category" in each.words and each.field.searched]
    if searched and said.get("search", "none") != "plain":
        reason = f'{", ".join(searched)} is found by words (x-search), and "search" does not say so.'
        yield of_entity_mistake(entity.name, "searched", reason, 'Say "search": "plain", or remove "x-search".')
    for word in ("audit", "outbox"):
        if personal and said.get(word) == "plain":
            reason = f'"{word}" is "plain", and {", ".join(personal[:3])} is personal.'
            remedy = 'Say "names_only" or "sealed".' if word == "audit" else 'Say "ids_only" or "sealed".'
            yield of_entity_mistake(entity.name, f"{word}-plain", reason, remedy)
