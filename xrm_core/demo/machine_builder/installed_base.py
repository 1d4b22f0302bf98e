"""Machine types, sites and the machines that stand there, and the spare parts that fit them."""

import datetime as dt
from decimal import Decimal

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, euro, parsed, rounded
from xrm_core.demo.places import COUNTRIES

_TYPES = (
    ("RB-400", "Rollenbahn 400", "conveyor", 18_500, 2.2, 2009),
    ("RB-800", "Rollenbahn 800", "conveyor", 26_900, 4.0, 2012),
    ("GF-120", "Gurtförderer 120", "conveyor", 21_400, 3.0, 2008),
    ("GF-240", "Gurtförderer 240", "conveyor", 34_800, 5.5, 2016),
    ("KS-60", "Kippschalensorter 60", "sorter", 310_000, 18.5, 2011),
    ("KS-90", "Kippschalensorter 90", "sorter", 455_000, 26.0, 2019),
    ("SH-20", "Schuhsorter 20", "sorter", 198_000, 11.0, 2014),
    ("VL-12", "Vertikalheber 12", "lift", 58_000, 7.5, 2010),
    ("VL-30", "Vertikalheber 30", "lift", 84_500, 11.0, 2018),
    ("ST-5", "Regalshuttle 5", "shuttle", 42_000, 1.8, 2017),
    ("ST-8", "Regalshuttle 8", "shuttle", 56_000, 2.4, 2021),
    ("PA-600", "Palettierer 600", "palletiser", 172_000, 15.0, 2013),
)
_PARTS = (
    ("Tragrolle 50 mm", "wear", 24),
    ("Tragrolle 80 mm", "wear", 39),
    ("Zahnriemen HTD 8M", "wear", 68),
    ("Fördergurt 400 mm", "wear", 310),
    ("Keilrippenriemen", "wear", 42),
    ("Bremsbelag", "wear", 55),
    ("Lichtschranke", "electrical", 96),
    ("Induktiver Sensor", "electrical", 48),
    ("Sicherheitsschalter", "electrical", 129),
    ("Schleppkette", "electrical", 210),
    ("Getriebemotor 0,75 kW", "drive", 540),
    ("Getriebemotor 2,2 kW", "drive", 890),
    ("Trommelmotor", "drive", 720),
    ("Kupplung", "drive", 185),
    ("Frequenzumrichter", "control", 640),
    ("SPS-Baugruppe", "control", 980),
    ("Bedienpanel 10 Zoll", "control", 1250),
    ("Busklemme", "control", 88),
    ("Kippschale", "mechanical", 145),
    ("Führungsschiene", "mechanical", 76),
    ("Lagerbock", "mechanical", 93),
    ("Kette 12B-1", "mechanical", 117),
    ("Stoßdämpfer", "mechanical", 64),
)
_SITES = ("Werk {n}", "Logistikzentrum {city}", "Distributionslager", "Zentrallager {city}", "Versand {city}")


def machine_types(draw: Draw, author: str) -> list[Record]:
    """What we build."""
    return [
        {
            **draw.system_fields(parsed("2018-03-01T08:00:00.000+00:00") + dt.timedelta(minutes=number), author, 0.2),
            "code": code,
            "name": name,
            "family": family,
            "list_price": euro(Decimal(price)),
            "power_kw": Decimal(str(power)).quantize(Decimal("0.01")),
            "built_from": since,
            "built_to": since + 9 if since < 2010 else None,
            "inspection_months": draw.weighted((6, 12), (3, 7)),
        }
        for number, (code, name, family, price, power, since) in enumerate(_TYPES)
    ]


def sites(draw: Draw, customers: list[Record], contacts: list[Record]) -> list[Record]:
    """One site for most customers, more for some."""
    people: dict[str, str] = {}
    for contact in contacts:
        if "customer" in contact["organisation"]:
            people.setdefault(contact["organisation"]["customer"], contact["id"])
    rows: list[Record] = []
    for customer in customers:
        for number in range(draw.weighted((1, 2, 3), (74, 19, 7))):
            country = COUNTRIES[customer["country"]]
            city = customer["city"] if number == 0 else draw.pick(country.cities).name
            rows.append(
                {
                    **draw.system_fields(draw.moment(parsed(customer["created_at"]), NOW), customer["owner"]),
                    "name": draw.pick(_SITES).format(n=number + 1, city=city),
                    "customer": customer["id"],
                    "street": customer["street"] if number == 0 else None,
                    "postal_code": customer["postal_code"] if number == 0 else None,
                    "city": city,
                    "country": customer["country"],
                    "shift_model": draw.weighted(("one", "two", "three", "continuous"), (30, 42, 18, 10)),
                    "contact": people.get(customer["id"]),
                }
            )
    return rows


