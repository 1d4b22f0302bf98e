"""The plan of a run as things are now."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from xrm_dsgvo.erasure.facts import Trigger
from xrm_dsgvo.erasure.gone import gone_of
from xrm_dsgvo.erasure.mentioned import kept, unsearched
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.erasure.planning import plan
from xrm_dsgvo.erasure.reach import reach
from xrm_dsgvo.file_search.results import place_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of


def planned_of(context: Writing, stored: Any, same: Iterable[tuple[str, str]], most: int | None = None) -> Plan:
    """Made anew of the scope of a run; ``same`` are the other records of the person.

    Raises:
        TooManyRecords: there are more than ``most``.
    """
    privacy, scope = privacy_of(context.records.model), stored["scope"]
    reviewed: dict[tuple[str, str | None], dict[str, bool]] = {}
    for entity, record, name, goes in scope["reviewed"]:
        reviewed.setdefault((entity, record), {})[name] = goes
    mentioned = [place_of(each) for each in scope.get("files", ())]
    person = stored["entity_name"], stored["record_id"]
    texts = kept(scope.get("texts", ()))
    found = reach(context, privacy, *person, reviewed, same, mentioned=mentioned, texts=texts, most=most)
    made = plan(
        privacy,
        context.settings.all_registers(),
        [*found, *gone_of(context, privacy, found)],
        datetime.now(ZoneInfo(context.settings.time_zone)).date(),
        Trigger(stored["trigger"]),
        scope["running"],
    )
    return replace(made, defects=(*made.defects, *unsearched(scope)))
