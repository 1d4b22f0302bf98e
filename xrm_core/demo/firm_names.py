"""Names of firms: from people, trades, coined words and cities, with the legal form that fits country and size."""

from collections.abc import Callable, Sequence

from xrm_core.demo.draw import Draw
from xrm_core.demo.firms import LEGAL_FORMS, PUBLIC, STEMS, Industry
from xrm_core.demo.names import NAMES
from xrm_core.demo.people import slug
from xrm_core.demo.places import COUNTRIES, City, Country

_FRENCH, _ITALIAN = ("GE", "VD"), ("TI",)
_SWISS_FORMS = {"fr": ("SA", "Sàrl"), "it": ("SA",), "de": ("AG", "GmbH")}
_TRADE_FIRST = ("fr", "it", "es")
_BRANCH = {
    "DE": "Deutschland",
    "AT": "Austria",
    "CH": "Schweiz",
    "FR": "France",
    "IT": "Italia",
    "ES": "Iberia",
    "NL": "Nederland",
    "PL": "Polska",
    "SE": "Sverige",
    "GB": "UK",
    "US": "America",
}
_NAME_TRIES = 40


def local_language(country: Country, state: str) -> str:
    """The language spoken there; in Switzerland it depends on the canton."""
    if country.code == "CH":
        return "fr" if state in _FRENCH else "it" if state in _ITALIAN else "de"
    return country.language


def legal_form(draw: Draw, country: Country, state: str, employees: int) -> str:
    """A legal form usual for a firm of that size there."""
    forms = LEGAL_FORMS[country.code]
    if country.code == "CH":
        forms = tuple(form for form in forms if form[0] in _SWISS_FORMS[local_language(country, state)])
    fitting = [name for name, least, most in forms if least <= employees <= most]
    return draw.pick(fitting or [name for name, _, _ in forms])


class FirmNames:
    """Makes names that nobody had before, and with each the domain of the firm (below ``.example``)."""

    def __init__(self) -> None:
        self._domains: set[str] = set()

    def firm(self, draw: Draw, country: Country, city: City, industry: Industry) -> tuple[str, str]:
        """Name without legal form, and domain, of a firm of that industry in that city."""
        words = industry.words[local_language(country, city.state)]
        if industry.name == PUBLIC:
            return self.unused(draw, lambda: f"{draw.pick(words)} {city.name}", city)
        return self.unused(draw, lambda: _private(draw, country, city, words), city)

    def branch(self, parent: str, country: Country, city: City, draw: Draw) -> tuple[str, str]:
        """Name and domain of a subsidiary: the parent's name and the country or city."""
        return self.unused(draw, lambda: f"{parent} {draw.pick([_BRANCH[country.code], city.name])}", city)

    def coined(self, draw: Draw, country: Country, city: City, trades: Sequence[str]) -> tuple[str, str]:
        """Name and domain of a firm that is called after a person or a coined word and one of the trades."""
        family = NAMES[country.code].last
        return self.unused(
            draw, lambda: f"{draw.pick(STEMS if draw.chance(0.5) else family)} {draw.pick(trades)}", city
        )

    def unused(self, draw: Draw, make: Callable[[], str], city: City) -> tuple[str, str]:
        """A name from ``make`` that is still free; if all are taken, one with the city and at last a number."""
        for attempt in range(_NAME_TRIES):
            name = make()
            if attempt > _NAME_TRIES // 2:
                name = f"{name} {city.name}" if city.name not in name else f"{name} {draw.between(2, 999)}"
            if domain := self.take(name):
                return name, domain
        name = f"{name} {len(self._domains)}"
        return name, self.take(name)

    def take(self, name: str) -> str:
        """The domain for a name, which is taken from now on; ``""`` if it is taken already."""
        domain = f"{slug(name)}.example"
        if domain in self._domains:
            return ""
        self._domains.add(domain)
        return domain


def _private(draw: Draw, country: Country, city: City, words: Sequence[str]) -> str:
    language = local_language(country, city.state)
    origin = {"fr": "FR", "it": "IT"}.get(language, "CH") if country.code == "CH" else country.code
    family = NAMES[origin].last
    trade, surname = draw.pick(words), draw.pick(family)
    pattern = draw.weighted(("family", "pair", "stem", "city"), (40, 14, 38, 8))
    if pattern == "pair":
        others = {"de": ("Söhne", "Partner", draw.pick(family)), "en": ("Sons", "Partners", draw.pick(family))}
        company = f"{surname} & {draw.pick(others.get(language, (draw.pick(family),)))}"
    elif pattern == "stem":
        company = draw.pick(STEMS)
    elif pattern == "city":
        return f"{trade} {city.name}" if language != "en" else f"{city.name} {trade}"
    else:
        company = surname
    return f"{trade} {company}" if language in _TRADE_FIRST else f"{company} {trade}"


def somewhere(draw: Draw) -> tuple[Country, City]:
    """A country and a city in it, by their shares of business."""
    countries = tuple(COUNTRIES.values())
    country = draw.weighted(countries, [country.share for country in countries])
    return country, draw.weighted(country.cities, [city.weight for city in country.cities])
