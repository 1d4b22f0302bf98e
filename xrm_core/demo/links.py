"""Who works on which project, and what is delivered there."""

import datetime as dt

from xrm_core.demo.draw import NOW, Draw, Record

_MOST_MEMBERS, _MOST_PRODUCTS = 4, 3


def project_members(draw: Draw, projects: list[Record], contacts: list[Record]) -> list[Record]:
    """Contacts of the customer in their roles, for most projects."""
    people: dict[str, list[Record]] = {}
    for contact in contacts:
        people.setdefault(contact["organisation"].get("customer", ""), []).append(contact)
    made = []
    for project in projects:
        known = [each for each in people.get(project["customer"], ()) if each["created_at"] <= project["created_at"]]
        for number, contact in enumerate(draw.shuffled(known)[:_MOST_MEMBERS]):
            role = (
                "sponsor" if contact["buying_role"] == "decision_maker" else ("lead", "expert", "user", "user")[number]
            )
            since = project["starts_on"] if draw.chance(0.7) else None
            made.append(_link(draw, project, {"contact": contact["id"], "role": role, "since": since}))
    return made


def project_products(draw: Draw, projects: list[Record], products: list[Record]) -> list[Record]:
    """Products that a project delivers, unless it only trains or advises."""
    delivering = [project for project in projects if project["kind"] not in ("training", "consulting")]
    return [
        _link(draw, project, {"product": product["id"]})
        for project in delivering
        for product in draw.shuffled(products)[: draw.between(1, _MOST_PRODUCTS)]
    ]


def _link(draw: Draw, project: Record, values: Record) -> Record:
    created = dt.datetime.fromisoformat(project["created_at"])
    later = min(NOW, created + dt.timedelta(days=draw.between(0, 20)))
    return {**draw.system_fields(later, project["owner"]), "project": project["id"], **values}
