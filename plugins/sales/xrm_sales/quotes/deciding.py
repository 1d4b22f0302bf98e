"""What a customer has said to a quote, and when."""

from dataclasses import dataclass
from datetime import date

from xrm_core.api import ActionContext, Record, Refuse
from xrm_sales.moments import today
from xrm_sales.quotes.mailing import tell_decision
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import change


@dataclass
class DecisionInput:
    """What the customer has said, and when; today if nothing is said."""

    decided_on: date | None = None
    note: str | None = None


def decline(context: ActionContext, quote: Record, given: DecisionInput) -> None:
    """The customer does not take it. The opportunity goes on: there may be a next version."""
    require(quote, "sent")
    decided(context, quote, "rejected", given)


def decided(context: ActionContext, quote: Record, status: str, given: DecisionInput) -> None:
    """Keep it, and tell those who want to know; that they cannot be told changes nothing."""
    day = given.decided_on.isoformat() if given.decided_on else today()
    change(context, "quote", quote["id"], {"status": status, "decided_on": day, "decision_note": given.note})
    context.attempt(lambda: tell_decision(context, quote, accepted=status == "accepted"))


def require_in_time(quote: Record, given: date | None) -> None:
    """Refuse what was decided after the last day: also before the night notes that it is over.

    Raises:
        Refuse: so it is, or the day is yet to come.
    """
    day = given.isoformat() if given else today()
    if day > today():
        raise Refuse({"en": "This day is yet to come.", "de": "Dieser Tag kommt noch."}, field="decided_on")
    if quote["valid_until"] and day > quote["valid_until"]:
        raise Refuse(
            {
                "en": f"The quote was valid until {quote['valid_until']}: revise it, or say when it was accepted.",
                "de": f"Das Angebot galt bis {quote['valid_until']}: eine neue Fassung anlegen, oder sagen, wann.",
            },
            field="decided_on",
        )
