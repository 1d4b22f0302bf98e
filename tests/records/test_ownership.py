"""Records of users and teams: defaults, and rules with ``$team``."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from xrm_core.auth.tokens import create_token, find, set_roles
from xrm_core.errors import Forbidden, NotFound
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User, system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

MEMBERSHIP = {"x-relation": {"to": "team", "inverse": "members", "on_delete": "set_null"}}
FILES: dict[str, dict[str, Any]] = {
    "team": {"properties": {"name": {"type": "string"}}},
    "user": {"properties": {"name": {"type": "string"}, "team": MEMBERSHIP}},
    "deal": {"x-ownership": "user_and_team", "properties": {"name": {"type": "string"}}},
}
ROLES = {
    "roles": {"ours": {}, "others": {}, "mine_or_ours": {}, "not_ours": {}},
    "rules": {
        "own": {"owner": {"id": {"eq": "$user"}}},
        "our": {"owner_team": {"id": {"eq": "$team"}}},
        "not_our": {"not": {"owner_team": {"id": {"eq": "$team"}}}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
ours,team,read,*,,allow
ours,user,read,*,,allow
ours,deal,*,*,our,allow
others,deal,*,*,not_our,allow
mine_or_ours,deal,*,*,own,allow
mine_or_ours,deal,*,*,our,allow
not_ours,deal,*,*,,allow
not_ours,deal,update,*,our,deny
"""


class World:
    """Two teams, and who acts in them."""

    def __init__(self, database: Database, folder: Path) -> None:
        texts = [
            (name, json.dumps({"x-entity": name, "type": "object", **body}), "core") for name, body in FILES.items()
        ]
        self.database, self.model = database, load_texts(texts)
        apply(database, self.model)
        (folder / "roles.json").write_text(json.dumps(ROLES))
        (folder / "policies.csv").write_text(POLICIES)
        self.authority = Authority(self.model, policy.load([folder], self.model))
        self.tables = Tables(self.model)
        self.records = Records(self.model, self.tables, Plugins([]))
        self.system = system(self.model, "test")
        with database.begin() as connection:
            north, south = self.records.create_many(connection, self.system, "team", [{"name": "N"}, {"name": "S"}])
            rows = [{"name": "anna", "team": north}, {"name": "ben", "team": south}, {"name": "cleo"}]
            ids = self.records.create_many(connection, self.system, "user", rows)
        self.north, self.users = north, dict(zip(("anna", "ben", "cleo"), ids, strict=True))

    def caller(self, user: str, role: str) -> User:
        """As a request of this user has it."""
        with self.database.begin() as connection:
            set_roles(connection, self.users[user], [role])
            found = find(connection, create_token(connection, self.users[user], "test"), self.tables["user"])
        assert found is not None
        return User(found.user_id, self.authority.access(found.roles), found.team_id)

    def create(self, caller: Any, **values: Any) -> str:
        with self.database.begin() as connection:
            return self.records.create(connection, caller, "deal", values)

    def rename(self, caller: User, id_: str) -> None:
        with self.database.begin() as connection:
            self.records.update(connection, caller, "deal", id_, {"name": "renamed"})


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_a_new_record_belongs_to_its_creator_and_the_creators_team(world: World) -> None:
    id_ = world.create(world.caller("anna", "ours"), name="x")
    deal = world.tables["deal"]
    with world.database.read() as connection:
        found = connection.execute(select(deal.c.owner_id, deal.c.owner_team_id).where(deal.c.id == id_)).one()
    assert tuple(found) == (world.users["anna"], world.north)


def test_the_team_may_change_it_and_others_may_not(world: World) -> None:
    id_ = world.create(world.caller("anna", "ours"), name="x")
    world.rename(world.caller("anna", "ours"), id_)
    with pytest.raises(NotFound):
        world.rename(world.caller("ben", "ours"), id_)
    world.rename(world.caller("ben", "others"), id_)


@pytest.mark.parametrize("role", ["ours", "others"])
def test_without_a_team_a_rule_that_names_it_holds_for_nothing(world: World, role: str) -> None:
    caller = world.caller("cleo", role)
    assert caller.team is None
    with pytest.raises(Forbidden):
        world.create(caller, name="x")
    id_ = world.create(world.system, name="x", owner_team=None)
    with pytest.raises(NotFound):
        world.rename(caller, id_)


def test_without_a_team_the_rules_of_other_policies_hold_as_ever(world: World) -> None:
    caller = world.caller("cleo", "mine_or_ours")
    world.rename(caller, world.create(caller, name="my own"))
    with pytest.raises(NotFound):
        world.rename(caller, world.create(world.caller("anna", "ours"), name="of a team"))
    anna = world.caller("anna", "mine_or_ours")
    world.rename(anna, world.create(world.system, name="of her team", owner_team=world.north))


def test_a_denial_of_which_nobody_can_say_whether_it_holds_does_hold(world: World) -> None:
    id_ = world.create(world.system, name="x")
    world.rename(world.caller("anna", "not_ours"), id_)
    with pytest.raises(Forbidden):
        world.rename(world.caller("cleo", "not_ours"), id_)


def test_a_user_who_owns_records_cannot_be_deleted_and_a_team_can(world: World) -> None:
    world.create(world.caller("anna", "ours"), name="x")
    with pytest.raises(Exception, match="other records refer to it"), world.database.begin() as connection:
        world.records.delete(connection, world.system, "user", world.users["anna"])
    with world.database.begin() as connection:
        world.records.delete(connection, world.system, "team", world.north)
        assert connection.scalars(select(world.tables["deal"].c.owner_team_id)).all() == [None]
