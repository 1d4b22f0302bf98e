"""Events with who takes part, and the offices that members hold."""

import datetime as dt
from decimal import Decimal

from xrm_core.demo.association.people import age
from xrm_core.demo.draw import NOW, TODAY, Draw, Record, euro, instant, parsed

_EVENTS: dict[str, tuple[tuple[str, int, int, int], ...]] = {
    "course": (
        ("Rückenfit am Abend", 16, 45, 90),
        ("Schwimmkurs Seepferdchen", 12, 60, 45),
        ("Schnupperkurs Tennis", 8, 30, 120),
    ),
    "match": (
        ("Heimspiel gegen TV Bernstadt", 200, 0, 120),
        ("Kreismeisterschaften", 120, 5, 300),
        ("Hallenturnier der Jugend", 150, 0, 420),
    ),
    "celebration": (
        ("Sommerfest", 400, 0, 480),
        ("Weihnachtsfeier der Abteilung", 80, 12, 240),
        ("Sportlerehrung", 150, 0, 150),
    ),
    "trip": (
        ("Skiausfahrt Allgäu", 48, 55, 900),
        ("Hüttenwochenende", 30, 85, 2800),
        ("Fahrt zum Länderspiel", 50, 40, 600),
    ),
    "volunteering": (("Arbeitsdienst am Sportheim", 40, 0, 300), ("Helfer beim Stadtlauf", 60, 0, 360)),
}
"""Kind → titles with places, price in euro and minutes."""

_AUDIENCES = ("children", "youth", "adults", "seniors", "families")
_PLACES = ("Jahnhalle", "Sportheim", "Stadion Au", "Nebenplatz", "Donaubad", "Tennisanlage")
_COMMITTEES = (
    (
        "Vorstand",
        "board",
        3,
        ("chair", "deputy_chair", "treasurer", "secretary", "youth_leader", "assessor", "assessor"),
    ),
    ("Festausschuss", "committee", 2, ("chair", "assessor", "assessor", "assessor")),
    ("Kassenprüfung", "audit", 2, ("auditor", "auditor")),
    ("Jugendvertretung", "youth", 1, ("youth_leader", "assessor", "assessor")),
)


def events(draw: Draw, count: int, sections: list[Record], users: list[Record]) -> list[Record]:
    """``count`` events from 2025 to the end of 2026; the first two are the general assemblies."""
    first, last = parsed("2025-01-10T18:00:00.000+00:00"), parsed("2026-12-10T18:00:00.000+00:00")
    rows = [_assembly(draw, year, users) for year in (2025, 2026)]
    leads = {user["team"]: user["id"] for user in users}
    kinds = tuple(_EVENTS)
    while len(rows) < count:
        kind = draw.weighted(kinds, (26, 34, 12, 10, 18))
        title, capacity, price, minutes = draw.pick(_EVENTS[kind])
        section = draw.pick(sections)
        starts = draw.moment(first, last).replace(minute=0, second=0, microsecond=0)
        made = draw.moment(starts - dt.timedelta(days=120), starts - dt.timedelta(days=14))
        if made > NOW:
            continue
        over = starts < NOW
        status = (
            draw.weighted(("done", "cancelled"), (94, 6))
            if over
            else draw.weighted(("open", "full", "draft"), (75, 12, 13))
        )
        rows.append(
            {
                **draw.system_fields(made, leads[section["id"]], 0.3),
                "title": title,
                "kind": kind,
                "status": status,
                "starts_at": instant(starts),
                "ends_at": instant(starts + dt.timedelta(minutes=minutes)),
                "location": draw.pick(_PLACES),
                "capacity": capacity,
                "price": euro(Decimal(price)),
                "public": kind != "volunteering" and draw.chance(0.8),
                "audience": sorted({draw.pick(_AUDIENCES) for _ in range(draw.between(1, 3))}),
                "section": section["id"],
                "organiser": leads[section["id"]],
            }
        )
    return rows


