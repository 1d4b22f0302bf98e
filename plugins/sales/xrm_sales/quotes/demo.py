"""Quotes of a demo: of each opportunity that has come so far one, with lines, and where it stands."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from xrm_core.api import DemoContext

Rows = tuple[str, list[Mapping[str, Any]]]
_PARTS = ((80, "Lieferung"), (15, "Montage und Inbetriebnahme"), (5, "Schulung"))
"""Per cent of the amount, and for what."""
_COST = Decimal("0.68")


def quotes(
    demo: DemoContext, opportunities: Sequence[Mapping[str, Any]], stages: Mapping[str, tuple[str, str]]
) -> Iterator[Rows]:
    """Drafts with their lines, and then what has become of them.

    Args:
        demo: draws.
        opportunities: those of the demo, each with its id.
        stages: by id: name and kind.
    """
    made = [
        (demo.new_id(), each, stages[each["stage"]])
        for each in opportunities
        if stages[each["stage"]][1] != "open" or stages[each["stage"]][0] in ("Proposal", "Negotiation")
    ]
    yield "quote", [_draft(demo, id_, each) for id_, each, _ in made]
    yield "quote_item", [line for id_, each, _ in made for line in _lines(id_, Decimal(each["amount"]))]
    yield "quote", [{"id": id_, **_now(demo, each, *stage)} for id_, each, stage in made]


def _draft(demo: DemoContext, id_: str, opportunity: Mapping[str, Any]) -> dict[str, Any]:
    day = opportunity.get("closed_on") or demo.now.date().isoformat()
    same = {name: opportunity[name] for name in ("customer", "owner")}
    return {**same, "id": id_, "subject": opportunity["name"], "opportunity": opportunity["id"], "priced_on": day}


def _lines(quote: str, amount: Decimal) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [
        {"position": place, "text": text, "unit_price": amount * percent / 100}
        for place, (percent, text) in enumerate(_PARTS, start=1)
    ]
    lines.append({"position": 9, "text": "Wartung, jährlich", "unit_price": amount / 20, "optional": True})
    return [
        {"quote": quote, "quantity": 1, "price_by_hand": True, "cost_price": each["unit_price"] * _COST, **each}
        for each in lines
    ]


def _now(demo: DemoContext, opportunity: Mapping[str, Any], stage: str, kind: str) -> dict[str, Any]:
    """What has become of it: drafts of proposals, those in negotiation are out, the others decided."""
    if kind == "open" and stage == "Proposal":
        return {"status": "draft"}
    if kind == "open":
        day = demo.now.date() - timedelta(days=demo.random.randint(1, 20))
        return _sent(day) | {"status": "sent", "valid_until": (day + timedelta(days=30)).isoformat()}
    day = date.fromisoformat(opportunity["closed_on"])
    status = "accepted" if kind == "won" else "rejected"
    return _sent(day - timedelta(days=10)) | {"status": status, "decided_on": day.isoformat()}


def _sent(day: date) -> dict[str, Any]:
    return {"sent_at": f"{day.isoformat()}T09:00:00+00:00"}
