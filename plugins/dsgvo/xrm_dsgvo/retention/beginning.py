"""When the period of a record has begun: by a date of it, by what has happened, or by that to which it belongs."""

from collections.abc import Callable
from datetime import date
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.days import day_in
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.sources import target_of
from xrm_dsgvo.own import Looking
from xrm_dsgvo.privacy import EntityPrivacy, PrivacyModel
from xrm_dsgvo.retention.candidates import EVENT

_MOST = 1_000


def began(
    context: Any, privacy: PrivacyModel, said: EntityPrivacy, record: Record, read: Callable[[Key], Record | None]
) -> date | None:
    """The day; None: nobody has said it, or the entity has no period.

    Args:
        context: looks at the model and at events, with the settings of the plugin.
        privacy: what annotations say.
        said: of the entity of the record.
        record: as it is stored.
        read: reads that to which it belongs.
    """
    if said.retention is None:
        return None
    start = said.retention.start
    if start.of:
        target = target_of(context.records.model[said.name][start.of], record)
        owner = None if target is None else read(target)
        return None if target is None or owner is None else began(context, privacy, privacy[target[0]], owner, read)
    if start.field:
        value = record.get(start.field)
        return None if value is None else day_in(value, context.settings.time_zone)
    return _happened(context, said.name, str(record["id"]), str(start.event))


def _happened(context: Looking, entity: str, id_: str, event: str) -> date | None:
    where = {"event": {"eq": event}, "entity_name": {"eq": entity}, "record_id": {"eq": id_}}
    days = [str(each["happened_on"])[:10] for each in context.find(EVENT, where, _MOST)]
    return date.fromisoformat(max(days)) if days else None
