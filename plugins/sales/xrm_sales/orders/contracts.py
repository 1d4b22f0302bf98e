"""Contracts: begun by themselves or out of a quote, renewed unless somebody gives notice, of which one is reminded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, Record, RecordChange, Refuse, Schedule
from xrm_sales.acting import action
from xrm_sales.moments import now, today
from xrm_sales.orders import recurring, terms
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import Writing, change, create

JOB = "sales.look_after_contracts"
TERM = ("starts_on", "ends_on", "term_months", "notice_months", "status")
_PAGE = 100
_SUBJECTS = {"de": "Vertrag kündbar bis {day}: {name}", "en": "Notice until {day}: {name}"}


@dataclass
class ContractInput:
    """What a quote does not say of the contract."""

    starts_on: date
    term_months: int | None = None
    renewal_months: int | None = None
    notice_months: int = 3


@dataclass
class TerminateInput:
    """When notice was given; today, if nothing is said."""

    on: date | None = None
    note: str | None = None


def from_quote(context: ActionContext, quote: Record, given: ContractInput) -> None:
    """A contract, active from the beginning, for what recurs of the quote; if nothing does, for its total in a year.

    Raises:
        Refuse: the quote is not accepted, or has its contract.
    """
    require(quote, "accepted")
    if recurring.known(context, quote):
        raise Refuse({"en": "The quote has its contract.", "de": "Zum Angebot gibt es den Vertrag."})
    term = {
        "starts_on": given.starts_on.isoformat(),
        "term_months": given.term_months,
        "renews": given.renewal_months is not None,
        "renewal_months": given.renewal_months,
        "notice_months": given.notice_months,
    }
    found = recurring.worth(context, quote) or recurring.Worth("year", quote["net_total"])
    recurring.make(context, quote, found, term)


def reckon(change: RecordChange) -> Mapping[str, Any]:
    """The end of the term, and until when notice can be given.

    Raises:
        Refuse: it is active without a beginning, renews without a renewal term, or ends beyond the year 9999.
    """
    contract = change.after
    if contract["status"] == "active" and not contract.get("starts_on"):
        raise Refuse({"en": "When does it begin?", "de": "Wann beginnt er?"}, field="starts_on")
    if contract.get("renews") and not contract.get("renewal_months"):
        raise Refuse(
            {"en": "By how long does it renew?", "de": "Um wie lange verlängert er sich?"}, field="renewal_months"
        )
    try:
        return _dates(change, contract)
    except (ValueError, OverflowError):  # beyond the calendar
        text = {"en": "The term leaves the calendar.", "de": "Die Laufzeit verlässt den Kalender."}
        raise Refuse(text, field="ends_on" if contract.get("ends_on") else "starts_on") from None


def _dates(change: RecordChange, contract: Mapping[str, Any]) -> Mapping[str, Any]:
    """What follows from the beginning and the terms."""
    found: dict[str, Any] = {}
    ends_on = contract.get("ends_on")
    begun = {"starts_on", "term_months"} & change.changes.keys() and not change.changes.get("ends_on")
    if begun and contract.get("starts_on") and contract.get("term_months"):
        ends_on = terms.last_day(date.fromisoformat(contract["starts_on"]), contract["term_months"]).isoformat()
        found["ends_on"] = ends_on
    notice = terms.notice_by(date.fromisoformat(ends_on), contract["notice_months"]) if ends_on else None
    found["notice_by"] = notice.isoformat() if notice else None
    return found


def terminate(context: ActionContext, contract: Record, given: TerminateInput) -> None:
    """Notice is given: it ends with its term, or, if it is too late for that, with the next one.

    Raises:
        Refuse: it is not active.
    """
    if contract["status"] != "active":
        raise Refuse({"en": "It is not active.", "de": "Er ist nicht aktiv."}, field="status")
    on = given.on or date.fromisoformat(today())
    values: dict[str, Any] = {"status": "terminated", "terminated_on": on.isoformat(), "termination_note": given.note}
    if contract["ends_on"]:
        ends_on = date.fromisoformat(contract["ends_on"])
        while contract["renews"] and on > terms.notice_by(ends_on, contract["notice_months"]):
            ends_on = terms.renewed(ends_on, contract["renewal_months"])
        values["ends_on"] = ends_on.isoformat()
    else:  # without a term it ends when the time of notice is over
        values["ends_on"] = terms.months_later(on, contract["notice_months"]).isoformat()
    change(context, "contract", contract["id"], values)


def look_after(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Renew what renews, end what ends, remind of what can be ended; answers how many of each."""
    day = today()
    over = {"ends_on": {"lt": day}}
    return {
        "renewed": _each(job, {**over, "status": {"eq": "active"}, "renews": {"eq": True}}, _renew),
        "ended": _each(job, {**over, "or": [{"status": {"eq": "terminated"}}, {"status": {"eq": "active"}}]}, _end),
        "reminded": _remind_all(job, day),
    }


