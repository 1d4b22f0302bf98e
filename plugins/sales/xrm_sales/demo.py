"""What there is to see of sales in a demo: a pipeline with opportunities and quotes, taxes, reports, and leads."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from xrm_core.api import DemoContext, DemoData
from xrm_sales.opportunities.defaults import LOSS_REASONS, STAGES
from xrm_sales.quotes.demo import quotes
from xrm_sales.reports.standard import STANDARD

Rows = tuple[str, list[Mapping[str, Any]]]
_REGIONS = ("Nord", "Süd", "West", "Ost")
_NAMES = (
    ("Eva", "Brandt", "Brandt Metallbau"),
    ("Jonas", "Keller", "Keller & Sohn"),
    ("Aylin", "Demir", "Demir Logistik"),
)
_WHAT = ("Modernisierung", "Neue Linie", "Ersatzteile", "Wartung", "Erweiterung Halle 2")
_OPPORTUNITIES = 60
_TAXES = (
    ("DE", 19), ("AT", 20), ("CH", 8.1), ("LI", 8.1), ("LU", 17), ("FR", 20), ("IT", 22), ("NL", 21), ("BE", 21),
    ("DK", 25), ("SE", 25), ("PL", 23), ("CZ", 21), ("ES", 21), ("GB", 20), ("US", 0),  # there it is an export
)  # fmt: skip
"""Standard rates of value added tax, by country."""


def demo() -> list[DemoData]:
    """All of it."""
    needed = ("pipeline", "stage", "loss_reason", "opportunity", "lead", "customer")
    return [DemoData(_records, needed, {"sales_rep": ["sales_seller"]})]


def _records(demo: DemoContext) -> Iterator[Rows]:
    pipeline = demo.new_id()
    yield "pipeline", [{"id": pipeline, "name": "Standard", "is_default": True}]
    stages = [(demo.new_id(), *stage) for stage in STAGES]
    yield (
        "stage",
        [
            {
                "id": id_,
                "pipeline": pipeline,
                "name": name,
                "position": position,
                "kind": kind,
                "probability": probability,
                "forecast_category": category,
            }
            for position, (id_, name, kind, probability, category) in enumerate(stages, start=1)
        ],
    )
    reasons = [demo.new_id() for _ in LOSS_REASONS]
    yield (
        "loss_reason",
        [
            {"id": id_, "name": name, "to_competitor": to_competitor}
            for id_, (name, to_competitor) in zip(reasons, LOSS_REASONS, strict=True)
        ],
    )
    yield (
        "tax_rate",
        [
            {"country": country, "category": "standard", "percent": percent, "valid_from": "2024-01-01"}
            for country, percent in _TAXES
        ],
    )
    yield (
        "report",
        [
            {"name": name, "title": title, "title_de": title_de, "document": document, "owner": demo.users.get("admin")}
            for name, title, title_de, document in STANDARD
        ],
    )
    opportunities: list[Mapping[str, Any]] = [_opportunity(demo, stages, reasons) for _ in range(_OPPORTUNITIES)]
    yield "opportunity", opportunities
    yield "opportunity_competitor", _rivals(demo, opportunities)
    yield "quota", _quotas(demo)
    yield from quotes(demo, opportunities, {id_: (name, kind) for id_, name, kind, *_ in stages})
    yield "scoring_rule", [{"name": "Firma bekannt", "points": 20, "condition": {"company": {"isNull": False}}}]
    yield (
        "lead",
        [
            {"first_name": first, "last_name": last, "company": company, "source": "trade_fair", "country": "DE"}
            for first, last, company in _NAMES
        ],
    )


def _opportunity(demo: DemoContext, stages: list[tuple[str, str, str, int, str]], reasons: list[str]) -> dict[str, Any]:
    """One that fits together: closed ones lie in the past, open ones end in the next months."""
    draw, day = demo.random, demo.now.date()
    stage, _, kind, *_ = draw.choices(stages, [5, 4, 4, 3, 6, 4])[0]
    begun = day - timedelta(days=draw.randint(20, 300))
    values: dict[str, Any] = {
        "id": demo.new_id(),
        "name": draw.choice(_WHAT),
        "customer": draw.choice(demo.ids("customer")),
        "stage": stage,
        "amount": draw.randrange(2_000, 250_000, 500),
        "region": draw.choice(_REGIONS),
        "engaged_on": begun.isoformat(),
        "owner": demo.users.get("sales_rep") if draw.random() < 0.5 else demo.users.get("admin"),
    }
    if products := demo.ids("product"):
        values["product"] = draw.choice(products)
    if kind == "open":
        return {**values, "close_on": _later(day, draw.randint(1, 150))}
    values["closed_on"] = _later(begun, draw.randint(5, (day - begun).days))
    if kind == "lost":
        place = draw.randrange(len(LOSS_REASONS))
        values["loss_reason"] = reasons[place]
        if LOSS_REASONS[place][1]:
            values["lost_to"] = draw.choice(demo.ids("competitor"))
    return values


def _rivals(demo: DemoContext, opportunities: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every third one has a competitor, beside those to whom something was lost."""
    return [
        {"opportunity": each["id"], "competitor": demo.random.choice(demo.ids("competitor"))}
        for each in opportunities[::3]
        if "lost_to" not in each
    ]


def _quotas(demo: DemoContext) -> list[Mapping[str, Any]]:
    """Of those who sell, for each quarter of the year."""
    sellers = [user for role in ("admin", "sales_rep") if (user := demo.users.get(role))]
    months = [demo.now.date().replace(month=month, day=1).isoformat() for month in (1, 4, 7, 10)]
    return [
        {"user": user, "month": month, "period": "quarter", "amount": 400_000} for user in sellers for month in months
    ]


def _later(day: date, days: int) -> str:
    return (day + timedelta(days=days)).isoformat()
