"""Whose a record is: the way up by links, as discovery goes it down."""

from collections.abc import Iterable, Iterator

from xrm_core.api import Record
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.sources import target_of
from xrm_dsgvo.erasure.steps import names_in
from xrm_dsgvo.own import Looking, Writing
from xrm_dsgvo.privacy import PrivacyModel
from xrm_dsgvo.subjects import SUBJECT

_DOWN = ("down", "both")


def above(context: Writing, privacy: PrivacyModel, key: Key) -> set[Key]:
    """All records to which one belongs, itself included, and the persons who are behind them."""
    found, todo = {key}, [key]
    while todo:
        at = todo.pop()
        record = context.read(*at)
        for each in _behind(context, at) if record is None else belongs_to(context, privacy, at[0], record):
            if each not in found:
                found.add(each)
                todo.append(each)
    return found


def restricted(context: Writing, keys: set[Key]) -> bool:
    """Whether the processing of one of these persons' data is restricted: it is kept, whatever is due (Article 18).

    What has left its table as a whole is found by nobody; of what is about others as well, values lie in the vault.
    """
    persons = [context.read(*key) for key in keys if key[0] == SUBJECT]
    if any(each is not None and each["status"] == "restricted" for each in persons):
        return True
    if not context.find("restriction", {"status": {"ne": "lifted"}}, 1):
        return False
    entities = {entity for entity, _ in keys}
    return any((name, each.id) in keys for name in entities for each in context.vaulted(name))


def held(context: Looking, keys: set[Key]) -> bool:
    """Whether a legal hold is upon one of them."""
    ids = sorted(id_ for _, id_ in keys)
    found = context.find("legal_hold", {"status": {"eq": "active"}, "record_id": {"in": ids}}, 1_000)
    return any((each["entity_name"], each["record_id"]) in keys for each in found)


def names_of(context: Writing, privacy: PrivacyModel, keys: Iterable[Key]) -> frozenset[str]:
    """What names these persons directly, or once did, sealed values among it: to blacken it in texts that stay.

    Raises:
        SealingUnavailable: sealed values cannot be opened.
    """
    found: set[str] = set()
    for key in keys:
        names = [each.name for each in privacy[key[0]].personal() if each.identifier == "direct"]
        if privacy[key[0]].role == "is_subject" and names:
            found |= set(names_in(context, key, names, opens=True))
    return frozenset(found)


def belongs_to(context: Writing, privacy: PrivacyModel, entity: str, record: Record) -> Iterator[Key]:
    """The records to which one belongs, one step up, and the persons behind it."""
    for each in privacy[entity].links():
        if each.link is not None and each.link.traverse in _DOWN and each.name in record:
            target = target_of(context.records.model[entity][each.name], record)
            if target is not None:
                yield target
    yield from _behind(context, (entity, str(record["id"])))


def _behind(context: Looking, key: Key) -> Iterator[Key]:
    this = {"entity_name": {"eq": key[0]}, "record_id": {"eq": key[1]}}
    for each in context.find("data_subject_link", this):
        yield SUBJECT, str(each["data_subject"])
