"""Who no longer works with the platform: their period begins when their account is switched off.

Who is back works here again, and what was told of the end no longer counts.
"""

from typing import Any

from xrm_core.api import On, RecordChange
from xrm_dsgvo import own
from xrm_dsgvo.own import Writing
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.retention.candidates import EVENT

USER, LEFT = "user", "user.left"


def hooks() -> list[On]:
    """Beside what somebody tells as an event of their own."""
    return [On(USER, "update", fields=("active",), before=_switched)]


def _switched(change: RecordChange) -> None:
    works = bool(change.after["active"])
    change.then(lambda context, id_: _told(context, id_, works=works))


def _told(context: Any, user: str, *, works: bool) -> None:
    writing: Writing = context
    this = {"event": LEFT, "entity_name": USER, "record_id": user}
    known = writing.find(EVENT, {name: {"eq": value} for name, value in this.items()})
    if works:
        for each in known:
            own.delete(writing, EVENT, str(each["id"]))
    elif not known:
        own.create(writing, EVENT, this | {"happened_on": today(context.settings)})
