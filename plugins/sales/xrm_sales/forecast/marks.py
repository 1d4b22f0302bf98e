"""What is to be won, and what a manager expects in place of the figures."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from xrm_core.api import QueryContext
from xrm_sales.forecast.parts import By, Ids

Place = tuple[str, str, Ids]
"""Month, currency, and the parts of a line."""

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
_QUOTAS = """
query ($from: Date!, $to: Date!, $after: String) {
  quotas(where: {month: {gte: $from, lt: $to}}, orderBy: [{id: ASC}], first: 1000, after: $after) {
    nodes { user { id } month amount currency }
    pageInfo { endCursor hasNextPage }
  }
}"""
_ADJUSTMENTS = """
query ($from: Date!, $to: Date!, $after: String) {
  forecastAdjustments(where: {month: {gte: $from, lt: $to}}, orderBy: [{id: ASC}], first: 1000, after: $after) {
    nodes { user { id } month amount currency reason }
    pageInfo { endCursor hasNextPage }
  }
}"""
_OF_TARGETS = {By.OWNER: "user", By.TEAM: "team", By.PRODUCT: "product", By.REGION: "region"}
"""What targets call the parts."""


def quotas(context: QueryContext, by: Sequence[By], span: Mapping[str, str]) -> dict[Place, Decimal]:
    """What is to be won in each part: targets of revenue that name just these parts, those of one part together; of
    owners their quotas before all.
    """
    found: dict[Place, Decimal] = defaultdict(Decimal)
    of_no_other = {each["id"] for each in _all(context.query_as_system, _targets(by, "id"), span)}
    if of_no_other and _may_see(context, "sales_target"):
        for each in _all(context.query, _targets(by, _selection(by)), span):
            ids = tuple(_id(each[_OF_TARGETS[part]]) for part in by)
            if each["id"] in of_no_other and each["currency"] and None not in ids:
                found[_month(each), each["currency"], ids] += Decimal(each["value"])
    if list(by) == [By.OWNER]:
        found |= {place: Decimal(each["amount"]) for place, each in _of_owners(context, "quota", _QUOTAS, span)}
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
    return " ".join(["id month value currency", *names])


def adjustments(context: QueryContext, by: Sequence[By], span: Mapping[str, str]) -> dict[Place, tuple[Decimal, str]]:
    """What a manager expects of an owner in a month, and why; of nothing else."""
    if list(by) != [By.OWNER]:
        return {}
    found = _of_owners(context, "forecast_adjustment", _ADJUSTMENTS, span)
    return {place: (Decimal(each["amount"]), each["reason"]) for place, each in found}


def _of_owners(
    context: QueryContext, entity: str, document: str, span: Mapping[str, str]
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for each in _all(context.query, document, span) if _may_see(context, entity) else ():
        if each["user"] is not None:
            yield (_month(each), each["currency"], (each["user"]["id"],)), each


def _all(ask: Ask, document: str, span: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The records of all pages."""
    after = None
    while True:
        [page] = ask(document, {**span, "after": after}).values()
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


def _month(each: Mapping[str, Any]) -> str:
    return date.fromisoformat(each["month"]).replace(day=1).isoformat()
