"""Requests come in, and may be taken back: ``dsgvoRequestOpen``, ``dsgvoRequestWithdraw``, ``dsgvoRequestExtend``."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, On, Refuse
from xrm_dsgvo.own import create, kept, now
from xrm_dsgvo.requests.asking import check_day
from xrm_dsgvo.requests.cases import MOST, RequestStanding, held, moved, said, standing, today
from xrm_dsgvo.requests.deadline import deadline_of, free_days
from xrm_dsgvo.requests.states import REQUEST


class Right(Enum):
    """What somebody asks for. A letter that asks for two things is two requests."""

    access = "access"
    rectification = "rectification"
    erasure = "erasure"
    restriction = "restriction"
    portability = "portability"
    objection = "objection"


@dataclass
class RequestOpenInput:
    """What came in, and when: the month runs from the next day on. ``name`` and ``address`` are as the person has
    written them, ``address`` is where the answer goes; ``proxy`` is who asks for them, if they do not ask themselves.
    ``heir``: that one asks since the person has died, in their own right.
    """

    kind: Right
    received_on: date
    via: str
    name: str | None = None
    address: str | None = None
    wording: str | None = None
    proxy: str | None = None
    heir: bool = False


@dataclass
class RequestExtendInput:
    """Two months more, since the person was told so within the first month, with these reasons (Article 12(3))."""

    request: str
    reasons: str


@dataclass
class RequestWithdrawInput:
    """The person does not want it any more, and has said so in this way."""

    request: str
    because: str


def open_(context: ActionContext, given: RequestOpenInput) -> RequestStanding:
    """Keep a request, whoever it is from.

    Raises:
        Refuse: it is not of a day on which it can have come, or nobody says how it came.
    """
    check_day(given.received_on)
    if given.received_on > today(context.settings):
        text = {"en": "That day is still to come.", "de": "Dieser Tag kommt erst noch."}
        raise Refuse(text, field="receivedOn")
    if given.heir and not (given.proxy or "").strip():
        text = {"en": "Say who has inherited, and asks.", "de": "Sagen, wer geerbt hat und fragt."}
        raise Refuse(text, field="proxy")
    found = deadline_of(given.received_on, free_days(context.settings.holidays))
    values = {
        "kind": given.kind.value,
        "received_on": given.received_on.isoformat(),
        "via": said(given.via, "via")[:60],
        "name": (given.name or "").strip()[:200] or None,
        "address": (given.address or "").strip()[:500] or None,
        "wording": (given.wording or "").strip()[:MOST] or None,
        "proxy": (given.proxy or "").strip()[:500] or None,
        "heir": given.heir,
        "status": "received",
        "internal_due": found.internal.isoformat(),
        "due": found.legal.isoformat(),
    }
    return standing({"id": create(context, REQUEST, values), **values})


def extend(context: ActionContext, given: RequestExtendInput) -> RequestStanding:
    """It takes longer, and the person knows.

    Raises:
        Refuse: the month is over, it was extended already, or nothing is said of why.
    """
    request = held(context, given.request, "extend")
    reasons = said(given.reasons, "reasons")
    if request["extended_at"] is not None:
        text = {"en": "It was extended already, once is all.", "de": "Sie ist schon verlängert, mehr geht nicht."}
        raise Refuse(text, field="request")
    if today(context.settings).isoformat() > str(request["due"])[:10]:
        text = {
            "en": "The month is over: a request is extended within it (Article 12(3)).",
            "de": "Der Monat ist vorbei: Verlängert wird innerhalb davon (Art. 12 Abs. 3).",
        }
        raise Refuse(text, field="request")
    received = date.fromisoformat(str(request["received_on"])[:10])
    found = deadline_of(received, free_days(context.settings.holidays))
    later = {"due": found.extended.isoformat(), "extended_at": now(), "extension_reasons": reasons}
    return moved(context, request, later)


def withdraw(context: ActionContext, given: RequestWithdrawInput) -> RequestStanding:
    """It ends without an answer. Raises Refuse: it is over, or nothing is said of how the person has said so."""
    request = held(context, given.request, "withdraw")
    ended = {"status": "withdrawn", "decision_reasons": said(given.because, "because"), "closed_at": now()}
    return moved(context, request, ended)


def actions() -> list[Action]:
    """The three."""
    opens = {"en": "Keep a request of a data subject.", "de": "Die Anfrage einer betroffenen Person aufnehmen."}
    extends = {"en": "It takes two months more.", "de": "Die Frist um zwei Monate verlängern."}
    ends = {"en": "The person takes it back.", "de": "Die Person nimmt sie zurück."}
    made: list[tuple[str, Any, type, dict[str, str]]] = [
        ("open", open_, RequestOpenInput, opens),
        ("extend", extend, RequestExtendInput, extends),
        ("withdraw", withdraw, RequestWithdrawInput, ends),
    ]
    return [
        Action(f"dsgvo.request_{name}", run, input=given, answers=RequestStanding, description=about)
        for name, run, given, about in made
    ]


def hooks() -> list[On]:
    """Nobody but the plugin writes them: they are a proof."""
    text = {
        "en": "Requests are kept by actions (dsgvoRequestOpen and its like), and stay.",
        "de": "Anfragen führen Aktionen (dsgvoRequestOpen und ihre Verwandten), und sie bleiben.",
    }
    return [kept(REQUEST, text)]
