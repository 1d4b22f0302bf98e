"""How far somebody has come with their quota, and which sales came before: what accelerators go by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from xrm_core.api import Record
from xrm_sales.commissions.reckoning import shares_of
from xrm_sales.writing import Looking

_PAGE = 1_000
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last."""

    first: str
    last: str


def span(day: str, kind: str) -> Span:
    """The month, quarter or year of a day."""
    given, months = date.fromisoformat(day), _MONTHS[kind]
    begin = date(given.year, (given.month - 1) // months * months + 1, 1)
    end = (begin + timedelta(days=31 * months)).replace(day=1) if months < 12 else date(begin.year + 1, 1, 1)
    return Span(begin.isoformat(), (end - timedelta(days=1)).isoformat())


def quota_of(look: Looking, user: str, currency: str, days: Span) -> Decimal:
    """What somebody is to win in this time; 0: nobody has said."""
    where = {
        "user": {"id": {"eq": user}},
        "currency": {"eq": currency},
        "month": {"gte": days.first, "lte": days.last},
    }
    return sum((Decimal(str(each["amount"])) for each in look.find("quota", where, 100)), Decimal(0))


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