def _assembly(draw: Draw, year: int, users: list[Record]) -> Record:
    starts = parsed(f"{year}-03-21T18:30:00.000+00:00")
    return {
        **draw.system_fields(starts - dt.timedelta(days=45), users[0]["id"], 0),
        "title": f"Mitgliederversammlung {year}",
        "kind": "assembly",
        "status": "done",
        "starts_at": instant(starts),
        "ends_at": instant(starts + dt.timedelta(hours=3)),
        "location": "Jahnhalle",
        "capacity": 300,
        "price": euro(Decimal(0)),
        "public": False,
        "audience": ["adults", "seniors"],
        "section": None,
        "organiser": users[0]["id"],
    }


def registrations(draw: Draw, event_rows: list[Record], contacts: list[Record]) -> list[Record]:
    """Who comes, who waits, who came."""
    rows = []
    for event in event_rows:
        if event["status"] == "draft":
            continue
        places = min(event["capacity"], 30)
        wanted = places if event["status"] == "full" else draw.between(places // 4, places)
        opened, starts = parsed(event["created_at"]), parsed(event["starts_at"])
        people = {contact["id"]: contact for contact in (draw.pick(contacts) for _ in range(wanted))}
        for contact in people.values():
            arrived = draw.moment(max(opened, parsed(contact["created_at"])), min(NOW, max(starts, opened)))
            over = event["status"] == "done"
            states, weights = (
                (("attended", "no_show", "cancelled"), (88, 6, 6))
                if over
                else (("registered", "waiting", "cancelled"), (86, 8, 6))
            )
            status = draw.weighted(states, weights) if event["status"] != "cancelled" else "cancelled"
            rows.append(
                {
                    **draw.system_fields(arrived, event["organiser"], 0.3),
                    "event": event["id"],
                    "contact": contact["id"],
                    "status": status,
                    "seats": draw.weighted((1, 2, 3, 4), (74, 14, 7, 5)),
                    "registered_at": instant(arrived),
                    "paid": event["price"]["amount"] > 0 and status in ("attended", "registered") and draw.chance(0.8),
                }
            )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


def offices(
    draw: Draw, member_rows: list[Record], contacts: list[Record], event_rows: list[Record], author: str
) -> tuple[list[Record], list[Record]]:
    """The committees, and who was elected into them in 2023 and 2025."""
    born = {contact["id"]: contact["birthday"] for contact in contacts}
    able = [row for row in member_rows if row["status"] == "active" and row["joined_on"] < "2023-01-01"]
    adults = [row for row in able if age(born[row["contact"]]) > 24]
    assembly = event_rows[0]
    committees, functions = [], []
    for number, (name, kind, years, offered) in enumerate(_COMMITTEES):
        created = parsed("2023-04-03T18:00:00.000+00:00") + dt.timedelta(minutes=number)
        committee = {**draw.system_fields(created, author, 0), "name": name, "kind": kind, "term_years": years}
        committees.append(committee)
        for term in (2023, 2025):
            chosen: dict[str, Record] = {}
            while len(chosen) < len(offered):
                member = draw.pick(adults)
                chosen.setdefault(member["id"], member)
            for place, (function, member) in enumerate(zip(offered, chosen.values(), strict=True)):
                when = parsed(f"{term}-04-03T18:10:00.000+00:00") + dt.timedelta(seconds=60 * number + place)
                functions.append(
                    {
                        **draw.system_fields(when, author, 0),
                        "committee": committee["id"],
                        "member": member["id"],
                        "function": function,
                        "starts_on": f"{term}-04-01",
                        "ends_on": "2025-03-31" if term == 2023 else None,
                        "elected_at": assembly["id"] if term == 2025 else None,
                    }
                )
    assert TODAY.year == 2026  # the terms above are the last two  # noqa: S101
    return committees, functions
