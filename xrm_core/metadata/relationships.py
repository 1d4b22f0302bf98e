"""Relationship files: each makes an entity whose records join a source with a target for a time.

``decides_for`` of the pairs contact → customer and contact → project makes an entity of that name with the relations
``source`` and ``target``, ``valid_from``, ``valid_to`` and the file's attributes. It is read like an entity file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from xrm_core.errors import Problem
from xrm_core.metadata.entities import Draft, read_entity
from xrm_core.metadata.frozen import freeze
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.model import Entity, Field, Relationship
from xrm_core.metadata.record_schema import record_schema
from xrm_core.metadata.structure import check

SOURCE, TARGET, VALID_FROM, VALID_TO = ENDS_AND_DATES = ("source", "target", "valid_from", "valid_to")
"""Fields that every relationship has."""

_DATE_LABELS = {
    VALID_FROM: {"de": "Gültig ab", "en": "Valid from"},
    VALID_TO: {"de": "Gültig bis", "en": "Valid to"},
}
_ABOUT_DATES = {
    VALID_FROM: "The first day on which it holds; empty: it has always held.",
    VALID_TO: "The last day on which it holds; empty: it still holds.",
}


def is_relationship(document: Document) -> bool:
    """Whether the file is about a relationship instead of an entity."""
    return isinstance(document.value, Mapping) and "x-relationship" in document.value


def relationship_drafts(
    documents: Iterable[Document], drafts: Mapping[str, Draft], problems: list[Problem]
) -> dict[str, Draft]:
    """The entities of these relationship files, by name; mistakes go to ``problems``."""
    made: dict[str, Draft] = {}
    for document in documents:
        mistakes = check(document, "relationship")
        mistakes += [document.problem(*words) for words in _mistakes(document.value)] if not mistakes else []
        name = document.value["x-relationship"]
        other = {**drafts, **made}.get(name) if isinstance(name, str) else None
        if other is not None:
            source = other.entity.source
            reason = f'The name "{name}" is taken already, at {source.file}:{source.line}.'
            mistakes.append(document.problem("/x-relationship", reason, "Choose another name."))
        problems.extend(mistakes)
        if mistakes:
            continue
        draft = read_entity(_entity_document(document), problems)
        if draft is not None and {SOURCE, TARGET} <= draft.entity.fields.keys():
            made[name] = replace(draft, entity=_entity(draft.entity, document.value))
    return made


def _mistakes(text: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in text.get("properties", {}):
        if name in ENDS_AND_DATES:
            reason = f'Every relationship has the field "{name}" already.'
            yield step("/properties", name), reason, "Give the attribute another name."
        if "x-sealed" in text["properties"][name]:
            reason = "An attribute of a relationship cannot be sealed."
            yield step(step("/properties", name), "x-sealed"), reason, "Remove it, or make an entity of it."
    for i, name in enumerate(text.get("required", ())):
        if name not in text.get("properties", {}):
            yield f"/required/{i}", f'There is no attribute "{name}".', "Add it to properties, or remove it here."
    if not text.get("x-symmetric"):
        return
    if "x-reverse-labels" in text:
        reason = "A symmetric relationship is called the same from both sides."
        yield "/x-reverse-labels", reason, "Remove it, or x-symmetric."
    if text.get("x-one-at-a-time"):
        yield "/x-one-at-a-time", "A symmetric relationship has no source that could have one.", "Remove it."


def _entity_document(document: Document) -> Document:
    """The entity file that could have been written in place of the relationship file."""
    text = document.value
    name, pairs = text["x-relationship"], text["x-pairs"]
    reverse = text.get("x-reverse", f"{name}_reverse")
    forward_labels = text.get("x-labels")
    reverse_labels = forward_labels if text.get("x-symmetric") else text.get("x-reverse-labels")
    value: dict[str, Any] = {
        "x-entity": name,
        "x-plural": text.get("x-plural", f"{name}_links"),
        "type": "object",
        "required": [SOURCE, TARGET, *text.get("required", ())],
        "properties": {
            SOURCE: {"x-relation": _end([pair["from"] for pair in pairs], name, forward_labels)},
            TARGET: {"x-relation": _end([pair["to"] for pair in pairs], reverse, reverse_labels)},
            **{date: _date(date) for date in (VALID_FROM, VALID_TO)},
            **text.get("properties", {}),
        },
    }
    value |= {word: text[word] for word in ("title", "description", "x-labels", "x-renamed-from") if word in text}
    places = {"": "", "/x-entity": "/x-relationship", "/required/0": "/x-pairs", "/required/1": "/x-pairs"}
    places |= {step("/required", i + 2): step("/required", i) for i in range(len(text.get("required", ())))}
    places |= {at: at for at in document.places if at.startswith("/properties/")}  # what layers above have said
    for end, word in ((SOURCE, "from"), (TARGET, "to")):
        at = step("/properties", end)
        places[at] = "/x-pairs"
        places[f"{at}/x-relation/inverse"] = "/x-relationship" if end == SOURCE else "/x-reverse"
        targets = value["properties"][end]["x-relation"]["to"]
        for i, target in enumerate([targets] if isinstance(targets, str) else targets):
            where = next(n for n, pair in enumerate(pairs) if pair[word] == target)
            places[f"{at}/x-relation/to/{i}"] = f"/x-pairs/{where}/{word}"
    told = {pointer: (document, place) for pointer, place in places.items()}
    return Document(document.file, value, document.lines, document.layer, document.rank, told)


def _end(entities: list[str], inverse: str, labels: Any) -> dict[str, Any]:
    targets = list(dict.fromkeys(entities))
    end: dict[str, Any] = {
        "to": targets if len(targets) > 1 else targets[0],
        "inverse": inverse,
        "on_delete": "cascade",
    }
    return end | ({"inverse_labels": labels} if labels else {})


def _date(name: str) -> dict[str, Any]:
    return {"type": "string", "format": "date", "description": _ABOUT_DATES[name], "x-labels": _DATE_LABELS[name]}


def _entity(entity: Entity, text: Mapping[str, Any]) -> Entity:
    # Also the only entity of a side has a column of its name, so that others can be added to the pairs.
    ends = {name: _by_entity(entity.fields[name]) for name in (SOURCE, TARGET)}
    fields = {**entity.fields, **ends}
    relationship = Relationship(
        pairs=tuple((pair["from"], pair["to"]) for pair in text["x-pairs"]),
        reverse_labels=freeze(text.get("x-reverse-labels", {})),
        symmetric=text.get("x-symmetric", False),
        one_at_a_time=text.get("x-one-at-a-time", False),
    )
    return replace(
        entity,
        fields=freeze(fields),
        json_schema=freeze(record_schema(fields.values())),
        kind="relationship",
        relationship=relationship,
    )


def _by_entity(field: Field) -> Field:
    return replace(field, relation=replace(field.reference, by_entity=True))
