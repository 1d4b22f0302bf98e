"""Sponsors, campaigns, and what was given."""

import datetime as dt
from decimal import Decimal

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, euro, parsed
from xrm_core.demo.people import slug
from xrm_core.demo.places import COUNTRIES

_SPONSORS = (
    ("Bäckerei Zwirner", "Lebensmittel"),
    ("Autohaus Rehle", "Handel"),
    ("Elektro Stumpp GmbH", "Handwerk"),
    ("Lindwerk Fördertechnik GmbH", "Maschinenbau"),
    ("Apotheke am Markt", "Gesundheit"),
    ("Brauerei Goldener Bär", "Getränke"),
    ("Malerbetrieb Ott", "Handwerk"),
    ("Steuerkanzlei Haug & Partner", "Beratung"),
    ("Metzgerei Fröscher", "Lebensmittel"),
    ("Fahrschule Drive", "Bildung"),
    ("Zimmerei Holzapfel", "Handwerk"),
    ("Sportpark Donau GmbH", "Freizeit"),
)
_FOUNDATIONS = (
    ("Bürgerstiftung Lindental", "foundation"),
    ("Volksbank Alb-Donau eG", "bank"),
    ("Stadt Lindental", "authority"),
)
_CAMPAIGNS = (
    (
        "Neuer Kunstrasen",
        "Der alte Platz ist nach zwanzig Jahren nicht mehr zu retten.",
        120_000,
        "2024-09-01",
        "2026-12-31",
    ),
    ("Flutlicht für alle", "LED-Flutlicht am Nebenplatz.", 28_000, "2025-03-01", "2025-11-30"),
    ("Jugend in Bewegung", "Kein Kind soll am Beitrag scheitern.", 8_000, "2025-01-01", "2025-12-31"),
    ("Vereinsbus", "Ein Neunsitzer für Auswärtsspiele.", 42_000, "2026-02-01", "2026-10-31"),
    ("Hallenboden", "Neuer Schwingboden in der Jahnhalle.", 65_000, "2026-09-01", "2027-08-31"),
)
_PURPOSES = ("Jugendarbeit", "Allgemeine Vereinsarbeit", "Trikots", "Trainingslager", "Zum Jubiläum")


def sponsors(draw: Draw, owner: str) -> tuple[list[Record], list[Record]]:
    """Firms and institutions that give."""
    firms = [
        _organisation(draw, name, owner, {"industry": industry, "status": "active"}) for name, industry in _SPONSORS
    ]
    others = [_organisation(draw, name, owner, {"kind": kind, "level": "local"}) for name, kind in _FOUNDATIONS]
    return firms, others


def _organisation(draw: Draw, name: str, owner: str, more: Record) -> Record:
    city = next(city for city in COUNTRIES["DE"].cities if city.name == "Ulm")
    created = draw.moment(parsed("2019-02-01T09:00:00.000+00:00"), parsed("2024-06-01T09:00:00.000+00:00"))
    return {
        **draw.system_fields(created, owner),
        "name": name,
        **more,
        "email": f"info@{slug(name)}.example",
        "phone": draw.fill(city.phone),
        "street": f"{draw.pick(COUNTRIES['DE'].streets)} {draw.between(1, 88)}",
        "postal_code": draw.pick(city.postal_codes),
        "city": "Ulm",
        "country": "DE",
        "owner": owner,
    }


def sponsorships(draw: Draw, firms: list[Record], others: list[Record], sections: list[Record]) -> list[Record]:
    """Which section each firm supports, and the bank and the city, too; some of it is over."""
    rows = []
    for entity, givers in (("customer", firms), ("institution", others[1:])):
        for giver in givers:
            created = parsed(giver["created_at"]) + dt.timedelta(days=draw.between(5, 200))
            begins = created.date().replace(month=8, day=1)
            over = draw.chance(0.25)
            rows.append(
                {
                    **draw.system_fields(created, giver["owner"], 0),
                    "source": {entity: giver["id"]},
                    "target": {"team": draw.pick(sections)["id"]},
                    "annual_amount": euro(Decimal(50 * max(2, round(draw.spread(800, 0.6) / 50)))),
                    "benefit": draw.pick(("shirt", "banner", "banner", "programme", "naming_right")),
                    "valid_from": begins.isoformat(),
                    "valid_to": min(TODAY, begins.replace(year=begins.year + 2)).isoformat() if over else None,
                }
            )
    return rows


def campaigns(draw: Draw, manager: str) -> list[Record]:
    """What is collected for."""
    return [
        {
            **draw.system_fields(parsed(f"{starts}T08:00:00.000+00:00") - dt.timedelta(days=150), manager, 0),
            "name": name,
            "purpose": purpose,
            "goal": euro(Decimal(goal)),
            "starts_on": starts,
            "ends_on": ends,
            "status": "planned" if starts > TODAY.isoformat() else "closed" if ends < TODAY.isoformat() else "running",
            "manager": manager,
        }
        for name, purpose, goal, starts, ends in _CAMPAIGNS
    ]


def donations(
    draw: Draw,
    count: int,
    contacts: list[Record],
    firms: list[Record],
    others: list[Record],
    campaign_rows: list[Record],
) -> list[Record]:
    """``count`` donations since 2024, the oldest first."""
    adults = [contact for contact in contacts if contact["guardian"] is None]
    rows = []
    for given in sorted(draw.moment(parsed("2024-01-08T08:00:00.000+00:00"), NOW, 1.2) for _ in range(count)):
        day = given.date().isoformat()
        entity = draw.weighted(("contact", "customer", "institution"), (76, 19, 5))
        donor = draw.pick({"contact": adults, "customer": firms, "institution": others}[entity])
        open_now = [row for row in campaign_rows if row["starts_on"] <= day <= row["ends_on"]]
        campaign = draw.pick(open_now) if open_now and draw.chance(0.7) else None
        median = {"contact": 60, "customer": 500, "institution": 2500}[entity]
        kind = draw.weighted(("money", "goods", "expense_waiver"), (86, 6, 8)) if entity != "institution" else "money"
        sent = dt.date(given.year + 1, 1, 25)
        rows.append(
            {
                **draw.system_fields(given, donor["owner"], 0),
                "donor": {entity: donor["id"]},
                "kind": kind,
                "amount": euro(Decimal(5 * max(1, round(draw.spread(median, 0.8) / 5)))),
                "donated_on": day,
                "purpose": campaign["name"] if campaign else draw.pick(_PURPOSES),
                "campaign": campaign["id"] if campaign else None,
                "receipt_sent_on": sent.isoformat() if sent <= TODAY else None,
                "anonymous": draw.chance(0.08),
            }
        )
    return rows
