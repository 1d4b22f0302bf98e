"""What only the change log has of a person in the plan of an erasure: the law may keep it there, as in a record."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from xrm_dsgvo.days import day_in
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.hanging import hung_on
from xrm_dsgvo.erasure.facts import Found, start_key
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import PrivacyModel


def gone_of(context: Writing, privacy: PrivacyModel, found: Sequence[Found]) -> list[Found]:
    """Those that belonged to the person of a plan, and what belonged to these; ``found`` is what is there."""
    own = {(each.entity, each.id) for each in found if each.own}
    hung = hung_on(context, privacy, (((each.entity, each.id), each.own, each.via) for each in found))
    active = list(context.find("legal_hold", {"status": {"eq": "active"}}, 1_000))
    zone = context.settings.time_zone
    return [_found(privacy, key, each.via, each.values, _holds(active, own, key), zone) for key, each in hung.items()]


def _found(
    privacy: PrivacyModel, key: Key, via: set[str], values: Mapping[str, Any], holds: tuple[str, ...], zone: str
) -> Found:
    retention = privacy[key[0]].retention
    starts: dict[str, date] = {}
    if retention is not None and retention.start.field and (day := _day(values.get(retention.start.field), zone)):
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


def _day(said: Any, zone: str) -> date | None:
    try:
        return day_in(said, zone)
    except ValueError:  # nothing, or closed
        return None
