"""Commissions follow what is won: reckoned with the win, and again whenever the sale turns out to be another one.

What is earned changes as the sale does. What was released or paid stays, and a further commission corrects it, above
or below zero.
"""

from decimal import Decimal
from functools import partial
from typing import Any

from xrm_core.api import BadQuery, HookContext, Record, RecordChange, Refuse
from xrm_sales.commissions.reckoning import Part, part, shares_of
from xrm_sales.moments import today
from xrm_sales.writing import Writing, change, create

MOST = 1_000
BASIS = ("status", "amount", "currency", "owner", "closed_on")
"""Of an opportunity, of which commissions are reckoned."""


def after_opportunity(change: RecordChange) -> None:
    """An opportunity was won, or is not any more, or something of one that was won has changed."""
    if "won" in (change.before.get("status"), change.after.get("status")):
        change.then(lambda context, id_: settle(context, id_))


def after_member(change: RecordChange) -> None:
    """The shares of a sale are others."""
    opportunities = sorted({str(record["opportunity"]) for record in (change.before, change.after) if record})

    def act(opportunity: str, context: HookContext, _: str) -> None:
        record = context.read("opportunity", opportunity)
        if record is not None and record["status"] == "won":
            settle(context, opportunity)

    for opportunity in opportunities:
        change.then(partial(act, opportunity), key=("commissions", opportunity))


def check_rule(change: RecordChange) -> None:
    """The condition of a rule must fit opportunities.

    Raises:
        Refuse: it does not.
    """
    if condition := change.after.get("condition"):
        try:
            change.find("opportunity", condition, 1)
        except BadQuery as error:
            text = {"en": f"The condition does not fit: {error}", "de": f"Die Bedingung passt nicht: {error}"}
            raise Refuse(text, field="condition") from None


def settle(context: Writing, opportunity: str) -> None:
    """Have what is earned fit the sale as it is now. Those who change it at once take turns."""
    context.hold("opportunity", opportunity)
    record = context.read("opportunity", opportunity)
    if record is None:
        return
    wanted = {each.user: each for each in _parts(context, record)}
    where = {"opportunity": {"id": {"eq": opportunity}}, "status": {"ne": "cancelled"}}
    booked: dict[str, list[Record]] = {user: [] for user in wanted}
    for each in context.find("commission", where, MOST):
        booked.setdefault(each["user"], []).append(each)
    for user, entries in sorted(booked.items()):
        _settle_one(context, record, user, wanted.get(user), entries)


def _parts(context: Writing, opportunity: Record) -> list[Part]:
    if opportunity["status"] != "won" or not opportunity["amount"]:
        return []
    day = opportunity["closed_on"] or today()
    rules = [each for each in context.find("commission_rule", {"active": {"eq": True}}, MOST) if _counts(each, day)]
    rules = [each for each in rules if _fits(context, each, opportunity["id"])]
    if not rules:
        return []
    members = context.find("opportunity_member", {"opportunity": {"id": {"eq": opportunity["id"]}}}, MOST)
    basis, found = Decimal(str(opportunity["amount"])), []
    for user, share in shares_of(opportunity["owner"], members).items():
        mine = [each for each in rules if each["user"] in (None, user)]
        if mine:
            rule = min(mine, key=lambda each: (each["position"], each["id"]))
            found.append(part(user, share, rule, basis, opportunity["currency"]))
    return found


def _counts(rule: Record, day: str) -> bool:
    return (rule["valid_from"] or day) <= day <= (rule["valid_until"] or day)


def _fits(context: Writing, rule: Record, opportunity: str) -> bool:
    condition = rule["condition"]
    return not condition or bool(context.find("opportunity", {"and": [{"id": {"eq": opportunity}}, condition]}, 1))


def _settle_one(context: Writing, opportunity: Record, user: str, wanted: Part | None, entries: list[Record]) -> None:
    """One entry that is still open has what is not released yet."""
    fixed = [each for each in entries if each["status"] != "earned"]
    left = (wanted.amount if wanted else Decimal(0)) - sum((Decimal(str(each["amount"])) for each in fixed), Decimal(0))
    open_ = [each for each in entries if each["status"] == "earned"]
    if not left:
        for each in open_:
            change(context, "commission", each["id"], {"status": "cancelled"})
        return
    values: dict[str, Any] = {
        "amount": left,
        "currency": opportunity["currency"],
        "basis": opportunity["amount"] if wanted else Decimal(0),
        "earned_on": opportunity["closed_on"] or today(),
    }
    if wanted:
        values |= {"rule": wanted.rule, "share_percent": wanted.share, "percent": wanted.percent}
    if open_:
        if any(_other(open_[0][name], value) for name, value in values.items()):
            change(context, "commission", open_[0]["id"], values)
    else:
        create(context, "commission", {"opportunity": opportunity["id"], "user": user, **values})


def _other(before: Any, value: Any) -> bool:
    if isinstance(value, Decimal) and before is not None:
        return Decimal(str(before)) != value
    return bool(before != value)
