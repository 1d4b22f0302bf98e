"""What stands in the mails about quotes, in German and English."""

from collections.abc import Mapping
from datetime import date

from babel.dates import format_date

LOCALES = {"de": "de_DE", "en": "en_GB"}

_WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "de": {
        "quote": {
            "subject": "Angebot {number}: {subject}",
            "text": "unser Angebot {number} finden Sie im Anhang.",
        },
        "reminder": {
            "subject": "Zur Erinnerung: Angebot {number}",
            "text": "unser Angebot {number} «{subject}» gilt noch bis {day}. Sie finden es noch einmal im Anhang.",
        },
        "confirmation": {
            "subject": "Angebot {number} angenommen",
            "text": "vielen Dank: Sie haben unser Angebot {number} «{subject}» angenommen. Sie finden es im Anhang.",
        },
        "decision": {
            "accepted": "Angenommen: Angebot {number}",
            "rejected": "Abgelehnt: Angebot {number}",
            "text": "{customer} hat über das Angebot {number} «{subject}» entschieden.",
            "note": "Bemerkung: {note}",
        },
        "shared": {
            "greeting": "Guten Tag,",
            "link": "Ansehen, annehmen oder ablehnen:",
            "valid": "Es gilt bis {day}.",
            "regards": "Mit freundlichen Grüßen",
        },
    },
    "en": {
        "quote": {
            "subject": "Quote {number}: {subject}",
            "text": "please find our quote {number} attached.",
        },
        "reminder": {
            "subject": "A reminder: quote {number}",
            "text": "our quote {number} «{subject}» is valid until {day}. Please find it attached once more.",
        },
        "confirmation": {
            "subject": "Quote {number} accepted",
            "text": "thank you: you have accepted our quote {number} «{subject}». Please find it attached.",
        },
        "decision": {
            "accepted": "Accepted: quote {number}",
            "rejected": "Declined: quote {number}",
            "text": "{customer} has decided on the quote {number} «{subject}».",
            "note": "Note: {note}",
        },
        "shared": {
            "greeting": "Hello,",
            "link": "Look at it, accept or decline it:",
            "valid": "It is valid until {day}.",
            "regards": "Kind regards",
        },
    },
}


def words(language: str, kind: str) -> Mapping[str, str]:
    """The texts of a kind of mails, and those that all have."""
    found = _WORDS[language if language in _WORDS else "en"]
    return {**found["shared"], **found[kind]}


def day(value: str | None, language: str) -> str:
    """A date as it is written."""
    return format_date(date.fromisoformat(value), "long", locale=LOCALES[language]) if value else ""
