"""To whom the data of a person have gone, for themselves and for who tells recipients."""

from collections.abc import Iterable, Iterator
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.disclosure.noting import DISCLOSURE
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Making

NOTICE = "recipient_notice"
_AT_ONCE, _MOST = 200, 1_000


def disclosures(context: Making, keys: Iterable[Key]) -> Iterator[Record]:
    """What has gone of these records, to whom ever."""
    ids: dict[str, list[str]] = {}
    for entity, id_ in keys:
        ids.setdefault(entity, []).append(id_)
    for entity, some in ids.items():
        for start in range(0, len(some), _AT_ONCE):
            where: dict[str, Any] = {"entity_name": {"eq": entity}, "record_id": {"in": some[start : start + _AT_ONCE]}}
            after = ""
            while found := context.find(DISCLOSURE, where, _MOST, after):
                yield from found
                after = str(found[-1]["id"])
                if len(found) < _MOST:
                    break


def told(context: Making, keys: Iterable[Key]) -> list[dict[str, Any]]:
    """The same for the person: named recipients (Article 15(1)(c)), with fields and days."""
    found = []
    for each in disclosures(context, keys):
        days = {"firstOn": str(each["first_on"])[:10], "lastOn": str(each["last_on"])[:10]}
        found.append(_named(context, each, str(each["connector"])) | days)
    return sorted(found, key=_in_order)


def notified(context: Making, request: str) -> list[dict[str, Any]]:
    """Recipients who are told of what a request has changed, and how each was (Article 19, second sentence)."""
    where = {"request": {"id": {"eq": request}}}
    found: list[dict[str, Any]] = []
    after = ""
    while page := context.find(NOTICE, where, _MOST, after):
        for each in page:
            on = str(each["told_at"])[:10] if each["told_at"] else None
            how = {"status": each["status"], "toldOn": on, "because": each["because"]}
            found.append(_named(context, each, "") | how)
        if len(page) < _MOST:
            break
        after = str(page[-1]["id"])
    return sorted(found, key=_in_order)


def _in_order(one: dict[str, Any]) -> tuple[str, str, str]:
    return str(one["recipient"]), one["entity"], one["id"]


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
