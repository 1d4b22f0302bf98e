"""What customers, partners, competitors and institutions have in common: a place, a domain, an address."""

import datetime as dt
from dataclasses import dataclass

from xrm_core.demo.draw import Draw, Record
from xrm_core.demo.firm_names import local_language
from xrm_core.demo.places import COUNTRIES, City, Country

_MAILBOXES = {"de": ("info", "kontakt", "office"), "fr": ("contact",), "nl": ("info", "contact")}


@dataclass(frozen=True, slots=True)
class Organisation:
    """A record of an organisation and what others need to know about it."""

    entity: str
    record: Record
    country: Country
    city: City
    domain: str
    language: str
    created: dt.datetime


def contact_data(draw: Draw, country: Country, city: City, domain: str) -> Record:
    """E-mail, phone, website and address of an organisation in that city."""
    language = local_language(country, city.state)
    streets = COUNTRIES[language.upper()].streets if country.code == "CH" and language != "de" else country.streets
    street = country.street.format(street=draw.pick(streets), number=1 + int(draw.spread(18, 0.9)))
    return {
        "email": f"{draw.pick(_MAILBOXES.get(language, ('info',)))}@{domain}",
        "phone": draw.fill(city.phone),
        "website": f"https://www.{domain}",
        "street": street,
        "postal_code": draw.fill(draw.pick(city.postal_codes)),
        "city": city.name,
        "country": country.code,
    }
