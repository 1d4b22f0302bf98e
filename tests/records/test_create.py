import datetime as dt
import json
from decimal import Decimal

import pytest

from tests.records.kit import World
from xrm_core.errors import Forbidden, ValidationFailed
from xrm_core.permissions.caller import system


def test_a_record_gets_id_times_author_version_and_defaults(world: World) -> None:
    before = dt.datetime.now(dt.UTC)
    id_ = world.create(
        "admin", "customer", {"name": "Müller & Söhne", "revenue": Decimal("12.50"), "since": "2020-02-29"}
    )
    stored = world.stored("customer", id_)
    assert stored is not None
    created = dt.datetime.fromisoformat(stored["created_at"])
    assert before - dt.timedelta(seconds=1) <= created <= dt.datetime.now(dt.UTC)
    assert stored["created_at"] == stored["updated_at"]
    assert stored["created_by"] == stored["updated_by"] == world.users["anna"]
    assert (stored["version"], stored["status"], stored["revenue"]) == (1, "lead", Decimal("12.50"))
    assert (stored["since"], stored["owner"], stored["email"]) == ("2020-02-29", world.users["anna"], None)


def test_a_default_can_be_overruled_by_a_value_and_by_nothing(world: World) -> None:
    id_ = world.create("admin", "customer", {"name": "X", "owner": None, "status": "active"})
    stored = world.stored("customer", id_)
    assert stored is not None
    assert (stored["owner"], stored["status"]) == (None, "active")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"name": "required"}),
        ({"name": None}, {"name": "required"}),
        ({"name": "x" * 21}, {"name": "maxLength"}),
        ({"name": "X", "email": "nobody"}, {"email": "format"}),
        ({"name": "X", "status": "gone"}, {"status": "enum"}),
        ({"name": "X", "revenue": Decimal("-1")}, {"revenue": "minimum"}),
        ({"name": "X", "revenue": Decimal("1.005")}, {"revenue": "digits"}),
        ({"name": "X", "revenue": Decimal("NaN")}, {"revenue": "digits"}),
        ({"name": "X", "revenue": Decimal("100000000")}, {"revenue": "exclusiveMaximum"}),
        ({"name": "X", "since": "2021-02-29"}, {"since": "format"}),
        ({"name": "X", "owner": "not-an-id"}, {"owner": "format"}),
        ({"name": "a\0b"}, {"name": "characters"}),
        ({"name": 7}, {"name": "type"}),
        (
            {"status": "gone", "email": "x", "revenue": "much"},
            {"name": "required", "status": "enum", "email": "format"},
        ),
    ],
)
def test_what_is_wrong_is_said_all_at_once_and_nothing_is_stored(
    world: World, values: dict[str, object], expected: dict[str, str]
) -> None:
    before = world.state()
    with pytest.raises(ValidationFailed) as caught:
        world.create("admin", "customer", values)
    found = {problem["field"]: problem["rule"] for problem in caught.value.problems}
    assert expected.items() <= found.items()
    assert all(problem["message"] for problem in caught.value.problems)
    assert world.state() == before


def test_a_value_that_must_be_unique_is_refused_by_name_of_the_field(world: World) -> None:
    world.create("admin", "customer", {"name": "A", "number": "1"})
    before = world.state()
    with pytest.raises(ValidationFailed) as caught:
        world.create("admin", "customer", {"name": "B", "number": "1"})
    assert [(each["field"], each["rule"]) for each in caught.value.problems] == [("number", "unique")]
    assert world.state() == before


def test_fields_that_are_unique_together_are_refused_together(world: World) -> None:
    world.create("admin", "customer", {"name": "A", "city": "Köln"})
    world.create("admin", "customer", {"name": "A", "city": "Bonn"})
    with pytest.raises(ValidationFailed, match="city and name"):
        world.create("admin", "customer", {"name": "A", "city": "Köln"})


