from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.records.kit import CUSTOMERS, World, build
from xrm_core.errors import Forbidden, NotFound, ValidationFailed, VersionConflict
from xrm_core.storage.engines import Database

NOBODY = "00000000-0000-7000-8000-000000000000"


def test_a_change_touches_only_its_fields_and_counts_the_version(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A", "city": "Köln", "revenue": Decimal("1.10")})
    before = world.stored("customer", id_)
    world.update("admin", "customer", id_, {"city": "Bonn"}, user="ben")
    after = world.stored("customer", id_)
    assert before is not None
    assert after is not None
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"city", "version", "updated_at", "updated_by"}
    assert (after["version"], after["updated_by"]) == (2, world.users["ben"])


def test_a_field_may_be_called_as_the_new_value_of_another(database: Database, tmp_path: Path) -> None:
    more = {name: {"type": "string"} for name in ("new_city", "new_version", "old_id")}
    customer = dict(CUSTOMERS.files["customer"])
    customer["properties"] = {**customer["properties"], **more}
    world = build(database, tmp_path, pack=replace(CUSTOMERS, files={**CUSTOMERS.files, "customer": customer}))
    id_ = world.create("admin", "customer", {"name": "A", "city": "Ulm", "new_city": "Bonn", "new_version": "x"})
    world.update("admin", "customer", id_, {"city": "Rom"})
    world.update("admin", "customer", id_, {"city": "Bari", "new_city": "Pisa"})
    stored = world.stored("customer", id_) or {}
    assert [stored[name] for name in ("city", "new_city", "new_version", "version")] == ["Bari", "Pisa", "x", 3]
    with world.database.begin() as connection:  # and by key
        values = {"name": "A", "city": "Bari", "number": "1", "old_id": "7"}
        assert world.records.upsert(connection, world.caller("admin"), "customer", ("city", "name"), values)[0] == id_
    stored = world.stored("customer", id_) or {}
    assert [stored[name] for name in ("new_city", "old_id", "number", "version")] == ["Pisa", "7", "1", 4]


def test_a_field_can_be_emptied_unless_it_is_required(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A", "city": "Köln"})
    world.update("admin", "customer", id_, {"city": None})
    assert (world.stored("customer", id_) or {})["city"] is None
    with pytest.raises(ValidationFailed):
        world.update("admin", "customer", id_, {"name": None})


def test_an_old_version_is_a_conflict_that_says_the_current_one(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {"city": "Bonn"}, version=1)
    before = world.state()
    with pytest.raises(VersionConflict) as caught:
        world.update("admin", "customer", id_, {"city": "Köln"}, version=1)
    stored = world.stored("customer", id_) or {}
    assert caught.value.details == {"currentVersion": 2, "current": stored, "differing": ["city"]}
    assert world.state() == before


def test_the_whole_record_is_validated(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    before = world.state()
    with pytest.raises(ValidationFailed) as caught:
        world.update("admin", "customer", id_, {"name": "x" * 21, "email": "nobody", "revenue": "1.005"})
    assert [each["field"] for each in caught.value.problems] == ["name", "email", "revenue"]
    assert world.state() == before


def test_a_record_that_is_hidden_or_missing_is_not_found(world: World) -> None:
    hidden = world.create("rep", "customer", {"name": "Ben's"}, user="ben")
    before = world.state()
    for id_ in (hidden, NOBODY):
        with pytest.raises(NotFound):
            world.update("rep", "customer", id_, {"city": "Köln"})
    assert world.state() == before


def test_a_record_that_can_be_read_but_not_changed_is_forbidden(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    with pytest.raises(Forbidden):
        world.update("viewer", "customer", id_, {"city": "Köln"})


def test_a_record_cannot_be_given_away_to_lose_the_right_to_it(world: World) -> None:
    id_ = world.create("rep", "customer", {"name": "Mine"})
    before = world.state()
    with pytest.raises(Forbidden):
        world.update("rep", "customer", id_, {"owner": world.users["ben"]})
    assert world.state() == before


def test_a_record_can_be_given_away_by_who_keeps_the_right(world: World) -> None:
    id_ = world.create("rep", "customer", {"name": "Mine"})
    world.update("giver", "customer", id_, {"owner": world.users["ben"]})
    assert (world.stored("customer", id_) or {})["owner"] == world.users["ben"]


def test_a_denied_field_is_refused_although_another_policy_allows_it(world: World) -> None:
    id_ = world.create("rep", "customer", {"name": "Mine"})
    with pytest.raises(Forbidden):
        world.update("rep", "customer", id_, {"status": "active"})


def test_a_field_denied_on_some_records_is_refused_there_before_and_after(world: World) -> None:
    lead = world.create("admin", "customer", {"name": "Lead", "status": "lead"})
    active = world.create("admin", "customer", {"name": "Active", "status": "active"})
    world.update("giver", "customer", active, {"revenue": Decimal("5")})
    world.update("giver", "customer", lead, {"city": "Köln"})
    before = world.state()
    for changes in ({"revenue": Decimal("5")}, {"revenue": Decimal("5"), "status": "active"}):
        with pytest.raises(Forbidden):
            world.update("giver", "customer", lead, changes)
    with pytest.raises(Forbidden):  # the record after the change would be a lead
        world.update("giver", "customer", active, {"revenue": Decimal("6"), "status": "lead"})
    assert world.state() == before


def test_a_relation_can_only_be_set_to_what_the_caller_sees(world: World) -> None:
    mine = world.create("rep", "customer", {"name": "Mine"})
    hidden = world.create("rep", "customer", {"name": "Ben's"}, user="ben")
    with pytest.raises(ValidationFailed, match="there is no customer"):
        world.update("rep", "customer", mine, {"parent": hidden})


def test_unique_values_are_checked_on_change(world: World) -> None:
    world.create("admin", "customer", {"name": "A", "number": "1"})
    id_ = world.create("admin", "customer", {"name": "B", "number": "2"})
    with pytest.raises(ValidationFailed) as caught:
        world.update("admin", "customer", id_, {"number": "1"})
    assert caught.value.problems[0]["rule"] == "unique"


def test_a_change_of_nothing_counts_as_a_change(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "A"})
    world.update("admin", "customer", id_, {})
    assert (world.stored("customer", id_) or {})["version"] == 2


def test_a_problem_of_a_field_that_the_caller_cannot_see_is_not_named(world: World) -> None:
    world.create("admin", "customer", {"name": "Secret", "city": "Köln"})
    id_ = world.create("admin", "customer", {"name": "Secret", "city": "Bonn"})
    for attempt in (
        lambda: world.update("clerk", "customer", id_, {"city": "Köln"}),  # name and city together exist already
        lambda: world.create("clerk", "customer", {"city": "Ulm"}),  # the name is missing
    ):
        with pytest.raises(ValidationFailed) as caught:
            attempt()
        assert "name" not in str(caught.value.to_json())
        assert caught.value.problems[-1]["rule"] == "hidden"
