"""What other plugins and webhooks are told of: somebody is frozen or erased, an objection works, a restriction has
changed, a retention run has found something due.

Each is a record of ``privacy_event``, in the transaction of what it tells of, so whatever follows records follows them:
hooks of plugins, webhooks, subscriptions. It has ids only.
"""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import On, RecordChange
from xrm_dsgvo.own import create, kept

EVENT = "privacy_event"
KINDS: Mapping[tuple[str, str], str] = {
    ("data_subject", "erasing"): "subject_frozen",
    ("data_subject", "erased"): "subject_erased",
    ("erasure_run", "running"): "subject_frozen",
    ("erasure_run", "complete"): "subject_erased",
    ("erasure_run", "complete_with_retention"): "subject_erased",
    ("objection", "effective"): "objection_effective",
    ("restriction", "active"): "restriction_changed",
    ("restriction", "lift_announced"): "restriction_changed",
    ("restriction", "lifted"): "restriction_changed",
}
"""Of an entity, which status is told as what."""

_RUN = "retention_run"


def hooks() -> list[On]:
    """Nobody but the plugin writes them, and it does whenever one of these records gets another status."""
    text = {"en": "The platform keeps what has happened.", "de": "Was geschehen ist, führt die Plattform."}
    told = sorted({entity for entity, _ in KINDS})
    return [
        kept(EVENT, text),
        *(On(entity, ("create", "update"), fields=("status",), before=_told) for entity in told),
        On(_RUN, "update", fields=("status",), before=_due),
    ]


def _told(change: RecordChange) -> None:
    now = {**change.before, **change.changes}
    kind = KINDS.get((change.entity, str(now["status"])))
    if kind is None or now["status"] == change.before.get("status"):
        return
    if change.entity == "erasure_run":  # of whom nobody has said that they are a person, too
        # a run that is complete names its record no more, and those who follow it are told of it this once
        record = now["record_id"] or change.before.get("record_id")
        _raise(change, kind, None, of=(str(now["entity_name"]), str(record)))
    else:
        _raise(change, kind, now.get("data_subject"))


def _due(change: RecordChange) -> None:
    """A run has ended, and there is something that is due, or that went."""
    if change.changes.get("status") != "complete" or change.before.get("status") == "complete":
        return
    report: Any = change.changes.get("report", change.before.get("report")) or {}
    went = any(count for counts in report.get("done", {}).values() for count in counts.values())
    waits = any(counts.get(name) for counts in report.get("stays", {}).values() for name in ("due", "fields_due"))
    if went or waits:
        _raise(change, "retention_due", None)


def _raise(change: RecordChange, kind: str, person: Any, of: tuple[str, str] | None = None) -> None:
    entity = change.entity

    def tell(context: Any, id_: str) -> None:
        about, record = of or (entity, id_)
        subject = id_ if entity == "data_subject" else person
        create(context, EVENT, {"kind": kind, "entity_name": about, "record_id": record, "data_subject": subject})

    change.then(tell)
