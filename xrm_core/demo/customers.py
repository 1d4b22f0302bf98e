"""Customers: of which trade and size, what they are worth to us, and who belongs to whom."""

import datetime as dt
from dataclasses import dataclass

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, in_currency, instant, rounded
from xrm_core.demo.firm_names import FirmNames, legal_form, local_language, somewhere
from xrm_core.demo.firms import INDUSTRIES, PUBLIC, Industry
from xrm_core.demo.organisations import Organisation, contact_data
from xrm_core.demo.people import FOUNDED
from xrm_core.demo.places import City, Country
from xrm_core.demo.sales_area import SalesAreas
from xrm_core.demo.texts import CUSTOMER_DESCRIPTIONS, INTERNAL_NOTES

_KEY_ACCOUNT, _MID_MARKET, _MOST = 600, 50, 60_000  # employees
_PARENT = 150  # employees from which on a firm has subsidiaries
_SUBSIDIARIES = 0.07  # share of all customers
_RATINGS = (("A", 80e6), ("B", 20e6), ("C", 4e6), ("D", 0.0))  # from this value in euro on
_SOURCES = {"referral": 24, "trade_fair": 20, "website": 18, "cold_call": 14, "partner": 12, "campaign": 9, "other": 3}


@dataclass(frozen=True, slots=True)
class _Firm:
    """A firm before it becomes a customer record; ``trunk`` is its name without the legal form."""

    trunk: str
    domain: str
    industry: Industry
    employees: int
    country: Country
    city: City


def customers(draw: Draw, count: int, areas: SalesAreas, names: FirmNames) -> list[Organisation]:
    """Customers in the order in which they came; a subsidiary always after its parent."""
    made: list[Organisation] = []
    groups: list[tuple[_Firm, str]] = []
    moments = sorted(draw.moment(FOUNDED + dt.timedelta(days=3), NOW, 1.3) for _ in range(count))
    for number, created in enumerate(moments):
        parent = draw.pick(groups) if groups and draw.chance(_SUBSIDIARIES) else None
        firm = _subsidiary(draw, names, parent[0]) if parent else _firm(draw, names)
        record = _customer(draw, number, created, firm, areas)
        record["parent"] = parent[1] if parent else None
        if parent is None and firm.employees > _PARENT and firm.industry.name != PUBLIC:
            groups.append((firm, record["id"]))
        made.append(Organisation("customer", record, firm.country, firm.city, firm.domain, record["language"], created))
    return made


def _firm(draw: Draw, names: FirmNames) -> _Firm:
    country, city = somewhere(draw)
    industry = draw.weighted(INDUSTRIES, [industry.weight for industry in INDUSTRIES])
    employees = max(1, min(_MOST, round(draw.spread(industry.size, 1.2))))
    return _Firm(*names.firm(draw, country, city, industry), industry, employees, country, city)


def _subsidiary(draw: Draw, names: FirmNames, parent: _Firm) -> _Firm:
    country, city = somewhere(draw)
    employees = max(3, int(parent.employees * (0.03 + 0.3 * draw.fraction())))
    return _Firm(*names.branch(parent.trunk, country, city, draw), parent.industry, employees, country, city)


def _customer(draw: Draw, number: int, created: dt.datetime, firm: _Firm, areas: SalesAreas) -> Record:
    country, city = firm.country, firm.city
    form = legal_form(draw, country, city.state, firm.employees)
    owner, team = areas.owner(draw, country.code, city.state)
    euro = firm.employees * draw.spread(firm.industry.revenue, 0.35)
    value = euro * draw.spread(1, 0.9)
    new = (TODAY - created.date()).days < 365
    status = draw.weighted(("prospect", "active", "inactive", "lost"), (60, 36, 0, 4) if new else (9, 72, 12, 7))
    buys = status in ("active", "inactive")
    language = local_language(country, city.state)
    german, english = draw.pick(CUSTOMER_DESCRIPTIONS)
    limit = in_currency(euro * 0.004 * draw.spread(1, 0.4), country.currency)
    return {
        **draw.system_fields(created, areas.author(owner, instant(created)), 0.8),
        "customer_number": f"C-{10_001 + number}",
        "name": f"{firm.trunk} {form}",
        "legal_form": form,
        "status": status,
        "segment": _segment(firm),
        "rating": next(rating for rating, least in _RATINGS if value >= least),
        "industry": firm.industry.name,
        "description": (german if language == "de" else english).format(n=firm.employees, city=city.name)
        if draw.chance(0.4)
        else None,
        "employees": firm.employees,
        "annual_revenue": rounded(in_currency(euro, country.currency)),
        "currency": country.currency,
        **contact_data(draw, country, city, firm.domain),
        "state": city.state,
        "vat_id": draw.fill(country.vat_id) if country.vat_id else None,
        "language": language,
        "source": draw.weighted(tuple(_SOURCES), tuple(_SOURCES.values())),
        "since": min(TODAY, created.date() + dt.timedelta(days=draw.between(10, 200))).isoformat() if buys else None,
        "payment_terms_days": draw.weighted((14, 30, 45, 60, 90), (20, 50, 10, 15, 5)),
        "credit_limit": rounded(limit, 2) if buys else None,
        "internal_notes": draw.pick(INTERNAL_NOTES) if draw.chance(0.3) else None,
        "owner": owner,
        "team": team,
    }


def _segment(firm: _Firm) -> str:
    if firm.industry.name == PUBLIC:
        return "public_sector"
    if firm.employees >= _KEY_ACCOUNT:
        return "key_account"
    return "mid_market" if firm.employees >= _MID_MARKET else "small_business"
