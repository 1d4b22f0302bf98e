"""What has a day by which something is to be done, and the mails that remind of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from xrm_core.api import (
    JobContext,
    JobHandler,
    Message,
    MessageContent,
    MessageContext,
    MessageKind,
    QueryContext,
    QueryField,
    Schedule,
    send_message,
)
from xrm_dsgvo.due.criteria import Found
from xrm_dsgvo.due.impact import decided, standing
from xrm_dsgvo.processors.connectors import today

REMIND, REMINDER = "dsgvo.remind", "dsgvo.reminder"
AHEAD = timedelta(days=30)
"""So long before a day one is reminded of it; and after that of an assessment that has expired."""

LAST_HOURS = timedelta(hours=24)
"""So long before its last moment one is reminded of a breach once more."""

LAST_DAYS = timedelta(days=7)
"""So long before its last day one is reminded of a request once more."""

QUERY = """
query ($day: Date!, $since: Date!, $until: Date!, $today: DateTime!) {
  dataBreaches(first: 200, where: {status: {in: [aware, assessed, notified_partial]}}, orderBy: [{dueAt: ASC}]) {
    nodes { id dueAt notifiedAt }
  }
  untold: dataBreaches(
    first: 200
    where: {
      risk: {eq: high}
      status: {in: [assessed, notified_partial, notified]}
      informedAt: {isNull: true}
      exception: {isNull: true}
    }
    orderBy: [{noticedAt: ASC}]
  ) { nodes { id noticedAt } }
  unsettled: processingContracts(first: 200, where: {status: {eq: terminated}}) { nodes { id updatedAt } }
  processingContracts(first: 200, where: {status: {eq: active}, validUntil: {lte: $until}}) {
    nodes { id validUntil }
  }
  dataTransfers(first: 200, where: {status: {eq: active}, validUntil: {lte: $until}}) { nodes { id validUntil } }
  technicalMeasures(first: 200, where: {testAgainOn: {lte: $until}}) { nodes { id testAgainOn } }
  assessments(first: 200, where: {status: {eq: approved}, reviewOn: {lte: $until}}) { nodes { id reviewOn } }
  expired: assessments(first: 200, where: {status: {eq: expired}, reviewOn: {gte: $since, lte: $day}}) {
    nodes { id reviewOn }
  }
  failed: technicalMeasures(first: 200, where: {testResult: {eq: failed}}) { nodes { id testedOn updatedAt } }
  automatedDecisions(first: 200, where: {status: {eq: contested}}, orderBy: [{due: ASC}]) { nodes { id due } }
  unconsulted: assessments(
    first: 200, where: {status: {eq: approved}, outcome: {eq: consult_authority}, consultedOn: {isNull: true}}
  ) { nodes { id approvedAt } }
  restrictions(first: 200, where: {status: {in: [active, lift_announced]}, reviewOn: {lte: $until}}) {
    nodes { id reviewOn }
  }
  erasureRuns(first: 200, where: {status: {in: [running, failed]}, ranAt: {lt: $today}}) { nodes { id ranAt } }
  retentionSuspensions(first: 200, where: {status: {eq: active}, reviewOn: {lte: $until}}) { nodes { id reviewOn } }
  retentionRuns(first: 1, where: {status: {eq: complete}}, orderBy: [{id: DESC}]) { nodes { id day report } }
  legalHolds(first: 200, where: {status: {eq: active}, reviewOn: {lte: $until}}) { nodes { id reviewOn } }
  consents(first: 200, where: {
    status: {eq: given}, guardianConsent: {isNull: false}, dataSubject: {minorUntil: {lte: $until}}}) {
    nodes { id dataSubject { minorUntil } }
  }
  kept: consents(first: 1, where: {status: {eq: given}, keptUntil: {gte: $day, lte: $until}},
    orderBy: [{keptUntil: ASC}]) { nodes { id keptUntil } }
  noticeDuties(first: 1, where: {status: {eq: open}, dueOn: {lte: $until}}, orderBy: [{dueOn: ASC}]) {
    nodes { id dueOn }
  }
  recipientNotices(first: 1, where: {status: {eq: due}, request: {isNull: true}}, orderBy: [{id: ASC}]) {
    nodes { id createdAt }
  }
  dataSubjectRequests(first: 200, where: {status: {in: [received, identity_check, in_work, decided]}},
    orderBy: [{due: ASC}]) { nodes { id due } }
}"""
_DAYS = {
    "processingContracts": ("processing_contract", "validUntil", "contract_ends"),
    "dataTransfers": ("data_transfer", "validUntil", "transfer_ends"),
    "technicalMeasures": ("technical_measure", "testAgainOn", "measure_test"),
    "assessments": ("assessment", "reviewOn", "assessment_review"),
    "erasureRuns": ("erasure_run", "ranAt", "erasure"),
    "legalHolds": ("legal_hold", "reviewOn", "hold_review"),
    "retentionSuspensions": ("retention_suspension", "reviewOn", "suspension_review"),
    "restrictions": ("restriction", "reviewOn", "restriction_review"),
    "automatedDecisions": ("automated_decision", "due", "decision_review"),
    "noticeDuties": ("notice_duty", "dueOn", "notice"),
    "dataSubjectRequests": ("data_subject_request", "due", "request"),
}
WORDS: Mapping[str, tuple[str, str]] = {
    "breach_persons": ("Datenpanne: Benachrichtigung der Betroffenen", "Breach: informing the persons"),
    "breach_more": ("Datenpanne: weitere Angaben an die Aufsichtsbehörde", "Breach: more for the authority"),
    "settlement": (
        "Vertrag beendet: Löschung oder Rückgabe der Daten",
        "Contract ended: data to be deleted or returned",
    ),
    "breach": ("Datenpanne: Meldung an die Aufsichtsbehörde", "Breach: notification of the authority"),
    "contract_ends": ("Vertrag zur Verarbeitung endet", "Contract on processing ends"),
    "transfer_ends": ("Grundlage einer Übermittlung endet", "Basis of a transfer ends"),
    "measure_failed": ("Maßnahme war bei der Prüfung nicht wirksam", "Measure has failed its test"),
    "measure_test": ("Maßnahme ist wieder zu prüfen", "Measure is to be tested again"),
    "request": ("Anfrage einer betroffenen Person: Antwort", "Request of a data subject: answer"),
    "erasure": ("Löschung ist begonnen und nicht beendet", "Erasure has begun and is not done"),
    "hold_review": ("Löschsperre ist zu prüfen", "Legal hold is to be reviewed"),
    "suspension_review": ("Ablaufhemmung ist zu prüfen", "Suspension of periods is to be reviewed"),
    "retention_defects": (
        "Löschkonzept: Bei Datensätzen fehlt der Beginn der Frist",
        "Retention: records without a start of their period",
    ),
    "retention_overdue": (
        "Löschkonzept: Datensätze sind seit über 30 Tagen zu löschen",
        "Retention: records are to be deleted for more than 30 days",
    ),
    "restriction_review": ("Einschränkung ist zu prüfen", "Restriction is to be reviewed"),
    "decision_review": (
        "Automatisierte Entscheidung: Prüfung durch einen Menschen",
        "Automated decision: human review",
    ),
    "impact_changed": ("Folgenabschätzung: es ist etwas hinzugekommen", "Impact assessment: something has come since"),
    "consultation": ("Folgenabschätzung: Behörde zu konsultieren", "Impact assessment: authority to be consulted"),
    "notice": ("Person ist zu informieren (Art. 14)", "A person is to be told (Article 14)"),
    "kept_consent": (
        "Alte Einwilligungen gelten nicht länger weiter",
        "Old consents that were kept are too old again",
    ),
    "recipients": ("Empfänger sind zu unterrichten (Art. 19)", "Recipients are to be told (Article 19)"),
    "own_consent": ("Wird 16: um eigene Einwilligung bitten", "Turns 16: ask for a consent of their own"),
    "assessment_review": ("Abwägung ist wieder zu prüfen", "Assessment is to be reviewed"),
}
Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


@dataclass
class Due:
    """Something to be done: about which record, what, until when."""

    entity: str
    record: str
    what: str
    due: str
    overdue: bool


def due_of(ask: Ask, day: str, now: datetime, found: Sequence[Found] = ()) -> list[Due]:
    """All of it, the most urgent first.

    Args:
        ask: answers documents.
        day: today, where the controller is.
        now: the moment.
        found: what speaks for impact assessments.
    """
    until = (date.fromisoformat(day) + AHEAD).isoformat()
    since = (date.fromisoformat(day) - AHEAD).isoformat()
    return sorted(
        [
            *_found(ask(QUERY, {"day": day, "since": since, "until": until, "today": f"{day}T00:00:00Z"}), day, now),
            *_impact(ask, day, found),
        ],
        key=lambda each: (each.due[:10], each.what),
    )


def due(context: QueryContext) -> list[Due]:
    """``dsgvoDue``."""
    found = standing(context.model, context.query_as_system, context.settings)
    return due_of(context.query_as_system, today(context.settings), datetime.now(UTC), found)


def remind(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mails to whoever looks after data protection: one for each thing; of a breach one more on its last day, of a
    request in its last week.
    """
    if not job.settings.officer_email:
        return {"reminders": 0}
    now = datetime.now(UTC)
    with job.transaction() as connection:
        context: Any = job.within(connection)
        speaks = standing(job.records.model, context.query_as_system, job.settings)
        found = due_of(context.query_as_system, today(job.settings), now, speaks)
        for each in found:
            key = f"{each.what} {each.record} {each.due} {_stage(each, now)}"
            if each.entity == "retention_run":  # each night has one; of what it has found one mail a week
                key = f"{each.what} {now:%G-W%V}"
            payload = {"what": each.what, "due": each.due}
            send_message(context, Message(REMINDER, (each.entity, each.record), key=key, payload=payload))
    return {"reminders": len(found)}