def jobs() -> list[JobHandler]:
    """The one that looks after them."""
    return [JobHandler(JOB, look_after)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(JOB, JOB, "20 0 * * *")]


def actions() -> list[Action]:
    """``contractQuote`` and ``terminateContract``."""
    made, ended = "Einen Vertrag daraus machen.", "Er ist gekündigt."
    return [
        action(
            "contract", from_quote, "quote", needs="read", takes=ContractInput, en="Make a contract of it.", de=made
        ),
        action("terminate", terminate, "contract", takes=TerminateInput, en="Notice is given.", de=ended),
    ]


def _each(job: JobContext, where: Mapping[str, Any], act: Any) -> int:
    done = 0
    while True:
        with job.transaction() as connection:
            context = job.within(connection)
            found = context.find("contract", where, _PAGE)
            for contract in found:
                act(context, contract)
        done += len(found)
        if len(found) < _PAGE:
            return done


def _renew(context: Writing, contract: Record) -> None:
    ends_on, day = date.fromisoformat(contract["ends_on"]), date.fromisoformat(today())
    while ends_on < day:
        ends_on = terms.renewed(ends_on, contract["renewal_months"])
    change(context, "contract", contract["id"], {"ends_on": ends_on.isoformat()})


def _end(context: Writing, contract: Record) -> None:
    change(context, "contract", contract["id"], {"status": "ended"})


def _remind_all(job: JobContext, day: str) -> int:
    """Of each last day of notice once, as many days before as the contract says."""
    done, latest = 0, (date.fromisoformat(day) + timedelta(days=365)).isoformat()
    where = {"status": {"eq": "active"}, "notice_by": {"gte": day, "lte": latest}}
    with job.read() as connection:
        found = job.query_as_system(connection, _DUE, {"from": day, "to": latest})["contracts"]["nodes"]
    for each in found:
        due = date.fromisoformat(each["noticeBy"]) - timedelta(days=each["remindDays"])
        if each["remindedFor"] == each["noticeBy"] or due.isoformat() > day:
            continue
        with job.transaction() as connection:
            context = job.within(connection)
            for contract in context.find("contract", {"id": {"eq": each["id"]}, **where}, 1):
                _remind(context, contract)
                done += 1
    return done


_DUE = """
query ($from: Date!, $to: Date!) {
  contracts(where: {status: {eq: active}, noticeBy: {gte: $from, lte: $to}}, orderBy: [{noticeBy: ASC}], first: 1000) {
    nodes { id noticeBy remindDays remindedFor }
  }
}"""


def _remind(context: Writing, contract: Record) -> None:
    owner = context.read("user", contract["owner"]) if contract["owner"] else None
    words = _SUBJECTS["de" if owner and owner.get("language") == "de" else "en"]
    task = {
        "kind": "task",
        "subject": words.format(day=contract["notice_by"], name=contract["subject"])[:250],
        "regarding": {"customer": contract["customer"]},
        "due_at": now(),
        "owner": contract["owner"],
    }
    create(context, "activity", task)
    change(context, "contract", contract["id"], {"reminded_for": contract["notice_by"]})
