"""A session that was ended elsewhere changes nothing of the account, also where it is still remembered."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from tests.auth.authenticator import Authenticator
from tests.auth.kit import PASSWORD, House, Person, code
from tests.auth.test_every_event import ABOUT_USERS, OF_ADMINISTRATORS, OF_RECORDS
from tests.auth.test_own_account import ask, refused
from xrm_core.auth import authenticator, sessions
from xrm_core.storage.system import OF_USERS

CHANGES = {
    "changePassword": 'mutation($password: String!) { changePassword(current: $password, new: "a good one 99") }',
    "enrolTotp": "mutation($password: String!) { enrolTotp(password: $password) { key } }",
    "confirmTotp": "mutation($code: String!) { confirmTotp(code: $code) }",
    "renewRecoveryCodes": "mutation($password: String!) { renewRecoveryCodes(password: $password) }",
    "disableTotp": "mutation($password: String!) { disableTotp(password: $password) }",
    "enrolPasskey": "mutation($password: String!) { enrolPasskey(password: $password) }",
    "confirmPasskey": 'mutation($credential: JSON!) { confirmPasskey(name: "x", credential: $credential) { id } }',
    "renamePasskey": 'mutation($id: ID!) { renamePasskey(id: $id, name: "x") }',
    "removePasskey": "mutation($id: ID!, $password: String!) { removePasskey(id: $id, password: $password) }",
    "endSession": "mutation($id: ID!) { endSession(id: $id) }",
    "createToken": 'mutation { createToken(label: "x") { token } }',
    "revokeToken": "mutation($id: ID!) { revokeToken(id: $id) }",
}


def kept(house: House, person: Person) -> str:
    """All that is kept of an account."""
    with house.database.read() as connection:
        found = [connection.execute(select(table).where(table.c.user_id == person.id)).all() for table in OF_USERS]
    return str([sorted(map(repr, rows)) for rows in found])


def test_all_changes_of_the_own_account_are_here(house: House) -> None:
    offered = ask(house, house.signed_in(house.person()), "{ __schema { mutationType { fields { name } } } }")
    names = {field["name"] for field in offered["__schema"]["mutationType"]["fields"]}
    assert {name for name in names if not OF_RECORDS.fullmatch(name)} - OF_ADMINISTRATORS - ABOUT_USERS == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_a_session_that_was_ended_elsewhere_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # given a server that remembers who asks, and a session with all that a change needs
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    person = house.person()
    headers, elsewhere = house.signed_in(person), house.signed_in(person)
    key = ask(house, headers, CHANGES["enrolTotp"], password=PASSWORD)["enrolTotp"]["key"]
    options = ask(house, headers, CHANGES["enrolPasskey"], password=PASSWORD)["enrolPasskey"]
    made = Authenticator().make(options)
    given: dict[str, Any] = {"password": PASSWORD, "code": pyotp.TOTP(key).now(), "credential": made}
    if name in {"renamePasskey", "removePasskey"}:
        given["id"] = ask(house, headers, CHANGES["confirmPasskey"], **given)["confirmPasskey"]["id"]
    if name == "revokeToken":
        house.token(person)
        given["id"] = ask(house, headers, "{ me { tokens { id } } }")["me"]["tokens"][0]["id"]
    if name == "endSession":
        mine = ask(house, elsewhere, "{ me { sessions { id current } } }")["me"]["sessions"]
        given["id"] = next(each["id"] for each in mine if each["current"])

    # when the session is ended on another server
    with house.database.begin() as connection:
        for each in sessions.sessions_of(connection, person.id):
            if name != "endSession" or each.id != given["id"]:
                sessions.end_session(connection, person.id, each.id)
    before = kept(house, person)

    # then it changes nothing, and is not remembered any longer
    assert refused(house, headers, CHANGES[name], **given) == "UNAUTHENTICATED"
    assert kept(house, person) == before
    assert house.ask(**headers).status_code == 401


def test_of_two_sessions_that_end_each_other_one_goes(house: House) -> None:
    person = house.person()
    for _ in range(5):
        # given two sessions
        both = [house.signed_in(person) for _ in range(2)]
        ids = [
            next(
                each["id"]
                for each in ask(house, headers, "{ me { sessions { id current } } }")["me"]["sessions"]
                if each["current"]
            )
            for headers in both
        ]
        # when each ends the other at the same moment
        with ThreadPoolExecutor(2) as threads:
            sent = [
                threads.submit(
                    house.post, "/graphql", {"query": CHANGES["endSession"], "variables": {"id": id_}}, **headers
                )
                for headers, id_ in zip(both, reversed(ids), strict=True)
            ]
            answers = [each.result(20) for each in sent]
        # then neither waits for ever, and one of them is left
        ended = [each.json().get("data") == {"endSession": True} for each in answers]
        assert sorted(ended) == [False, True]
        [refusal] = [each for each, done in zip(answers, ended, strict=True) if not done]
        assert code(refusal) == "UNAUTHENTICATED"
        assert sorted(house.ask(**headers).status_code for headers in both) == [200, 401]
