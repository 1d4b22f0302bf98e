"""An address is one user's, however it is written."""

from concurrent.futures import ThreadPoolExecutor, wait
from uuid import uuid4

import pytest
from sqlalchemy import update

from tests.auth.kit import House, code
from tests.auth.scim_kit import USER, Directory, refused, service_token
from xrm_core.errors import ValidationFailed
from xrm_core.permissions.caller import system


def create(house: House, *emails: str) -> list[str]:
    """New users, as the command line makes them."""
    with house.database.begin() as connection:
        rows = [{"email": email, "active": True} for email in emails]
        return house.platform.records.create_many(connection, system(house.platform.model, "test"), "user", rows)


def test_an_address_as_it_is_stored_comes_before_one_in_small_letters(house: House) -> None:
    # given two users, as they may be there from elsewhere
    small, capital, name = house.person(), house.person(), uuid4().hex
    users = house.platform.tables["user"]
    with house.database.begin() as connection:
        for person, email in ((small, f"eva.{name}@example.com"), (capital, f"EVA.{name}@example.com")):
            connection.execute(update(users).where(users.c.id == person.id).values(email=email))
    # when they sign in
    answers = {email: house.login(email) for email in (f"eva.{name}@example.com", f"EVA.{name}@example.com")}
    # then each is in, as who wrote the address like that
    assert [each.status_code for each in answers.values()] == [200, 200]
    assert house.events(small.id)[0] == house.events(capital.id)[0] == "sign_in"
    # and another way to write it is the one in small letters
    assert house.login(f"Eva.{name}@example.com").status_code == 200
    assert house.events(small.id).count("sign_in") == 2


@pytest.mark.parametrize(("local", "other"), [("eva", "EVA"), ("Bea", "bea")])
def test_no_door_gives_away_an_address_in_other_letters(house: House, local: str, other: str) -> None:
    name = f"{uuid4().hex}@example.com"
    taken, wanted = f"{local}.{name}", f"{other}.{name}"
    create(house, taken)
    person = house.person()
    headers = house.signed_in(person)
    # then nobody else gets it: not by the command line and not by an import
    for emails in ([wanted], [f"{uuid4().hex}@example.com", wanted]):
        with pytest.raises(ValidationFailed) as refusal:
            create(house, *emails)
        assert [(each["field"], each["rule"]) for each in refusal.value.problems] == [("email", "unique")]
    with pytest.raises(ValidationFailed):
        create(house, f"x.{wanted}", f"x.{taken}")
    with pytest.raises(ValidationFailed):
        house.update_user(person, {"email": wanted})
    # not by the entity's own mutations
    for mutation in (
        f'mutation {{ createUser(input: {{email: "{wanted}"}}) {{ id }} }}',
        f'mutation {{ updateUser(id: "{person.id}", input: {{email: "{wanted}"}}) {{ id }} }}',
    ):
        assert code(house.ask(mutation, **headers)) == "VALIDATION_FAILED"
    # and not by a directory
    directory = Directory(house, service_token(house))
    refused(directory.ask("POST", "/Users", {"schemas": [USER], "userName": wanted}), 409, "uniqueness")


def test_a_user_may_write_the_own_address_otherwise(house: House) -> None:
    person = house.person()
    house.update_user(person, {"email": person.email.upper()})
    house.update_user(person, {"active": True})
    house.update_user(person, {"email": person.email})
    create(house, f"x.{person.email}")


def test_of_two_who_take_an_address_at_once_one_gets_it(house: House) -> None:
    name = f"{uuid4().hex}@example.com"
    records, caller = house.platform.records, system(house.platform.model, "test")
    with ThreadPoolExecutor(1) as threads:
        with house.database.begin() as connection:
            records.create(connection, caller, "user", {"email": f"eva.{name}"})
            coming = threads.submit(create, house, f"EVA.{name}")
            assert not wait([coming], 0.3).done
            # who takes another one does not wait where the database can write for several
            if connection.dialect.name == "postgresql":
                create(house, f"bob.{name}")
        with pytest.raises(ValidationFailed):
            coming.result(10)


def test_many_addresses_are_taken_at_once(house: House) -> None:
    name = f"{uuid4().hex}@example.com"
    made = create(house, *(f"p{number}.{name}" for number in range(1200)))
    with pytest.raises(ValidationFailed):
        create(house, *(f"q{number}.{name}" for number in range(1200)), f"P700.{name}")
    users = house.platform.tables["user"]
    with house.database.begin() as connection:
        connection.execute(users.delete().where(users.c.id.in_(made)))
