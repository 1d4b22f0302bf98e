"""Demo data of the machine builder pack: the core pack's firm in small, with its installed base. The same each time."""

from collections.abc import Iterator
from functools import cache

from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.draw import Draw, Record
from xrm_core.demo.machine_builder.examples import EXAMPLES
from xrm_core.demo.machine_builder.installed_base import fits, machine_types, machines, sites, spare_parts
from xrm_core.demo.machine_builder.selling import buying_centres, quotes
from xrm_core.demo.machine_builder.service import certificates, contracts, deciders, used_parts, visits
from xrm_core.demo.records import links as core_links
from xrm_core.demo.records import patches as core_patches
from xrm_core.demo.records import records as core_records

__all__ = ["EXAMPLES", "counts", "patches", "records", "users"]

_SEED = 2026
_CORE_SIZE, _MACHINES = 2_400, 420
_AFTER_TYPES = ("project", "contact", "activity")
"""Entities of the core pack that wait for the machine types, to which projects refer."""

_REGIONS = {"DE": ("north", "south", "east", "west"), "AT": ("alps",), "CH": ("alps",)}


def users() -> dict[str, str]:
    """Role → id of the user who has it: those of the core pack, and two who do service."""
    lead, technician, *_ = _crew(_firm()["team"], _firm()["user"])
    return {**DEMO_USERS, "service_lead": lead, "technician": technician}


def counts() -> dict[str, int]:
    """Records by entity, in the order of :func:`records`."""
    return {entity: len(rows) for entity, rows in _firm().items()}


def records() -> Iterator[tuple[str, list[Record]]]:
    """(Entity, its records), each reference to a record that came before."""
    yield from _firm().items()


def patches() -> Iterator[tuple[str, str, Record]]:
    """(Entity, id, fields): who leads which team."""
    yield from core_patches(size=_CORE_SIZE)


def _crew(teams: list[Record], staff: list[Record]) -> list[str]:
    """The users who do service, their lead first."""
    team = next(team["id"] for team in teams if team["name"] == "Projekte und Service")
    return [user["id"] for user in staff if user["team"] == team and user["active"]]


@cache
def _firm() -> dict[str, list[Record]]:
    core = dict(core_records(size=_CORE_SIZE))
    links = dict(core_links(core))
    draw = Draw(_SEED, "machine builder")
    crew = _crew(core["team"], core["user"])
    types = machine_types(Draw(_SEED, "machine_type"), DEMO_USERS["admin"])
    for customer in core["customer"]:
        customer["service_region"] = draw.pick(_REGIONS.get(customer["country"], ("export",)))
        customer["strategic"] = customer["segment"] == "key_account" and draw.chance(0.5)
    for project in core["project"]:
        open_yet = project["phase"] in ("initiation", "planning")
        project["machine_type"] = draw.pick(types)["id"]
        project["win_probability"] = (
            10 * draw.between(1, 9) if open_yet else 0 if project["phase"] == "cancelled" else 100
        )
        project["decision_expected_on"] = project["starts_on"] if open_yet else None
    buyers = [row for row in core["customer"] if row["status"] in ("active", "inactive")]
    site_rows = sites(Draw(_SEED, "site"), buyers, core["contact"])
    machine_rows = machines(Draw(_SEED, "machine"), _MACHINES, types, site_rows, core["project"])
    suppliers = [row for row in core["partner"] if row["kind"] == "supplier"] or core["partner"]
    part_rows = spare_parts(Draw(_SEED, "spare_part"), suppliers, crew[0])
    fit_rows = fits(Draw(_SEED, "fit"), part_rows, types, crew[0])
    contract_rows, covered = contracts(Draw(_SEED, "contract"), buyers, machine_rows, crew[0])
    visit_rows = visits(Draw(_SEED, "visit"), machine_rows, covered, contract_rows, crew[1:])
    decisions = links.pop("decides_for")  # about contracts, too, which come later
    decisions += deciders(Draw(_SEED, "decides_for"), contract_rows, decisions)
    quote_rows, item_rows = quotes(Draw(_SEED, "quote"), core["project"], types, part_rows)
    before = {name: rows for name, rows in core.items() if name not in _AFTER_TYPES}
    after = {name: core[name] for name in _AFTER_TYPES}
    return {
        **before,
        "machine_type": types,
        **after,
        **links,
        "site": site_rows,
        "machine": machine_rows,
        "spare_part": part_rows,
        "spare_part_machine_type": fit_rows,
        "maintenance_contract": contract_rows,
        "maintenance_contract_machine": covered,
        "service_visit": visit_rows,
        "used_part": used_parts(Draw(_SEED, "used_part"), visit_rows, machine_rows, fit_rows),
        "buying_role": buying_centres(Draw(_SEED, "buying_centre"), core["project"], core["contact"]),
        "quote": quote_rows,
        "quote_item": item_rows,
        "decides_for": decisions,
        "certified_for": certificates(Draw(_SEED, "certified_for"), core["partner"], types, crew[0]),
    }
