"""Demo data of the association pack: a sports club with some 900 people, the same each time."""

from collections.abc import Iterator
from functools import cache

from xrm_core.demo.association.donations import campaigns, donations, sponsors, sponsorships
from xrm_core.demo.association.events import events, offices, registrations
from xrm_core.demo.association.examples import EXAMPLES
from xrm_core.demo.association.members import fees, members, memberships, schedules
from xrm_core.demo.association.people import families, leads, sections, staff
from xrm_core.demo.draw import Draw, Record

__all__ = ["EXAMPLES", "counts", "patches", "records", "users"]

_SEED = 1898
_PEOPLE, _DONATIONS, _EVENTS = 900, 360, 110


def users() -> dict[str, str]:
    """Role → id of the user who has it."""
    return _club()[1]


def counts() -> dict[str, int]:
    """Records by entity, in the order of :func:`records`."""
    return {entity: len(rows) for entity, rows in _club()[0].items()}


def records() -> Iterator[tuple[str, list[Record]]]:
    """(Entity, its records), each reference to a record that came before."""
    yield from _club()[0].items()


def patches() -> Iterator[tuple[str, str, Record]]:
    """(Entity, id, fields): who leads which section."""
    found = _club()[0]
    for team, lead in leads(found["team"], found["user"]):
        yield "team", team, {"lead": lead}


@cache
def _club() -> tuple[dict[str, list[Record]], dict[str, str]]:
    teams = sections(Draw(_SEED, "team"), "")
    user_rows, signing_in = staff(Draw(_SEED, "user"), teams)
    for team in teams:
        team["created_by"] = team["updated_by"] = signing_in["admin"]
    parts = teams[1:]
    office, treasurer = signing_in["membership_office"], signing_in["treasurer"]
    contact_rows = sorted(
        families(Draw(_SEED, "contact"), _PEOPLE, office),
        key=lambda row: (row["guardian"] is not None, row["created_at"]),
    )
    firms, institutions = sponsors(Draw(_SEED, "sponsor"), treasurer)
    tennis = next(part["id"] for part in parts if part["name"] == "Tennis")
    schedule_rows = schedules(Draw(_SEED, "fee_schedule"), tennis, treasurer)
    member_rows = members(Draw(_SEED, "member"), contact_rows, parts, office)
    membership_rows = memberships(Draw(_SEED, "membership"), member_rows, contact_rows, schedule_rows, parts)
    campaign_rows = campaigns(Draw(_SEED, "campaign"), treasurer)
    event_rows = events(Draw(_SEED, "event"), _EVENTS, parts, user_rows)
    committee_rows, function_rows = offices(Draw(_SEED, "office"), member_rows, contact_rows, event_rows, office)
    gifts = donations(Draw(_SEED, "donation"), _DONATIONS, contact_rows, firms, institutions, campaign_rows)
    found = {
        "team": teams,
        "user": user_rows,
        "contact": contact_rows,
        "customer": firms,
        "institution": institutions,
        "fee_schedule": schedule_rows,
        "member": member_rows,
        "membership": membership_rows,
        "fee": fees(Draw(_SEED, "fee"), membership_rows, schedule_rows, treasurer),
        "donation_campaign": campaign_rows,
        "donation": gifts,
        "event": event_rows,
        "event_registration": registrations(Draw(_SEED, "registration"), event_rows, contact_rows),
        "committee": committee_rows,
        "board_function": function_rows,
        "sponsor_of": sponsorships(Draw(_SEED, "sponsor_of"), firms, institutions, parts),
    }
    return found, signing_in
