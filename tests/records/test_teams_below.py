"""Rules with ``$teams``, the caller's team and all below it, and with ``$now``."""

import datetime as dt
import json
from typing import Any

import pytest

from tests.graphql import kit
from xrm_core.errors import BadQuery, Forbidden, NotFound
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import parse
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User, system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.records.teams import team_of, teams_below
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

PARENT = {"x-relation": {"to": "team", "inverse": "subteams", "on_delete": "set_null"}}
MEMBERSHIP = {"x-relation": {"to": "team", "inverse": "members", "on_delete": "set_null"}}
FILES: dict[str, dict[str, Any]] = {
    "team": {"properties": {"name": {"type": "string"}, "parent": PARENT}},
    "user": {"properties": {"name": {"type": "string"}, "team": MEMBERSHIP}},
    "deal": {
        "x-ownership": "user",
        "properties": {
            "name": {"type": "string"},
            "valid_until": {"type": "string", "format": "date-time"},
            "closes_on": {"type": "string", "format": "date"},
        },
    },
}
RULES = {
    "of_my_people": {"owner": {"team": {"id": {"in": "$teams"}}}},
    "of_others": {"not": {"owner": {"team": {"id": {"in": "$teams"}}}}},
    "of_strangers": {"owner": {"team": {"id": {"notIn": "$teams"}}}},
    "valid": {"valid_until": {"gte": "$now"}},
    "open": {"not": {"closes_on": {"lt": "$now"}}},
}
POLICIES = [f"{rule},deal,*,*,{rule},allow" for rule in RULES]
TEAMS = {"sales": None, "north": "sales", "city": "north", "south": "sales", "service": None}


def model(**files: Any) -> Model:
    texts = {**FILES, **files}
    return load_texts(
        [
            (f"{name}.json", json.dumps({"x-entity": name, "type": "object", **body}), "core")
            for name, body in texts.items()
        ]
    )


class World:
    """A tree of teams with a user in each, who is called like the team, and somebody who is in none."""

    def __init__(self, database: Database) -> None:
        self.database, self.model = database, model()
        apply(database, self.model)
        self.authority = Authority(self.model, kit.policies(self.model, POLICIES, RULES))
        self.tables = Tables(self.model)
        self.records = Records(self.model, self.tables, Plugins([]))
        self.system = system(self.model, "test")
        self.teams: dict[str, str] = {}
        self.users: dict[str, str] = {}
        for name, parent in TEAMS.items():
            self.teams[name] = self.create("team", name=name, parent=self.teams.get(parent or ""))
        for name in (*TEAMS, "nobody"):
            self.users[name] = self.create("user", name=name, team=self.teams.get(name))

    def create(self, entity: str, caller: Any = None, **values: Any) -> str:
        with self.database.begin() as connection:
            return self.records.create(connection, caller or self.system, entity, values)

    def caller(self, user: str, role: str, zone: str = "UTC") -> User:
        with self.database.begin() as connection:
            team = team_of(connection, self.users[user], self.tables["user"])
            teams = teams_below(connection, team, self.tables["user"])
        return User(self.users[user], self.authority.access(frozenset({role})), team, teams=teams, zone=zone)

    def may(self, caller: User, deal: str) -> bool:
        """Whether a caller, whose rule is the same for all actions, can change a deal."""
        try:
            with self.database.begin() as connection:
                self.records.update(connection, caller, "deal", deal, {"name": "changed"})
        except (NotFound, Forbidden):
            return False
        return True


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_team_has_those_below_it_and_cycles_end(world: World) -> None:
    def below(team: str | None) -> set[str]:
        with world.database.read() as connection:
            ids = teams_below(connection, world.teams.get(team or ""), world.tables["user"])
        assert len(ids) == len(set(ids))
        return {name for name, id_ in world.teams.items() if id_ in ids}

    assert below("sales") == {"sales", "north", "city", "south"}
    assert below("north") == {"north", "city"}
    assert below("city") == {"city"}
    assert below(None) == set()
    with world.database.begin() as connection:
        world.records.update(connection, world.system, "team", world.teams["sales"], {"parent": world.teams["city"]})
        world.records.update(
            connection, world.system, "team", world.teams["service"], {"parent": world.teams["service"]}
        )
    assert below("city") == {"sales", "north", "city", "south"}
    assert below("service") == {"service"}


