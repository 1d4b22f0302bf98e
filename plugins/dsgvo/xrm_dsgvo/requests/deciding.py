"""What is decided of a request, with reasons, and that the person was told: ``dsgvoRequestDecide`` and ``Answer``."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_dsgvo.disclosure.notices import are_due
from xrm_dsgvo.disclosure.owed import joined, open_notices
from xrm_dsgvo.own import now
from xrm_dsgvo.requests.cases import RequestStanding, actor_of, held, moved, said
from xrm_dsgvo.requests.countering import has_stated
from xrm_dsgvo.requests.identity import graph_of
from xrm_dsgvo.requests.states import NEEDS_NOBODY, fits
from xrm_dsgvo.restriction.standing import is_restricted, standing_restrictions


class Outcome(Enum):
    """What is decided."""

    granted = "granted"
    partial = "partial"
    refused = "refused"


class RefusalGround(Enum):
    """Why it is refused, in whole or in part."""

    not_identified = "not_identified"
    unfounded = "unfounded"
    excessive = "excessive"
    rights_of_others = "rights_of_others"
    conditions = "conditions"
    law = "law"
    deceased = "deceased"


@dataclass
class RequestDecideInput:
    """The decision. Whoever refuses something says by which ground and why; of a request for erasure, by which run of
    erasure it is done, of an objection, as which one it was recorded.
    """

    request: str
    decision: Outcome
    ground: RefusalGround | None = None
    reasons: str | None = None
    erasure_run: str | None = None
    objection: str | None = None


@dataclass
class RequestAnswerInput:
    """The person was told, in this way, today."""

    request: str
    via: str


def decide(context: ActionContext, given: RequestDecideInput) -> RequestStanding:
    """Keep what is decided.

    Raises:
        Refuse: it is not known who has asked, nothing is said of why, or the ground or the erasure does not fit.
    """
    refuses = given.decision is Outcome.refused
    request = held(context, given.request, "refuse" if refuses else "decide")
    ground = None if given.ground is None else given.ground.value
    if given.decision is Outcome.granted:
        if ground is not None:
            text = {
                "en": "What is granted has no ground of refusal.",
                "de": "Was gewährt wird, hat keinen Ablehnungsgrund.",
            }
            raise Refuse(text, field="ground")
    elif ground is None or not fits(ground, request["kind"]):
        text = {
            "en": "Name a ground on which such a request is refused.",
            "de": "Einen Grund nennen, aus dem so eine Anfrage abgelehnt wird.",
        }
        raise Refuse(text, field="ground")
    if refuses and request["status"] in ("received", "identity_check") and ground not in NEEDS_NOBODY:
        text = {"en": "First find out who has asked.", "de": "Erst klären, wer gefragt hat."}
        raise Refuse(text, field="request")
    decided: dict[str, Any] = {
        "status": "decided",
        "decision": given.decision.value,
        "refusal_code": ground,
        "decision_reasons": said(given.reasons, "reasons") if ground else (given.reasons or "").strip() or None,
        "decided_at": now(),
        "decided_by": actor_of(context),
        "erasure_run": _run_of(context, request, given),
        "objection": _objection_of(context, request, given),
    }
    if not refuses and request["kind"] in ("erasure", "restriction") and request["data_subject"] is not None:
        _owe_notices(context, {**request, **decided})
    return moved(context, request, decided)


def answer(context: ActionContext, given: RequestAnswerInput) -> RequestStanding:
    """The person was told; it is over.

    Raises:
        Refuse: what was granted is not done.
    """
    request = held(context, given.request, "answer")
    via = said(given.via, "via")[:60]
    if request["decision"] != "refused":
        _require_done(context, request)
    status = "refused" if request["decision"] == "refused" else "answered"
    return moved(context, request, {"status": status, "answer_via": via, "closed_at": now()})


def actions() -> list[Action]:
    """The two."""
    decides = {"en": "Decide on a request.", "de": "Über eine Anfrage entscheiden."}
    answers = {"en": "The person was told.", "de": "Die Person hat Antwort."}
    return [
        Action("dsgvo.request_decide", decide, input=RequestDecideInput, answers=RequestStanding, description=decides),
        Action("dsgvo.request_answer", answer, input=RequestAnswerInput, answers=RequestStanding, description=answers),
    ]


def _owe_notices(context: ActionContext, request: Record) -> None:
    """Now, while the records are there: after an erasure nobody knows any more which they were. What was done before it
    was decided is what has been asked for.
    """
    mine = {"request": str(request["id"])}
    if request["kind"] == "restriction":
        for each in standing_restrictions(context, str(request["data_subject"])):
            joined(context, {"restriction": str(each["id"])}, mine)
    elif request["erasure_run"] is not None:
        joined(context, {"erasure_run": str(request["erasure_run"])}, mine)
    fields = {each.key: None for each in graph_of(context, request).hits}
    open_notices(context, str(request["kind"]), mine, fields)


def _run_of(context: ActionContext, request: Record, given: RequestDecideInput) -> str | None:
    """The run of erasure that is named, if it is one of this person."""
    if given.erasure_run is None:
        return None
    run = context.read("erasure_run", given.erasure_run) if request["kind"] == "erasure" else None
    mine = request["data_subject"] is not None and run is not None and _is_of(context, request, run)
    if not mine:
        text = {"en": "There is no such erasure of this person.", "de": "Diese Löschung gibt es für die Person nicht."}
        raise Refuse(text, field="erasureRun")
    return given.erasure_run


def _objection_of(context: ActionContext, request: Record, given: RequestDecideInput) -> str | None:
    """The objection that is named, if it is one of this person."""
    if given.objection is None:
        return None
    found = context.read("objection", given.objection) if request["kind"] == "objection" else None
    if found is None or request["data_subject"] is None or found["data_subject"] != request["data_subject"]:
        text = {"en": "There is no such objection of this person.", "de": "Diesen Widerspruch gibt es nicht."}
        raise Refuse(text, field="objection")
    return given.objection


def _is_of(context: ActionContext, request: Record, run: Record) -> bool:
    entity, id_, subject = run["entity_name"], run["record_id"], request["data_subject"]
    if (entity, id_) == ("data_subject", subject):
        return True
    where = {"entity_name": {"eq": entity}, "record_id": {"eq": id_}, "data_subject": {"id": {"eq": subject}}}
    return bool(context.find("data_subject_link", where, 1))


def _require_done(context: ActionContext, request: Record) -> None:
    """Raise Refuse: what was granted is not done."""
    if (lack := _lack(context, request)) is not None:
        raise Refuse(lack, field="request")
    if are_due(context, request["id"]):
        text = {
            "en": "Recipients are still to be told (Article 19): recipientNotices says which.",
            "de": "Empfänger sind noch zu unterrichten (Art. 19): recipientNotices sagt, welche.",
        }
        raise Refuse(text, field="request")


def _lack(context: ActionContext, request: Record) -> dict[str, str] | None:
    """What is missing of a right that was granted; None: nothing."""
    kind, manifest = request["kind"], request["manifest"]
    if request["heir"]:
        return None  # by hand
    if kind in ("access", "portability") and (manifest is None or manifest["open"]):
        return {
            "en": "The answer is not made, or texts in it are still to be reviewed.",
            "de": "Die Antwort ist nicht erstellt, oder Texte darin sind noch zu prüfen.",
        }
    if (
        kind == "rectification"
        and not (request["rectified"] or {}).get("fields")
        and not has_stated(context, request["id"])
    ):
        return {
            "en": "Nothing was rectified: do it by dsgvoRectify, or of an opinion by dsgvoCounterState.",
            "de": "Nichts ist berichtigt: mit dsgvoRectify berichtigen, bei Meinungen mit dsgvoCounterState.",
        }
    run = context.read("erasure_run", request["erasure_run"]) if request["erasure_run"] else None
    if kind == "erasure" and (run is None or not str(run["status"]).startswith("complete")):
        return {
            "en": "The erasure is not done: decide with its run, and carry that out.",
            "de": "Die Löschung ist nicht ausgeführt: Mit ihrem Lauf entscheiden, und ihn ausführen.",
        }
    subject = request["data_subject"]
    if kind == "restriction" and (subject is None or not is_restricted(context, str(subject))):
        return {
            "en": "The processing is not restricted: dsgvoRestrictionOpen does that.",
            "de": "Die Verarbeitung ist nicht eingeschränkt: dsgvoRestrictionOpen tut das.",
        }
    if kind == "objection" and not request["objection"]:
        return {
            "en": "The objection is not recorded: decide with one that dsgvoObjectionRecord has made.",
            "de": "Der Widerspruch ist nicht erfasst: mit einem entscheiden, den dsgvoObjectionRecord erfasst hat.",
        }
    return None
