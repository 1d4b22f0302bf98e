"""Who has a say in a project, and what was offered."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, euro, parsed, rounded

_ROLES = ("decision_maker", "influencer", "buyer", "user", "gatekeeper", "initiator")
_ATTITUDES = ("champion", "supporter", "neutral", "sceptic", "opponent")


def buying_centres(draw: Draw, projects: list[Record], contacts: list[Record]) -> list[Record]:
    """Up to five persons of the customer for each project."""
    people: defaultdict[str, list[Record]] = defaultdict(list)
    for contact in contacts:
        if "customer" in contact["organisation"]:
            people[contact["organisation"]["customer"]].append(contact)
    rows = []
    for project in projects:
        for contact in draw.shuffled(people[project["customer"]])[:5]:
            role = contact["buying_role"] if contact["buying_role"] and draw.chance(0.8) else draw.pick(_ROLES)
            met = max(parsed(project["created_at"]), parsed(contact["created_at"]))
            rows.append(
                {
                    **draw.system_fields(draw.moment(met, NOW), project["owner"]),
                    "project": project["id"],
                    "contact": contact["id"],
                    "role": role,
                    "attitude": draw.weighted(_ATTITUDES, (14, 32, 36, 13, 5)),
                    "influence": 5 if role == "decision_maker" else draw.between(1, 4),
                }
            )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


def quotes(
    draw: Draw, projects: list[Record], types: list[Record], parts: list[Record]
) -> tuple[list[Record], list[Record]]:
    """One or two quotes for most projects, each with its items."""
    made, items = [], []
    for project in projects:
        before = None
        for _ in range(draw.weighted((0, 1, 2), (15, 65, 20))):
            created = draw.moment(parsed(project["created_at"]), NOW, 0.8)
            sent = created.date() + dt.timedelta(days=draw.between(0, 6))
            until = sent + dt.timedelta(days=60)
            status = _status(draw, project["phase"], sent, until)
            lines = _lines(draw, types, parts)
            decided = min(TODAY, sent + dt.timedelta(days=draw.between(7, 55)))
            quote = {
                **draw.system_fields(created, project["owner"]),
                "title": f"Angebot {project['name']}"[:200],
                "project": project["id"],
                "customer": project["customer"],
                "status": status,
                "sent_on": sent.isoformat() if status != "draft" else None,
                "valid_until": until.isoformat() if status != "draft" else None,
                "decided_on": decided.isoformat() if status in ("accepted", "rejected") else None,
                "replaces": before,
                "owner": project["owner"],
            }
            made.append(quote)
            before = quote["id"]
            items += [
                {**draw.system_fields(created, project["owner"], 0), "quote": quote["id"], "position": position, **line}
                for position, line in enumerate(lines, 1)
            ]
    return made, items


def _status(draw: Draw, phase: str, sent: dt.date, until: dt.date) -> str:
    if sent > TODAY:
        return "draft"
    if phase in ("execution", "closing", "completed"):
        return draw.weighted(("accepted", "expired"), (80, 20))
    if phase == "cancelled":
        return "rejected"
    return "expired" if until < TODAY else draw.weighted(("sent", "draft", "rejected"), (70, 15, 15))


def _lines(draw: Draw, types: list[Record], parts: list[Record]) -> list[Record]:
    lines = []
    for _ in range(draw.between(1, 4)):
        machine = draw.chance(0.6)
        subject = draw.pick(types if machine else parts)
        price = float(subject["list_price" if machine else "price"]["amount"])
        lines.append(
            {
                "subject": {"machine_type" if machine else "spare_part": subject["id"]},
                "text": subject["name"],
                "quantity": Decimal(draw.weighted((1, 2, 4, 10), (52, 26, 14, 8))),
                "unit_price": euro(rounded(price * draw.spread(1, 0.05), 4)),
                "discount_percent": Decimal(draw.weighted((0, 5, 10, 15), (60, 22, 13, 5))),
            }
        )
    return lines
