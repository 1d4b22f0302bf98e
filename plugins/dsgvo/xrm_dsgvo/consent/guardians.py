"""Consents for minors (Article 8): who has parental responsibility consents, for just that, and as somebody known."""

from datetime import date
from typing import Any

from xrm_core.api import Record, Refuse
from xrm_dsgvo.own import Writing
from xrm_dsgvo.purposes import all_of
from xrm_dsgvo.subjects import SUBJECT

_CONSENT = "consent"


def check_guardian(context: Writing, id_: str, subject: str | None, purpose: str) -> None:
    """Whether a consent may stand behind that of a minor.

    Raises:
        Refuse: it does not hold, is about something else, or is that of nobody, of a minor, or of the child.
    """
    if subject is None:
        text = {
            "en": "Say for whom a guardian has consented.",
            "de": "Angeben, für wen jemand mit Sorgerecht eingewilligt hat.",
        }
        raise Refuse(text, field="person")
    consent = context.read(_CONSENT, id_)
    guardian = _person(context, consent)
    if consent is None or consent["status"] != "given" or guardian is None or guardian["id"] == subject:
        text = {
            "en": "There is no consent of a guardian that is given: it is that of another person, who is named.",
            "de": "Eine erteilte Einwilligung von Sorgeberechtigten gibt es nicht: Sie ist die einer anderen, "
            "benannten Person.",
        }
        raise Refuse(text, field="guardian_consent")
    if guardian["minor_until"] and date.today().isoformat() < guardian["minor_until"]:
        text = {"en": "The guardian is a minor.", "de": "Die sorgeberechtigte Person ist minderjährig."}
        raise Refuse(text, field="guardian_consent")
    if consent["purpose"] not in all_of(context).chain(purpose):
        text = {
            "en": "The guardian has consented to something else.",
            "de": "Die Einwilligung der Sorgeberechtigten ist für etwas anderes.",
        }
        raise Refuse(text, field="guardian_consent")


def _person(context: Writing, consent: Record | None) -> dict[str, Any] | None:
    if consent is None or consent["data_subject"] is None:
        return None
    return context.read(SUBJECT, str(consent["data_subject"]))
