"""What users see and change of their own account through GraphQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pyotp
import pytest

from tests.auth.kit import PASSWORD, House, code
from xrm_core.auth.attempts import Kind
from xrm_core.auth.passwords import Passwords

NEW = "another good password"
ME = "{ me { id email roles totp { enabled recoveryCodesLeft } sessions { id device address current } } }"
CHANGE = "mutation($current: String!, $new: String!) { changePassword(current: $current, new: $new) }"
ENROL = "mutation($password: String!) { enrolTotp(password: $password) { key uri } }"
CONFIRM = "mutation($code: String!) { confirmTotp(code: $code) }"
RENEW = "mutation($password: String!) { renewRecoveryCodes(password: $password) }"
DISABLE = "mutation($password: String!) { disableTotp(password: $password) }"


def ask(house: House, headers: dict[str, str], query: str, **variables: Any) -> Any:
    """The data of an answer."""
    answer = house.post("/graphql", {"query": query, "variables": variables}, **headers)
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def refused(house: House, headers: dict[str, str], query: str, **variables: Any) -> str:
    """The code of the error of an answer that has no data."""
    answer = house.post("/graphql", {"query": query, "variables": variables}, **headers)
    assert answer.json().get("data") is None
    return code(answer)


def test_everybody_sees_their_own_account_and_no_other(house: House) -> None:
    other = house.person()
    house.signed_in(other)
    for role in ("clerk", "guest"):
        person = house.person(role=role)
        headers = house.signed_in(person)
        house.signed_in(person)
        me = ask(house, headers, ME)["me"]
        assert (me["id"], me["email"], me["roles"]) == (person.id, person.email, [role])
        assert me["totp"] == {"enabled": False, "recoveryCodesLeft": 0}
        assert [each["current"] for each in me["sessions"]] == [False, True]
        assert {each["device"] for each in me["sessions"]} == {"testclient"}


def test_a_password_is_changed_and_all_sessions_end(house: House) -> None:
    person = house.person()
    here, there = house.signed_in(person), house.signed_in(person)
    token = {"Authorization": f"Bearer {house.token(person)}"}
    assert ask(house, here, CHANGE, current=PASSWORD, new=NEW) == {"changePassword": True}
    assert [house.ask(**each).status_code for each in (here, there, token)] == [401, 401, 200]
    assert house.login(person.email).status_code == 401
    assert house.login(person.email, NEW).status_code == 200
    assert "password_changed" in house.events(person.id)


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        ("wrong horse", NEW, "PASSWORD_WRONG"),
        ("", NEW, "PASSWORD_WRONG"),
        (PASSWORD, "short", "PASSWORD_REFUSED"),
        (PASSWORD, "password", "PASSWORD_REFUSED"),
    ],
)
def test_a_password_that_is_not_changed(house: House, current: str, new: str, expected: str) -> None:
    person = house.person()
    headers = house.signed_in(person)
    assert refused(house, headers, CHANGE, current=current, new=new) == expected
    assert house.ask(**headers).status_code == 200
    assert house.login(person.email).status_code == 200


def test_the_own_password_cannot_be_guessed_through(house: House) -> None:
    person = house.person()
    headers = house.signed_in(person)
    _, free, _ = Kind.DEVICE.value
    with ThreadPoolExecutor(8) as threads:
        codes = list(
            threads.map(lambda number: refused(house, headers, DISABLE, password=f"guess {number}"), range(free + 10))
        )
    assert codes.count("PASSWORD_WRONG") <= free + 1
    assert set(codes) == {"PASSWORD_WRONG", "TOO_MANY_ATTEMPTS"}
    assert house.login(person.email).status_code == 200  # whoever guesses here holds up no sign-in


@pytest.mark.parametrize(
    "document",
    [
        "mutation { " + " ".join(f'a{n}: disableTotp(password: "guess {n}")' for n in range(90)) + " }",
        'mutation { a: disableTotp(password: "x") ... { b: disableTotp(password: "y") } }',
        'mutation { ...F } fragment F on Mutation { a: confirmTotp(code: "1") b: confirmTotp(code: "2") }',
        'mutation { disableTotp(password: "x") createNote(input: {text: "y"}) { id } }',
        "{ a: me { id } b: me { id } }",
        "{ me { id } notes { totalCount } }",
    ],
)
def test_one_request_is_one_attempt(house: House, document: str) -> None:
    person = house.person()
    headers = house.signed_in(person)
    before = house.events(person.id)
    assert refused(house, headers, document) == "BAD_QUERY"
    assert house.events(person.id) == before


def test_a_list_of_requests_is_not_taken(house: House) -> None:
    headers = house.signed_in(house.person())
    batch = [{"query": DISABLE, "variables": {"password": f"guess {number}"}} for number in range(100)]
    assert code(house.post("/graphql", batch, **headers)) == "BAD_REQUEST"


def test_a_second_factor_from_beginning_to_end(house: House) -> None:
    person = house.person()
    headers = house.signed_in(person)
    assert refused(house, headers, CONFIRM, code="000000") == "BAD_QUERY"
    assert refused(house, headers, ENROL, password="wrong horse") == "PASSWORD_WRONG"
    enrolment = ask(house, headers, ENROL, password=PASSWORD)["enrolTotp"]
    assert enrolment["uri"].startswith("otpauth://totp/xRM:")
    app = pyotp.TOTP(enrolment["key"])
    assert refused(house, headers, CONFIRM, code="abc") == "CODE_WRONG"
    codes = ask(house, headers, CONFIRM, code=app.now())["confirmTotp"]
    assert len(codes) == 10
    assert ask(house, headers, ME)["me"]["totp"] == {"enabled": True, "recoveryCodesLeft": 10}
    assert refused(house, headers, ENROL, password=PASSWORD) == "BAD_QUERY"
    assert code(house.login(person.email)) == "CODE_REQUIRED"
    assert house.login(person.email, code=codes[0]).status_code == 200
    assert refused(house, headers, RENEW, password="wrong horse") == "PASSWORD_WRONG"
    renewed = ask(house, headers, RENEW, password=PASSWORD)["renewRecoveryCodes"]
    assert not set(renewed) & set(codes)
    assert code(house.login(person.email, code=codes[1])) == "SIGN_IN_FAILED"
    assert house.login(person.email, code=renewed[0]).status_code == 200
    assert refused(house, headers, DISABLE, password="wrong horse") == "PASSWORD_WRONG"
    assert ask(house, headers, DISABLE, password=PASSWORD) == {"disableTotp": True}
    assert ask(house, headers, DISABLE, password=PASSWORD) == {"disableTotp": False}
    assert refused(house, headers, RENEW, password=PASSWORD) == "BAD_QUERY"
    assert house.login(person.email).status_code == 200
    assert house.rows_of(person)["xrm_recovery_code"] == 0
    about_totp = [each for each in house.events(person.id) if each.startswith("totp")]
    assert about_totp == ["totp_disabled", "totp_enabled", "totp_enabled"]


def test_only_own_sessions_end(house: House) -> None:
    person, other = house.person(), house.person()
    here, there, theirs = house.signed_in(person), house.signed_in(person), house.signed_in(other)
    end = "mutation($id: ID!) { endSession(id: $id) }"
    [foreign] = ask(house, theirs, ME)["me"]["sessions"]
    for id_ in (foreign["id"], "nonsense", "00000000-0000-0000-0000-000000000000"):
        assert ask(house, here, end, id=id_) == {"endSession": False}
    assert house.ask(**theirs).status_code == 200
    [second] = [each for each in ask(house, here, ME)["me"]["sessions"] if not each["current"]]
    assert ask(house, here, end, id=second["id"]) == {"endSession": True}
    assert [house.ask(**each).status_code for each in (here, there)] == [200, 401]
    assert house.events(person.id)[0] == "session_ended"


def test_a_token_sees_the_account_and_cannot_change_it(house: House) -> None:
    person = house.person()
    token = {"Authorization": f"Bearer {house.token(person)}"}
    house.signed_in(person)
    me = ask(house, token, ME)["me"]
    assert (me["id"], me["sessions"]) == (person.id, [])
    assert refused(house, token, CHANGE, current=PASSWORD, new=NEW) == "FORBIDDEN"
    assert refused(house, token, ENROL, password=PASSWORD) == "FORBIDDEN"
    assert house.rows_of(person)["xrm_totp"] == 0
    assert house.login(person.email).status_code == 200


def test_what_it_costs_is_counted(house: House) -> None:
    headers = house.signed_in(house.person())
    answer = house.post("/graphql", {"query": "{ me { id } }", "extensions": {"cost": True}}, **headers)
    assert answer.json()["extensions"]["cost"]["requested"] == 50
    body = {"query": CHANGE, "variables": {"current": "x", "new": "y"}, "extensions": {"cost": True}}
    assert house.post("/graphql", body, **headers).json()["extensions"]["cost"]["requested"] == 50


def test_who_has_many_passwords_checked_holds_up_no_change_of_records(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = house.person()
    headers, go_on, checked = house.signed_in(person), Event(), Passwords.verify
    write = 'mutation { createNote(input: {text: "x"}) { id } }'

    def slowly(passwords: Passwords, password: str, kept: str | None) -> tuple[bool, str | None]:
        go_on.wait(30)
        return checked(passwords, password, kept)

    monkeypatch.setattr(Passwords, "verify", slowly)
    with ThreadPoolExecutor(12) as threads:
        try:
            asking = [threads.submit(ask, house, headers, DISABLE, password=PASSWORD) for _ in range(10)]
            time.sleep(1)  # so they have begun
            written = threads.submit(ask, house, headers, write)
            assert written.result(15)["createNote"]["id"]
            assert not any(each.done() for each in asking)
        finally:
            go_on.set()
        assert [each.result(30) for each in asking] == [{"disableTotp": False}] * 10
