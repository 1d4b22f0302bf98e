"""Who decides for whom, who has influence, who belongs to whom, who competes and who works together."""

import datetime as dt
from collections.abc import Iterator, Mapping

from xrm_core.demo.draw import NOW, TODAY, Draw, Record

_AREAS = {"budget": 30, "technology": 25, "contract": 25, "all": 20}
_SUBJECTS = ("Gemeinsamer Vertrieb", "Forschungsprojekt", "Wartung vor Ort", "Joint development", "Referral agreement")


def relationships(made: Mapping[str, list[Record]], seed: int) -> Iterator[tuple[str, list[Record]]]:
    """(Kind of relationship, its records) between the records of the demo."""
    yield "decides_for", _deciders(Draw(seed, "decides_for"), made["contact"])
    yield "influences", _influence(Draw(seed, "influences"), made["contact"])
    yield "subsidiary_of", _subsidiaries(Draw(seed, "subsidiary_of"), made["customer"])
    yield "competes_with", _competition(Draw(seed, "competes_with"), made["partner"], made["competitor"])
    yield "partner_of", _partnerships(Draw(seed, "partner_of"), made["partner"], made["institution"])


def _deciders(draw: Draw, contacts: list[Record]) -> list[Record]:
    found = []
    for contact in contacts:
        customer = contact["organisation"].get("customer")
        if contact["buying_role"] == "decision_maker" and customer is not None and draw.chance(0.6):
            area = draw.weighted(tuple(_AREAS), tuple(_AREAS.values()))
            ends = {"source": {"contact": contact["id"]}, "target": {"customer": customer}}
            found.append(_relationship(draw, contact, {**ends, "area": area}))
    return found


def _influence(draw: Draw, contacts: list[Record]) -> list[Record]:
    return [
        _relationship(
            draw,
            contact,
            {
                "source": {"contact": contact["id"]},
                "target": {"contact": contact["reports_to"]},
                "strength": draw.pick(("low", "medium", "high")),
            },
        )
        for contact in contacts
        if contact["reports_to"] is not None and draw.chance(0.3)
    ]


def _subsidiaries(draw: Draw, customers: list[Record]) -> list[Record]:
    return [
        _relationship(
            draw,
            customer,
            {
                "source": {"customer": customer["id"]},
                "target": {"customer": customer["parent"]},
                "share_percent": draw.pick((51, 60, 75, 100, 100)),
            },
        )
        for customer in customers
        if customer.get("parent") is not None
    ]


def _competition(draw: Draw, partners: list[Record], competitors: list[Record]) -> list[Record]:
    return [
        _relationship(draw, partner, {"source": {"partner": partner["id"]}, "target": {"competitor": other["id"]}})
        for partner in partners
        if draw.chance(0.2)
        for other in [draw.pick(competitors)]
    ]


def _partnerships(draw: Draw, partners: list[Record], institutions: list[Record]) -> list[Record]:
    found = []
    for number, partner in enumerate(partners[1:], 1):
        subject = draw.pick(_SUBJECTS) if draw.chance(0.7) else None
        if draw.chance(0.15):
            target = {"partner": draw.pick(partners[:number])["id"]}
        elif draw.chance(0.1):
            target = {"institution": draw.pick(institutions)["id"]}
        else:
            continue
        ends = {"source": {"partner": partner["id"]}, "target": target}
        found.append(_relationship(draw, partner, {**ends, "subject": subject}))
    return found


def _relationship(draw: Draw, source: Record, values: Record) -> Record:
    began = dt.datetime.fromisoformat(source["created_at"])
    created = min(NOW, began + dt.timedelta(days=draw.between(1, 30)))
    first = created.date() if draw.chance(0.8) else None
    last = None
    if first is not None and draw.chance(0.12):
        last = min(TODAY, first + dt.timedelta(days=draw.between(200, 900))).isoformat()
    period = {"valid_from": first and first.isoformat(), "valid_to": last}
    return {**draw.system_fields(created, source["created_by"]), **values, **period}
