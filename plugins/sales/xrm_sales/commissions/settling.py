"""Commissions follow what is won: reckoned with the win, and again whenever the sale turns out to be another one.

What is earned changes as the sale does. What was released or paid stays, and a further commission corrects it, above
or below zero.
"""

from decimal import Decimal
from functools import partial
from typing import Any

from xrm_core.api import BadQuery, HookContext, Record, RecordChange, Refuse
from xrm_sales.commissions.attaining import quota_of, won_before, won_since
from xrm_sales.commissions.margins import margin_of
from xrm_sales.commissions.reckoning import Attained, Part, Step, part, shares_of
from xrm_sales.moments import today
from xrm_sales.periods import span
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


def after_quote(change: RecordChange) -> None:
    """What a sale costs is known from its accepted quote, also where it was won before."""
    opportunity = change.after.get("opportunity")
    if opportunity and change.after.get("status") == "accepted":

        def act(context: HookContext, _: str) -> None:
            record = context.read("opportunity", opportunity)
            if record is not None and record["status"] == "won":
                settle(context, opportunity)

        change.then(act)


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


def after_quota(change: RecordChange) -> None:
    """A quota is another one: how far somebody has come with it is, too."""
    for record in (change.before, change.after):
        if record:
            user, month, currency = record["user"], record["month"], record["currency"]
            act = partial(_settle_month, user, month, currency)
            change.then(act, key=("quota", user, month, currency))


def settle(context: Writing, opportunity: str) -> None:
    """Have what is earned fit the sale as it is now, and later sales whose rates go by it.

    Those who change one sale, or sales of one person, at once take turns.
    """
    context.hold("opportunity", opportunity)
    record = context.read("opportunity", opportunity)
    if record is None:
        return
    entries = _entries(context, opportunity)
    days: dict[str, set[str]] = {}
    if context.find("commission_step", {}, 1):
        members = context.find("opportunity_member", {"opportunity": {"id": {"eq": opportunity}}}, MOST)
        for each in entries:
            days.setdefault(each["user"], set()).add(each["earned_on"])
        for user in shares_of(record["owner"], members) if record["status"] == "won" else ():
            days.setdefault(user, set()).add(record["closed_on"])
        for user in sorted(days):
            context.hold("user", user)
    _settle(context, record)
    for user, its in sorted(days.items()):
        _settle_later(context, user, record["currency"], min(its), max(its), opportunity)


def _settle(context: Writing, record: Record) -> None:
    wanted = {each.user: each for each in _parts(context, record)}
    booked: dict[str, list[Record]] = {user: [] for user in wanted}
    for each in _entries(context, record["id"]):
        booked.setdefault(each["user"], []).append(each)
    for user, entries in sorted(booked.items()):
        _settle_one(context, record, user, wanted.get(user), entries)


def _settle_later(context: Writing, user: str, currency: str, first: str, last: str, but: str = "") -> None:
    """Sales of a person from a day on to the end of the year of another one, the longest that steps may go by."""
    for each in list(won_since(context, user, currency, first, span(last, "year").last)):
        if each["id"] != but:
            _settle(context, each)


def _settle_month(user: str, month: str, currency: str, context: HookContext, _: str) -> None:
    if context.find("commission_step", {}, 1):
        context.hold("user", user)
        _settle_later(context, user, currency, span(month, "year").first, month)


def _entries(context: Writing, opportunity: str) -> list[Record]:
    where = {"opportunity": {"id": {"eq": opportunity}}, "status": {"ne": "cancelled"}}
    return context.find("commission", where, MOST)


def _parts(context: Writing, opportunity: Record) -> list[Part]:
    if opportunity["status"] != "won" or not opportunity["amount"]:
        return []
    day = opportunity["closed_on"] or today()
    rules = [each for each in context.find("commission_rule", {"active": {"eq": True}}, MOST) if _counts(each, day)]
    rules = [each for each in rules if _fits(context, each, opportunity["id"])]
    margin = margin_of(context, opportunity) if any(each["of"] == "margin" for each in rules) else None
    if margin is None:
        rules = [each for each in rules if each["of"] != "margin"]
    if not rules:
        return []
    members = context.find("opportunity_member", {"opportunity": {"id": {"eq": opportunity["id"]}}}, MOST)
    amount, found = Decimal(str(opportunity["amount"])), []
    for user, share in shares_of(opportunity["owner"], members).items():
        mine = [each for each in rules if each["user"] in (None, user)]
        if mine:
            rule = min(mine, key=lambda each: (each["position"], each["id"]))
            basis = margin if rule["of"] == "margin" and margin is not None else amount
            steps = _steps(context, rule)
            attained = _attained(context, opportunity, user, share, rule) if steps else None
            found.append(part(user, share, rule, basis, opportunity["currency"], steps, attained))
    return found


def _steps(context: Writing, rule: Record) -> list[Step]:
    found = context.find("commission_step", {"rule": {"id": {"eq": rule["id"]}}}, MOST)
    return [Step(Decimal(str(each["beyond_percent"])), Decimal(str(each["percent"]))) for each in found]


def _attained(context: Writing, opportunity: Record, user: str, share: Decimal, rule: Record) -> Attained:
    days = span(opportunity["closed_on"], rule["attained_in"])
    before = won_before(context, user, opportunity, days)
    credit = Decimal(str(opportunity["amount"])) * share / 100
    return Attained(before, credit, quota_of(context, user, opportunity["currency"], rule["attained_in"], days))


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
        "basis": wanted.basis if wanted else Decimal(0),
        "earned_on": opportunity["closed_on"] or today(),
    }
    if wanted:
        values |= {"rule": wanted.rule, "share_percent": wanted.share, "percent": wanted.percent}
        values["attainment"] = wanted.attainment
    if open_:
        if any(_other(open_[0][name], value) for name, value in values.items()):
            change(context, "commission", open_[0]["id"], values)
    else:
        create(context, "commission", {"opportunity": opportunity["id"], "user": user, **values})


def _other(before: Any, value: Any) -> bool:
    if isinstance(value, Decimal) and before is not None:
        return Decimal(str(before)) != value
    return bool(before != value)
