"""People at organisations: at nearly every customer one, at large ones many, with whom each reports to."""

import datetime as dt

from xrm_core.demo.draw import NOW, Draw, Record, instant
from xrm_core.demo.organisations import Organisation
from xrm_core.demo.people import mail, named, slug
from xrm_core.demo.sales_area import SalesAreas
from xrm_core.demo.texts import CONTACT_NOTES, JOBS

_WEIGHTS = {"key_account": 9.0, "mid_market": 2.5, "small_business": 0.7, "public_sector": 2.5}
_OTHER_WEIGHTS = {"partner": 0.6, "institution": 0.4, "competitor": 0.25}
_TITLES = ("Dr.", "Dr.", "Dr.-Ing.", "Prof. Dr.", "Dipl.-Ing.", "Mag.")
_GERMAN = ("DE", "AT", "CH")


def contacts(draw: Draw, count: int, organisations: list[Organisation], areas: SalesAreas) -> list[Record]:
    """``count`` contacts, ordered by creation; whom somebody reports to comes before."""
    customers = [organisation for organisation in organisations if organisation.entity == "customer"]
    places = [organisation for organisation in draw.shuffled(customers)[:count] if draw.chance(0.92)]
    weights = [_weight(organisation) for organisation in organisations]
    places += draw.many(organisations, weights, count - len(places))
    arrivals = sorted(
        ((draw.moment(place.created, _arrived_by(place)), number, place) for number, place in enumerate(places)),
        key=lambda arrival: arrival[:2],
    )
    heads: dict[str, str] = {}
    made = []
    for created, _, place in arrivals:
        record = _contact(draw, created, place, areas)
        head = heads.get(place.record["id"])
        record["reports_to"] = head if draw.chance(0.7) else None
        if record["buying_role"] == "decision_maker":
            heads.setdefault(place.record["id"], record["id"])
        made.append(record)
    return made


def _weight(organisation: Organisation) -> float:
    segment = organisation.record.get("segment")
    return _WEIGHTS[segment] if segment else _OTHER_WEIGHTS[organisation.entity]


def _arrived_by(place: Organisation) -> dt.datetime:
    return min(NOW, place.created + dt.timedelta(days=1200))


def _contact(draw: Draw, created: dt.datetime, place: Organisation, areas: SalesAreas) -> Record:
    salutation, first, last = named(draw, place.country.code)
    german, english, department_german, department_english, role, _ = draw.weighted(JOBS, [job[-1] for job in JOBS])
    if draw.chance(0.006):
        salutation = "mx"
    in_german = place.language == "de"
    owner = place.record["owner"]
    titled = place.country.code in _GERMAN and draw.chance(0.08)
    return {
        **draw.system_fields(created, areas.author(owner, instant(created))),
        "salutation": salutation,
        "academic_title": draw.pick(_TITLES) if titled else None,
        "first_name": first,
        "last_name": last,
        "job_title": _gendered(german, salutation) if in_german else english,
        "department": department_german if in_german else department_english,
        "buying_role": role,
        "email": mail(first, last, place.domain) if draw.chance(0.94) else None,
        "phone": draw.fill(place.city.phone) if draw.chance(0.85) else place.record["phone"],
        "mobile": draw.fill(place.country.mobile or place.city.phone) if draw.chance(0.45) else None,
        "language": place.language,
        "preferred_channel": draw.weighted(("email", "phone", "letter", "meeting"), (55, 30, 3, 12)),
        "do_not_contact": draw.chance(0.03),
        "birthday": f"{draw.between(1961, 2003)}-{draw.between(1, 12):02}-{draw.between(1, 28):02}"
        if draw.chance(0.25)
        else None,
        "city": place.city.name,
        "country": place.country.code,
        "profile_url": f"https://people.example/in/{slug(f'{first} {last}')}" if draw.chance(0.2) else None,
        "active": draw.chance(0.95),
        "notes": draw.pick(CONTACT_NOTES) if draw.chance(0.15) else None,
        "organisation": {place.entity: place.record["id"]},
        "owner": owner,
    }


def _gendered(title: str, salutation: str) -> str:
    """``Einkäufer/in`` as the person is addressed: Einkäuferin, Einkäufer, or both forms."""
    if salutation == "ms":
        return title.replace("/in", "in").replace("/r", "")
    return title.replace("/in", "").replace("/r", "r") if salutation == "mr" else title
