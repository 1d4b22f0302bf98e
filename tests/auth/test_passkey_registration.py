"""Registering passkeys, and what their owner does with them."""

import datetime as dt
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update

from tests.auth.authenticator import BS, PRESENT, UP, UV, Authenticator
from tests.auth.kit import PASSWORD, House
from tests.auth.passkey_kit import CONFIRM, ENROL, MINE, REFUSED, REMOVE, RENAME, options, registered, sign_in
from tests.auth.test_own_account import ask, refused
from xrm_core.auth import authenticator, passkeys
from xrm_core.auth.attempts import Kind
from xrm_core.auth.events import recorded
from xrm_core.storage.system import ATTEMPTS


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"type_": "webauthn.get"},
        {"flags": PRESENT & ~UP},
        {"flags": PRESENT & ~UV},
        {"flags": UP | UV | BS},
        {"alg": -65535},
        {"alg": -36},
        {"curve": ec.SECP384R1()},
        {"more": {"crossOrigin": True}},
        {"more": {"challenge": "AAAA"}},
    ],
)
def test_what_is_not_registered(house: House, how: dict[str, Any]) -> None:
    person = house.person()
    headers = house.signed_in(person)
    asked = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    assert -65535 not in [each["alg"] for each in asked["pubKeyCredParams"]]
    credential = Authenticator(**how).make(asked)
    assert refused(house, headers, CONFIRM, name="x", credential=credential) == "PASSKEY_NOT_TAKEN"
    assert house.rows_of(person)["xrm_passkey"] == 0
    with house.database.read() as connection:
        [refusal] = recorded(connection, users=(person.id,), event="passkey_not_added")
    assert refusal.user_id == refusal.subject == person.id
    assert refusal.address
    assert refusal.details["reason"]
    assert credential["response"]["attestationObject"] not in str(refusal.details)


def test_who_registers_nonsense_again_and_again_has_to_wait_and_fills_no_log(house: House) -> None:
    person = house.person()
    headers = house.signed_in(person)
    _, free, _ = Kind.DEVICE.value
    codes = [refused(house, headers, CONFIRM, name="x", credential={}) for _ in range(free + 3)]
    assert codes == ["PASSKEY_NOT_TAKEN"] * (free + 1) + ["TOO_MANY_ATTEMPTS"] * 2
    assert house.events(person.id).count("passkey_not_added") == free + 1
    asked = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]  # which counts for itself
    credential = Authenticator().make(asked)
    with house.database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(free_at=dt.datetime.now(dt.UTC)))
    assert ask(house, headers, CONFIRM, name="x", credential=credential)["confirmPasskey"]["name"] == "x"
    # and who has registered one begins to count anew
    assert refused(house, headers, CONFIRM, name="x", credential={}) == "PASSKEY_NOT_TAKEN"
    assert refused(house, headers, CONFIRM, name="x", credential={}) == "PASSKEY_NOT_TAKEN"


def test_registering_takes_the_password_and_the_session_that_began(house: House) -> None:
    # given
    person, other = house.person(), house.person()
    headers, there, theirs = house.signed_in(person), house.signed_in(person), house.signed_in(other)
    token = {"Authorization": f"Bearer {house.token(person)}"}

    # then
    assert refused(house, headers, ENROL, password="wrong horse") == "PASSWORD_WRONG"
    assert refused(house, token, ENROL, password=PASSWORD) == "FORBIDDEN"
    for elsewhere in (there, theirs):
        credential = Authenticator().make(ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"])
        assert refused(house, elsewhere, CONFIRM, name="x", credential=credential) == "PASSKEY_NOT_TAKEN"
        assert refused(house, headers, CONFIRM, name="x", credential=credential) == "PASSKEY_NOT_TAKEN"  # used up
    credential = Authenticator().make(ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"])
    assert refused(house, headers, CONFIRM, name=" ", credential=credential) == "BAD_QUERY"
    assert refused(house, token, CONFIRM, name="x", credential=credential) == "FORBIDDEN"
    assert ask(house, headers, CONFIRM, name="x", credential=credential)["confirmPasskey"]["name"] == "x"
    # and a credential is one user's, once
    device = Authenticator()
    ask(
        house,
        headers,
        CONFIRM,
        name="y",
        credential=device.make(ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]),
    )
    taken = device.make(ask(house, theirs, ENROL, password=PASSWORD)["enrolPasskey"])
    assert refused(house, theirs, CONFIRM, name="y", credential=taken) == "PASSKEY_NOT_TAKEN"
    assert house.rows_of(other)["xrm_passkey"] == 0


def test_a_user_has_so_many_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 2)
    person = house.person()
    headers = house.signed_in(person)
    begun = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    registered(house, person, headers)
    registered(house, person, headers)
    assert refused(house, headers, ENROL, password=PASSWORD) == "BAD_QUERY"
    assert refused(house, headers, CONFIRM, name="x", credential=Authenticator().make(begun)) == "BAD_QUERY"


def test_passkeys_are_renamed_and_removed_by_their_owner(house: House) -> None:
    # given
    person, other = house.person(), house.person()
    headers, theirs = house.signed_in(person), house.signed_in(other)
    device = registered(house, person, headers)
    [mine] = ask(house, headers, MINE)["me"]["passkeys"]

    # then nobody else can
    assert ask(house, theirs, RENAME, id=mine["id"], name="theirs") == {"renamePasskey": False}
    assert ask(house, theirs, REMOVE, id=mine["id"], password=PASSWORD) == {"removePasskey": False}
    assert ask(house, theirs, MINE)["me"]["passkeys"] == []
    assert ask(house, headers, RENAME, id="x", name="mine") == {"renamePasskey": False}
    assert refused(house, headers, RENAME, id=mine["id"], name="x" * 101) == "BAD_QUERY"
    assert ask(house, headers, RENAME, id=mine["id"], name="Key") == {"renamePasskey": True}
    assert [each["name"] for each in ask(house, headers, MINE)["me"]["passkeys"]] == ["Key"]
    assert refused(house, headers, REMOVE, id=mine["id"], password="wrong horse") == "PASSWORD_WRONG"
    token = {"Authorization": f"Bearer {house.token(person)}"}
    assert refused(house, token, REMOVE, id=mine["id"], password=PASSWORD) == "FORBIDDEN"
    assert refused(house, token, RENAME, id=mine["id"], name="x") == "FORBIDDEN"

    # when it is removed
    asked = options(house)
    assert ask(house, headers, REMOVE, id=mine["id"], password=PASSWORD) == {"removePasskey": True}

    # then
    assert sign_in(house, device.sign(asked)).json() == REFUSED
    assert house.ask(**headers).status_code == 200
    assert "passkey_removed" in house.events(person.id)


@pytest.mark.parametrize("end", ["a new password", "deactivated"])
def test_a_session_that_has_ended_registers_nothing_even_if_it_is_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    # given a server that remembers who asks, and a session that has begun to register a passkey
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    person, device = house.person(), Authenticator()
    headers = house.signed_in(person)
    asked = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]

    # when it ends elsewhere
    if end == "deactivated":
        house.update_user(person, {"active": False})
    else:
        house.set_password(person, f"{PASSWORD}!")
    assert house.ask(**headers).status_code == 200  # still remembered here

    # then nothing stays that would outlive it
    assert refused(house, headers, CONFIRM, name="Mine", credential=device.make(asked)) == "UNAUTHENTICATED"
    assert house.rows_of(person)["xrm_passkey"] == 0
    assert house.events(person.id)[0] == "passkey_not_added"
