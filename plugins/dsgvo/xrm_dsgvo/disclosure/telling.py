"""To whom the data of a person have gone, for themselves and for who tells recipients."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.days import day_in
from xrm_dsgvo.disclosure.noting import DISCLOSURE
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Looking, Making, Writing
from xrm_dsgvo.paging import every

NOTICE = "recipient_notice"
_AT_ONCE = 200


def disclosures(context: Making, keys: Iterable[Key]) -> Iterator[Record]:
    """What has gone of these records, to whom ever."""
    for entity, ids in _by_entity(keys):
        where: dict[str, Any] = {"entity_name": {"eq": entity}, "record_id": {"in": ids}}
        yield from every(context, DISCLOSURE, where)


def told(context: Making, keys: Iterable[Key]) -> list[dict[str, Any]]:
    """The same for the person: named recipients (Article 15(1)(c)), with fields and days."""
    found = []
    for each in disclosures(context, keys):
        days = {"firstOn": str(each["first_on"])[:10], "lastOn": str(each["last_on"])[:10]}
        found.append(_named(context, each, str(each["connector"])) | days)
    return sorted(found, key=_in_order)


def notified(context: Making, request: str) -> list[dict[str, Any]]:
    """Recipients who are told of what a request has changed, and how each was (Article 19, second sentence)."""
    return _told(context, found_notices(context, _request(request)))


def notified_of(context: Making, keys: Iterable[Key], requests: Iterable[str]) -> list[dict[str, Any]]:
    """The same of all that has become of somebody's records, by requests of theirs or without."""
    found = {str(each["id"]): each for id_ in requests for each in found_notices(context, _request(id_))}
    for entity, ids in _by_entity(keys):
        where = {"entity_name": {"eq": entity}, "record_id": {"in": ids}}
        found |= {str(each["id"]): each for each in found_notices(context, where)}
    return _told(context, found.values())


def kind_of(context: Looking, notice: Record) -> str:
    """Of what a notice tells; those from before it was kept there tell of what their request has asked for."""
    if notice["kind"] is not None:
        return str(notice["kind"])
    request = context.read("data_subject_request", notice["request"]) or {}
    return str(request.get("kind"))


def found_notices(context: Writing, where: Mapping[str, Any]) -> list[Record]:
    """Notices in the order in which they were made."""
    return list(every(context, NOTICE, where))


def _request(id_: str) -> dict[str, Any]:
    return {"request": {"id": {"eq": id_}}}


def _told(context: Making, notices: Iterable[Record]) -> list[dict[str, Any]]:
    found = []
    for each in notices:
        on = day_in(each["told_at"], context.settings.time_zone).isoformat() if each["told_at"] else None
        how = {"became": kind_of(context, each), "status": each["status"], "toldOn": on, "because": each["because"]}
        found.append(_named(context, each, "") | how)
    return sorted(found, key=_in_order)


def _by_entity(keys: Iterable[Key]) -> Iterator[tuple[str, list[str]]]:
    ids: dict[str, list[str]] = {}
    for entity, id_ in keys:
        ids.setdefault(entity, []).append(id_)
    for entity, some in ids.items():
        for start in range(0, len(some), _AT_ONCE):
            yield entity, some[start : start + _AT_ONCE]


def _in_order(one: dict[str, Any]) -> tuple[str, str, str]:
    return str(one["recipient"]), one["entity"], str(one["id"])


def _named(context: Making, each: Record, unknown: str) -> dict[str, Any]:
    """A recipient, and what of which record they have got."""
    recipient = context.read("processor", each["processor"]) if each["processor"] else None
    entity = context.records.model[each["entity_name"]]
    names = (each["fields"] or {}).get("names", ())
    fields = (known for name in names if (known := entity.field(name)) is not None)
    return {
        "recipient": unknown if recipient is None else recipient["name"],
        "role": None if recipient is None else recipient["role"],
        "country": None if recipient is None else recipient["country"],
        "entity": entity.name,
        "id": each["record_id"],
        "label": labelled(entity.labels, entity.name),
        "fields": [{"name": one.name, "label": labelled(one.labels, one.name)} for one in fields],
    }
