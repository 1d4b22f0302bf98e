"""What is to be reached: targets, and quotas, which are targets of somebody's revenue; those that the caller sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import QueryContext, Refuse
from xrm_sales.periods import Goal, goal_of

MOST = 1_000
PARTS = ("user", "team", "product", "region")
"""What targets are of, several of these together or none of them."""
_RECORDS = ("user", "team", "product")


@dataclass(frozen=True)
class Target:
    """What is to be reached of some parts (name → id, or the region); ``currency`` of revenue only."""

    goal: Goal
    currency: str | None
    parts: Mapping[str, str]

    @property
    def month(self) -> date:
        """The first day of its period."""
        return date.fromisoformat(self.goal.first)


def targets_of(context: QueryContext, metric: str, days: Mapping[str, str]) -> list[Target]:
    """Those that begin in some days (``from``, ``to``), without those of which the caller does not see all parts: they
    would look like targets of more than they are of.

    Raises:
        Refuse: there are more than can be held against anything at once.
    """
    found, money = [], metric == "revenue"
    if _may_see(context, "sales_target"):
        shown = [name for name in _RECORDS if _may_see(context, name)]
        nodes = context.query(_targets("id month period value currency region", shown), {"metric": metric, **days})
        seen = _few(nodes["salesTargets"]["nodes"])
        whole = {each["id"]: _parts(each) for each in _all_parts(context, [each["id"] for each in seen])}
        for each in seen:
            parts = _parts(each)
            if parts == whole.get(each["id"]):
                found.append(Target(goal_of(each, "value"), each["currency"] if money else None, parts))
    if money and _may_see(context, "quota") and _may_see(context, "user"):
        found += [
            Target(goal_of(each, "amount"), each["currency"], {"user": each["user"]["id"]})
            for each in _few(context.query(_QUOTAS, days)["quotas"]["nodes"])
            if each["user"] is not None
        ]
    return found


def _targets(fields: str, parts: list[str]) -> str:
    shown = " ".join(f"{name} {{ id }}" for name in parts)
    return f"""
query ($metric: SalesTargetMetric!, $from: Date!, $to: Date!) {{
  salesTargets(
    where: {{metric: {{eq: $metric}}, month: {{gte: $from, lt: $to}}}}, orderBy: [{{id: ASC}}], first: {MOST}
  ) {{ nodes {{ {fields} {shown} }} }}
}}"""


_QUOTAS = f"""
query ($from: Date!, $to: Date!) {{
  quotas(where: {{month: {{gte: $from, lt: $to}}}}, orderBy: [{{id: ASC}}], first: {MOST}) {{
    nodes {{ month period amount currency user {{ id }} }}
  }}
}}"""
_WHOLE = f"""
query ($ids: [ID!]!) {{
  salesTargets(where: {{id: {{in: $ids}}}}, first: {MOST}) {{
    nodes {{ id region user {{ id }} team {{ id }} product {{ id }} }}
  }}
}}"""


def _all_parts(context: QueryContext, ids: list[str]) -> list[Mapping[str, Any]]:
    return list(context.query_as_system(_WHOLE, {"ids": ids})["salesTargets"]["nodes"]) if ids else []


def _parts(each: Mapping[str, Any]) -> dict[str, str]:
    parts = {name: each[name]["id"] for name in _RECORDS if each.get(name)}
    return parts | ({"region": each["region"]} if each["region"] is not None else {})


def _few(nodes: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if len(nodes) >= MOST:
        text = {"en": "Too much at once: ask for fewer months.", "de": "Zu viel: weniger Monate."}
        raise Refuse(text, field="months")
    return nodes


def _may_see(context: QueryContext, entity: str) -> bool:
    caller: Any = context.caller
    return bool(caller.access.may(entity, "read"))
