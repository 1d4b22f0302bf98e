"""How an opportunity ends: what must be known of one that is won or lost."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import HookContext, RecordChange, Refuse
from xrm_sales.moments import today
from xrm_sales.writing import create


def check_end(change: RecordChange, record: Mapping[str, Any]) -> None:
    """Refuse a loss without a reason or without the competitor who has won, an open one that has ended, an end to come.

    Raises:
        Refuse: naming the field that is missing.
    """
    if record["status"] == "lost":
        reason = change.read("loss_reason", record["loss_reason"]) if record.get("loss_reason") else None
        if reason is None:
            raise Refuse(
                {"en": "A loss needs its reason.", "de": "Ein Verlust braucht einen Grund."}, field="loss_reason"
            )
        if reason["to_competitor"] and not record.get("lost_to"):
            raise Refuse(
                {
                    "en": f"«{reason['name']}» needs the competitor who has won.",
                    "de": f"«{reason['name']}» braucht den Wettbewerber, der gewonnen hat.",
                },
                field="lost_to",
            )
    elif record.get("loss_reason") or record.get("lost_to"):
        raise Refuse(
            {"en": "Only what is lost has a reason for it.", "de": "Nur Verlorenes hat einen Verlustgrund."},
            field="loss_reason",
        )
    if record["status"] != "open" and not record.get("closed_on"):
        raise Refuse({"en": "Say when it was closed.", "de": "Wann wurde abgeschlossen?"}, field="closed_on")
    if (record.get("closed_on") or "") > today():
        raise Refuse({"en": "This day is yet to come.", "de": "Dieser Tag kommt noch."}, field="closed_on")
    if record["status"] == "open" and record.get("closed_on"):
        raise Refuse({"en": "An open one is not closed.", "de": "Offenes ist nicht abgeschlossen."}, field="closed_on")


def check_change(change: RecordChange) -> None:
    """What is said of the end fits the status also where only that is changed.

    Raises:
        Refuse: it does not.
    """
    check_end(change, change.after)


def note_winner(change: RecordChange) -> None:
    """The competitor to whom it was lost is one of its competitors from then on, however that was written."""
    rival = change.after.get("lost_to")

    def act(context: HookContext, id_: str) -> None:
        pair = {"opportunity": id_, "competitor": rival}
        if not context.find("opportunity_competitor", {name: {"id": {"eq": each}} for name, each in pair.items()}, 1):
            create(context, "opportunity_competitor", pair)

    if rival:
        change.then(act)
