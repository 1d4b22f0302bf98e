"""What is done about a breach: one step after the other, each of them kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from xrm_core.api import Action, ActionContext, On, Record, Refuse
from xrm_dsgvo.breach.inputs import (
    BreachAssessInput,
    BreachCloseInput,
    BreachConfirmInput,
    BreachInformInput,
    BreachNotifyInput,
    BreachOpenInput,
    BreachPersonsInput,
    BreachStanding,
)
from xrm_dsgvo.breach.states import after_assessment, after_notification, due_at, is_notifiable, may, may_close
from xrm_dsgvo.own import change, create, kept, upsert

BREACH, PERSON, NOTIFICATION = "data_breach", "breach_subject", "breach_notification"
_MOST_AT_ONCE = 1_000


def open_(context: ActionContext, given: BreachOpenInput) -> BreachStanding:
    """Keep a breach, notifiable or not: all of them are (Article 33(5))."""
    _past(given.noticed_at, "noticed_at")
    if given.processor_noticed_at is not None:
        _past(given.processor_noticed_at, "processor_noticed_at")
    due = None if given.suspected else due_at(given.noticed_at, context.settings.breach_hours)
    values = {
        "summary": _said(given.summary, "summary"),
        "noticed_at": _text(given.noticed_at),
        "due_at": _text(due),
        "status": "suspected" if given.suspected else "aware",
        "processor": given.processor,
        "processor_noticed_at": _text(given.processor_noticed_at),
        "on_behalf_of": (given.on_behalf_of or "").strip()[:200] or None,
        **{name: getattr(given, name) for name in ("confidentiality", "integrity", "availability")},
    }
    id_ = create(context, BREACH, values)
    return BreachStanding(id_, values["status"], due)


def confirm(context: ActionContext, given: BreachConfirmInput) -> BreachStanding:
    """It was no mere suspicion: from now on the clock runs."""
    breach = _held(context, given.breach, "confirm")
    _past(given.noticed_at, "noticed_at")
    due = _text(due_at(given.noticed_at, context.settings.breach_hours))
    return _moved(context, breach, {"status": "aware", "noticed_at": _text(given.noticed_at), "due_at": due})


def assess(context: ActionContext, given: BreachAssessInput) -> BreachStanding:
    """What it means for the persons; below the threshold nobody is told, with reasons."""
    breach = _held(context, given.breach, "assess")
    known = context.settings.all_registers().categories
    if unknown := [key for key in given.categories if key not in known]:
        text = {"en": f"There is no category {unknown[0]}.", "de": f"Die Kategorie {unknown[0]} gibt es nicht."}
        raise Refuse(text, field="categories")
    notifiable = is_notifiable(given.risk.value, context.settings.breach_threshold)
    values: dict[str, Any] = {
        "risk": given.risk.value,
        "risk_reasons": _said(given.reasons, "reasons"),
        "status": after_assessment(breach["status"], notifiable=notifiable),
        "exception": None,
    }
    values |= {"categories": {"keys": given.categories}} if given.categories else {}
    more = {name: getattr(given, name) for name in ("persons", "records", "consequences", "measures")}
    return _moved(context, breach, values | {name: value for name, value in more.items() if value is not None})


def notify(context: ActionContext, given: BreachNotifyInput) -> BreachStanding:
    """The authority was told."""
    breach = _held(context, given.breach, "notify")
    _past(given.notified_at, "notified_at")
    late = breach["due_at"] is not None and _moment(breach["due_at"]) < given.notified_at.astimezone(UTC)
    first = breach["notified_at"] is None
    if late and first and not (given.delay_reasons or "").strip():
        text = {
            "en": "It is late: give the reasons for the delay (Article 33(1)).",
            "de": "Die Frist ist vorbei: Die Gründe der Verspätung angeben (Art. 33 Abs. 1).",
        }
        raise Refuse(text, field="delay_reasons")
    values: dict[str, Any] = {"authority": _said(given.authority, "authority")[:200]}
    told, exempt = breach["informed_at"] is not None, breach["exception"] is not None
    values["status"] = after_notification(breach["status"], partial=given.partial, persons_told=told, exempt=exempt)
    values |= {"notified_at": _text(given.notified_at)} if first else {}
    values |= {"authority_reference": given.reference[:100]} if given.reference else {}
    values |= {"delay_reasons": given.delay_reasons} if given.delay_reasons else {}
    to = "controller" if breach["on_behalf_of"] else "authority"
    _keep(context, breach, to, given.notified_at, given.content, partial=given.partial, reference=given.reference)
    return _moved(context, breach, values)


def inform(context: ActionContext, given: BreachInformInput) -> BreachStanding:
    """The persons were told, or need not be. They may be told before the authority has it all: what is high does not
    wait.
    """
    breach = _held(context, given.breach, "inform")
    waits = breach["status"] in ("assessed", "notified_partial")
    if given.exception is not None and given.informed_at is None:
        values = {"exception": given.exception.value, "status": breach["status"] if waits else "exempt"}
        values["risk_reasons"] = f"{breach['risk_reasons']}\n{_said(given.reasons or '', 'reasons')}"[:4000]
        return _moved(context, breach, values)
    if given.informed_at is None or given.exception is not None:
        text = {
            "en": "Say when they were told, or why they need not be.",
            "de": "Angeben, wann sie benachrichtigt wurden, oder warum das entfällt.",
        }
        raise Refuse(text, field="informed_at")
    _past(given.informed_at, "informed_at")
    told = _text(given.informed_at)
    where = {"data_breach": {"id": {"eq": breach["id"]}}, "informed_at": {"isNull": True}}
    while found := context.find(PERSON, where, _MOST_AT_ONCE):
        for each in found:
            change(context, PERSON, each["id"], {"informed_at": told})
    _keep(context, breach, "persons", given.informed_at, given.content)
    status = breach["status"] if waits else "persons_informed"
    return _moved(context, breach, {"informed_at": told, "exception": None, "status": status})


def close(context: ActionContext, given: BreachCloseInput) -> BreachStanding:
    """All is done. A suspicion that has not come true ends here, too, with the reasons (Article 33(5))."""
    breach = _held(context, given.breach, None)
    because = given.because or ""
    if breach["status"] == "suspected" and not because.strip():
        text = {"en": "Say why it was none.", "de": "Angeben, warum es keine war."}
        raise Refuse(text, field="because")
    if not may_close(breach["status"], breach["risk"]):
        text = {
            "en": "Something is still to be done: assess it, tell the authority, and the persons if the risk is high.",
            "de": "Etwas fehlt noch: Bewertung, Meldung, bei hohem Risiko die Benachrichtigung der Betroffenen.",
        }
        raise Refuse(text, field="breach")
    return _moved(context, breach, {"status": "closed", "closed_because": because.strip()[:4000] or None})


def name_persons(context: ActionContext, given: BreachPersonsInput) -> BreachStanding:
    """Keep whose data it is about."""
    breach = _held(context, given.breach, None)
    if len(given.data_subjects) > _MOST_AT_ONCE:
        text = {"en": f"At most {_MOST_AT_ONCE} at once.", "de": f"Höchstens {_MOST_AT_ONCE} auf einmal."}
        raise Refuse(text, field="data_subjects")
    for each in given.data_subjects:
        if context.read("data_subject", each) is None:
            text = {"en": "There is no such person.", "de": "Diese Person gibt es nicht."}
            raise Refuse(text, field="data_subjects")
        upsert(context, PERSON, ("data_breach", "data_subject"), {"data_breach": breach["id"], "data_subject": each})
    return BreachStanding(breach["id"], breach["status"], _maybe(breach["due_at"]))


def actions() -> list[Action]:
    """``dsgvoBreachOpen`` and all that follows."""
    made: list[tuple[str, Any, type, str, str]] = [
        ("open", open_, BreachOpenInput, "Keep a breach.", "Eine Datenpanne aufnehmen."),
        ("confirm", confirm, BreachConfirmInput, "A suspicion has come true.", "Ein Verdacht hat sich bestätigt."),
        ("assess", assess, BreachAssessInput, "Assess the risk.", "Das Risiko bewerten."),
        ("notify", notify, BreachNotifyInput, "The authority was told.", "Der Behörde ist gemeldet."),
        ("inform", inform, BreachInformInput, "The persons were told.", "Die Betroffenen sind benachrichtigt."),
        ("persons", name_persons, BreachPersonsInput, "Whose data it is about.", "Um wessen Daten es geht."),
        ("close", close, BreachCloseInput, "All is done.", "Alles ist erledigt."),
    ]
    return [
        Action(f"dsgvo.breach_{name}", run, input=given, answers=BreachStanding, description={"en": en, "de": de})
        for name, run, given, en, de in made
    ]


def hooks() -> list[On]:
    """Nobody but the plugin writes them: the register is a proof."""
    text = {
        "en": "Breaches are kept by actions (dsgvoBreachOpen and its like), and stay.",
        "de": "Datenpannen führen Aktionen (dsgvoBreachOpen und ihre Verwandten), und sie bleiben.",
    }
    return [kept(name, text) for name in (BREACH, PERSON, NOTIFICATION)]


def _held(context: ActionContext, id_: str, step: str | None) -> Record:
    context.hold(BREACH, id_)
    breach = context.read(BREACH, id_)
    if breach is None:
        raise Refuse({"en": "There is no such breach.", "de": "Diese Datenpanne gibt es nicht."}, field="breach")
    if breach["status"] == "closed" or (step is not None and not may(step, breach["status"])):
        text = {
            "en": f"That is not done with a breach that is {breach['status']}.",
            "de": f"Das geht nicht mit einer Datenpanne im Zustand «{breach['status']}».",
        }
        raise Refuse(text, field="breach")
    return breach


def _keep(
    context: ActionContext,
    breach: Record,
    to: str,
    at: datetime,
    content: str | None,
    *,
    partial: bool = False,
    reference: str | None = None,
) -> None:
    """Keep what was told, each phase of it."""
    said = (content or "").strip()[:20_000] or None
    values = {"recipient": to, "told_at": _text(at), "partial": partial, "content": said}
    create(context, NOTIFICATION, {"data_breach": breach["id"], "reference": (reference or "")[:100] or None, **values})


def _moved(context: ActionContext, breach: Record, values: Mapping[str, Any]) -> BreachStanding:
    change(context, BREACH, breach["id"], values)
    due = values.get("due_at", breach["due_at"])
    return BreachStanding(breach["id"], str(values.get("status", breach["status"])), _maybe(due))


def _past(at: datetime, name: str) -> None:
    if at.astimezone(UTC) > datetime.now(UTC):
        raise Refuse({"en": "That is in the future.", "de": "Das liegt in der Zukunft."}, field=name)


def _said(text: str, name: str) -> str:
    if not text.strip():
        raise Refuse({"en": "Say something.", "de": "Etwas angeben."}, field=name)
    return text.strip()[:4000]


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)
