"""The demo company's teams and users, and how any person gets a name and an address for mail."""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from xrm_core.demo.accounts import ACCOUNTS, DEMO_USERS, DOMAIN, Account
from xrm_core.demo.draw import NOW, Draw, Record, parsed, rounded
from xrm_core.demo.names import NAMES
from xrm_core.demo.places import COUNTRIES

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "ł": "l", "ı": "i", "&": "-"})
FOUNDED = dt.datetime(2018, 1, 8, 7, 0, tzinfo=dt.UTC)
"""When the demo company began to use the platform."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A team as planned: ``states`` (of Germany) and ``countries`` are where it sells; ``size`` its share of users."""

    name: str
    parent: str | None
    region: str
    seat: str
    city: str
    size: int
    job: str
    description: str
    countries: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


_NORTH = ("Hamburg", "Bremen", "Niedersachsen", "Schleswig-Holstein", "Mecklenburg-Vorpommern")
_SOUTH = ("Bayern", "Baden-Württemberg")
_WEST = ("Nordrhein-Westfalen", "Hessen", "Saarland")
_EAST = ("Berlin", "Sachsen", "Thüringen", "Sachsen-Anhalt")
_REP = "Account Manager"
UNITS: tuple[Unit, ...] = (
    Unit("Geschäftsleitung", None, "Zentrale", "DE", "Ulm", 4, "Referent/in", "Leitung des Unternehmens."),
    Unit(
        "Vertrieb DACH",
        "Geschäftsleitung",
        "DACH",
        "DE",
        "Ulm",
        2,
        "Vertriebsreferent/in",
        "Alle Vertriebsteams im deutschen Sprachraum.",
    ),
    Unit("Vertrieb Nord", "Vertrieb DACH", "Nord", "DE", "Hamburg", 6, _REP, "Norddeutschland.", ("DE",), _NORTH),
    Unit(
        "Vertrieb Süd",
        "Vertrieb DACH",
        "Süd",
        "DE",
        "München",
        8,
        _REP,
        "Bayern und Baden-Württemberg.",
        ("DE",),
        _SOUTH,
    ),
    Unit(
        "Vertrieb West",
        "Vertrieb DACH",
        "West",
        "DE",
        "Düsseldorf",
        7,
        _REP,
        "Rhein, Ruhr, Main und Saar.",
        ("DE",),
        _WEST,
    ),
    Unit(
        "Vertrieb Ost", "Vertrieb DACH", "Ost", "DE", "Leipzig", 5, _REP, "Ostdeutschland mit Berlin.", ("DE",), _EAST
    ),
    Unit(
        "Vertrieb Alpen",
        "Vertrieb DACH",
        "Österreich und Schweiz",
        "AT",
        "Linz",
        7,
        _REP,
        "Österreich und Schweiz.",
        ("AT", "CH"),
    ),
    Unit(
        "International Sales",
        "Geschäftsleitung",
        "International",
        "GB",
        "London",
        2,
        "Sales Coordinator",
        "All sales teams outside of DACH.",
    ),
    Unit(
        "Sales Western Europe",
        "International Sales",
        "Western Europe",
        "FR",
        "Strasbourg",
        6,
        _REP,
        "France, Italy, Spain, Benelux.",
        ("FR", "IT", "ES", "NL"),
    ),
    Unit(
        "Sales Nordics & Poland",
        "International Sales",
        "Nordics and Poland",
        "SE",
        "Malmö",
        4,
        _REP,
        "Sweden and Poland.",
        ("SE", "PL"),
    ),
    Unit(
        "Sales UK & North America",
        "International Sales",
        "UK and North America",
        "GB",
        "Manchester",
        5,
        _REP,
        "United Kingdom and USA.",
        ("GB", "US"),
    ),
    Unit(
        "Projekte und Service",
        "Geschäftsleitung",
        "Alle",
        "DE",
        "Ulm",
        4,
        "Projektleitung",
        "Montage, Inbetriebnahme, Kundendienst.",
    ),
)


