"""A customer takes a quote. That is kept whatever else is refused: it is a declaration, and they cannot repeat it.

What follows of it is tried by itself: the order, the contract, the end of the other quotes, the win. What is refused
is a task for the owner.
"""

from collections.abc import Callable
from functools import partial

from xrm_core.api import ActionContext, Record, Refuse
from xrm_sales.moments import now
from xrm_sales.opportunities.closing import WinInput, win
from xrm_sales.orders.ordering import make
from xrm_sales.orders.recurring import follow
from xrm_sales.quotes.deciding import DecisionInput, decided, require_in_time
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import change, create

_ORDER = {"en": "Quote {number} is accepted: make its order", "de": "Angebot {number} ist angenommen: Auftrag anlegen"}
_CONTRACT = {
    "en": "Quote {number} is accepted: make its contract",
    "de": "Angebot {number} ist angenommen: Vertrag anlegen",
}
_OTHERS = {
    "en": "Quote {number} is accepted: end the other quotes",
    "de": "Angebot {number} ist angenommen: andere Angebote beenden",
}
_WIN = {
    "en": "Quote {number} is accepted: the opportunity cannot be won yet",
    "de": "Angebot {number} ist angenommen: Die Verkaufschance ist noch nicht zu gewinnen",
}


def accept(context: ActionContext, quote: Record, given: DecisionInput) -> None:
    """The customer takes it: the opportunity is won for its net total, and other quotes of it are superseded.

    Raises:
        Refuse: it is not with the customer, or was too old on that day.
    """
    require(quote, "sent")
    require_in_time(quote, given.decided_on)
    decided(context, quote, "accepted", given)
    owner = context.read("user", quote["owner"]) if quote["owner"] else None
    language = "de" if owner and owner.get("language") == "de" else "en"
    if context.settings.process != "quote":
        taken = {**quote, "decided_on": given.decided_on.isoformat() if given.decided_on else None}
        _try(context, quote, language, _ORDER, partial(make, context, taken))
        _try(context, quote, language, _CONTRACT, partial(follow, context, taken, context.settings))
    if quote["opportunity"]:
        _try(context, quote, language, _OTHERS, partial(_end_others, context, quote))
        _try(context, quote, language, _WIN, partial(_win, context, quote, given))


def _end_others(context: ActionContext, quote: Record) -> None:
    others = {"opportunity": {"id": {"eq": quote["opportunity"]}}, "status": {"eq": "sent"}}
    for other in context.find("quote", others, 1_000):
        change(context, "quote", other["id"], {"status": "superseded"})


def _win(context: ActionContext, quote: Record, given: DecisionInput) -> None:
    opportunity = context.read("opportunity", quote["opportunity"])
    if opportunity is None or opportunity["status"] == "won":
        return
    if opportunity["status"] == "lost":
        raise Refuse({"en": "The opportunity is lost: reopen it.", "de": "Sie ist verloren: wieder öffnen."})
    win(context, opportunity, WinInput(given.decided_on, quote["net_total"], given.note))


def _try(
    context: ActionContext, quote: Record, language: str, words: dict[str, str], act: Callable[[], object]
) -> None:
    refused = context.attempt(act, language)
    if refused is None:
        return
    task = {
        "kind": "task",
        "priority": "urgent",
        "subject": words[language].format(number=quote["number"])[:250],
        "description": f"{refused.message} {refused.hint}".strip(),
        "regarding": {"customer": quote["customer"]},
        "opportunity": quote["opportunity"],
        "due_at": now(),
        "owner": quote["owner"],
    }
    context.attempt(lambda: create(context, "activity", task))
