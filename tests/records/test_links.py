"""Links of a many-to-many relation, written with the record they belong to and one by one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.kit import World
from xrm_core.errors import Forbidden, ValidationFailed, XrmError
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

TEXT = {"type": "string"}
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": TEXT}},
    "person": {"properties": {"name": TEXT, "hidden": {"type": "boolean", "default": False}}},
    "team": {
        "properties": {
            "name": TEXT,
            "closed": {"type": "boolean", "default": False},
            "members": {
                "x-relation": {
                    "to": "person",
                    "many": True,
                    "inverse": "teams",
                    "attributes": {
                        "role": {"type": "string", "maxLength": 8},
                        "share": {"type": "integer", "default": 1},
                    },
                }
            },
        }
    },
}
ROLES = {
    "roles": {"admin": {}, "lead": {}, "blind": {}, "reader": {}, "clerk": {}, "namer": {}, "member": {}},
    "rules": {
        "mine": {"members": {"some": {"id": {"eq": "$user"}}}},
        "open": {"closed": {"eq": False}},
        "shown": {"hidden": {"eq": False}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
lead,team,*,*,open,allow
lead,person,read,*,shown,allow
lead,person,update,*,shown,allow
blind,team,*,*,,allow
blind,person,read,*,,allow
blind,team_member,read,person role,,allow
blind,team_member,delete,*,,allow
reader,team,read,*,,allow
reader,person,read,*,,allow
reader,person,update,*,,allow
namer,team,*,name closed,,allow
namer,person,read,*,,allow
clerk,team,*,*,,allow
clerk,person,*,*,,allow
clerk,team_member,read,*,,allow
clerk,team_member,create,person team role,,allow
member,team,read,*,,allow
member,team,create,*,mine,allow
member,team,update,*,mine,allow
member,person,read,*,,allow
"""
ANNA = "00000000-0000-7000-8000-000000000001"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    texts = [
        (f"{name}.json", json.dumps({"x-entity": name, "type": "object", **body}), "core")
        for name, body in FILES.items()
    ]
    model = load_texts(texts)
    apply(database, model)
    (tmp_path / "roles.json").write_text(json.dumps(ROLES))
    (tmp_path / "policies.csv").write_text(POLICIES)
    authority = Authority(model, policy.load([tmp_path], model))
    records = Records(model, Tables(model), Plugins([]))
    return World(database, model, records, authority, {"anna": ANNA})


def person(world: World, name: str, **values: Any) -> str:
    return world.create("admin", "person", {"name": name, **values})


def links(world: World, team: str) -> dict[str, tuple[str | None, int]]:
    """Person's name → role and share, for all links of a team."""
    members, persons = world.records.tables["team_member"], world.records.tables["person"]
    query = (
        select(persons.c.name, members.c.role, members.c.share)
        .join(members, members.c.person_id == persons.c.id)
        .where(members.c.team_id == team)
    )
    with world.database.read() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def refused(world: World, error: type[XrmError], team: str, change: Mapping[str, Any], role: str = "admin") -> XrmError:
    before = world.state()
    with pytest.raises(error) as caught:
        world.update(role, "team", team, {"members": change})
    assert world.state() == before
    return caught.value


def test_a_rule_about_links_holds_for_the_record_with_its_links(world: World) -> None:
    bob = person(world, "Bob")
    with world.database.begin() as connection:
        caller = system(world.model, "test", sets_system_fields=True)
        world.records.create(connection, caller, "person", {"id": ANNA, "name": "Anna"})
    with pytest.raises(Forbidden):
        world.create("member", "team", {"name": "A", "members": {"set": [bob]}})
    team = world.create("member", "team", {"name": "A", "members": {"set": [ANNA, bob]}})
    refused(world, Forbidden, team, {"remove": [ANNA]}, "member")
    refused(world, Forbidden, team, {"set": [bob]}, "member")
    world.update("member", "team", team, {"members": {"remove": [bob]}})
    assert links(world, team) == {"Anna": (None, 1)}


