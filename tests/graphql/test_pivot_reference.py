"""Figures of groups, with totals, conditions and orders of groups, held against a naive reference."""

import datetime as dt
import itertools
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.graphql.kit import World
from tests.graphql.pivot_world import DEALS, FIRMS, ask
from tests.query.examples import examples

KEYS = {
    "stage: VALUE": ("stage", lambda deal, _firm: deal["stage"]),
    "closesOn: MONTH": ("closesOn", lambda deal, _firm: deal["closes_on"] and deal["closes_on"][:8] + "01"),
    "firm: {kind: VALUE}": ("firm { kind }", lambda _deal, firm: firm and firm["kind"]),
    "firm: {seenAt: YEAR}": ("firm { seenAt }", lambda _deal, firm: firm and _year(firm["seen_at"])),
}
ZONE = "Europe/Berlin"


def _year(moment: str | None) -> str | None:
    if moment is None:
        return None
    zone = ZoneInfo(ZONE)
    begin = dt.datetime(dt.datetime.fromisoformat(moment).astimezone(zone).year, 1, 1, tzinfo=zone)
    return begin.astimezone(dt.UTC).isoformat()


def _figure(name: str, records: list[Any]) -> Any:
    amounts = [Decimal(deal["amount"]) for deal, _ in records if deal["amount"] is not None]
    match name:
        case "count":
            return len(records)
        case "sum":
            return sum(amounts, Decimal()) if amounts else None
        case "max":
            return max(amounts, default=None)
        case "countDistinct":
            return len(set(amounts))
    raise KeyError(name)


FIGURES = {"count": "count", "sum": "sum: {amount", "max": "max: {amount", "countDistinct": "countDistinct: {amount"}
OPS = {"lt": lambda a, b: a < b, "gte": lambda a, b: a >= b, "eq": lambda a, b: a == b}


def _argument(figure: str, value: str) -> str:
    return f"{FIGURES[figure]}: {value}{'}' if '{' in FIGURES[figure] else ''}"


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(list(KEYS)), unique=True, max_size=3))
    limit = st.sampled_from(["0", "1", "3", "0.3", "-5"])
    whole = st.sampled_from(["0", "1", "3"])
    figure = draw(st.sampled_from(list(FIGURES)))
    value = draw(whole if figure.startswith("count") else limit)
    return {
        "keys": keys,
        "totals": draw(st.sampled_from([None, "ROLLUP", "CUBE"])),
        "having": draw(st.none() | st.just((figure, draw(st.sampled_from(list(OPS))), value))),
        "order": draw(
            st.lists(st.tuples(st.sampled_from([*FIGURES, *keys]), st.sampled_from(["ASC", "DESC"])), max_size=2)
        ),
        "first": draw(st.sampled_from([1, 4, 1000])),
    }


def reference(question: dict[str, Any]) -> list[Any]:
    firms = {firm["id"]: firm for firm in FIRMS}
    records = [(deal, firms.get(deal["firm"])) for deal in DEALS]
    keys, totals = question["keys"], question["totals"]
    sets = [tuple(keys)]
    if totals == "ROLLUP":
        sets = [tuple(keys[:count]) for count in range(len(keys), -1, -1)]
    elif totals == "CUBE":
        sets = [each for count in range(len(keys) + 1) for each in itertools.combinations(keys, count)]
    found = []
    for kept in sets:
        groups: dict[Any, list[Any]] = {} if kept else {(): []}
        for deal, firm in records:
            groups.setdefault(tuple(KEYS[key][1](deal, firm) for key in kept), []).append((deal, firm))
        for values, members in groups.items():
            figures = {name: _figure(name, members) for name in FIGURES}
            found.append((kept, dict(zip(kept, values, strict=True)), figures))
    if question["having"]:
        name, op, value = question["having"]
        found = [each for each in found if each[2][name] is not None and OPS[op](each[2][name], Decimal(value))]

    def compare(one: Any, other: Any) -> int:
        for name, direction in [*question["order"], *((key, "ASC") for key in keys)]:
            if name in KEYS and (name in one[0]) != (name in other[0]):
                return -1 if name in one[0] else 1
            left, right = (each[2][name] if name in FIGURES else each[1].get(name) for each in (one, other))
            if left != right:
                less = right is None or (left is not None and left < right)
                return -1 if less is (direction == "ASC") else 1
        return 0

    ordered = sorted(found, key=cmp_to_key(compare))[: question["first"]]
    return [
        (
            sorted(set(keys) - set(kept)),
            [values.get(key) for key in keys],
            [figures[name] for name in ("sum", "count", "max", "countDistinct")],
        )
        for kept, values, figures in ordered
    ]


def asked(pivots: World, question: dict[str, Any]) -> list[Any]:
    arguments = [f"first: {question['first']}", f'timeZone: "{ZONE}"']
    if question["keys"]:
        arguments.append("groupBy: [" + ", ".join(f"{{{key}}}" for key in question["keys"]) + "]")
    if question["totals"]:
        arguments.append(f"totals: {question['totals']}")
    if question["having"]:
        name, op, value = question["having"]
        quoted = value if name.startswith("count") else f'"{value}"'
        arguments.append(f"having: {{{_argument(name, f'{{{op}: {quoted}}}')}}}")
    order = []
    for name, direction in question["order"]:
        if name in FIGURES:
            order.append(f"{{{_argument(name, direction)}}}")
        else:
            path = name.replace("VALUE", direction).replace("MONTH", direction).replace("YEAR", direction)
            order.append(f"{{key: {{{path}}}}}")
    if order:
        arguments.append(f"orderBy: [{', '.join(order)}]")
    keys = " ".join(f"k{place}: {KEYS[key][0]}" for place, key in enumerate(question["keys"]))
    body = "totalOver sum { amount } count max { amount } countDistinct { amount }"
    found = ask(pivots, f"({', '.join(arguments)})", f"{f'key {{ {keys} }}' if keys else ''} {body}")
    names = {"stage": "stage: VALUE", "closesOn:MONTH": "closesOn: MONTH"}
    names |= {"firm.kind": "firm: {kind: VALUE}", "firm.seenAt:YEAR": "firm: {seenAt: YEAR}"}
    result = []
    for each in found:
        values = [each["key"][f"k{place}"] for place in range(len(question["keys"]))] if keys else []
        values = [next(iter(value.values())) if isinstance(value, dict) else value for value in values]
        total, most = each["sum"]["amount"], each["max"]["amount"]
        figures = [total and Decimal(total), each["count"], most and Decimal(most), each["countDistinct"]["amount"]]
        result.append((sorted(names[name] for name in each["totalOver"]), values, figures))
    return result


@examples(60)
@given(question=questions())
def test_groups_are_what_a_naive_reference_makes(pivots: World, question: dict[str, Any]) -> None:
    assert asked(pivots, question) == reference(question)
