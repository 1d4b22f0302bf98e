"""Links by which a password is set once."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.auth.kit import PASSWORD, House, Person, code
from xrm_core.auth import forgotten_password
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.auth.tokens import digest
from xrm_core.storage.system import ONE_TIME_TOKEN

NEW = "another good password"


def link(house: House, person: Person, purpose: Purpose = Purpose.INVITATION) -> str:
    with house.database.begin() as connection:
        return create_link(connection, person.id, purpose, dt.timedelta(days=1))


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_sets_a_password_once(house: House, purpose: Purpose) -> None:
    person = house.person(None)
    token = link(house, person, purpose)
    answer = house.post("/auth/password", {"token": token, "password": NEW})
    assert answer.status_code == 200
    assert answer.json()["user"] == {"id": person.id, "email": person.email}
    assert house.login(person.email, NEW).status_code == 200
    again = house.post("/auth/password", {"token": token, "password": PASSWORD})
    assert (again.status_code, code(again)) == (404, "NOT_FOUND")
    assert house.login(person.email, NEW).status_code == 200
    assert "password_changed" in house.events(person.id)


def test_only_a_digest_of_a_link_is_stored(house: House) -> None:
    person = house.person(None)
    token = link(house, person)
    with house.database.read() as connection:
        mine = select(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == person.id)
        [row] = connection.execute(mine).mappings()
    assert token not in str(dict(row))
    assert row["token_hash"] == digest(token)


def test_of_twenty_who_use_a_link_at_once_one_succeeds(house: House) -> None:
    person = house.person()
    token = link(house, person)
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda number: house.post("/auth/password", {"token": token, "password": f"{NEW} {number}"}), range(20)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 19
    [winner] = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert house.login(person.email, f"{NEW} {winner}").status_code == 200


def test_a_reset_ends_sessions_and_gets_the_owner_in_while_strangers_guess(house: House) -> None:
    person = house.person()
    headers = house.signed_in(person)
    while house.login(person.email, "guess guess").status_code != 429:
        pass
    device = house.post("/auth/password", {"token": link(house, person, Purpose.RESET), "password": NEW}).json()[
        "device"
    ]
    house.http.cookies.clear()
    assert house.ask(**headers).status_code == 401
    assert house.login(person.email, NEW).status_code == 429
    assert house.login(person.email, NEW, device=device).status_code == 200


def test_a_weak_password_does_not_use_the_link_up(house: House) -> None:
    person = house.person(None)
    token = link(house, person)
    for weak in ("short", "password", person.email):
        refused = house.post("/auth/password", {"token": token, "password": weak})
        assert (refused.status_code, code(refused)) == (422, "PASSWORD_REFUSED")
    assert house.post("/auth/password", {"token": token, "password": NEW}).status_code == 200


@pytest.mark.parametrize("case", ["expired", "replaced", "password changed", "not active", "gone", "never there"])
def test_links_that_are_not_good_any_more(house: House, case: str) -> None:
    person = house.person()
    token = link(house, person)
    if case == "expired":
        with house.database.begin() as connection:
            mine = update(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == person.id)
            connection.execute(mine.values(expires_at=dt.datetime.now(dt.UTC)))
    elif case == "replaced":
        link(house, person)
    elif case == "password changed":
        house.post("/auth/password", {"token": link(house, person, Purpose.RESET), "password": NEW})
    elif case == "not active":
        house.update_user(person, {"active": False})
    elif case == "gone":
        house.delete_user(person)
    else:
        token = "xrmo_" + "A" * 43
    answer = house.post("/auth/password", {"token": token, "password": NEW})
    assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")
    if case != "gone":
        house.update_user(person, {"active": True})
        assert house.login(person.email, f"{NEW}!").status_code == 401


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("change", [{"active": False}, {"email": "moved{}@example.com"}])
def test_a_link_does_not_outlive_what_it_was_given_for(house: House, purpose: Purpose, change: dict[str, Any]) -> None:
    # given links of somebody who leaves, or gets another address, and somebody else's
    person, other = house.person(), house.person()
    token, others = link(house, person, purpose), link(house, other, purpose)

    # when
    house.update_user(person, {name: str(to).format(purpose) if name == "email" else to for name, to in change.items()})
    house.update_user(person, {"active": True, "email": person.email})

    # then coming back brings no link back
    assert code(house.post("/auth/password", {"token": token, "password": NEW})) == "NOT_FOUND"
    # and a change of something else, or of somebody else, ends none
    house.update_user(other, {"active": True, "email": other.email})
    assert house.post("/auth/password", {"token": others, "password": NEW}).status_code == 200


def test_what_anybody_can_ask_for_voids_no_link(house: House) -> None:
    # given links that administrators gave, and one that the user asked for
    invited, reset, asked = (house.person() for _ in range(3))
    given = [
        (invited, link(house, invited)),
        (reset, link(house, reset, Purpose.RESET)),
        (asked, forgotten(house, asked)),
    ]

    # when a stranger who knows the address asks for one
    voiding = [forgotten(house, person) for person, _ in given]

    # then they are as good as before, and the other one is gone with the password
    for (_, token), later in zip(given, voiding, strict=True):
        assert house.post("/auth/password", {"token": token, "password": NEW}).status_code == 200
        assert house.post("/auth/password", {"token": later, "password": NEW}).status_code == 404


def forgotten(house: House, person: Person) -> str:
    """The token of a link that goes by mail to whoever is said to have forgotten the password."""
    made = forgotten_password.prepare(house.database, house.platform.tables["user"], person.email, "198.51.100.7")
    assert made is not None
    return made.token


def test_a_link_is_for_its_purpose_only(house: House) -> None:
    person = house.person()
    token = link(house, person)
    assert house.ask(Authorization=f"Bearer {token}").status_code == 401
    assert house.login(person.email, token).status_code == 401