def kinds() -> list[MessageKind]:
    """The reminder; it is for colleagues, and has no personal data in it."""
    return [MessageKind(REMINDER, lambda context: context.settings.officer_email or None, _compose, "internal")]


def jobs() -> list[JobHandler]:
    """The one that reminds."""
    return [JobHandler(REMIND, remind)]


def schedules() -> list[Schedule]:
    """Each hour: three days are short."""
    return [Schedule(REMIND, REMIND, "7 * * * *")]


def query_fields() -> list[QueryField]:
    """``dsgvoDue``."""
    about = {"en": "What is due in data protection.", "de": "Was im Datenschutz ansteht."}
    return [QueryField("dsgvo.due", due, answers=list[Due], cost=500, seconds=20, description=about)]


def _found(answer: Mapping[str, Any], day: str, now: datetime) -> Iterator[Due]:
    for each in answer["dataBreaches"]["nodes"]:
        if each["notifiedAt"]:  # in time or not: the rest has no day, only to be without delay
            yield Due("data_breach", each["id"], "breach_more", each["notifiedAt"], overdue=False)
        else:
            yield Due("data_breach", each["id"], "breach", each["dueAt"], _moment(each["dueAt"]) < now)
    for each in answer["untold"]["nodes"]:
        yield Due("data_breach", each["id"], "breach_persons", each["noticedAt"], overdue=False)
    for each in answer["unsettled"]["nodes"]:
        yield Due("processing_contract", each["id"], "settlement", each["updatedAt"], overdue=False)
    for each in answer["failed"]["nodes"]:
        yield Due(
            "technical_measure", each["id"], "measure_failed", each["testedOn"] or each["updatedAt"], overdue=False
        )
    for each in answer["unconsulted"]["nodes"]:
        yield Due("assessment", each["id"], "consultation", each["approvedAt"], overdue=False)
    for each in answer["consents"]["nodes"]:
        day_of = each["dataSubject"]["minorUntil"]
        yield Due("consent", each["id"], "own_consent", day_of, day_of < day)
    for each in answer["expired"]["nodes"]:  # what needed it is denied since
        yield Due("assessment", each["id"], "assessment_review", each["reviewOn"], overdue=True)
    for each in answer["kept"]["nodes"]:
        yield Due("consent", each["id"], "kept_consent", each["keptUntil"], overdue=False)
    for each in answer["recipientNotices"]["nodes"]:  # those of a request are part of it, and due with it
        yield Due("recipient_notice", each["id"], "recipients", each["createdAt"], overdue=False)
    for name, (entity, field, what) in _DAYS.items():
        for each in answer[name]["nodes"]:
            yield Due(entity, each["id"], what, each[field], each[field] < day)
    for each in answer["retentionRuns"]["nodes"]:
        report = each["report"] or {}
        if report.get("defects"):
            yield Due("retention_run", each["id"], "retention_defects", each["day"], overdue=True)
        if any(counts.get("overdue") for counts in report.get("stays", {}).values()):
            yield Due("retention_run", each["id"], "retention_overdue", each["day"], overdue=True)


def _impact(ask: Ask, day: str, found: Sequence[Found]) -> Iterator[Due]:
    """Assessments that something has come to since they were approved, from that day on."""
    for _, assessment, changed in decided(found, ask, day):
        if assessment is not None and changed:
            yield Due("assessment", assessment["id"], "impact_changed", assessment["approvedAt"], overdue=False)


def _stage(each: Due, now: datetime) -> str:
    if each.overdue:
        return "overdue"
    if each.what == "request":
        return "last" if date.fromisoformat(each.due[:10]) - now.date() <= LAST_DAYS else "ahead"
    return "last" if each.what == "breach" and _moment(each.due) - now <= LAST_HOURS else "ahead"


def _compose(context: MessageContext) -> MessageContent:
    what, until = str(context.message.payload["what"]), str(context.message.payload["due"])
    german, english = WORDS[what]
    day = until[:16].replace("T", " ") + (" UTC" if "T" in until else "")
    entity, record = context.message.about
    return MessageContent(f"{german} – {day}", f"{german} / {english}\n\nFrist / due: {day}\n{entity} {record}\n")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
