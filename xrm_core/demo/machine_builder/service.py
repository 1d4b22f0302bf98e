"""Maintenance contracts, the visits of technicians, and the parts that they built in."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, euro, parsed, rounded

_LEVELS = {"basic": (6_000, 48), "plus": (14_000, 24), "full": (34_000, 8)}
"""Level → median of the annual amount in euro, response in hours."""

_FINDINGS = {
    "inspection": (
        "Alle Prüfpunkte in Ordnung.",
        "Riemen nachgespannt, Lager geschmiert.",
        "Verschleiß an Tragrollen, Tausch empfohlen.",
    ),
    "repair": (
        "Lichtschranke defekt, getauscht.",
        "Motorschutz hatte ausgelöst; Lager erneuert.",
        "Gurt gerissen, neu verklebt.",
    ),
    "commissioning": ("Probelauf ohne Befund, an Kunden übergeben.", "Leistungstest bestanden."),
    "retrofit": ("Steuerung auf neue Baugruppe umgestellt.",),
    "training": ("Bedienpersonal eingewiesen.",),
}


def contracts(
    draw: Draw, customers: list[Record], machines: list[Record], owner: str
) -> tuple[list[Record], list[Record]]:
    """Contracts of customers with machines, and which machines they cover."""
    owned: defaultdict[str, list[Record]] = defaultdict(list)
    for machine in machines:
        if machine["commissioned_on"]:
            owned[machine["customer"]].append(machine)
    made, covered = [], []
    for customer in customers:
        have = owned[customer["id"]]
        if not have or draw.chance(0.45):
            continue
        first = min(machine["commissioned_on"] for machine in have)
        created = max(parsed(f"{first}T09:00:00.000+00:00"), parsed(customer["created_at"])) + dt.timedelta(
            days=draw.between(5, 60)
        )
        if created > NOW:
            continue
        level = draw.weighted(tuple(_LEVELS), (52, 33, 15))
        amount, hours = _LEVELS[level]
        starts = created.date().replace(day=1) + dt.timedelta(days=31)
        ends = starts + dt.timedelta(days=365 * draw.between(1, 6))
        status = "expired" if ends < TODAY else draw.weighted(("active", "terminated"), (94, 6))
        contract = {
            **draw.system_fields(created, owner),
            "customer": customer["id"],
            "level": level,
            "status": status,
            "starts_on": starts.isoformat(),
            "ends_on": ends.isoformat(),
            "annual_amount": euro(rounded(draw.spread(amount * (1 + len(have) / 8), 0.3))),
            "response_hours": hours,
            "owner": owner,
        }
        made.append(contract)
        covered += [
            {
                **draw.system_fields(created + dt.timedelta(minutes=1), owner, 0),
                "maintenance_contract": contract["id"],
                "machine": machine["id"],
                "inspections_per_year": draw.weighted((1, 2, 4), (60, 30, 10)),
            }
            for machine in have
            if machine["commissioned_on"] <= starts.isoformat() or draw.chance(0.5)
        ]
    return sorted(made, key=lambda row: (row["created_at"], row["id"])), covered


def deciders(draw: Draw, contract_rows: list[Record], decisions: list[Record]) -> list[Record]:
    """For some contracts the person who decides for the customer decides for the contract, too."""
    of_customer = {row["target"]["customer"]: row for row in decisions if "customer" in row["target"]}
    rows = []
    for contract in contract_rows:
        known = of_customer.get(contract["customer"])
        if known is None or not draw.chance(0.5):
            continue
        created = max(parsed(contract["created_at"]), parsed(known["created_at"]))
        rows.append(
            {
                **draw.system_fields(created, contract["owner"], 0),
                "source": known["source"],
                "target": {"maintenance_contract": contract["id"]},
                "area": "contract",
                "valid_from": created.date().isoformat(),
                "valid_to": None,
            }
        )
    return rows


def certificates(draw: Draw, partners: list[Record], types: list[Record], author: str) -> list[Record]:
    """Which partners may work on which types of machines, since when, and until when."""
    rows = []
    for partner in partners:
        if partner["kind"] == "supplier" or not draw.chance(0.5):
            continue
        for machine_type in draw.shuffled(types)[: draw.between(1, 3)]:
            latest = max(parsed(partner["created_at"]), parsed(machine_type["created_at"]))
            created = draw.moment(latest, NOW)
            ends = created.date() + dt.timedelta(days=730)
            rows.append(
                {
                    **draw.system_fields(created, author, 0),
                    "source": {"partner": partner["id"]},
                    "target": {"machine_type": machine_type["id"]},
                    "level": draw.weighted(("inspection", "repair", "commissioning"), (45, 35, 20)),
                    "valid_from": created.date().isoformat(),
                    "valid_to": ends.isoformat(),
                }
            )
    return rows


def visits(
    draw: Draw, machines: list[Record], covered: list[Record], contract_rows: list[Record], crew: list[str]
) -> list[Record]:
    """Commissioning of each machine, then inspections and repairs, and what is planned."""
    of_machine = {row["machine"]: row["maintenance_contract"] for row in covered}
    starts = {row["id"]: row["starts_on"] for row in contract_rows}
    rows = []
    for machine in machines:
        begun = machine["commissioned_on"]
        if not begun:
            continue
        day = dt.date.fromisoformat(begun)
        plan = [("commissioning", day)]
        while day < TODAY + dt.timedelta(days=90) and len(plan) < 5:
            day += dt.timedelta(days=draw.between(150, 420))
            plan.append((draw.weighted(("inspection", "repair", "retrofit", "training"), (58, 34, 4, 4)), day))
        for kind, planned in plan:
            if planned > TODAY + dt.timedelta(days=90):
                continue
            over = planned <= TODAY
            status = (
                draw.weighted(("done", "cancelled"), (96, 4))
                if over
                else draw.weighted(("planned", "confirmed"), (55, 45))
            )
            contract = of_machine.get(machine["id"])
            under = (
                contract if contract and starts[contract] <= planned.isoformat() and kind != "commissioning" else None
            )
            noted = min(NOW, parsed(f"{planned}T07:00:00.000+00:00") - dt.timedelta(days=draw.between(1, 20)))
            rows.append(
                {
                    **draw.system_fields(max(noted, parsed(machine["created_at"])), draw.pick(crew)),
                    "machine": machine["id"],
                    "contract": under,
                    "kind": kind,
                    "status": status,
                    "planned_on": planned.isoformat(),
                    "done_on": planned.isoformat() if status == "done" else None,
                    "hours": Decimal(draw.between(2, 40)) / 2 if status == "done" else None,
                    "finding": draw.pick(_FINDINGS[kind]) if status == "done" else None,
                    "technician": draw.pick(crew),
                }
            )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


def used_parts(draw: Draw, visit_rows: list[Record], machines: list[Record], fit_rows: list[Record]) -> list[Record]:
    """Parts that fit the machine, built in on repairs and on some inspections."""
    kinds = {machine["id"]: machine for machine in machines}
    fitting: defaultdict[str, list[str]] = defaultdict(list)
    for row in fit_rows:
        fitting[row["machine_type"]].append(row["spare_part"])
    rows = []
    for visit in visit_rows:
        if visit["status"] != "done" or not draw.chance({"repair": 0.9, "inspection": 0.35}.get(visit["kind"], 0.05)):
            continue
        machine = kinds[visit["machine"]]
        fitting_here = fitting[machine["machine_type"]]
        rows += [
            {
                **draw.system_fields(parsed(visit["created_at"]), visit["created_by"], 0),
                "visit": visit["id"],
                "spare_part": part,
                "quantity": draw.weighted((1, 2, 4), (70, 20, 10)),
                "warranty": visit["planned_on"] <= machine["warranty_until"],
            }
            for part in dict.fromkeys(draw.pick(fitting_here) for _ in range(draw.between(1, 3)))
        ]
    return rows
