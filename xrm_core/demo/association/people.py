"""The club's sections, its people behind the desk, and the families who belong to it."""

import datetime as dt

from xrm_core.demo.draw import NOW, TODAY, Draw, Record
from xrm_core.demo.names import NAMES
from xrm_core.demo.people import mail, named, slug
from xrm_core.demo.places import COUNTRIES

CLUB = "TSV Lindental 1898 e.V."
DOMAIN = "tsv-lindental.example"
FOUNDED = dt.datetime(2019, 1, 7, 17, 0, tzinfo=dt.UTC)
"""When the club began to use the platform."""

SECTIONS = ("Turnen", "Fußball", "Handball", "Tennis", "Leichtathletik", "Schwimmen")
_STAFF = (
    ("admin", "ms", "Renate", "Vogt", "Geschäftsstelle", None),
    ("membership_office", "ms", "Birgit", "Amann", "Mitgliederverwaltung", None),
    ("treasurer", "mr", "Holger", "Kuhn", "Kassenwart", None),
    ("section_lead", "mr", "Emre", "Yıldız", "Abteilungsleiter", "Handball"),
    ("guest", "ms", "Sonja", "Hartl", "Presse", None),
)
_OTHER_LEADS = ("Turnen", "Fußball", "Tennis", "Leichtathletik", "Schwimmen")
_FEATURES = {"Turnen": 30, "Fußball": 34, "Handball": 14, "Tennis": 9, "Leichtathletik": 6, "Schwimmen": 7}
SECTION_WEIGHTS = tuple(_FEATURES[name] for name in SECTIONS)


def sections(draw: Draw, admin: str) -> list[Record]:
    """The club and its sections as teams."""
    club = {
        **draw.system_fields(FOUNDED, admin, 0),
        "name": CLUB,
        "description": "Der ganze Verein.",
        "email": f"info@{DOMAIN}",
        "active": True,
        "parent": None,
        "founded_on": "1898-05-14",
    }
    rows = [club]
    for number, name in enumerate(SECTIONS):
        rows.append(
            {
                **draw.system_fields(FOUNDED + dt.timedelta(minutes=1 + number), admin, 0),
                "name": name,
                "description": f"Abteilung {name}.",
                "email": f"{slug(name)}@{DOMAIN}",
                "active": True,
                "parent": club["id"],
                "founded_on": f"{draw.between(1898, 1985)}-04-01",
            }
        )
    return rows


def staff(draw: Draw, teams: list[Record]) -> tuple[list[Record], dict[str, str]]:
    """The users, and role → id of those who sign in to the demo."""
    ids = {team["name"]: team["id"] for team in teams}
    rows: list[Record] = []
    signing_in: dict[str, str] = {}
    leads = [(None, *named(draw, "DE", 0.5), f"Abteilungsleitung {name}", name) for name in _OTHER_LEADS]
    for number, (role, _, first, last, job, section) in enumerate([*_STAFF, *leads]):
        created = FOUNDED + dt.timedelta(hours=number)
        row = {
            **draw.system_fields(created, signing_in.get("admin", ""), 0),
            "first_name": first,
            "last_name": last,
            "email": mail(first, last, DOMAIN),
            "job_title": job,
            "language": "de",
            "city": "Ulm",
            "country": "DE",
            "active": True,
            "team": ids[section or CLUB],
        }
        if role is not None:
            signing_in[role] = row["id"]
        row["created_by"] = row["updated_by"] = signing_in["admin"]
        rows.append(row)
    return rows, signing_in


def leads(teams: list[Record], users: list[Record]) -> list[tuple[str, str]]:
    """Team id and the id of the user who leads it."""
    found = [(team["id"], user["id"]) for team in teams for user in users if user["team"] == team["id"]]
    return list({team: (team, user) for team, user in reversed(found)}.values())


def families(draw: Draw, count: int, owner: str) -> list[Record]:
    """Persons, adults before the children whose guardians they are."""
    city = next(city for city in COUNTRIES["DE"].cities if city.name == "Ulm")
    rows: list[Record] = []
    while len(rows) < count:
        _, _, last = named(draw, "DE")
        home = {
            "street": f"{draw.pick(COUNTRIES['DE'].streets)} {draw.between(1, 88)}",
            "postal_code": draw.pick(city.postal_codes),
            "phone": draw.fill(city.phone) if draw.chance(0.6) else None,
        }
        created = draw.moment(FOUNDED, NOW - dt.timedelta(days=40), 0.8)
        parents = [
            _person(draw, last, home, created, owner, 22, 84, None) for _ in range(2 if draw.chance(0.55) else 1)
        ]
        young = draw.weighted((0, 1, 2, 3), (46, 26, 20, 8))
        if young:
            for parent in parents:
                parent["birthday"] = f"{draw.between(1974, 1996)}{parent['birthday'][4:]}"
        children = [_person(draw, last, home, created, owner, 5, 17, parents[0]["id"]) for _ in range(young)]
        rows += [*parents, *children]
    return rows[:count]


def age(birthday: str) -> int:
    """Years of somebody born on that day."""
    born = dt.date.fromisoformat(birthday)
    return TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))


def _person(
    draw: Draw,
    last: str,
    home: Record,
    created: dt.datetime,
    owner: str,
    youngest: int,
    oldest: int,
    guardian: str | None,
) -> Record:
    salutation, _, _ = named(draw, "DE", 0.5)
    first = draw.pick(NAMES["DE"].female if salutation == "ms" else NAMES["DE"].male)
    year = TODAY.year - draw.between(youngest, oldest)
    return {
        **draw.system_fields(created, owner),
        "salutation": salutation,
        "first_name": first,
        "last_name": last,
        "email": f"{slug(first)}.{slug(last)}{draw.between(1, 99)}@post.example" if guardian is None else None,
        **home,
        "mobile": draw.fill(COUNTRIES["DE"].mobile) if draw.chance(0.7) else None,
        "language": "de",
        "birthday": f"{year}-{draw.between(1, 12):02}-{draw.between(1, 28):02}",
        "city": "Ulm",
        "country": "DE",
        "active": True,
        "newsletter_consent": guardian is None and draw.chance(0.58),
        "photo_consent": draw.chance(0.8),
        "guardian": guardian,
        "owner": owner,
    }
