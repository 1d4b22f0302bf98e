"""All demo records, in an order in which every reference already exists.

Teams come first, without their leads; users name their team; then :func:`patches` gives the teams their leads. So
neither side of that circle has to wait for the other.
"""

from collections.abc import Iterator, Mapping

from xrm_core.demo.activities import activities, targets_of
from xrm_core.demo.contacts import contacts
from xrm_core.demo.customers import customers
from xrm_core.demo.draw import Draw, Record
from xrm_core.demo.firm_names import FirmNames
from xrm_core.demo.institutions import institutions
from xrm_core.demo.links import project_members, project_products
from xrm_core.demo.partners import competitors, partners
from xrm_core.demo.people import UNITS, leads, teams, users
from xrm_core.demo.products import products
from xrm_core.demo.projects import projects
from xrm_core.demo.relationships import relationships
from xrm_core.demo.sales_area import SalesAreas
from xrm_core.errors import SettingsError

SMALLEST = 500
_FULL_SIZE = 20_000
_SHARES = {
    "institution": 300,
    "partner": 400,
    "customer": 2500,
    "product": 250,
    "competitor": 60,
    "project": 900,
    "contact": 6000,
}
_USERS, _FEWEST_USERS = 60, 30


def counts(size: int = _FULL_SIZE) -> dict[str, int]:
    """Records by entity, in the order of :func:`records`; together exactly ``size``.

    Raises:
        SettingsError: ``size`` is below :data:`SMALLEST`.
    """
    if size < SMALLEST:
        raise SettingsError(f"A demo of {size} records is too small.", hint=f"Ask for {SMALLEST} or more.")
    scaled = {entity: max(1, round(share * size / _FULL_SIZE)) for entity, share in _SHARES.items()}
    found = {"team": len(UNITS), "user": max(_FEWEST_USERS, round(_USERS * size / _FULL_SIZE)), **scaled}
    return {**found, "activity": size - sum(found.values())}


def records(seed: int = 2026, size: int = _FULL_SIZE) -> Iterator[tuple[str, list[Record]]]:
    """(Entity, its records) for each entity; same seed and size, same records.

    A record is as the write door takes it, with ``id`` (UUIDv7, its time is ``created_at``), ``created_at``,
    ``created_by``, ``updated_at`` and ``updated_by`` besides. Self relations refer to earlier records of the list.

    Args:
        seed: any number; the users of :data:`~xrm_core.demo.accounts.DEMO_USERS` are the same for all of them.
        size: how many records in all.

    Raises:
        SettingsError: ``size`` is below :data:`SMALLEST`.
    """
    wanted = counts(size)
    team_list, user_list = _staff(seed, wanted["user"])
    yield "team", team_list
    yield "user", user_list
    areas, names = SalesAreas(team_list, user_list), FirmNames()

    institution_list = institutions(Draw(seed, "institution"), wanted["institution"], areas, names)
    yield "institution", [one.record for one in institution_list]
    partner_list = partners(Draw(seed, "partner"), wanted["partner"], areas, names)
    yield "partner", [one.record for one in partner_list]
    customer_list = customers(Draw(seed, "customer"), wanted["customer"], areas, names)
    yield "customer", [one.record for one in customer_list]

    suppliers = [one.record for one in partner_list if one.record["kind"] == "supplier"]
    product_list = products(Draw(seed, "product"), wanted["product"], areas, suppliers)
    yield "product", product_list
    competitor_list = competitors(Draw(seed, "competitor"), wanted["competitor"], areas, names, product_list)
    yield "competitor", [one.record for one in competitor_list]

    project_list = projects(Draw(seed, "project"), wanted["project"], customer_list, partner_list, areas)
    yield "project", project_list
    organisations = [*customer_list, *partner_list, *institution_list, *competitor_list]
    contact_list = contacts(Draw(seed, "contact"), wanted["contact"], organisations, areas)
    yield "contact", contact_list

    led = [(team, lead) for team, (_, lead) in zip(team_list, leads(team_list, user_list), strict=True)]
    targets = targets_of(organisations, contact_list, project_list, product_list, led)
    yield "activity", activities(Draw(seed, "activity"), wanted["activity"], targets, product_list, areas)


def links(made: Mapping[str, list[Record]], seed: int = 2026) -> Iterator[tuple[str, list[Record]]]:
    """(Entity of links, its records) between the records ``made``; they do not count for the size of the demo."""
    yield "project_member", project_members(Draw(seed, "project_member"), made["project"], made["contact"])
    yield "project_product", project_products(Draw(seed, "project_product"), made["project"], made["product"])
    yield from relationships(made, seed)


def patches(seed: int = 2026, size: int = _FULL_SIZE) -> Iterator[tuple[str, str, Record]]:
    """(Entity, id, fields) of the changes to make once all records are there: who leads which team."""
    team_list, user_list = _staff(seed, counts(size)["user"])
    for team, lead in leads(team_list, user_list):
        yield "team", team, {"lead": lead}


def _staff(seed: int, user_count: int) -> tuple[list[Record], list[Record]]:
    team_list = teams(Draw(seed, "team"))
    return team_list, users(Draw(seed, "user"), user_count, team_list)
