"""Records about a person that somebody had deleted before, and that have left the trash: the change log has them yet.

No link leads to them any more but the one that the log keeps. What the law demands of them is kept there as it would be
in the record.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from xrm_core.api import GoneRecord, gone_records
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.erasure.facts import Found, start_key
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import PrivacyModel


def gone_of(context: Writing, privacy: PrivacyModel, found: Sequence[Found]) -> list[Found]:
    """Those that belonged to the person of a plan, and what belonged to these; ``found`` is what is there."""
    own = {(each.entity, each.id) for each in found if each.own}
    known, reached = {(each.entity, each.id) for each in found}, dict[Key, set[str]]()
    state: dict[Key, Mapping[str, Any]] = {}
    ahead = own
    while ahead:
        new = set[Key]()
        for each in _below(context, privacy, ahead):
            key = (each.entity, each.id)
            if key not in known:
                new |= {key} - reached.keys()
                reached.setdefault(key, set()).add(each.field)
                state[key] = each.values
        ahead = new
    active = list(context.find("legal_hold", {"status": {"eq": "active"}}, 1_000))
    return [_found(privacy, key, via, state[key], _holds(active, own, key)) for key, via in sorted(reached.items())]


def _below(context: Writing, privacy: PrivacyModel, keys: set[Key]) -> Iterator[GoneRecord]:
    """What hung on some records by a link that is followed."""
    ways = {(edge.holder, edge.field) for entity, _ in keys for edge in privacy.edges_from(entity) if edge.down}
    found = gone_records(context, [id_ for _, id_ in keys]) if ways else []
    return (each for each in found if (each.entity, each.field) in ways)


def _found(privacy: PrivacyModel, key: Key, via: set[str], values: Mapping[str, Any], holds: tuple[str, ...]) -> Found:
    retention = privacy[key[0]].retention
    starts: dict[str, date] = {}
    if retention is not None and retention.start.field and (day := _day(values.get(retention.start.field))):
        starts[start_key(retention.start)] = day
    # there is no text any more in which somebody could look for others: nobody has it but the log
    texts = {each.name: True for each in privacy[key[0]].personal() if each.free_text}
    return Found(*key, frozenset(via), starts, holds, reviewed=texts)


def _holds(active: list[Any], own: set[Key], key: Key) -> tuple[str, ...]:
    upon = {*own, key}
    mine = (
        each
        for each in active
        if (each["entity_name"], each["record_id"]) in upon
        or (each["entity_name"], each["record_id"]) == (key[0], None)
    )
    return tuple(sorted(str(each["id"]) for each in mine))


def _day(said: Any) -> date | None:
    try:
        return date.fromisoformat(str(said)[:10])
    except ValueError:  # nothing, or closed
        return None