def machines(
    draw: Draw, count: int, types: list[Record], site_rows: list[Record], projects: list[Record]
) -> list[Record]:
    """``count`` machines at sites, in the order in which they were built."""
    by_customer = {project["customer"]: project["id"] for project in projects}
    chosen = draw.many(site_rows, [draw.spread(1, 0.9) for _ in site_rows], count)
    moments = sorted((draw.moment(parsed(site["created_at"]), NOW, 0.9), n, site) for n, site in enumerate(chosen))
    last: dict[str, str] = {}
    rows: list[Record] = []
    for number, (created, _, site) in enumerate(moments):
        kind = draw.weighted(types, [3 if row["family"] == "conveyor" else 1 for row in types])
        built = created.date() + dt.timedelta(days=draw.between(20, 90))
        delivered = built + dt.timedelta(days=draw.between(3, 20))
        running = delivered + dt.timedelta(days=draw.between(4, 40))
        status = draw.weighted(("running", "down", "decommissioned"), (92, 4, 4))
        if built > TODAY:
            status = "in_production"
        elif running > TODAY:
            status = "delivered"
        live = status in ("running", "down", "decommissioned")
        sent = delivered <= TODAY
        row = {
            **draw.system_fields(created, site["created_by"]),
            "serial_number": f"{kind['code'].partition('-')[0]}-{created.year % 100:02}-{number + 1:05}",
            "machine_type": kind["id"],
            "site": site["id"],
            "customer": site["customer"],
            "project": by_customer.get(site["customer"]) if draw.chance(0.4) else None,
            "part_of": last.get(site["id"]) if kind["family"] == "conveyor" and draw.chance(0.5) else None,
            "status": status if sent or status == "in_production" else "in_production",
            "built_on": built.isoformat() if built <= TODAY else None,
            "delivered_on": delivered.isoformat() if sent else None,
            "commissioned_on": running.isoformat() if live else None,
            "warranty_until": (running + dt.timedelta(days=730)).isoformat() if live else None,
            "operating_hours": (TODAY - running).days * draw.between(6, 18) if live else None,
            "software_version": f"{draw.between(2, 5)}.{draw.between(0, 9)}.{draw.between(0, 20)}" if live else None,
        }
        rows.append(row)
        last.setdefault(site["id"], row["id"])
    return rows


def spare_parts(draw: Draw, suppliers: list[Record], author: str) -> list[Record]:
    """Each part in some sizes; some are replaced by the next."""
    rows: list[Record] = []
    for number, (name, category, price) in enumerate(_PARTS):
        for size in range(draw.between(3, 8)):
            created = parsed("2018-04-02T08:00:00.000+00:00") + dt.timedelta(days=3 * number + size)
            level = draw.weighted((0, 2, 5, 20), (30, 30, 25, 15))
            same = rows[-1] if size and draw.chance(0.12) else None
            rows.append(
                {
                    **draw.system_fields(created, author),
                    "part_number": f"{4000 + number}-{size + 1:02}",
                    "name": f"{name}, Größe {size + 1}",
                    "category": category,
                    "price": euro(rounded(price * draw.spread(1 + size / 5, 0.1))),
                    "stock": draw.between(0, 3 * level + 4),
                    "reorder_level": level,
                    "lead_time_days": draw.pick((3, 7, 14, 28, 56)),
                    "replaced_by": same["id"] if same else None,
                    "supplier": draw.pick(suppliers)["id"],
                }
            )
    return rows


def fits(draw: Draw, parts: list[Record], types: list[Record], author: str) -> list[Record]:
    """Which part is in which machine type."""
    rows: list[Record] = []
    for part in parts:
        for kind in draw.shuffled(types)[: draw.between(1, 4)]:
            rows.append(
                {
                    **draw.system_fields(parsed(part["created_at"]) + dt.timedelta(hours=len(rows) % 9), author, 0),
                    "spare_part": part["id"],
                    "machine_type": kind["id"],
                    "quantity": draw.weighted((1, 2, 4, 12, 40), (46, 26, 14, 8, 6)),
                    "position": f"{draw.pick('ABCDEF')}{draw.between(1, 40):02}",
                }
            )
    return rows
