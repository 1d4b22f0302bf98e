"""Partners who sell, supply and build with the demo company, and the competitors who do it against it."""

import datetime as dt
from decimal import Decimal

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, in_currency, instant, rounded
from xrm_core.demo.firm_names import FirmNames, legal_form, local_language, somewhere
from xrm_core.demo.firms import COMPETITOR_TRADES, INDUSTRIES, PARTNER_TRADES
from xrm_core.demo.organisations import Organisation, contact_data
from xrm_core.demo.people import FOUNDED
from xrm_core.demo.sales_area import SalesAreas
from xrm_core.demo.texts import STRENGTHS, WEAKNESSES

_COMMISSIONED = ("reseller", "distributor", "integrator")
_KIND_WEIGHTS = (26, 10, 22, 14, 10, 18)  # in the order of PARTNER_TRADES


def partners(draw: Draw, count: int, areas: SalesAreas, names: FirmNames) -> list[Organisation]:
    """Resellers, integrators, suppliers and so on."""
    return [_partner(draw, number, areas, names) for number in range(count)]


def competitors(
    draw: Draw, count: int, areas: SalesAreas, names: FirmNames, products: list[Record]
) -> list[Organisation]:
    """Makers of the same kind of goods; each attacks one of the products most."""
    return [_competitor(draw, areas, names, draw.pick(products)) for _ in range(count)]


def _partner(draw: Draw, number: int, areas: SalesAreas, names: FirmNames) -> Organisation:
    country, city = somewhere(draw)
    kind = draw.weighted(tuple(PARTNER_TRADES), _KIND_WEIGHTS)
    trades = PARTNER_TRADES[kind]
    name, domain = names.coined(draw, country, city, trades if country.language == "de" else trades[-1:])
    employees = max(2, min(9000, round(draw.spread(35, 1.1))))
    form = legal_form(draw, country, city.state, employees)
    owner, _ = areas.owner(draw, country.code, city.state)
    created = draw.moment(FOUNDED + dt.timedelta(days=2), NOW - dt.timedelta(days=20))
    status = draw.weighted(("candidate", "active", "paused", "ended"), (10, 74, 8, 8))
    start = min(TODAY, created.date() + dt.timedelta(days=draw.between(0, 60)))
    end = max(start, TODAY + dt.timedelta(days=-draw.between(10, 300) if status == "ended" else draw.between(40, 900)))
    record = {
        **draw.system_fields(created, areas.author(owner, instant(created))),
        "partner_number": f"P-{2001 + number}",
        "name": f"{name} {form}",
        "legal_form": form,
        "kind": kind,
        "tier": draw.weighted(("registered", "silver", "gold", "platinum"), (45, 30, 18, 7)),
        "status": status,
        "speciality": draw.pick(INDUSTRIES).name,
        "employees": employees,
        "annual_revenue": rounded(in_currency(employees * draw.spread(160_000, 0.4), country.currency)),
        "currency": country.currency,
        "commission_rate": Decimal(draw.between(8, 50)) / 2 if kind in _COMMISSIONED else None,
        **contact_data(draw, country, city, domain),
        "vat_id": draw.fill(country.vat_id) if country.vat_id else None,
        "contract_start": start.isoformat() if status != "candidate" else None,
        "contract_end": end.isoformat() if status != "candidate" else None,
        "owner": owner,
    }
    return Organisation("partner", record, country, city, domain, local_language(country, city.state), created)


def _competitor(draw: Draw, areas: SalesAreas, names: FirmNames, product: Record) -> Organisation:
    country, city = somewhere(draw)
    name, domain = names.coined(draw, country, city, COMPETITOR_TRADES)
    employees = max(15, min(40_000, round(draw.spread(320, 1.1))))
    form = legal_form(draw, country, city.state, employees)
    owner, _ = areas.owner(draw, country.code, city.state)
    created = draw.moment(FOUNDED + dt.timedelta(days=30), NOW - dt.timedelta(days=30))
    record = {
        **draw.system_fields(created, areas.author(owner, instant(created))),
        "name": f"{name} {form}",
        "legal_form": form,
        "industry": "Mechanical engineering",
        "threat_level": draw.weighted(("low", "medium", "high", "critical"), (35, 38, 20, 7)),
        "market_share": Decimal(min(2800, round(draw.spread(140, 0.9)))).scaleb(-2),
        "price_position": draw.weighted(("budget", "mid_range", "premium"), (30, 48, 22)),
        "strengths": draw.pick(STRENGTHS),
        "weaknesses": draw.pick(WEAKNESSES),
        "employees": employees,
        "annual_revenue": rounded(in_currency(employees * draw.spread(200_000, 0.3), country.currency)),
        "currency": country.currency,
        "founded_year": draw.between(1898, 2017),
        **contact_data(draw, country, city, domain),
        "active": draw.chance(0.95),
        "competing_product": product["id"],
        "owner": owner,
    }
    return Organisation("competitor", record, country, city, domain, local_language(country, city.state), created)