def test_links_are_made_with_the_record(world: World) -> None:
    ada, bob = person(world, "Ada"), person(world, "Bob")
    team = world.create("admin", "team", {"name": "A", "members": {"add": [{"id": ada, "role": "boss"}, {"id": bob}]}})
    assert links(world, team) == {"Ada": ("boss", 1), "Bob": (None, 1)}


def test_add_remove_and_new_attributes_of_a_link_that_exists(world: World) -> None:
    ada, bob, cid = (person(world, name) for name in ("Ada", "Bob", "Cid"))
    team = world.create("admin", "team", {"members": {"add": [{"id": ada, "role": "boss"}, {"id": bob}]}})
    change = {"add": [{"id": ada, "share": 5}, {"id": cid}], "remove": [bob, ANNA]}
    world.update("admin", "team", team, {"members": change})
    assert links(world, team) == {"Ada": ("boss", 5), "Cid": (None, 1)}
    stored = world.stored("team", team)
    assert stored is not None
    assert stored["version"] == 2


def test_a_link_of_which_one_end_is_hidden_is_not_there_to_be_removed(world: World) -> None:
    # «blind» sees links, but not of which team; what became of them would tell
    ada, bob = person(world, "Ada"), person(world, "Bob")
    team = world.create("admin", "team", {"members": {"add": [{"id": ada}]}})
    for change in ({"remove": [ada]}, {"remove": [bob]}, {"set": []}):
        world.update("blind", "team", team, {"members": change})
    assert links(world, team) == {"Ada": (None, 1)}


def test_set_says_all_links_and_keeps_the_attributes_of_those_that_stay(world: World) -> None:
    ada, bob, cid = (person(world, name) for name in ("Ada", "Bob", "Cid"))
    team = world.create("admin", "team", {"members": {"add": [{"id": ada, "role": "boss"}, {"id": bob}]}})
    world.update("admin", "team", team, {"members": {"set": [ada.upper(), cid, cid]}})
    assert links(world, team) == {"Ada": ("boss", 1), "Cid": (None, 1)}
    world.update("admin", "team", team, {"members": {"set": []}})
    assert links(world, team) == {}


def test_the_other_side_writes_the_same_links(world: World) -> None:
    ada, team = person(world, "Ada"), world.create("admin", "team", {"name": "A"})
    world.update("admin", "person", ada, {"teams": {"add": [{"id": team, "role": "boss"}]}})
    assert links(world, team) == {"Ada": ("boss", 1)}
    world.update("admin", "person", ada, {"teams": {"remove": [team]}})
    assert links(world, team) == {}


