"""Before a quote goes out: do its products go together, is the discount within limits, who has to approve."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from strawberry import ID

from xrm_core.api import Action, ActionContext, BadQuery, Record, RecordChange, Refuse
from xrm_sales.acting import action
from xrm_sales.moments import now
from xrm_sales.products.configuration import problems
from xrm_sales.products.rules import quantities_of, rules_of
from xrm_sales.quotes.four_eyes import is_own
from xrm_sales.quotes.limits import over_limit
from xrm_sales.quotes.statuses import require
from xrm_sales.writing import change, create

WAITING = "waiting"


@dataclass
class DecideInput:
    """What is said to it."""

    comment: str | None = None


@dataclass
class DelegateInput:
    """To whom."""

    to: ID


def submit(context: ActionContext, quote: Record) -> None:
    """The draft is checked; it is approved at once, or waits for those who have to approve it.

    Raises:
        Refuse: it is no draft, has no lines, or its products do not go together.
    """
    require(quote, "draft")
    lines = context.find("quote_item", {"quote": {"id": {"eq": quote["id"]}}}, 1_000)
    if not lines:
        raise Refuse({"en": "The quote has no lines.", "de": "Das Angebot hat keine Positionen."}, field="items")
    _check_products(context, lines)
    asked = list(_asked(context, quote, over_limit(context, quote, lines)))
    for rule, reason in asked:
        values = {"approver": rule["approver"], "approver_role": rule["approver_role"], "reason": reason}
        create(context, "quote_approval", {"quote": quote["id"], "rule": rule["id"], "step": rule["step"], **values})
    actor = context.caller.actor
    by = actor if actor and context.read("user", actor) else None
    change(context, "quote", quote["id"], {"status": "in_review" if asked else "approved", "submitted_by": by})


def approve(context: ActionContext, approval: Record, given: DecideInput) -> None:
    """One who was asked says yes; with the last one the quote is approved."""
    quote = _decide(context, approval, "approved", given.comment)
    if not _waiting(context, quote["id"]):
        change(context, "quote", quote["id"], {"status": "approved"})


def reject(context: ActionContext, approval: Record, given: DecideInput) -> None:
    """One who was asked says no: the quote is a draft again, and nobody else is asked."""
    quote = _decide(context, approval, "rejected", given.comment)
    for other in _waiting(context, quote["id"]):
        change(context, "quote_approval", other["id"], {"status": "cancelled"})
    change(context, "quote", quote["id"], {"status": "draft"})


def delegate(context: ActionContext, approval: Record, given: DelegateInput) -> None:
    """One who was asked has somebody else decide.

    Raises:
        Refuse: the caller is not asked, or the other one could not decide.
    """
    quote = _may_decide(context, approval)
    if is_own(context, quote, given.to):
        raise Refuse(
            {"en": "Nobody approves their own quote.", "de": "Niemand gibt das eigene Angebot frei."}, field="to"
        )
    given_over = {"approver": given.to, "approver_role": None, "delegated_by": context.caller.actor}
    change(context, "quote_approval", approval["id"], given_over)


def keep_owner(change: RecordChange) -> None:
    """While a quote is in review its owner stays: else they could hand it to somebody else and approve it themselves.

    Raises:
        Refuse: it is in review.
    """
    if change.before["status"] == "in_review" and change.after["status"] == "in_review":
        raise Refuse(
            {"en": "The quote is in review: its owner stays.", "de": "Das Angebot ist in Prüfung: Zuständige bleiben."},
            field="owner",
        )


def check_rule(change: RecordChange) -> None:
    """A rule's condition must fit quotes, and somebody must be able to approve.

    Raises:
        Refuse: it does not, or nobody is named.
    """
    rule = change.after
    if not rule.get("approver") and not rule.get("approver_role"):
        raise Refuse({"en": "Who approves?", "de": "Wer gibt frei?"}, field="approver")
    if rule.get("condition"):
        try:
            change.find("quote", rule["condition"], 1)
        except BadQuery as error:
            text = {"en": f"The condition does not fit: {error}", "de": f"Die Bedingung passt nicht: {error}"}
            raise Refuse(text, field="condition") from None


def actions() -> list[Action]:
    """All of them."""
    asked, given = "quote_approval", DecideInput
    check = "Have it checked and approved."
    return [
        action("submit", submit, "quote", needs="read", en=check, de="Prüfen und freigeben lassen."),
        action("approve", approve, asked, needs="read", takes=given, en="Approve.", de="Freigeben."),
        action("reject", reject, asked, needs="read", takes=given, en="Do not approve.", de="Nicht freigeben."),
        action(
            "delegate", delegate, asked, needs="read", takes=DelegateInput, en="Have another decide.", de="Abgeben."
        ),
    ]


def _asked(context: ActionContext, quote: Record, over: str | None) -> Iterable[tuple[Record, str]]:
    """Rules that ask for an approval of this quote, each with why."""
    for rule in context.find("approval_rule", {"active": {"eq": True}}, 1_000):
        if rule["over_limit"] and over is None:
            continue
        where = {"and": [{"id": {"eq": quote["id"]}}, rule["condition"] or {}]}
        if context.find("quote", where, 1):
            yield rule, (over or rule["name"]) if rule["over_limit"] else rule["name"]


def _check_products(context: ActionContext, lines: list[Record]) -> None:
    quantities = quantities_of(lines)
    if broken := problems(quantities, rules_of(context, list(quantities))):
        told = {language: " ".join(each.rule.reason[language] for each in broken) for language in ("en", "de")}
        raise Refuse(told, field="items")


def _waiting(context: ActionContext, quote: str) -> list[Record]:
    return context.find("quote_approval", {"quote": {"id": {"eq": quote}}, "status": {"eq": WAITING}}, 1_000)


def _may_decide(context: ActionContext, approval: Record) -> Record:
    """The quote, if the caller may decide: asked, in turn, and it is not their own (four eyes)."""
    quote = context.read("quote", approval["quote"])
    if quote is None or approval["status"] != WAITING:
        raise Refuse({"en": "It is decided.", "de": "Es ist entschieden."}, field="status")
    caller: Any = context.caller
    user = getattr(caller, "id", None)
    if user is None:  # a service or the platform: of four eyes, each two belong to somebody
        raise Refuse({"en": "A person decides.", "de": "Das entscheidet ein Mensch."})
    in_role = not approval["approver"] and approval["approver_role"] in caller.access.roles
    if not in_role and approval["approver"] != user:
        raise Refuse({"en": "Somebody else is asked.", "de": "Jemand anderes ist gefragt."})
    if is_own(context, quote, user):
        raise Refuse({"en": "Nobody approves their own quote.", "de": "Niemand gibt das eigene Angebot frei."})
    if any(other["step"] < approval["step"] for other in _waiting(context, quote["id"])):
        raise Refuse({"en": "An earlier step is still waiting.", "de": "Ein früherer Schritt steht noch aus."})
    return quote


def _decide(context: ActionContext, approval: Record, status: str, comment: str | None) -> Record:
    quote = _may_decide(context, approval)
    decided = {"status": status, "decided_by": context.caller.id, "decided_at": now(), "comment": comment}
    change(context, "quote_approval", approval["id"], decided)
    return quote