def test_a_value_that_a_hidden_record_has_is_refused_in_the_words_for_a_visible_one(world: World) -> None:
    hidden = world.create("admin", "customer", {"name": "Ben's", "number": "1", "city": "Ulm"}, user="ben")
    shown = world.create("rep", "customer", {"name": "Own", "number": "2"})
    told = []
    for number in ("1", "2"):
        with pytest.raises(ValidationFailed) as caught:
            world.create("rep", "customer", {"name": "New", "number": number})
        told.append(json.dumps(caught.value.to_json()))
    assert told[0] == told[1]
    assert not any(word in told[0] for word in (hidden, shown, "Ben", "Ulm", "Own"))


def test_a_relation_to_no_record_is_refused(world: World) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    for values in ({"text": "x", "customer": nobody}, {"text": "x", "about": {"customer": nobody}}):
        with pytest.raises(ValidationFailed, match="there is no customer"):
            world.create("admin", "note", values)


def test_a_polymorphic_relation_refers_to_exactly_one(world: World) -> None:
    customer = world.create("admin", "customer", {"name": "A"})
    id_ = world.create("admin", "note", {"text": "x", "about": {"customer": customer}})
    assert (world.stored("note", id_) or {})["about"] == {"customer": customer}
    for wrong in ({}, {"customer": customer, "user": world.users["anna"]}, {"note": id_}, customer):
        with pytest.raises(ValidationFailed):
            world.create("admin", "note", {"text": "x", "about": wrong})


def test_a_role_creates_only_what_its_rule_allows(world: World) -> None:
    own = world.create("rep", "customer", {"name": "Mine"})
    assert (world.stored("customer", own) or {})["owner"] == world.users["anna"]
    before = world.state()
    for values in ({"name": "Ben's", "owner": world.users["ben"]}, {"name": "Nobody's", "owner": None}):
        with pytest.raises(Forbidden):
            world.create("rep", "customer", values)
    assert world.state() == before


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_a_role_without_the_permission_creates_nothing(world: World, role: str) -> None:
    before = world.state()
    with pytest.raises(Forbidden):
        world.create(role, "customer", {"name": "X"})
    assert world.state() == before


@pytest.mark.parametrize("field", ["id", "version", "created_at", "created_by", "updated_at", "updated_by"])
def test_nobody_sets_system_fields(world: World, field: str) -> None:
    before = world.state()
    with pytest.raises(Forbidden):
        world.create("admin", "customer", {"name": "X", field: "1"})
    with pytest.raises(Forbidden), world.database.begin() as connection:
        world.records.create(connection, system(world.model, "test"), "customer", {"name": "X", field: "1"})
    assert world.state() == before


def test_a_field_that_the_role_may_not_write_is_refused(world: World) -> None:
    before = world.state()
    for values in ({"name": "X", "revenue": Decimal(1)}, {"name": "X", "nonsense": 1}):
        with pytest.raises(Forbidden):
            world.create("rep", "customer", values)
    assert world.state() == before


def test_a_relation_can_only_be_set_to_what_the_caller_sees(world: World) -> None:
    hidden = world.create("rep", "customer", {"name": "Ben's"}, user="ben")
    before = world.state()
    with pytest.raises(ValidationFailed) as invisible:
        world.create("rep", "customer", {"name": "Child", "parent": hidden})
    with pytest.raises(ValidationFailed) as missing:
        world.create("rep", "customer", {"name": "Child", "parent": "00000000-0000-7000-8000-000000000000"})
    assert invisible.value.to_json() == missing.value.to_json()  # the two are not told apart
    assert world.state() == before


def test_many_records_are_created_or_none(world: World) -> None:
    before = world.state()
    rows = [{"name": f"C{number}"} for number in range(50)]
    with pytest.raises(ValidationFailed), world.database.begin() as connection:
        world.records.create_many(connection, world.caller("admin"), "customer", [*rows, {"name": None}])
    assert world.state() == before
    with world.database.begin() as connection:
        ids = world.records.create_many(connection, world.caller("admin"), "customer", rows)
    assert len(set(ids)) == 50
    assert [(world.stored("customer", id_) or {})["name"] for id_ in ids] == [row["name"] for row in rows]
