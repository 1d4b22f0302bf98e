"""To whom the data of a person have gone, for themselves and for who tells recipients."""

from collections.abc import Iterable, Iterator
from typing import Any

from xrm_core.api import ActionContext, Record
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.disclosure.noting import DISCLOSURE
from xrm_dsgvo.discovery.graph import Key

_MOST = 1_000


def disclosures(context: ActionContext, keys: Iterable[Key]) -> Iterator[Record]:
    """What has gone of these records, to whom ever."""
    for entity, id_ in keys:
        yield from context.find(DISCLOSURE, {"entity_name": {"eq": entity}, "record_id": {"eq": id_}}, _MOST)


def told(context: ActionContext, keys: Iterable[Key]) -> list[dict[str, Any]]:
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
