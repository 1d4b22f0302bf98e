"""``dsgvoRequestDeadline``: until when a request that came in on a day is answered."""

from dataclasses import dataclass
from datetime import date

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_dsgvo.requests.deadline import deadline_of, free_days

_FIRST, _LAST = 2018, 2100


@dataclass
class ReceivedOn:
    """The day on which it came in."""

    received_on: date


@dataclass
class RequestDeadline:
    """``internal_due`` is one month later, ``due`` the last day by law, ``extended_due`` that if the person was told
    by ``due`` why it takes longer.
    """

    internal_due: date
    due: date
    extended_due: date


def request_deadline(context: QueryContext, given: ReceivedOn) -> RequestDeadline:
    """Reckon it. Raises Refuse: the day is before the GDPR, or too far off."""
    check_day(given.received_on)
    found = deadline_of(given.received_on, free_days(context.settings.holidays))
    return RequestDeadline(found.internal, found.legal, found.extended)


def check_day(day: date) -> None:
    """Raise Refuse: no request is of this day."""
    if not _FIRST <= day.year < _LAST:
        text = {
            "en": f"Name a day of the years {_FIRST} to {_LAST - 1}.",
            "de": f"Einen Tag der Jahre {_FIRST} bis {_LAST - 1} nennen.",
        }
        raise Refuse(text, field="receivedOn")


def query_fields() -> list[QueryField]:
    """``dsgvoRequestDeadline``."""
    about = {
        "en": "Until when a request of a data subject is answered.",
        "de": "Bis wann die Anfrage einer betroffenen Person beantwortet wird.",
    }
    return [
        QueryField(
            "dsgvo.request_deadline", request_deadline, input=ReceivedOn, answers=RequestDeadline, description=about
        )
    ]
