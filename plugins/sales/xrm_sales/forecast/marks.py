"""What is to be won, and what a manager expects in place of the figures."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from xrm_core.api import QueryContext
from xrm_sales.forecast.parts import By, Ids
from xrm_sales.periods import Goal, beginnings, goal_in, goal_of

Place = tuple[str, str, Ids]
"""First day, currency, and the parts of a line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Months, quarters or years from a day until another, without that."""

    kind: str
    first: str
    until: str

    @property
    def days(self) -> dict[str, str]:
        """For the queries."""
        return {"from": self.first, "to": self.until}


Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
_QUOTAS = """
query ($from: Date!, $to: Date!, $after: String) {
  quotas(where: {month: {gte: $from, lt: $to}}, orderBy: [{id: ASC}], first: 1000, after: $after) {
    nodes { user { id } month period amount currency }
    pageInfo { endCursor hasNextPage }
  }
}"""
_ADJUSTMENTS = """
query ($from: Date!, $to: Date!, $after: String) {
  forecastAdjustments(where: {month: {gte: $from, lt: $to}}, orderBy: [{id: ASC}], first: 1000, after: $after) {
    nodes { user { id } month period amount currency reason }
    pageInfo { endCursor hasNextPage }
  }
}"""
_OF_TARGETS = {By.OWNER: "user", By.TEAM: "team", By.PRODUCT: "product", By.REGION: "region"}
"""What targets call the parts."""


def quotas(context: QueryContext, by: Sequence[By], wanted: Wanted) -> dict[Place, Decimal]:
    """What is to be won in each part: targets of revenue that name just these parts, those of one part together; of
    owners their quotas before all. What is said of a quarter counts for that, else what is said of its months.
    """
    goals: dict[tuple[str, Ids], list[Goal]] = defaultdict(list)
    seen = list(_all(context.query, _targets(by, _selection(by)), wanted)) if _may_see(context, "sales_target") else []
    of_no_other = {each["id"] for each in _all(context.query_as_system, _targets(by, "id"), wanted)} if seen else set()
    for each in seen:
        ids = tuple(_id(each[_OF_TARGETS[part]]) for part in by)
        if each["id"] in of_no_other and each["currency"] and None not in ids:
            goals[each["currency"], ids].append(goal_of(each, "value"))
    found = _in_periods(goals, wanted)
    if list(by) == [By.OWNER]:
        goals = defaultdict(list)
        for each in _of_owners(context, "quota", _QUOTAS, wanted):
            goals[each["currency"], (each["user"]["id"],)].append(goal_of(each, "amount"))
        found |= _in_periods(goals, wanted)
    return found


def _in_periods(goals: Mapping[tuple[str, Ids], list[Goal]], wanted: Wanted) -> dict[Place, Decimal]:
    last = (date.fromisoformat(wanted.until) - timedelta(days=1)).isoformat()
    found = {}
    for begin in beginnings(wanted.first, last, wanted.kind):
        for (currency, ids), said in goals.items():
            value = goal_in(said, wanted.kind, begin)
            if value is not None:
                found[begin, currency, ids] = value
    return found


def _targets(by: Sequence[By], selection: str) -> str:
    """Those that name no other parts: the platform is asked for these, since somebody may not see what they name."""
    others = [name for part, name in _OF_TARGETS.items() if part not in by] if selection == "id" else []
    where = "".join(f", {name}: {{isNull: true}}" for name in others)
    return f"""
query ($from: Date!, $to: Date!, $after: String) {{
  salesTargets(
    where: {{metric: {{eq: revenue}}, month: {{gte: $from, lt: $to}}{where}}}
    orderBy: [{{id: ASC}}], first: 1000, after: $after
  ) {{ nodes {{ {selection} }} pageInfo {{ endCursor hasNextPage }} }}
}}"""


def _selection(by: Sequence[By]) -> str:
    names = [f"{_OF_TARGETS[part]} {{ id }}" if part is not By.REGION else "region" for part in by]
    return " ".join(["id month period value currency", *names])


def adjustments(context: QueryContext, by: Sequence[By], wanted: Wanted) -> dict[Place, tuple[Decimal, str]]:
    """What a manager expects of an owner in such a period, and why; of nothing else."""
    if list(by) != [By.OWNER]:
        return {}
    found: dict[Place, tuple[Decimal, str]] = {}
    for each in _of_owners(context, "forecast_adjustment", _ADJUSTMENTS, wanted):
        goal = goal_of(each, "amount")
        if goal.period == wanted.kind:
            found[goal.first, each["currency"], (each["user"]["id"],)] = (goal.value, each["reason"])
    return found


def _of_owners(context: QueryContext, entity: str, document: str, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    if _may_see(context, entity):
        yield from (each for each in _all(context.query, document, wanted) if each["user"] is not None)


def _all(ask: Ask, document: str, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    """The records of all pages."""
    after = None
    while True:
        [page] = ask(document, {**wanted.days, "after": after}).values()
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _may_see(context: QueryContext, entity: str) -> bool:
    caller: Any = context.caller
    return bool(caller.access.may(entity, "read"))


def _id(part: Any) -> str | None:
    found: str | None = part["id"] if isinstance(part, Mapping) else part
    return found
