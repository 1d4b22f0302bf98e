"""To whom the data of a person have gone, for themselves and for who tells recipients."""

from collections.abc import Iterable, Iterator
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.disclosure.noting import DISCLOSURE
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Making

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
    model, found = context.records.model, []
    for each in disclosures(context, keys):
        recipient = context.read("processor", each["processor"]) if each["processor"] else None
        entity = model[each["entity_name"]]
        names = (each["fields"] or {}).get("names", ())
        found.append(
            {
                "recipient": each["connector"] if recipient is None else recipient["name"],
                "role": None if recipient is None else recipient["role"],
                "country": None if recipient is None else recipient["country"],
                "entity": entity.name,
                "id": each["record_id"],
                "label": labelled(entity.labels, entity.name),
                "fields": [
                    {"name": name, "label": labelled(known.labels, name)}
                    for name in names
                    if (known := entity.field(name)) is not None
                ],
                "firstOn": str(each["first_on"])[:10],
                "lastOn": str(each["last_on"])[:10],
            }
        )
    return sorted(found, key=lambda one: (str(one["recipient"]), one["entity"], one["id"]))
