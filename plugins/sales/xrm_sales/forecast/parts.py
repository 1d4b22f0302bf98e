"""What the forecast is parted by: how it is asked for, and what the parts are called."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from xrm_core.api import QueryContext
from xrm_sales.periods import Period


class By(Enum):
    """What the forecast is parted by, beside the time and the currency."""

    OWNER = "owner"
    TEAM = "team"
    PRODUCT = "product"
    REGION = "region"


Ids = tuple[str | None, ...]
"""Of the parts of one line, in the order in which they were asked for; of a region its name."""

_GROUPS = {
    By.OWNER: ("{owner: {id: VALUE}}", "owner { id }"),
    By.TEAM: ("{team: {id: VALUE}}", "team { id }"),
    By.PRODUCT: ("{product: {id: VALUE}}", "product { id }"),
    By.REGION: ("{region: VALUE}", "region"),
}
_NAMES = {
    By.OWNER: """
query ($ids: [ID!]!) { users(where: {id: {in: $ids}}, first: 1000) { nodes { id firstName lastName } } }""",
    By.TEAM: "query ($ids: [ID!]!) { teams(where: {id: {in: $ids}}, first: 1000) { nodes { id name } } }",
    By.PRODUCT: "query ($ids: [ID!]!) { products(where: {id: {in: $ids}}, first: 1000) { nodes { id name } } }",
}
_AT_ONCE = 1_000


def document(by: Sequence[By], period: Period) -> str:
    """The query of both: what is won by the day it was closed, what is open by the day it is expected."""
    group = "".join(f", {_GROUPS[each][0]}" for each in by)
    key = " ".join(_GROUPS[each][1] for each in by)
    return f"""
query ($from: Date!, $to: Date!) {{
  won: opportunitiesAggregate(
    where: {{status: {{eq: won}}, closedOn: {{gte: $from, lt: $to}}}}
    groupBy: [{{closedOn: {period.name}}}, {{currency: VALUE}}{group}], first: 1000
  ) {{ key {{ closedOn currency {key} }} count sum {{ amount }} }}
  open: opportunitiesAggregate(
    where: {{status: {{eq: open}}, closeOn: {{gte: $from, lt: $to}}, forecastCategory: {{ne: omitted}}}}
    groupBy: [{{closeOn: {period.name}}}, {{currency: VALUE}}, {{forecastCategory: VALUE}}{group}], first: 1000
  ) {{ key {{ closeOn currency forecastCategory {key} }} count sum {{ amount expectedRevenue }} }}
}}"""


def ids_of(by: Sequence[By], key: Mapping[str, Any]) -> Ids:
    """The parts to which a group belongs."""
    return tuple(each["id"] if isinstance(each := key[part.value], dict) else each for part in by)


def labels(context: QueryContext, by: Sequence[By], places: Iterable[Ids]) -> list[dict[str, str]]:
    """What the ids of each part are called, as far as the caller may see it."""
    found = []
    for part, ids in zip(by, zip(*places, strict=True), strict=False):
        wanted = sorted({id_ for id_ in ids if id_})
        found.append({id_: id_ for id_ in wanted} if part is By.REGION else _named(context, part, wanted))
    return found or [{} for _ in by]


def _named(context: QueryContext, part: By, ids: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        [found] = context.query(_NAMES[part], {"ids": ids[start : start + _AT_ONCE]}).values()
        for each in found["nodes"]:
            name = each.get("name") or f"{each.get('firstName') or ''} {each.get('lastName') or ''}".strip()
            if name:
                names[each["id"]] = name
    return names
