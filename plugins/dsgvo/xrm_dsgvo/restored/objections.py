"""Objections, suppressions and ends of consents are so again, as far as the data know what they are about."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Record, recheck_messages
from xrm_dsgvo.consent.events import CONSENT, happened
from xrm_dsgvo.consent.states import may_follow
from xrm_dsgvo.objection.exceptions import end_exceptions
from xrm_dsgvo.objection.suppressing import SUPPRESSION
from xrm_dsgvo.own import Writing, change, create
from xrm_dsgvo.points import POINT
from xrm_dsgvo.restored.keeping import text_of
from xrm_dsgvo.restored.persons import known, purpose_known
from xrm_dsgvo.sending.fitting import moment

VIA = "restore"
"""How it came, in the words of what is written again: those of then may name somebody, and are not kept."""

_OBJECTION = "objection"


def suppress_again(context: Writing, said: Mapping[str, Any]) -> None:
    """A purpose that the backup does not know stands for all: what is said is not narrowed by that."""
    entry = {name: said[name] for name in ("digest", "kind", "reason", "channel", "at")}
    entry["purpose"] = purpose_known(context, said["purpose"])
    for each in _alike(context, entry):
        if moment(each["at"]) < moment(said["at"]):
            change(context, SUPPRESSION, each["id"], {"at": said["at"]})
        return
    create(context, SUPPRESSION, entry)
    recheck_messages(context)


def release_again(context: Writing, said: Mapping[str, Any]) -> None:
    """What was suppressed before it may be written to."""
    for each in _alike(context, {**said, "purpose": purpose_known(context, said["purpose"])}):
        if moment(each["at"]) <= moment(said["released_at"]):
            because = {"released_at": said["released_at"], "released_because": "Released before a backup was restored."}
            change(context, SUPPRESSION, each["id"], {"status": "released", **because})


def end_again(context: Writing, said: Mapping[str, Any]) -> None:
    """A consent that the backup has in an earlier state ends by what can follow that."""
    stored = context.read(CONSENT, said["consent"])
    if stored is None:
        return
    context.hold(POINT, stored["contact_point"])
    kind = next((each for each in (said["kind"], "lapsed") if may_follow(stored["status"], each)), None)
    if kind is None:
        return
    gone: dict[str, Any] = {"token_hash": None}
    if kind == "withdrawn":
        gone |= {"withdrawn_at": said["at"], "withdrawal_method": VIA}
    happened(context, said["consent"], kind, via=VIA, at=said["at"], **gone)
    recheck_messages(context)


def object_again(context: Writing, said: Mapping[str, Any]) -> None:
    """What it has done is said by entries of its own: suppressions, ends of consents, a restriction."""
    points = [each for each in said["points"] if context.read(POINT, each) is not None]
    for point in points:
        context.hold(POINT, point)
        end_exceptions(context, point)
    names = ("scope", "channel", "received_at", "effective_at", "status")
    values = {name: said[name] for name in names} | {"via": VIA, "grounds": text_of(context, said, "grounds")}
    values |= {"data_subject": known(context, said["person"]), "purpose": purpose_known(context, said["purpose"])}
    create(
        context, _OBJECTION, {**values, "contact_point": points[0] if len(said["points"]) == len(points) == 1 else None}
    )


def decide_again(context: Writing, said: Mapping[str, Any]) -> None:
    """With the assessment, as far as somebody can still read it."""
    stored = context.read(_OBJECTION, said["objection"]) or _written_again(context, said)
    if stored is not None:
        text = text_of(context, said, "assessment")
        change(context, _OBJECTION, stored["id"], {"status": said["status"]} | ({"assessment": text} if text else {}))


def _written_again(context: Writing, said: Mapping[str, Any]) -> Record | None:
    subject = known(context, said["person"])
    where = {"data_subject": {"id": {"eq": subject}}, "effective_at": {"eq": said["effective_at"]}}
    found = context.find(_OBJECTION, where, 1) if subject else []
    return found[0] if found else None


def _alike(context: Writing, entry: Mapping[str, Any]) -> list[Record]:
    where = {name: {"eq": entry[name]} for name in ("digest", "reason")} | {"status": {"eq": "active"}}
    found = context.find(SUPPRESSION, where, 1_000)
    return [each for each in found if all(each[name] == entry[name] for name in ("channel", "purpose"))]
