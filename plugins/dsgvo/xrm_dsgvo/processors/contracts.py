"""Contracts on processing: somebody else puts them in force, and what they said then stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.api import Action, ActionContext, On, Record, RecordChange, Refuse
from xrm_dsgvo.own import change, is_own, now

CONTRACT, TRANSFER, PROCESSOR = "processing_contract", "data_transfer", "processor"

CLAUSES = frozenset("abcdefgh")
"""What Article 28(3) has a contract say."""

_MOVES = {
    "activate": (("draft", "suspended"), "active"),
    "suspend": (("active",), "suspended"),
    "terminate": (("active", "suspended"), "terminated"),
    "settle": (("terminated",), "settled"),
}
_MACHINE = ("status", "approved_by", "approved_at", "ended_because", "settlement")


@dataclass
class BecauseInput:
    """Why."""

    because: str


@dataclass
class SettleInput:
    """How it is known that the data were deleted or given back."""

    proof: str


@dataclass
class TransfersEndInput:
    """Transfers that rest on nothing any more: to a country, by an instrument; without a country: to all of them."""

    instrument: str
    because: str
    country: str | None = None


@dataclass
class TransfersEnded:
    """How many."""

    transfers: int


def activate(context: ActionContext, contract: Record) -> None:
    """Somebody else than its author has checked it, and it is in force.

    Raises:
        Refuse: something is missing in it, or the caller has written it.
    """
    _move(contract, "activate")
    if contract["kind"] == "processing":
        checklist = contract["checklist"] or {}
        missing = sorted(CLAUSES - {name for name, held in checklist.items() if held is True})
        if missing:
            letters = ", ".join(missing)
            text = {
                "en": f"The check of Article 28(3) lacks {letters}.",
                "de": f"In der Prüfung nach Art. 28 Abs. 3 fehlt {letters}.",
            }
            raise Refuse(text, field="checklist")
        if not contract["measures"]:
            text = {"en": "Name the annex with the measures.", "de": "Die Anlage mit den Maßnahmen nennen."}
            raise Refuse(text, field="measures")
    if contract["kind"] == "joint" and not (contract["essence"] or "").strip():
        text = {
            "en": "Say what is essential in the arrangement: persons are told (Article 26(2)).",
            "de": "Das Wesentliche der Vereinbarung angeben: Betroffene erfahren es (Art. 26 Abs. 2).",
        }
        raise Refuse(text, field="essence")
    actor = context.caller.actor
    if actor is None or actor in (contract["created_by"], contract["updated_by"]):
        text = {
            "en": "Somebody else than its author puts a contract in force.",
            "de": "Einen Vertrag setzt jemand anderes in Kraft als sein Verfasser.",
        }
        raise Refuse(text, field="approved_by")
    approved = {"status": "active", "approved_by": actor, "approved_at": now()}
    change(context, CONTRACT, contract["id"], approved)


def suspend(context: ActionContext, contract: Record, given: BecauseInput) -> None:
    """Nothing goes to them until it is in force again."""
    _move(contract, "suspend")
    change(context, CONTRACT, contract["id"], {"status": "suspended", "ended_because": _said(given.because)})


def terminate(context: ActionContext, contract: Record, given: BecauseInput) -> None:
    """It has ended."""
    _move(contract, "terminate")
    change(context, CONTRACT, contract["id"], {"status": "terminated", "ended_because": _said(given.because)})


def settle(context: ActionContext, contract: Record, given: SettleInput) -> None:
    """The processor has deleted the data, or given them back."""
    _move(contract, "settle")
    change(context, CONTRACT, contract["id"], {"status": "settled", "settlement": _said(given.proof, "proof")})


def end_transfers(context: ActionContext, given: TransfersEndInput) -> TransfersEnded:
    """An instrument has fallen: all that rests on it ends at once."""
    because = _said(given.because)
    where: dict[str, Any] = {"instrument": {"eq": given.instrument}, "status": {"eq": "active"}}
    if given.country:
        where["country"] = {"eq": given.country}
    done = 0
    while found := context.find(TRANSFER, where, 500):
        for each in found:
            change(context, TRANSFER, each["id"], {"status": "invalid", "ended_because": because})
        done += len(found)
    return TransfersEnded(done)


def actions() -> list[Action]:
    """``activateProcessingContract`` and its like, and ``dsgvoTransfersEnd``."""
    moves: list[tuple[str, Any, type | None, str, str]] = [
        ("activate", activate, None, "Put a contract in force.", "Einen Vertrag in Kraft setzen."),
        ("suspend", suspend, BecauseInput, "Suspend a contract.", "Einen Vertrag aussetzen."),
        ("terminate", terminate, BecauseInput, "A contract has ended.", "Ein Vertrag ist beendet."),
        ("settle", settle, SettleInput, "The data were deleted or returned.", "Die Daten sind gelöscht oder zurück."),
    ]
    about = {"en": "Transfers rest on nothing any more.", "de": "Übermittlungen haben keine Grundlage mehr."}
    ended = Action(
        "dsgvo.transfers_end", end_transfers, input=TransfersEndInput, answers=TransfersEnded, description=about
    )
    return [
        *(
            Action(f"dsgvo.{name}", run, CONTRACT, needs="read", input=given, description={"en": en, "de": de})
            for name, run, given, en, de in moves
        ),
        ended,
    ]


def hooks() -> list[On]:
    """A contract begins as a draft, is moved on by actions, and says what it said when it was put in force."""
    operations: Any = ("create", "update", "delete", "restore")
    return [
        On(CONTRACT, operations, before=_by_actions),
        On(PROCESSOR, "update", fields=("role", "country"), before=_as_contracted),
        On(TRANSFER, "update", fields=("processor", "country", "instrument"), before=_as_assessed),
    ]


def _by_actions(change_: RecordChange) -> Mapping[str, Any] | None:
    if is_own(change_):
        return None
    if change_.operation == "create":
        given = [name for name in _MACHINE if change_.changes.get(name) not in (None, "draft")]
        if given:
            raise _refused(given[0])
        return {"status": "draft"}
    if change_.before["status"] != "draft":
        text = {
            "en": "It was in force, and stays as it was: make a new one.",
            "de": "Er war in Kraft und bleibt, wie er war: Einen neuen anlegen.",
        }
        raise Refuse(text)
    for name in _MACHINE:
        if name in change_.changes and change_.changes[name] != change_.before.get(name):
            raise _refused(name)
    return None


def _as_contracted(change_: RecordChange) -> None:
    """With whom a contract was in force, of them neither role nor country is said otherwise: that would undo it."""
    contracts = change_.find(CONTRACT, {"processor": {"id": {"eq": change_.before["id"]}}}, 100)
    for name in ("role", "country"):
        changed = name in change_.changes and change_.changes[name] != change_.before[name]
        if changed and any(each["status"] != "draft" for each in contracts):
            text = {
                "en": "A contract was made with them as they are: keep another recipient.",
                "de": "Mit ihm, wie er ist, besteht ein Vertrag: Einen anderen Empfänger anlegen.",
            }
            raise Refuse(text, field=name)


def _as_assessed(change_: RecordChange) -> None:
    """What an assessment has looked at, and was approved for, is no other country, recipient or instrument later."""
    changed = [name for name, value in change_.changes.items() if value != change_.before.get(name)]
    names = [name for name in ("processor", "country", "instrument") if name in changed]
    of = {"transfer": {"id": {"eq": change_.before["id"]}}, "status": {"eq": "approved"}}
    if names and change_.find("assessment", of, 1):
        text = {
            "en": "An assessment of it was approved: end it, and keep another transfer.",
            "de": "Eine Prüfung davon ist freigegeben: Sie beenden und eine andere Übermittlung anlegen.",
        }
        raise Refuse(text, field=names[0])


def _move(contract: Record, name: str) -> None:
    if contract["status"] not in _MOVES[name][0]:
        text = {
            "en": f"That is not done with a contract that is {contract['status']}.",
            "de": f"Das geht nicht mit einem Vertrag im Zustand «{contract['status']}».",
        }
        raise Refuse(text, field="status")


def _said(text: str, field: str = "because") -> str:
    if not text.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field=field)
    return text.strip()[:500]


def _refused(field: str) -> Refuse:
    return Refuse({"en": "That is changed by actions alone.", "de": "Das ändern nur Aktionen."}, field=field)
