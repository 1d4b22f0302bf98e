"""Leads that come in by a form: a new lead, or one more sign of interest of one that is there."""

from dataclasses import dataclass

from xrm_core.api import Action, ActionContext, Refuse
from xrm_sales.acting import action
from xrm_sales.leads.scoring import ALIVE
from xrm_sales.moments import now
from xrm_sales.writing import create

_TEXTS = ("first_name", "company", "job_title", "phone", "website", "city", "postal_code", "country", "industry")


@dataclass
class CaptureInput:
    """What somebody has written into a form."""

    form: str
    last_name: str
    email: str | None = None
    first_name: str | None = None
    company: str | None = None
    job_title: str | None = None
    phone: str | None = None
    website: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    industry: str | None = None
    message: str | None = None


@dataclass
class Captured:
    """The lead, and whether it was there before."""

    lead: str
    known: bool


def capture(context: ActionContext, given: CaptureInput) -> Captured:
    """Keep it. Somebody whose lead is still alive gets one more event, and nothing of it is overwritten.

    Raises:
        Refuse: there is no such form.
    """
    forms = context.find("lead_form", {"slug": {"eq": given.form}, "active": {"eq": True}}, 1)
    if not forms:
        raise Refuse({"en": "There is no such form.", "de": "Dieses Formular gibt es nicht."}, field="form")
    form = forms[0]
    lead = _alive(context, given.email)
    known = lead is not None
    if lead is None:
        values = {name: value for name in _TEXTS if (value := getattr(given, name))}
        more = {"last_name": given.last_name, "email": given.email, "message": given.message, "source": "web_form"}
        origin = {"source_detail": form["source_detail"] or form["name"], "product": form["product"]}
        lead = create(context, "lead", {**values, **more, **origin, "language": form["language"]})
    event = {"lead": lead, "kind": "form", "at": now(), "subject": (given.message or form["name"])[:300]}
    create(context, "lead_event", event)
    return Captured(lead, known)


def actions() -> list[Action]:
    """``salesCapture``."""
    about = "Jemand hat ein Formular ausgefüllt."
    return [action("capture", capture, takes=CaptureInput, answers=Captured, en="Somebody filled in a form.", de=about)]


def _alive(context: ActionContext, email: str | None) -> str | None:
    if not email:
        return None
    where = {
        "email": {"eq": email.strip(), "ignoring": "CASE"},
        "status": {"in": list(ALIVE)},
        "duplicate_of": {"isNull": True},
    }
    found = context.find("lead", where, 1)
    return str(found[0]["id"]) if found else None