def test_without_a_tree_a_team_is_alone(database: Database) -> None:
    flat = model(team={"properties": {"name": {"type": "string"}, "parent": {"type": "string"}}})
    apply(database, flat)
    records, caller = Records(flat, Tables(flat), Plugins([])), system(flat, "test")
    with database.begin() as connection:
        team = records.create(connection, caller, "team", {"name": "x", "parent": "y"})
        user = records.create(connection, caller, "user", {"name": "x", "team": team})
        assert team_of(connection, user, records.tables["user"]) == team
        assert teams_below(connection, team, records.tables["user"]) == (team,)


def test_managers_have_the_records_of_their_people_at_all_levels(world: World) -> None:
    deals = {name: world.create("deal", name=name, owner=id_) for name, id_ in world.users.items()}

    def reached(user: str, role: str) -> set[str]:
        caller = world.caller(user, role)
        return {name for name, deal in deals.items() if world.may(caller, deal)}

    assert reached("sales", "of_my_people") == {"sales", "north", "city", "south"}
    assert reached("north", "of_my_people") == {"north", "city"}
    assert reached("city", "of_my_people") == {"city"}
    assert reached("north", "of_others") == {"sales", "south", "service", "nobody"}
    assert reached("north", "of_strangers") == {"sales", "south", "service"}


@pytest.mark.parametrize("role", ["of_my_people", "of_others", "of_strangers"])
def test_without_a_team_a_rule_that_names_teams_holds_for_nothing(world: World, role: str) -> None:
    caller = world.caller("nobody", role)
    assert caller.teams == ()
    assert not world.may(caller, world.create("deal", owner=world.users["service"]))
    with pytest.raises(Forbidden):
        world.create("deal", caller, name="x")


def test_what_ends_now_ends_by_the_clock(world: World) -> None:
    now = dt.datetime.now(dt.UTC)
    caller = world.caller("nobody", "valid")
    past, future = ((now + dt.timedelta(hours=hours)).isoformat() for hours in (-1, 1))
    assert world.may(caller, world.create("deal", valid_until=future))
    assert not world.may(caller, world.create("deal", valid_until=past))
    assert not world.may(caller, world.create("deal"))
    with pytest.raises(Forbidden):
        world.create("deal", caller, valid_until=past)


def test_a_day_is_compared_with_today_in_the_time_zone(world: World) -> None:
    zones = {"Pacific/Kiritimati": 14, "Etc/GMT+12": -12}  # the first and the last in which a day begins
    days = {zone: (dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)).date() for zone, hours in zones.items()}
    first, last = (world.caller("nobody", "open", zone) for zone in zones)
    deal = world.create("deal", closes_on=str(days["Etc/GMT+12"]))
    assert world.may(last, deal)
    assert not world.may(first, deal)  # there it is tomorrow, or the day after
    assert world.may(first, world.create("deal", closes_on=str(days["Pacific/Kiritimati"])))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"owner": {"team": {"id": {"eq": "$teams"}}}}, "stands behind in or notIn of an id"),
        ({"owner": {"team": {"id": {"in": "$team"}}}}, "can be compared with an id"),
        ({"name": {"eq": "$now"}}, "can be compared with a moment or a day"),
        ({"closes_on": {"in": "$now"}}, "can be compared with a moment or a day"),
        ({"closes_on": {"eq": "$user"}}, "can be compared with an id"),
        ({"closes_on": {"eq": "$today"}}, "there are \\$user, \\$team, \\$teams, \\$now"),
    ],
)
def test_a_word_where_it_means_nothing_is_refused(rule: dict[str, Any], said: str) -> None:
    of = model()
    with pytest.raises(BadQuery, match=said):
        parse(of, of["deal"], rule)
