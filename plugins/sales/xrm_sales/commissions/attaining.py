"""How far somebody has come with their quota, and which sales came before: what accelerators go by."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from xrm_core.api import Record
from xrm_sales.commissions.reckoning import shares_of
from xrm_sales.periods import Span, goal_in, goal_of
from xrm_sales.writing import Looking

_PAGE = 1_000


def quota_of(look: Looking, user: str, currency: str, kind: str, days: Span) -> Decimal:
    """What somebody is to win in this month, quarter or year; 0: nobody has said."""
    where = {
        "user": {"id": {"eq": user}},
        "currency": {"eq": currency},
        "month": {"gte": days.first, "lte": days.last},
    }
    goals = [goal_of(each, "amount") for each in look.find("quota", where, 100)]
    return goal_in(goals, kind, days.first) or Decimal(0)


def won_before(look: Looking, user: str, sale: Record, days: Span) -> Decimal:
    """The user's shares of what was won in this time before a sale; of one day by their ids."""
    where = {**_won(user, sale["currency"], days.first, sale["closed_on"])}
    members: dict[str, list[Record]] = {}
    for each in _all(look, "opportunity_member", {"opportunity": where}):
        members.setdefault(each["opportunity"], []).append(each)
    total = Decimal(0)
    for each in _all(look, "opportunity", where):
        if (each["closed_on"], each["id"]) < (sale["closed_on"], sale["id"]):
            share = shares_of(each["owner"], members.get(each["id"], [])).get(user, Decimal(0))
            total += Decimal(str(each["amount"] or 0)) * share / 100
    return total


def won_since(look: Looking, user: str, currency: str, day: str, last: str) -> Iterator[Record]:
    """The user's sales from a day to another."""
    yield from _all(look, "opportunity", _won(user, currency, day, last))


def _won(user: str, currency: str, first: str, last: str) -> dict[str, Any]:
    mine = {"id": {"eq": user}}
    return {
        "status": {"eq": "won"},
        "currency": {"eq": currency},
        "closed_on": {"gte": first, "lte": last},
        "or": [{"owner": mine}, {"members": {"some": {"user": mine}}}],
    }


def _all(look: Looking, entity: str, where: dict[str, Any]) -> Iterator[Record]:
    after: list[dict[str, Any]] = []
    while page := look.find(entity, {"and": [where, *after]}, _PAGE):
        yield from page
        if len(page) < _PAGE:
            return
        after = [{"id": {"gt": page[-1]["id"]}}]
