"""What is told of a record that others change meanwhile was so at some moment; fields see what is committed."""

from typing import Any

import pytest

from tests.server.door_world import DoorWorld
from tests.server.meeting import PATIENCE, first, second, update
from xrm_core.graphql import executor
from xrm_core.records import locking, rights


@pytest.fixture
def world(door: DoorWorld) -> DoorWorld:
    door.empty()
    return door


def test_a_record_that_one_gets_while_one_asks_for_it_is_changed(
    world: DoorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.client.database.is_sqlite:  # there nobody else writes meanwhile
        return
    # given a record that ben does not see when he asks for it, and gets before it is looked why
    record, looked = world.make("company", name="A"), []
    why = rights.denied

    def late(*arguments: Any) -> Exception:
        looked.append(1)
        with first(world) as connection:
            update(world, connection, "company", record, owner=world.users["ben"])
        return why(*arguments)

    monkeypatch.setattr(locking, "denied", late)
    # then it is his to change, and he is not told that he may only read it
    answer = world.ask("ben", f'mutation {{ updateCompany(id: "{record}", input: {{city: "Ulm"}}) {{ city }} }}')
    assert answer["data"] == {"updateCompany": {"city": "Ulm"}}
    assert looked == [1]


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_of_many_too_it_is_told_how_it_is(world: DoorWorld, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    if world.client.database.is_sqlite:  # there nobody else writes meanwhile
        return
    # given one of two records that ben gets after it was asked for, and before it is looked why he may not have it
    record, other = world.make("company", name="A"), world.make("company", name="B")
    looked, why = list[int](), rights.denied

    def late(*arguments: Any) -> Exception:
        if not looked:
            looked.append(1)
            with first(world) as connection:
                update(world, connection, "company", record, owner=world.users["ben"])
        return why(*arguments)

    monkeypatch.setattr(locking, "denied", late)
    # when he changes both, and leaves out what is not his
    asked = f'ids: ["{record}", "{other}"]' + (', set: {city: "Ulm"}' if verb == "update" else "")
    answer = world.ask("ben", f"mutation {{ {verb}Companies({asked}, onError: SKIP) {{ ids errors {{ id code }} }} }}")
    # then it is done with the one, and nobody says that he may only read it
    told = {"ids": [record, None], "errors": [{"id": other, "code": "NOT_FOUND"}]}
    assert answer["data"] == {f"{verb}Companies": told}


def test_a_rule_that_is_broken_meanwhile_refuses_as_it_would_have_before(world: DoorWorld) -> None:
    # given somebody who takes a company of ben's while he writes below it
    mine, other = (world.make("company", name=name, owner=world.users["ben"]) for name in "AB")
    contact = world.make("contact", name="C", company=other)
    for asked in (
        f'createContact(input: {{name: "D", companyId: "{mine}"}}) {{ id }}',
        f'updateContact(id: "{contact}", input: {{companyId: "{mine}"}}) {{ id }}',
        f'createContacts(input: [{{name: "D", companyId: "{mine}"}}], onError: SKIP) {{ errors {{ code }} }}',
    ):
        with first(world) as connection:
            update(world, connection, "company", mine, owner=world.users["anna"])
            answer = second(world, f"mutation {{ {asked} }}", "ben")
        # then he is told what he is told of any company that he does not see
        assert "VALIDATION_FAILED" in str(answer.result(PATIENCE))
        assert "FORBIDDEN" not in str(answer.result(PATIENCE))
        with first(world) as connection:
            update(world, connection, "company", mine, owner=world.users["ben"])
    assert [row["company_id"] for row in world.rows("contact")] == [other]


def test_a_field_sees_what_was_committed_before_it_and_not_what_is_under_way(
    world: DoorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a document of two fields, between which somebody else commits, if the database lets them
    world.make("company", name="A", city="Ulm")
    moves, between = world.make("company", name="B"), executor._changed

    def then(*arguments: Any) -> Any:
        monkeypatch.setattr(executor, "_changed", between)
        if not world.client.database.is_sqlite:
            with first(world) as connection:
                update(world, connection, "company", moves, city="Ulm")
        return between(*arguments)

    monkeypatch.setattr(executor, "_changed", then)
    # when the second field changes all that fits
    answer = world.ask(
        "anna",
        'mutation { createCompany(input: {name: "C", city: "Ulm"}) { id } '
        'updateCompanies(where: {city: {eq: "Ulm"}}, set: {city: "Bonn"}) { count } }',
    )
    # then it changes what is there by now, with what the first has made
    assert answer["data"]["updateCompanies"] == {"count": 2 if world.client.database.is_sqlite else 3}
