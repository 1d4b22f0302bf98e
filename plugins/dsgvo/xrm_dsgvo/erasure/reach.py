"""Which records a plan is about: from those that are the person, by the ways that links allow, to all about them.

A record that says it is another one of the same person (``data_subject_link``) is a beginning, too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from xrm_core.api import Field, Record
from xrm_dsgvo.erasure.addresses import POINT, of_others, points_of
from xrm_dsgvo.erasure.facts import Found, start_key
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import Edge, PrivacyModel

_AT_ONCE = 500
_PERSONAL = ("owner", "participant", "recipient")
Key = tuple[str, str]
"""Entity and id."""


def reach(
    context: Writing,
    privacy: PrivacyModel,
    entity: str,
    id_: str,
    reviewed: Mapping[Key, Mapping[str, bool]],
    also: Iterable[Key] = (),
) -> list[Found]:
    """The record and all that belongs to it, each once, with the links by which it was found.

    ``also`` are other records of the same person.
    """
    same = [(entity, id_), *also]
    via: dict[Key, set[str]] = {key: set() for one in same for key in _same(context, privacy, *one, same)}
    own = frozenset(via)
    todo = list(via)
    while todo:
        at = todo.pop()
        for edge in privacy.edges_from(at[0]):
            for key in _along(context, edge, at):
                if key not in via:
                    via[key] = set()
                    todo.append(key)
                if edge.down and key not in own:
                    via[key].add(edge.field)
    found = [_found(context, privacy, key, frozenset(links), own) for key, links in via.items()]
    return [replace(each, reviewed={**each.reviewed, **reviewed.get((each.entity, each.id), {})}) for each in found]


def where(field: Field, entity: str, id_: str) -> dict[str, Any]:
    """A filter: a relation refers to a record."""
    this: dict[str, Any] = {"id": {"eq": id_}}
    return {field.name: {entity: this} if field.reference.polymorphic else this}


def refers_to(field: Field, value: Any) -> Key | None:
    """Entity and id of that to which a relation refers."""
    if value is None or field.relation is None:
        return None
    if field.relation.polymorphic:
        [(entity, id_)] = value.items()
        return str(entity), str(id_)
    return field.relation.targets[0], str(value)


def every(context: Writing, entity: str, filter_: dict[str, Any]) -> Iterator[Record]:
    """All records for which a filter holds."""
    after = ""
    while found := context.find(entity, filter_, _AT_ONCE, after):
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = str(found[-1]["id"])


def _same(context: Writing, privacy: PrivacyModel, entity: str, id_: str, mine: Collection[Key]) -> list[Key]:
    """All records that are said to be the same person, and the contact points at which they are reached."""
    found: list[Key] = [(entity, id_)]
    links = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": id_}}, 1)
    subject = id_ if entity == "data_subject" else next((str(each["data_subject"]) for each in links), None)
    if subject is not None:
        found.append(("data_subject", subject))
        for each in every(context, "data_subject_link", {"data_subject": {"id": {"eq": subject}}}):
            key = (str(each["entity_name"]), str(each["record_id"]))
            if key[0] in context.records.model and context.read(*key) is not None:
                found.append(key)
    for key in list(found):
        points = points_of(context, privacy, *key, mine)
        found.extend((POINT, each) for each in points if not of_others(context, each, subject))
    return list(dict.fromkeys(found))


def _along(context: Writing, edge: Edge, at: Key) -> Iterator[Key]:
    field = context.records.model[edge.holder][edge.field]
    if edge.down:
        for each in every(context, edge.holder, where(field, *at)):
            yield edge.holder, str(each["id"])
        return
    record = context.read(*at)
    target = None if record is None else refers_to(field, record[edge.field])
    if target is None or target[0] != edge.end:
        return
    if target[0] == POINT and of_others(context, target[1], (record or {}).get("data_subject")):
        return
    yield target


def _found(context: Writing, privacy: PrivacyModel, key: Key, via: frozenset[str], own: frozenset[Key]) -> Found:
    entity, id_ = key
    record = context.read(entity, id_) or {}
    retention = privacy[entity].retention
    starts: dict[str, date] = {}
    if retention is not None and (day := _began(context, retention.start, key, record)):
        starts[start_key(retention.start)] = day
    others = _others(context, privacy, key, record, own)
    # in a text that is empty nobody has to look for others
    empty = {each.name: True for each in privacy[entity].personal() if each.free_text and not record.get(each.name)}
    return Found(entity, id_, via, starts, _holds(context, key, own), others=others, reviewed=empty)


def _began(context: Writing, start: Any, key: Key, record: Record) -> date | None:
    if start.field:
        value = record.get(start.field)
        return None if value is None else date.fromisoformat(str(value)[:10])
    said = {"event": {"eq": start.event}, "entity_name": {"eq": key[0]}, "record_id": {"eq": key[1]}}
    days = [str(each["happened_on"]) for each in every(context, "retention_event", said)]
    return date.fromisoformat(max(days)) if days else None


def _holds(context: Writing, key: Key, own: frozenset[Key]) -> tuple[str, ...]:
    """Ids of the holds upon a record, its whole entity, or the person."""
    found: set[str] = set()
    for entity, id_ in {key, *own}:
        active = {"status": {"eq": "active"}, "entity_name": {"eq": entity}}
        found |= {each["id"] for each in every(context, "legal_hold", active | {"record_id": {"eq": id_}})}
    all_ = {"status": {"eq": "active"}, "entity_name": {"eq": key[0]}, "record_id": {"isNull": True}}
    return tuple(sorted(found | {each["id"] for each in every(context, "legal_hold", all_)}))


def _others(context: Writing, privacy: PrivacyModel, key: Key, record: Record, own: frozenset[Key]) -> bool:
    """Whether a record that several share belongs to somebody else, too."""
    entity, id_ = key
    if privacy[entity].role != "shared":
        return False
    model = context.records.model
    for each in privacy[entity].links():
        if each.link is not None and each.link.role in _PERSONAL and each.name in record:
            target = refers_to(model[entity][each.name], record[each.name])
            if target is not None and target not in own and privacy[target[0]].role == "is_subject":
                return True
    for other in model:
        if other.between is not None and entity in other.fields[other.between.source].reference.targets:
            far = other.fields[other.between.target]
            here = where(other.fields[other.between.source], entity, id_)
            if any(privacy[name].role == "is_subject" for name in far.reference.targets):
                linked = (refers_to(far, link[far.name]) for link in every(context, other.name, here))
                if any(target is not None and target not in own for target in linked):
                    return True
    return False