def test_links_go_with_either_side(world: World) -> None:
    ada, bob = person(world, "Ada"), person(world, "Bob")
    team = world.create("admin", "team", {"members": {"set": [ada, bob]}})
    world.delete("admin", "person", ada)
    assert set(links(world, team)) == {"Bob"}
    world.delete("admin", "team", team)
    assert links(world, team) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"set": [], "add": [{"id": ANNA}]}, "cannot stand beside"),
        ({"add": [{"id": ANNA}, {"id": ANNA.upper()}]}, "in add twice"),
        ({"add": [{"id": ANNA}], "remove": [ANNA]}, "in add and in remove"),
        ({"add": [{"role": "boss"}]}, "must have an id"),
        ({"put": []}, "must be an object"),
        ([], "must be an object"),
        ({"remove": [ANNA] * 1001}, "at most 1000"),
        ({"add": [{"id": "x"}]}, "not an id"),
        ({"add": [{"id": ANNA}]}, "refers to a record that does not exist"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(world: World, change: Any, message: str) -> None:
    team = world.create("admin", "team", {"name": "A"})
    error = refused(world, ValidationFailed, team, change)
    assert (
        message in str(error)
        or (message.startswith("refers") and "does not exist" in str(error))
        or ("there is no" in str(error))
    )


def test_wrong_attributes_are_told(world: World) -> None:
    ada, team = person(world, "Ada"), world.create("admin", "team", {"name": "A"})
    assert "too long" in str(refused(world, ValidationFailed, team, {"add": [{"id": ada, "role": "x" * 9}]}))


def test_one_wrong_link_and_nothing_is_done(world: World) -> None:
    ada, team = person(world, "Ada"), world.create("admin", "team", {"name": "A"})
    before = world.state()
    with pytest.raises(ValidationFailed):
        world.update("admin", "team", team, {"name": "B", "members": {"add": [{"id": ada}, {"id": ANNA}]}})
    assert world.state() == before


def test_who_may_update_the_relation_may_link_what_they_see(world: World) -> None:
    ada, eve = person(world, "Ada"), person(world, "Eve", hidden=True)
    team = world.create("lead", "team", {"members": {"add": [{"id": ada}]}})
    assert "there is no person with this id" in str(
        refused(world, ValidationFailed, team, {"add": [{"id": eve}]}, "lead")
    )
    # a link to a hidden record is neither removed nor replaced
    world.update("admin", "team", team, {"members": {"add": [{"id": eve}]}})
    world.update("lead", "team", team, {"members": {"remove": [eve]}})
    world.update("lead", "team", team, {"members": {"set": []}})
    assert set(links(world, team)) == {"Eve"}


def test_who_may_only_read_the_relation_cannot_link_from_either_side(world: World) -> None:
    ada, team = person(world, "Ada"), world.create("admin", "team", {"name": "A"})
    before = world.state()
    for entity, id_, change in (
        ("team", team, {"members": {"add": [{"id": ada}]}}),
        ("person", ada, {"teams": {"add": [{"id": team}]}}),
        ("person", ada, {"teams": {"set": [team]}}),
    ):
        with pytest.raises(Forbidden):
            world.update("reader", entity, id_, change)
    with pytest.raises(Forbidden):
        world.create("reader", "team_member", {"team": team, "person": ada})
    assert world.state() == before


def test_the_relation_is_a_field_for_policies(world: World) -> None:
    ada, team = person(world, "Ada"), world.create("admin", "team", {"name": "A"})
    refused(world, Forbidden, team, {"add": [{"id": ada}]}, "namer")
    world.update("namer", "team", team, {"name": "B"})


def test_a_row_rule_of_the_owner_holds_for_its_links(world: World) -> None:
    ada, team = person(world, "Ada"), world.create("admin", "team", {"closed": True})
    before = world.state()
    with pytest.raises(XrmError):
        world.update("lead", "person", ada, {"teams": {"add": [{"id": team}]}})
    with pytest.raises(XrmError):
        world.create("lead", "team_member", {"team": team, "person": ada})
    assert world.state() == before


def test_policies_that_name_the_links_count_alone(world: World) -> None:
    ada, bob = person(world, "Ada"), person(world, "Bob")
    team = world.create("clerk", "team", {"members": {"add": [{"id": ada, "role": "x"}]}})
    # no policy of the clerk names share; none that names the links lets them be removed by others than rights on teams
    refused(world, Forbidden, team, {"add": [{"id": bob, "share": 3}]}, "clerk")
    world.update("clerk", "team", team, {"members": {"remove": [ada]}})
    assert links(world, team) == {}


def test_a_record_comes_back_without_its_links_to_what_has_gone_meanwhile(world: World) -> None:
    person = world.create("admin", "person", {"name": "A"})
    stays, goes = (world.create("admin", "team", {"name": name, "members": {"set": [person]}}) for name in "XY")
    world.delete("admin", "person", person)
    world.delete("admin", "team", goes)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "person", person)
    table = world.records.tables["team_member"]
    with world.database.read() as connection:
        assert list(connection.scalars(select(table.c.team_id))) == [stays]
