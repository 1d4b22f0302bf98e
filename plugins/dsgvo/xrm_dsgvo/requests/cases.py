"""A request as all its steps hold it, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import ActionContext, Record, Refuse
from xrm_dsgvo.own import change
from xrm_dsgvo.requests.heirs import check_own
from xrm_dsgvo.requests.states import REQUEST, may

MOST = 8_000


@dataclass
class RequestStanding:
    """How far a request is, and until when it is to be answered."""

    request: str
    status: str
    internal_due: date
    due: date


def held(context: ActionContext, id_: str, step: str) -> Record:
    """A request, which nobody else changes before the end.

    Raises:
        Refuse: there is none, or the step is not possible now.
    """
    context.hold(REQUEST, id_)
    found = context.read(REQUEST, id_)
    if found is None:
        raise Refuse({"en": "There is no such request.", "de": "Diese Anfrage gibt es nicht."}, field="request")
    if not may(step, found["status"]):
        text = {
            "en": f"That is not done with a request that is {found['status']}.",
            "de": f"Das geht nicht mit einer Anfrage im Zustand «{found['status']}».",
        }
        raise Refuse(text, field="request")
    if step == "make":
        check_own(found)
    return found


def moved(context: ActionContext, request: Record, values: Mapping[str, Any]) -> RequestStanding:
    """Keep what has become of it."""
    change(context, REQUEST, request["id"], values)
    return standing({**request, **values})


def standing(request: Mapping[str, Any]) -> RequestStanding:
    """Of a request, as it is stored."""
    due, internal = (date.fromisoformat(str(request[name])[:10]) for name in ("due", "internal_due"))
    return RequestStanding(str(request["id"]), str(request["status"]), internal, due)


def said(text: str | None, name: str) -> str:
    """A text that is needed. Raises Refuse: nothing is said."""
    if not (text or "").strip():
        raise Refuse({"en": "Say why, or what.", "de": "Den Grund oder den Inhalt angeben."}, field=name)
    return str(text).strip()[:MOST]


def actor_of(context: ActionContext) -> str | None:
    """The user who does it; None: it is a service, or the platform."""
    actor = context.caller.actor
    return actor if actor is not None and context.read("user", actor) is not None else None


def today(settings: Any) -> date:
    """Where the controller is."""
    return datetime.now(ZoneInfo(settings.time_zone)).date()


def review_day(settings: Any) -> date:
    """When something is looked at again of which nobody has said when."""
    return today(settings) + timedelta(days=settings.review_days)
