"""Rules that reach beyond a record: the feed says so, and tells of no record that somebody may never have seen."""

import json
from pathlib import Path

import pytest

from tests.graphql.feed.kit import Following, short
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority

RULES = {
    "own": {"owner": {"id": {"eq": "$user"}}},
    "shared": {"$shared": "read"},
    "own_or_shared": {"or": [{"owner": {"id": {"eq": "$user"}}}, {"$shared": "read"}]},
    "own_or_noted": {"or": [{"owner": {"id": {"eq": "$user"}}}, {"notes": {"some": {"text": {"eq": "x"}}}}]},
    "without_notes": {"not": {"notes": {"some": {}}}},
    "of_the_past": {"created_at": {"lt": "$now"}},
    "not_active_nor_cheap": {"not": {"or": [{"status": {"eq": "active"}}, {"revenue": {"lt": 100}}]}},
    "written_here": {"created_by": {"eq": "$user"}},
}


@pytest.fixture
def reader(following: Following, tmp_path: Path, request: pytest.FixtureRequest) -> Following:
    """The world where the role «reader» sees customers by one rule."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "roles.json").write_text(json.dumps({"roles": {"admin": {}, "reader": {}}, "rules": RULES}))
    rows = ["role,entity,action,fields,rule,effect", "admin,*,*,*,,allow", "reader,note,read,*,,allow"]
    (folder / "policies.csv").write_text("\n".join([*rows, f"reader,customer,read,*,{request.param},allow"]) + "\n")
    following.world.authority = Authority(following.world.model, policy.load([folder], following.world.model))
    return following


@pytest.mark.parametrize("reader", ["own_or_shared", "own_or_noted"], indirect=True)
def test_what_ones_own_values_decide_is_told_and_the_rest_said_to_be_incomplete(reader: Following) -> None:
    world = reader.world
    ids = {name: world.create("admin", "customer", {"name": name, "owner": world.users[name]}) for name in world.users}
    start = reader.start("reader")
    world.update("admin", "customer", ids["anna"], {"owner": world.users["ben"]})
    world.delete("admin", "customer", ids["ben"])
    page = reader.feed("reader", start)
    assert short(page["changes"]) == [("REMOVE", ids["anna"], None)]
    assert page["incomplete"] == ["customer"]


@pytest.mark.parametrize("reader", ["shared", "without_notes", "of_the_past"], indirect=True)
def test_what_only_others_decide_is_never_told_as_removed(reader: Following) -> None:
    world = reader.world
    id_ = world.create("admin", "customer", {"name": "A"})
    start = reader.start("reader")
    world.delete("admin", "customer", id_)
    page = reader.feed("reader", start)
    assert (page["changes"], page["incomplete"]) == ([], ["customer"])


@pytest.mark.parametrize("reader", ["not_active_nor_cheap"], indirect=True)
def test_values_of_all_kinds_decide(reader: Following) -> None:
    world = reader.world
    values = [("lead", "100.00"), ("lead", "99.99"), ("active", "100.00"), ("lead", None)]
    ids = [
        world.create("admin", "customer", {"name": f"n{number}", "status": status, "revenue": revenue})
        for number, (status, revenue) in enumerate(values)
    ]
    start = reader.start("reader")
    for id_ in ids:
        world.delete("admin", "customer", id_)
    page = reader.feed("reader", start)
    assert [each["id"] for each in page["changes"]] == [ids[0], ids[3]]
    assert page["incomplete"] == []


@pytest.mark.parametrize("reader", ["written_here"], indirect=True)
def test_who_has_created_a_record_decides_also_when_it_is_gone(reader: Following) -> None:
    world = reader.world
    ids = [world.create("admin", "customer", {"name": name}, user=name) for name in ("anna", "ben")]
    start = reader.start("reader")
    for id_ in ids:
        world.delete("admin", "customer", id_)
    page = reader.feed("reader", start)
    assert short(page["changes"]) == [("REMOVE", ids[0], None)]
    assert page["incomplete"] == []
