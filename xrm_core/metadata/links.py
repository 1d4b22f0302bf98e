"""Many-to-many relations: each makes an entity of links, out of the part of the file in which it stands.

``"members": {"x-relation": {"to": "contact", "many": true, "inverse": "projects"}}`` of the entity ``project`` makes
the entity ``project_member`` with a required relation to each side, which is read like any other entity file. So
tables, plans, rights and the API treat links as records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from xrm_core import naming
from xrm_core.errors import Problem
from xrm_core.metadata.entities import Draft, read_entity
from xrm_core.metadata.frozen import freeze, thaw
from xrm_core.metadata.lines import Document, step
from xrm_core.metadata.model import Between, Labels
from xrm_core.metadata.types import FieldType

_SIDE = "Small letters a-z, digits and _; at most 48 characters."


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that a many-to-many relation gives: of its entity and of what is in it."""

    entity: str
    near: str
    far: str
    near_links: str
    far_links: str


def link_drafts(drafts: Mapping[str, Draft], problems: list[Problem]) -> dict[str, Draft]:
    """The entities of links that many-to-many relations of these files make, by name; mistakes go to ``problems``."""
    made: dict[str, Draft] = {}
    for draft in drafts.values():
        for name, text in draft.many.items():
            pointer = step("/properties", name)
            names = _names(draft.entity.name, name, text)
            mistakes = list(_mistakes(text, names, {**drafts, **made}))
            problems.extend(draft.document.problem(pointer + place, *words) for place, *words in mistakes)
            if mistakes:
                continue
            target = drafts.get(text["x-relation"]["to"])
            document = _document(draft, name, text, names, {} if target is None else target.entity.labels)
            found = read_entity(document, problems)
            if found is not None and {names.near, names.far} <= found.entity.fields.keys():
                between = Between(
                    names.near,
                    names.far,
                    name,
                    text["x-relation"]["inverse"],
                    freeze(text.get("x-labels", {})),
                    freeze(text["x-relation"].get("inverse_labels", {})),
                    text.get("x-renamed-from"),
                )
                made[names.entity] = replace(found, entity=replace(found.entity, kind="link", between=between))
    return made


def _names(owner: str, name: str, text: Mapping[str, Any]) -> _Names:
    relation = text["x-relation"]
    one = naming.singular(name)
    far = relation["to"] if relation["to"] != owner else one if one != owner else f"other_{owner}"
    entity = relation.get("through", f"{owner}_{one}")
    return _Names(entity, owner, far, f"{one}_links", f"{naming.singular(relation['inverse'])}_links")


def _mistakes(text: Mapping[str, Any], names: _Names, drafts: Mapping[str, Draft]) -> Iterator[tuple[str, str, str]]:
    relation = text["x-relation"]
    for keyword in ("default", "x-unique"):
        if keyword in text:
            yield f"/{keyword}", f'"{keyword}" does not belong in a many-to-many relation.', "Remove it."
    for attribute, field in relation.get("attributes", {}).items():
        at = step("/x-relation/attributes", attribute)
        if attribute in (names.near, names.far):
            yield at, f'"{attribute}" is one of the two sides of the link.', "Give the attribute another name."
        if naming.camel(attribute) in ("node", "cursor"):
            yield at, f'The edges of lists have "{attribute}" already.', "Give the attribute another name."
        if "x-relation" in field:
            yield at, "A relation cannot be an attribute of a link.", "Remove it, or make an entity of the links."
        if "x-sealed" in field:
            yield at, "An attribute of a link cannot be sealed.", "Remove x-sealed, or make an entity of the links."
        if field.get("x-type") == FieldType.FILE:
            yield at, "A file cannot be an attribute of a link.", "Remove it, or make an entity of the links."
    for i, attribute in enumerate(relation.get("required", ())):
        if attribute not in relation.get("attributes", {}):
            reason = f'There is no attribute "{attribute}".'
            yield f"/x-relation/required/{i}", reason, "Add it to attributes, or remove it here."
    place = "/x-relation/through" if "through" in relation else ""
    if naming.NAME.fullmatch(names.entity) is None or naming.NAME.fullmatch(names.far) is None:
        reason = f'The entity of these links would be called "{names.entity}".'
        yield place, reason, f'Give it a name with "through". {_SIDE}'
    elif (other := drafts.get(names.entity)) is not None:
        source = other.entity.source
        reason = f'The entity "{names.entity}", in which the links would be kept, is defined already, at '
        yield place, f"{reason}{source.file}:{source.line}.", 'Give the links another name with "through".'


def _document(draft: Draft, name: str, text: Mapping[str, Any], names: _Names, far_labels: Labels) -> Document:
    """The entity file that could have been written in place of the relation. A side is labelled as its entity is."""
    relation = text["x-relation"]
    here = step("/properties", name)
    owner = draft.entity
    former = naming.singular(text.get("x-renamed-from", name))
    renamed = f"{owner.renamed_from or owner.name}_{former}"
    plural_labels = relation.get("link_plural_labels", {})
    near: dict[str, Any] = {"x-relation": _side(owner.name, names.near_links, plural_labels)}
    distant: dict[str, Any] = {"x-relation": _side(relation["to"], names.far_links, plural_labels)}
    if relation["to"] != owner.name:
        near |= {"x-labels": thaw(owner.labels)} if owner.labels else {}
        distant |= {"x-labels": thaw(far_labels)} if far_labels else {}
    if owner.renamed_from is not None:
        near["x-renamed-from"] = owner.renamed_from
    value: dict[str, Any] = {
        "x-entity": names.entity,
        "description": text.get("description", f"Links between {owner.name} and {relation['to']}: {name}."),
        "type": "object",
        "required": [names.near, names.far, *relation.get("required", ())],
        "x-unique": [[names.near, names.far]],
        "properties": {
            names.near: near,
            names.far: distant,
            **relation.get("attributes", {}),
        },
    }
    words = {"x-labels": "link_labels", "x-plural-labels": "link_plural_labels"}
    value |= {word: relation[said] for word, said in words.items() if said in relation}
    if "through" not in relation and renamed != names.entity:
        value["x-renamed-from"] = renamed
    far = step("/properties", names.far)
    places = {
        "": here,
        "/properties": f"{here}/x-relation/attributes",
        step("/properties", names.near): here,
        far: here,
        f"{far}/x-relation/to": f"{here}/x-relation/to",
        "/inverse": f"{here}/x-relation/inverse",
        "/x-entity": f"{here}/x-relation/through" if "through" in relation else here,
    }
    places |= {f"/{word}": f"{here}/x-relation/{said}" for word, said in words.items()}
    file = draft.document
    told = {pointer: (file, place) for pointer, place in places.items()}
    return Document(file.file, value, file.lines, file.layer, file.rank, told)


def _side(entity: str, inverse: str, labels: Mapping[str, str]) -> dict[str, Any]:
    side: dict[str, Any] = {"to": entity, "inverse": inverse, "on_delete": "cascade"}
    return side | ({"inverse_labels": labels} if labels else {})
