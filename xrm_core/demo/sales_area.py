"""Who looks after which region: from a place to the team and the user who owns the records there."""

from dataclasses import dataclass

from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.draw import Draw, Record
from xrm_core.demo.people import UNITS

_DEMO_REP_WEIGHT = 1.8  # so that the demo's sales representative has enough to show


@dataclass(frozen=True, slots=True)
class Area:
    """A team and its active members with their share of the work."""

    team: str
    members: tuple[str, ...]
    weights: tuple[float, ...]


class SalesAreas:
    """All areas of the demo company, made from its teams and users."""

    def __init__(self, teams: list[Record], users: list[Record]) -> None:
        self._areas: dict[str, Area] = {}
        self._hired = {user["id"]: user["created_at"] for user in users}
        for team in teams:
            members = tuple(user["id"] for user in users if user["team"] == team["id"] and user["active"])
            weights = tuple(_DEMO_REP_WEIGHT if member == DEMO_USERS["sales_rep"] else 1.0 for member in members)
            self._areas[team["name"]] = Area(team["id"], members, weights)

    def owner(self, draw: Draw, country: str, state: str) -> tuple[str, str]:
        """Ids of the user and the team who look after a place."""
        unit = next(unit for unit in UNITS if country in unit.countries and (not unit.states or state in unit.states))
        area = self._areas[unit.name]
        return draw.weighted(area.members, area.weights), area.team

    def member(self, draw: Draw, team: str) -> str:
        """Id of an active user of the team of that name."""
        return draw.pick(self._areas[team].members)

    def author(self, owner: str, created_at: str) -> str:
        """Who created a record: its owner, or the administrator if the owner came later."""
        return owner if self._hired[owner] <= created_at else DEMO_USERS["admin"]
