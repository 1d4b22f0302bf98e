"""How long something is kept can be reckoned, and is not shorter than the law wants."""

from collections.abc import Iterator, Mapping
from typing import Any

from xrm_core.api import Entity, KeywordMistake
from xrm_dsgvo.lint.surroundings import Said, Surroundings, of_entity_mistake
from xrm_dsgvo.registers import RetentionClass

_DATES = frozenset({"date", "datetime"})
_HOLDERS = frozenset({"owner", "recipient"})


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of all entities and fields."""
    of_datenart: dict[str, tuple[str, str]] = {}
    for entity in found.model:
        said = found.entities[entity.name]
        retention = said.get("retention")
        if retention is None:
            yield from _without(found, entity)
            continue
        for word in ("start", "purposeEnd"):
            if word in retention:
                yield from _start(found, entity, word, retention[word])
        kept = found.registers.retention_classes.get(retention["class"])
        if kept is None:
            continue
        yield from _statutory(found, entity, retention, kept)
        yield from _earlier(found, entity, kept)
        datenart = said.get("datenart")
        if datenart is not None:
            first, class_ = of_datenart.setdefault(datenart, (entity.name, retention["class"]))
            if class_ != retention["class"]:
                reason = f'the Datenart "{datenart}" has the class {class_} in {first}; each has one rule alone.'
                remedy = "Give it the same class, or another Datenart."
                yield of_entity_mistake(entity.name, "one-rule", reason, remedy)


def _without(found: Surroundings, entity: Entity) -> Iterator[KeywordMistake]:
    for each in found.fields[entity.name].values():
        if "retentionClass" in each.words:
            reason = "a field goes earlier than its record, and nobody has said how long that is kept."
            yield each.mistake("earlier", reason, 'Add "retention" to the entity, or remove "retentionClass".')


def _start(found: Surroundings, entity: Entity, word: str, start: Mapping[str, Any]) -> Iterator[KeywordMistake]:
    if sum(name in start for name in ("field", "event", "of")) != 1:
        reason = f'"{word}" needs one of "field", "event" and "of".'
        remedy = "Name the date of the record that begins it, an event, or the relation to what it belongs to."
        yield of_entity_mistake(entity.name, "start", reason, remedy)
    elif "of" in start and word == "purposeEnd":
        reason = "a purpose ends on a day of the record itself, or by an event."
        yield of_entity_mistake(entity.name, "start", reason, 'Name a "field" or an "event" for purposeEnd.')
    elif "of" in start:
        relation = entity.field(start["of"])
        targets = () if relation is None or relation.relation is None else relation.relation.targets
        starts = [found.entities[name].get("retention", {}).get("start", {"of": ""}) for name in targets]
        if not starts or any("of" in each for each in starts):
            reason = f'"{word}" names "{start["of"]}", which refers to nothing with a start of its own.'
            yield of_entity_mistake(entity.name, "start", reason, "Name a relation to a record with a period.")
    elif "field" in start:
        field = entity.field(start["field"])
        if field is None or str(field.type) not in _DATES:
            reason = f'"{word}" names "{start["field"]}", which is no date of this entity.'
            yield of_entity_mistake(entity.name, "start", reason, "Name a date, such as created_at.")


def _statutory(
    found: Surroundings, entity: Entity, retention: Mapping[str, Any], kept: RetentionClass
) -> Iterator[KeywordMistake]:
    if not kept.statutory:
        return
    if retention["then"] == "anonymize" or found.entities[entity.name].get("onErase") == "anonymize":
        reason = f"the law wants records of {kept.key} as they were ({kept.legal_ref}), so they are not anonymised."
        yield of_entity_mistake(entity.name, "statutory", reason, 'Say "delete" or "review" for then and onErase.')
    for each in found.fields[entity.name].values():
        link = each.words.get("link", {})
        if link.get("role") in _HOLDERS and link.get("onErase") not in ("block", "keep"):
            reason = f"the record would change with the person, before {kept.key} has ended."
            yield each.mistake("statutory-link", reason, 'Say "onErase": "block", or "keep".')


def _earlier(found: Surroundings, entity: Entity, kept: RetentionClass) -> Iterator[KeywordMistake]:
    classes = found.registers.retention_classes
    fields = found.fields[entity.name]

    def length(said: Said) -> int:
        own = classes.get(said.words.get("retentionClass", kept.key), kept)
        return own.period.about_days

    for each in fields.values():
        if length(each) > kept.period.about_days:
            reason = f"{each.words['retentionClass']} is longer than {kept.key} of its record."
            yield each.mistake("earlier", reason, "Take a shorter class, or give the record the longer one.")
        if each.field.type == "file" and "derivedFrom" in each.words:
            shorter = [n for n in each.words["derivedFrom"] if n in fields and length(fields[n]) > length(each)]
            if shorter:
                reason = f"the document would go before {', '.join(shorter)}, of which it is made."
                yield each.mistake("document", reason, "A document takes the longest class of its sources.")
