"""The small world with computed fields and roll-ups, and how the naive reference works them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.graphql.kit import ENTITIES

DECIMAL = {"type": "number", "x-type": "decimal"}


def rollup(relation: str, function: str, field: str = "", **more: Any) -> dict[str, Any]:
    return {"x-rollup": {"relation": relation, "function": function, **({"field": field} if field else {}), **more}}


VIRTUAL: dict[str, dict[str, Any]] = {
    "person": {
        "firm_count": rollup("firms", "count"),
        "best": rollup("firms", "max", "per_head"),
        "initial": {"type": "string", "x-computed": "SUBSTR(name, 1, 1)"},
    },
    "firm": {
        "label": {"type": "string", "x-computed": "name || '/' || COALESCE(note, '-')"},
        "per_head": {**DECIMAL, "x-scale": 3, "x-computed": "revenue / employees"},
        "lively": {"type": "boolean", "x-computed": "active AND deal_count > 1"},
        "deal_count": rollup("deals", "count"),
        "deal_sum": rollup("deals", "sum", "amount", where={"stage": {"ne": "gone"}}),
        "deal_avg": rollup("deals", "avg", "doubled"),
        "sold": rollup("deals", "count", where={"seller": {"badge": {"gt": 0}}}),
        "last_deal": rollup("deals", "last", "stage", order_by="title"),
        "first_close": rollup("deals", "first", "closes_on"),
        "next_close": rollup("deals", "min", "closes_on"),
        "below": rollup("children", "sum", "deal_count"),
        "visited": rollup("visits", "count", where={"minutes": {"gte": 0}}),
    },
    "deal": {"doubled": {**DECIMAL, "x-scale": 4, "x-computed": "amount * 2"}},
}
SEARCHED = {"person": ("name",), "firm": ("name", "note"), "deal": ("title",)}
WORLD = {
    name: {
        **{
            key: {**field, "x-search": True} if key in SEARCHED.get(name, ()) else field
            for key, field in fields.items()
        },
        **VIRTUAL.get(name, {}),
    }
    for name, fields in ENTITIES.items()
}


@dataclass(frozen=True)
class Computed:
    """Fields of the same record, and the value that they give; it is called only if all may be seen."""

    uses: tuple[str, ...]
    work: Callable[[Mapping[str, Any]], Any]


def _divided(values: Mapping[str, Any]) -> Any:
    revenue, employees = values["revenue"], values["employees"]
    if revenue is None or not employees:
        return None
    # A quotient has six digits after the point, of which three are shown.
    exact = (Decimal(str(revenue)) / employees).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return exact.quantize(Decimal("0.001"), ROUND_HALF_UP)


def _both(values: Mapping[str, Any]) -> bool | None:
    sides = values["active"], values["deal_count"] > 1
    return False if False in sides else None if None in sides else True


COMPUTED: dict[tuple[str, str], Computed] = {
    ("person", "initial"): Computed(("name",), lambda row: row["name"][:1]),
    ("firm", "label"): Computed(
        ("name", "note"), lambda row: f"{row['name']}/{'-' if row['note'] is None else row['note']}"
    ),
    ("firm", "per_head"): Computed(("revenue", "employees"), _divided),
    ("firm", "lively"): Computed(("active", "deal_count"), _both),
    ("deal", "doubled"): Computed(
        ("amount",), lambda row: None if row["amount"] is None else Decimal(str(row["amount"])) * 2
    ),
}
NEEDS: dict[tuple[str, str], list[tuple[str, str]]] = {
    ("person", "firm_count"): [("firm", "owner")],
    ("person", "best"): [("firm", "owner"), ("firm", "per_head")],
    ("firm", "deal_count"): [("deal", "firm")],
    ("firm", "deal_sum"): [("deal", "firm"), ("deal", "amount"), ("deal", "stage")],
    ("firm", "deal_avg"): [("deal", "firm"), ("deal", "doubled")],
    ("firm", "sold"): [("deal", "firm"), ("deal", "seller"), ("person", "badge")],
    ("firm", "last_deal"): [("deal", "firm"), ("deal", "stage"), ("deal", "title")],
    ("firm", "first_close"): [("deal", "firm"), ("deal", "closes_on")],
    ("firm", "next_close"): [("deal", "firm"), ("deal", "closes_on")],
    ("firm", "below"): [("firm", "parent"), ("firm", "deal_count")],
    ("firm", "visited"): [("visit", "regarding"), ("visit", "minutes")],
}
"""What has to be in a role's schema, so that a virtual field is."""

NEEDS |= {(entity, name): [(entity, each) for each in found.uses] for (entity, name), found in COMPUTED.items()}