def slug(text: str) -> str:
    """The text as part of a web or mail address: ``Böhm & Söhne`` → ``boehm-soehne``."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")


def mail(first: str, last: str, domain: str) -> str:
    """``first.last@domain``."""
    return f"{slug(first)}.{slug(last)}@{domain}"


def named(draw: Draw, country: str, women: float = 0.42) -> tuple[str, str, str]:
    """Salutation, first and last name of somebody from a country; one in twelve has a name from another one."""
    names = NAMES[draw.pick(list(NAMES)) if draw.chance(1 / 12) else country]
    female = draw.chance(women)
    return ("ms" if female else "mr", draw.pick(names.female if female else names.male), draw.pick(names.last))


def teams(draw: Draw) -> list[Record]:
    """All teams, parents first. Their leads come later, see :func:`leads`."""
    made: dict[str, Record] = {}
    for number, unit in enumerate(UNITS):
        created = FOUNDED + dt.timedelta(minutes=number)
        country = COUNTRIES[unit.seat]
        city = next(city for city in country.cities if city.name == unit.city)
        target = rounded(draw.spread(900_000 * unit.size, 0.2), 2) if unit.countries else None
        made[unit.name] = {
            **draw.system_fields(created, DEMO_USERS["admin"]),
            "name": unit.name,
            "description": unit.description,
            "region": unit.region,
            "email": f"{slug(unit.name)}@{DOMAIN}",
            "phone": draw.fill(city.phone),
            "cost_center": f"{4100 + 10 * number}",
            "annual_target": target,
            "currency": "EUR",
            "active": True,
            "founded_on": f"{draw.between(2004, 2017)}-{draw.pick(['01', '04', '07', '10'])}-01",
            "parent": made[unit.parent]["id"] if unit.parent else None,
        }
    return list(made.values())


def users(draw: Draw, count: int, team_records: list[Record]) -> list[Record]:
    """All users: the administrator, the lead of each team in the order of teams, the other demo users, the rest."""
    ids = {record["name"]: record["id"] for record in team_records}
    admin, *others = ACCOUNTS
    made = [_account(draw, admin, ids)]
    lead_of: dict[str, str] = {}
    for unit in UNITS:
        manager = lead_of.get(unit.parent or "")
        made.append(_user(draw, made, unit, ids, f"Leitung {unit.name}", manager, DEMO_USERS["admin"]))
        lead_of[unit.name] = made[-1]["id"]
    made.extend({**_account(draw, account, ids), "manager": lead_of.get(account.team or "")} for account in others)
    crew = draw.many(UNITS, [unit.size for unit in UNITS], max(0, count - len(made) - len(UNITS)))
    for unit in (*UNITS, *crew):  # at least one further member for each team
        member = _user(draw, made, unit, ids, unit.job, lead_of[unit.name], DEMO_USERS["admin"])
        member["active"] = not draw.chance(0.06)
        made.append(member)
    for number, record in enumerate(made):
        record["employee_number"] = f"{1001 + number}"
    return made


def leads(team_records: list[Record], user_records: list[Record]) -> list[tuple[str, str]]:
    """Team id and the id of the user who leads it."""
    return [(team["id"], user_records[1 + number]["id"]) for number, team in enumerate(team_records)]


def _account(draw: Draw, account: Account, team_ids: dict[str, str]) -> Record:
    unit = next(unit for unit in UNITS if unit.name == (account.team or "Geschäftsleitung"))
    created = parsed(account.created_at)
    fields = {
        **draw.system_fields(created, DEMO_USERS["admin"]),
        "id": account.id,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "email": mail(account.first_name, account.last_name, DOMAIN),
        "job_title": account.job_title,
        **_particulars(draw, unit, created),
        "team": team_ids[account.team] if account.team else None,
        "manager": None,
    }
    if account.team is None:
        fields |= {"annual_target": None, "hired_on": None}
    return fields


def _user(
    draw: Draw, so_far: list[Record], unit: Unit, team_ids: dict[str, str], job: str, manager: str | None, author: str
) -> Record:
    taken = {record["email"] for record in so_far}
    # Leads were there from the start; who has nobody above is the managing director.
    created = FOUNDED + dt.timedelta(hours=len(so_far)) if job.startswith("Leitung") else draw.moment(FOUNDED, NOW, 0.7)
    while True:
        _, first, last = named(draw, draw.pick(unit.countries) if unit.countries else unit.seat)
        email = mail(first, last, DOMAIN)
        if email not in taken:
            break
    return {
        **draw.system_fields(created, author),
        "first_name": first,
        "last_name": last,
        "email": email,
        "job_title": "Geschäftsführung" if unit.parent is None and job.startswith("Leitung") else job,
        **_particulars(draw, unit, created),
        "team": team_ids[unit.name],
        "manager": manager,
    }


def _particulars(draw: Draw, unit: Unit, created: dt.datetime) -> Record:
    country = COUNTRIES[unit.seat]
    city = next(city for city in country.cities if city.name == unit.city)
    sells = bool(unit.countries)
    hired = created.date() - dt.timedelta(
        days=draw.between(0, 20) if created > FOUNDED + dt.timedelta(days=30) else draw.between(100, 4000)
    )
    return {
        "phone": draw.fill(city.phone),
        "mobile": draw.fill(country.mobile or city.phone) if draw.chance(0.7) else None,
        "language": "de" if unit.seat in ("DE", "AT", "CH") else "en",
        "city": unit.city,
        "country": unit.seat,
        "birthday": f"{draw.between(1964, 2001)}-{draw.between(1, 12):02}-{draw.between(1, 28):02}",
        "hired_on": hired.isoformat(),
        "annual_target": rounded(draw.spread(750_000, 0.25), 2) if sells else None,
        "currency": "EUR",
        "active": True,
    }
