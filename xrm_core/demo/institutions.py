"""Authorities, chambers, universities and so on; some are branches of an earlier one in the same city."""

import datetime as dt

from xrm_core.demo.draw import NOW, Draw, in_currency, instant, rounded
from xrm_core.demo.firm_names import FirmNames, local_language, somewhere
from xrm_core.demo.firms import INSTITUTIONS
from xrm_core.demo.organisations import Organisation, contact_data
from xrm_core.demo.people import FOUNDED, slug
from xrm_core.demo.places import City, Country
from xrm_core.demo.sales_area import SalesAreas

_BRANCHES = 0.1  # share of institutions that belong to another one
_TRIES = 40  # draws of another kind or city while the name is taken
_LOCAL = ("authority", "bank", "foundation")
_WITH_MEMBERS = ("chamber", "association")


def institutions(draw: Draw, count: int, areas: SalesAreas, names: FirmNames) -> list[Organisation]:
    """``count`` institutions; a branch after its parent."""
    made: list[Organisation] = []
    heads: list[Organisation] = []
    for _ in range(count):
        head = draw.pick(heads) if heads and draw.chance(_BRANCHES) else None
        made.append(_branch(draw, areas, names, head) if head else _head(draw, areas, names))
        if head is None:
            heads.append(made[-1])
    return made


def _head(draw: Draw, areas: SalesAreas, names: FirmNames) -> Organisation:
    country, city, kind, name, domain = _free_name(draw, names)
    return _institution(draw, areas, country, city, name, domain, kind, FOUNDED + dt.timedelta(days=2))


def _free_name(draw: Draw, names: FirmNames) -> tuple[Country, City, str, str, str]:
    for _ in range(_TRIES):
        country, city, kind, name = _any_name(draw)
        if domain := names.take(name):
            return country, city, kind, name, domain
    # In a demo many times the usual size nearly all are taken.
    country, city, kind, taken = _any_name(draw)
    return country, city, kind, *names.unused(draw, lambda: taken, city)


def _any_name(draw: Draw) -> tuple[Country, City, str, str]:
    country, city = somewhere(draw)
    patterns = INSTITUTIONS[country.code]
    pattern, kind, _ = draw.weighted(patterns, [weight for _, _, weight in patterns])
    return country, city, kind, pattern.format(city=city.name)


def _branch(draw: Draw, areas: SalesAreas, names: FirmNames, head: Organisation) -> Organisation:
    country, city = head.country, head.city
    unit = "Außenstelle" if country.language == "de" else "Branch office"
    name, domain = names.unused(draw, lambda: f"{head.record['name']} – {unit} {draw.between(1, 9)}", city)
    branch = _institution(draw, areas, country, city, name, domain, head.record["kind"], head.created)
    branch.record["parent"] = head.record["id"]
    return branch


def _institution(
    draw: Draw,
    areas: SalesAreas,
    country: Country,
    city: City,
    name: str,
    domain: str,
    kind: str,
    earliest: dt.datetime,
) -> Organisation:
    owner, _ = areas.owner(draw, country.code, city.state)
    created = draw.moment(earliest, NOW - dt.timedelta(days=1))
    joined = draw.chance(0.6 if kind in _WITH_MEMBERS else 0.04)
    language = local_language(country, city.state)
    record = {
        **draw.system_fields(created, areas.author(owner, instant(created))),
        "name": name,
        "short_name": _initials(name, city.name),
        "kind": kind,
        "level": "local" if kind in _LOCAL else "regional",
        **contact_data(draw, country, city, domain),
        "language": language,
        "is_member": joined,
        "member_since": f"{draw.between(2005, created.year - 1)}-01-01" if joined else None,
        "annual_fee": rounded(in_currency(draw.spread(850, 0.7), country.currency), 2) if joined else None,
        "currency": country.currency,
        "parent": None,
        "owner": owner,
    }
    return Organisation("institution", record, country, city, domain, language, created)


def _initials(name: str, city: str) -> str:
    words = [word for word in slug(name.replace(city, "").replace("–", " ")).split("-") if len(word) > 3]
    return f"{''.join(word[0] for word in words).upper()} {city}".strip()[:40]
