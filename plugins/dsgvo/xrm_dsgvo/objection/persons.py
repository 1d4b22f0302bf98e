"""One person behind several records, and all addresses and numbers on them: what an objection of theirs is about."""

from collections.abc import Iterable, Iterator
from typing import Any

from xrm_core.api import Field, Record, Refuse
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.sources import refers_to, target_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import POINT, normal
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.subjects import SUBJECT

LINK, HOLDER = "data_subject_link", "contact_point_holder"
_KINDS = {"email": "email", "phone_e164": "phone"}
_MOST = 1_000


def one_person(context: Writing, keys: Iterable[Key]) -> set[Key]:
    """Records, data subjects among them, that are known to be the same person: by their data subject, by a merge, and
    by relations of which entity files say so, such as that of a lead to the contact that it became.

    Args:
        context: a transaction.
        keys: with what to begin.
    """
    found = set(keys)
    todo = sorted(found)
    while todo and len(found) < _MOST:
        for each in _beside(context, todo.pop()):
            if each not in found:
                found.add(each)
                todo.append(each)
    return found


def addresses_on(context: Writing, keys: Iterable[Key]) -> set[tuple[str, str]]:
    """Kind and one form of all addresses and numbers that stand on records, or at which data subjects are reached."""
    found: set[tuple[str, str]] = set()
    for entity, id_ in keys:
        if entity == SUBJECT:
            found |= _points_of(context, id_)
        elif (stored := context.read(entity, id_)) is not None:
            found |= set(addresses_of(context, entity, context.in_clear(entity, stored)))
    return found


def addresses_of(context: Writing, entity: str, record: Record) -> Iterator[tuple[str, str]]:
    """Kind and one form of each address that a record has, as annotations tell them."""
    for field in privacy_of(context.records.model)[entity].fields.values():
        kind = _KINDS.get(field.match.normalizer) if field.match else None
        value = record.get(field.name)
        if kind is None or not value:
            continue
        try:
            yield kind, normal(kind, str(value), context.settings.region)
        except Refuse:  # it is no address at all, and to one that is none nothing is sent anyway
            continue


def _beside(context: Writing, key: Key) -> Iterator[Key]:
    entity, id_ = key
    if entity == SUBJECT:
        for each in context.find(LINK, {"data_subject": {"id": {"eq": id_}}}, _MOST):
            yield str(each["entity_name"]), str(each["record_id"])
        stored = context.read(SUBJECT, id_) or {}
        if stored.get("merged_into"):
            yield SUBJECT, str(stored["merged_into"])
        for each in context.find(SUBJECT, {"merged_into": {"id": {"eq": id_}}}, _MOST):
            yield SUBJECT, str(each["id"])
        return
    for each in context.find(LINK, {"entity_name": {"eq": entity}, "record_id": {"eq": id_}}, _MOST):
        yield SUBJECT, str(each["data_subject"])
    record = context.read(entity, id_)
    for holder, field in _same(context, entity) if record is not None else ():
        target = target_of(field, record or {}) if holder == entity else None
        if target is not None:
            yield target
        if field.relation is not None and entity in field.relation.targets:
            for each in context.find(holder, refers_to(field, key), _MOST):
                yield holder, str(each["id"])


def _same(context: Writing, entity: str) -> Iterator[tuple[str, Field]]:
    """Relations from or to an entity between records that are one person: a ``reference`` gone both ways."""
    model: Any = context.records.model
    privacy = privacy_of(model)
    persons = {each.name for each in privacy.subjects()}
    for edge in privacy.edges:
        if edge.down and edge.link.role == "reference" and edge.link.traverse == "both":
            field = model[edge.holder][edge.field]
            if entity in (edge.holder, edge.start) and {edge.holder, edge.start} <= persons and edge.holder != SUBJECT:
                yield edge.holder, field


def _points_of(context: Writing, subject: str) -> set[tuple[str, str]]:
    held = context.find(HOLDER, {"data_subject": {"id": {"eq": subject}}}, _MOST)
    points = [context.read(POINT, str(each["contact_point"])) for each in held]
    return {(str(each["kind"]), str(each["value"])) for each in points if each is not None and each["value"]}
