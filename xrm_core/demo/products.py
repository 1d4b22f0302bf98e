"""The product list: every model in every variant, and second generations that replace the first."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.catalogue import LINES, Line
from xrm_core.demo.draw import NOW, TODAY, Draw, Record, rounded
from xrm_core.demo.people import FOUNDED
from xrm_core.demo.sales_area import SalesAreas

_RENEWED = ("machine", "component", "software")
_STOCKED = ("component", "spare_part")
_MADE = ("machine", "component", "spare_part")
_FIRST_YEAR, _LAST_YEAR = 2012, 2022


def products(draw: Draw, count: int, areas: SalesAreas, suppliers: list[Record]) -> list[Record]:
    """``count`` products; a successor after its predecessor."""
    made: list[Record] = []
    latest: dict[str, Record] = {}
    for line, name, sku, generation in _designs(draw, count):
        predecessor = latest.get(f"{line.prefix}{name}")
        record = _product(draw, line, name, sku, generation, predecessor)
        record["supplier"] = (
            draw.pick(suppliers)["id"] if suppliers and line.category in _STOCKED and draw.chance(0.5) else None
        )
        record["manager"] = areas.member(draw, "Projekte und Service")
        latest[f"{line.prefix}{name}"] = record
        made.append(record)
    return made


def _designs(draw: Draw, count: int) -> Iterator[tuple[Line, str, str, int]]:
    first = [
        (line, f"{line.name} {model} {variant}", f"{line.prefix}-{100 + 10 * row + column}")
        for line in LINES
        for row, model in enumerate(line.models)
        for column, variant in enumerate(line.variants)
    ]
    renewed = [design for design in first if design[0].category in _RENEWED]
    left, generation = count, 1
    while left > 0:
        for line, name, sku in draw.shuffled(first if generation == 1 else renewed)[:left]:
            yield line, name, sku if generation == 1 else f"{sku}-G{generation}", generation
            left -= 1
        generation += 1


def _product(draw: Draw, line: Line, name: str, sku: str, generation: int, predecessor: Record | None) -> Record:
    if predecessor is None:
        released = dt.date(draw.between(_FIRST_YEAR, _LAST_YEAR), draw.between(1, 12), 1)
    else:
        before = dt.date.fromisoformat(predecessor["released_on"])
        released = min(TODAY, before + dt.timedelta(days=draw.between(900, 2400)))
    earliest = FOUNDED + dt.timedelta(days=1)
    created = dt.datetime.combine(released, dt.time(8), tzinfo=dt.UTC) - dt.timedelta(days=draw.between(5, 60))
    created = min(NOW, max(earliest, draw.working(created)))
    price = rounded(draw.spread(line.price, 0.45) * 1.08 ** (generation - 1))
    replaced = predecessor is None and line.category in _RENEWED and draw.chance(0.08)
    if predecessor is not None:
        predecessor["active"] = False
        predecessor["discontinued_on"] = released.isoformat()
    return {
        **draw.system_fields(created, DEMO_USERS["admin"], 0.9),
        "sku": sku,
        "name": name if generation == 1 else f"{name} Gen. {generation}",
        "description": line.description,
        "category": line.category,
        "product_line": line.name,
        "unit": line.unit,
        "price": price,
        "cost_price": rounded(float(price) * (1 - line.margin) * draw.spread(1, 0.06)),
        "currency": "EUR",
        "tax_rate": Decimal("19.00"),
        "stock": round(draw.spread(60, 1.1)) if line.category in _STOCKED else None,
        "weight_kg": Decimal(str(round(draw.spread(line.weight_kg, 0.4), 3))) if line.weight_kg else None,
        "lead_time_days": draw.between(30, 120)
        if line.category == "machine"
        else draw.between(1, 20)
        if line.category in _STOCKED
        else None,
        "warranty_months": draw.pick([12, 24, 24, 36]) if line.category in _MADE else None,
        "active": not replaced,
        "released_on": released.isoformat(),
        "discontinued_on": (TODAY - dt.timedelta(days=draw.between(30, 1000))).isoformat() if replaced else None,
        "predecessor": predecessor["id"] if predecessor else None,
    }
