"""Passkeys: signing in by them, and everything that must not sign anybody in."""

import datetime as dt
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from tests.auth.authenticator import BE, BS, UP, UV, Authenticator
from tests.auth.kit import PASSWORD, House, Person, code
from tests.auth.passkey_kit import CONFIRM, ENROL, MINE, REFUSED, VAULT, options, registered, sign_in
from tests.auth.test_own_account import ask, refused
from tests.auth.test_tenants import settle
from tests.auth.test_totp import NOW, App
from xrm_core.auth import passkey_challenges, sessions, totp
from xrm_core.auth.attempts import Kind
from xrm_core.auth.relying_party import PasskeysNotConfigured, RelyingParty
from xrm_core.permissions.caller import system
from xrm_core.storage.system import ATTEMPTS, PASSKEY, PASSKEY_CHALLENGE


def test_a_passkey_is_registered_and_signs_in(house: House) -> None:
    # given
    person = house.person()
    headers, device = house.signed_in(person), Authenticator()

    # when
    asked = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    made = ask(house, headers, CONFIRM, name=" Ada's laptop ", credential=device.make(asked))["confirmPasskey"]

    # then
    assert asked["rp"] == {"id": "crm.example.com", "name": "crm.example.com"}
    assert asked["user"]["name"] == person.email
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["attestation"] == "none"
    assert (made["name"], made["backedUp"], made["lastUsedAt"]) == ("Ada's laptop", True, None)
    assert made["transports"] == ["internal", "hybrid"]  # what is not known is left out
    assert "passkey_added" in house.events(person.id)
    again = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    assert [each["id"] for each in again["excludeCredentials"]] == [bytes_to_base64url(device.id)]

    # and when
    signed_in = sign_in(house, device.sign(options(house)))

    # then
    body = signed_in.json()
    assert (signed_in.status_code, body["user"]) == (200, {"id": person.id, "email": person.email})
    assert house.ask(Authorization=f"Bearer {body['token']}").status_code == 200
    [mine] = ask(house, headers, MINE)["me"]["passkeys"]
    assert mine["lastUsedAt"] is not None
    assert house.events(person.id)[0] == "sign_in"


@pytest.mark.parametrize("alg", [-8, -257])
def test_other_kinds_of_keys_sign_in_too(house: House, alg: int) -> None:
    device = registered(house, house.person(), alg=alg)
    assert sign_in(house, device.sign(options(house))).status_code == 200
    forged = device.sign(options(house))
    forged["response"]["signature"] = bytes_to_base64url(bytes(64 if alg == -8 else 256))
    assert sign_in(house, forged).json() == REFUSED


def test_the_public_key_is_all_that_is_kept_and_challenges_are_digests(house: House) -> None:
    person = house.person()
    device = registered(house, person)
    asked = options(house)
    with house.database.read() as connection:
        kept = str(connection.execute(select(PASSKEY)).all()) + str(connection.execute(select(PASSKEY_CHALLENGE)).all())
    assert str(device.key.private_numbers().private_value) not in kept
    assert asked["challenge"] not in kept
    assert base64url_to_bytes(asked["challenge"]).hex() not in kept


def test_in_a_browser_the_session_is_a_cookie_and_a_new_one(house: House) -> None:
    # given a browser with a session that somebody may have planted
    person = house.person()
    device = registered(house, person)
    house.login(person.email)
    former = house.http.cookies["xrm_session"]

    # when
    answer = house.post("/auth/passkey", {"credential": device.sign(options(house))})

    # then
    assert set(answer.json()) == {"user", "expiresAt"}
    assert house.http.cookies["xrm_session"] != former
    assert house.ask(X_XRM_CSRF="1").status_code == 200
    house.http.cookies.clear()
    assert house.ask(Cookie=f"xrm_session={former}", X_XRM_CSRF="1").status_code == 401


def test_a_passkey_counts_as_both_factors(house: House) -> None:
    person = house.person()
    device = registered(house, person)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(totp, "time", SimpleNamespace(time=lambda: NOW))
        App(house, person)
    assert code(house.login(person.email)) == "CODE_REQUIRED"
    assert sign_in(house, device.sign(options(house))).status_code == 200


def test_the_options_do_not_say_whether_there_is_a_user(house: House) -> None:
    # given one with a passkey, one without, and nobody
    person, other = house.person(), house.person()
    device = registered(house, person)

    # when
    asked = [
        options(house, **body) for body in ({}, *({"email": each} for each in (person.email, other.email, "x@y.z")))
    ]

    # then
    assert len({each["challenge"] for each in asked}) == 4
    assert len({json.dumps({**each, "challenge": ""}) for each in asked}) == 1
    assert asked[0]["allowCredentials"] == []
    # and what was begun for one user lets in no other
    assert [sign_in(house, device.sign(each)).status_code for each in asked] == [200, 200, 401, 401]


WRONG: dict[str, Callable[[Authenticator], Any]] = {
    "a page of another origin": lambda device: setattr(device, "origin", "https://crm.example.com.evil.example"),
    "plain http": lambda device: setattr(device, "origin", "http://crm.example.com"),
    "another relying party": lambda device: setattr(device, "rp_id", "evil.example"),
    "the parent domain": lambda device: setattr(device, "rp_id", "example.com"),
    "what was signed for registering": lambda device: setattr(device, "type_", "webauthn.create"),
    "within a page of another origin": lambda device: setattr(device, "more", {"crossOrigin": True}),
    "below another page": lambda device: setattr(device, "more", {"topOrigin": "https://evil.example"}),
    "nobody was present": lambda device: setattr(device, "flags", UV | BE | BS),
    "nobody was verified": lambda device: setattr(device, "flags", UP | BE | BS),
    "backed up, but not fit for it": lambda device: setattr(device, "flags", UP | UV | BS),
    "not fit for backups any more": lambda device: setattr(device, "flags", UP | UV),
    "another key": lambda device: setattr(device, "key", ec.generate_private_key(ec.SECP256R1())),
    "another user": lambda device: setattr(device, "user_handle", bytes(16)),
    "no user": lambda device: setattr(device, "user_handle", b""),
    "a passkey that nobody has": lambda device: setattr(device, "id", b"nobody's" * 4),
    "an array as origin": lambda device: setattr(device, "more", {"origin": ["https://crm.example.com"]}),
}


@pytest.fixture(scope="module")
def known(shared_house: House) -> tuple[Person, Authenticator]:
    """A user with a passkey, whose count goes on from test to test."""
    person = shared_house.person()
    return person, registered(shared_house, person)


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_sign_in(house: House, known: tuple[Person, Authenticator], wrong: str) -> None:
    # given
    good = known[1]
    bad = Authenticator()
    bad.key, bad.id, bad.user_handle = good.key, good.id, good.user_handle
    WRONG[wrong](bad)
    asked = options(house)

    # when
    answer = sign_in(house, bad.sign(asked))

    # then
    assert answer.status_code == 401
    assert answer.json() == REFUSED
    assert "set-cookie" not in answer.headers
    # and the challenge is used up
    assert sign_in(house, good.sign(asked)).json() == REFUSED
    assert sign_in(house, good.sign(options(house))).status_code == 200


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", [None, 7, "", "!", "AAAA", "é", "\ud800", [], "A" * 5000])
def test_what_is_no_answer_of_an_authenticator(
    house: House, known: tuple[Person, Authenticator], part: str, value: Any
) -> None:
    credential = known[1].sign(options(house))
    credential["response"][part] = value
    body = json.dumps({"credential": credential, "as": "token"})
    answer = house.http.post(
        "/auth/passkey",
        content=body.encode(),
        headers={"content-type": "application/json", "X-Forwarded-For": f"172.30.{len(body) % 250}.{hash(part) % 250}"},
    )
    # half a character is no JSON at all
    assert (answer.status_code, code(answer)) in {(401, "PASSKEY_REFUSED"), (400, "BAD_REQUEST")}
    assert (answer.status_code == 400) == (value == "\ud800")


@pytest.mark.parametrize("body", [{}, {"credential": None}, {"credential": []}, {"credential": "x"}])
def test_a_body_without_a_credential(house: House, body: Any) -> None:
    assert code(house.post("/auth/passkey", body)) == "BAD_REQUEST"


@pytest.mark.parametrize("credential", [{}, {"id": "x\0"}, {"id": 1}, {"id": "x", "response": []}])
def test_a_credential_without_anything_in_it(house: House, credential: Any) -> None:
    assert sign_in(house, credential).json() == REFUSED


def test_of_many_with_the_same_answer_one_gets_in(house: House) -> None:
    # given a passkey that does not count: only the challenge can tell
    person = house.person()
    device = registered(house, person)
    credential = device.sign(options(house))

    # when
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: sign_in(house, credential).status_code, range(6)))

    # then
    assert sorted(answers) == [200, 401, 401, 401, 401, 401]


def test_a_challenge_is_for_its_purpose_and_its_time(house: House) -> None:
    # given
    person = house.person()
    headers, device = house.signed_in(person), Authenticator()
    begun = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    ask(house, headers, CONFIRM, name="Laptop", credential=device.make(begun))

    # then one of a registration signs nobody in, nor does one that is used or never was
    begun = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    assert sign_in(house, device.sign({**options(house), "challenge": begun["challenge"]})).json() == REFUSED
    assert sign_in(house, device.sign({**options(house), "challenge": "AAAA"})).json() == REFUSED
    # one of a sign-in registers nothing
    foreign = Authenticator()
    wrong = foreign.make({**begun, "challenge": options(house)["challenge"]})
    assert refused(house, headers, CONFIRM, name="x", credential=wrong) == "PASSKEY_NOT_TAKEN"
    # one that is too old is none
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passkey_challenges, "VALID", dt.timedelta(0))
        asked = options(house)
    assert sign_in(house, device.sign(asked)).json() == REFUSED


def test_a_count_that_does_not_grow_is_refused_and_told(house: House) -> None:
    # given an authenticator that counts
    person = house.person()
    device = registered(house, person, count=5)
    device.count = 6
    assert sign_in(house, device.sign(options(house))).status_code == 200

    # when a copy of it comes with counts that were there before
    for count in (6, 1, 0):
        device.count = count
        assert sign_in(house, device.sign(options(house))).json() == REFUSED
        assert house.events(person.id)[:2] == ["sign_in_failed", "passkey_count_went_back"]

    # then the owner's goes on
    device.count = 7
    assert sign_in(house, device.sign(options(house))).status_code == 200
    device.count = 2**32 - 1
    assert sign_in(house, device.sign(options(house))).status_code == 200


@pytest.mark.parametrize("way", ["passkey", "password"])
def test_who_is_deactivated_while_signing_in_gets_no_session(house: House, way: str) -> None:
    # given
    person = house.person()
    device = registered(house, person)
    end_sessions_of(house, person)
    answer = device.sign(options(house))
    with ThreadPoolExecutor(1) as threads:
        with house.database.begin() as connection:
            caller = system(house.platform.model, "test")
            house.platform.records.update(connection, caller, "user", person.id, {"active": False})
            # when somebody signs in at that moment
            if way == "passkey":
                signing_in = threads.submit(sign_in, house, answer)
            else:
                signing_in = threads.submit(house.login, person.email)
            time.sleep(0.7)
        status = signing_in.result(10).status_code
    # then there is no session with which they could come back later
    assert (status, house.rows_of(person)["xrm_session"]) == (401, 0)


def end_sessions_of(house: House, person: Person) -> None:
    with house.database.begin() as connection:
        sessions.end_sessions(connection, person.id)


def test_who_is_not_active_does_not_sign_in_and_a_new_password_leaves_passkeys(house: House) -> None:
    person = house.person()
    device = registered(house, person)
    house.set_password(person, f"{PASSWORD}!")
    assert sign_in(house, device.sign(options(house))).status_code == 200
    house.update_user(person, {"active": False})
    assert sign_in(house, device.sign(options(house))).json() == REFUSED
    assert "passkey_count_went_back" not in house.events(person.id)
    house.update_user(person, {"active": True})
    assert sign_in(house, device.sign(options(house))).status_code == 200
    house.delete_user(person)
    assert house.rows_of(person)["xrm_passkey"] == 0
    assert sign_in(house, device.sign(options(house))).json() == REFUSED


def test_failures_count_by_address_and_a_known_device_is_not_held_up(house: House) -> None:
    # given
    person, here = house.person(), "203.0.113.50"
    device = registered(house, person)
    known = sign_in(house, device.sign(options(house))).json()["device"]
    _, free, _ = Kind.ADDRESS.value

    # when
    codes = [code(sign_in(house, {"id": "nobody's"}, address=here)) for _ in range(free + 2)]

    # then
    assert codes == ["PASSKEY_REFUSED"] * (free + 1) + ["TOO_MANY_ATTEMPTS"]
    asked = options(house)
    held_up = sign_in(house, device.sign(asked), address=here)
    assert (held_up.status_code, "retry-after" in held_up.headers) == (429, True)
    # nothing was looked at, so the challenge is still good
    assert sign_in(house, device.sign(asked), address=here, device=known).status_code == 200
    # who signs in wipes out nothing of what was tried from an address
    assert code(sign_in(house, device.sign(options(house)), address=here)) == "TOO_MANY_ATTEMPTS"
    with house.database.begin() as connection:
        connection.execute(ATTEMPTS.delete())


def test_pages_of_other_origins_are_refused(house: House, known: tuple[Person, Authenticator]) -> None:
    for path in ("/auth/passkey", "/auth/passkey/options"):
        answer = house.post(path, {}, Origin="https://evil.example")
        assert code(answer) == "CROSS_SITE_REFUSED"
        assert house.http.get(path).status_code == 405


def test_the_host_of_a_request_says_nothing(house: House, known: tuple[Person, Authenticator]) -> None:
    asked = house.post("/auth/passkey/options", {}, Host="evil.example", X_Forwarded_Host="evil.example").json()
    assert asked["publicKey"]["rpId"] == "crm.example.com"


def test_without_origins_there_are_no_passkeys() -> None:
    with pytest.raises(PasskeysNotConfigured, match="XRM_PASSKEY_ORIGINS"):
        RelyingParty("", ()).require()


def test_a_passkey_of_one_tenant_opens_nothing_at_another(house: House) -> None:
    # given the same address and password here and there
    person = house.person()
    settle(house, person.email, "vault")
    device = registered(house, person)

    # then
    assert sign_in(house, device.sign(options(house, VAULT)), VAULT).json() == REFUSED  # no such passkey there
    assert sign_in(house, device.sign(options(house, VAULT))).json() == REFUSED  # no such challenge here
    assert sign_in(house, device.sign(options(house)), VAULT).json() == REFUSED
    answer = sign_in(house, device.sign(options(house)))
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    query = {"query": "{ notes { totalCount } }"}
    assert [house.post(f"{path}/graphql", query, **bearer).status_code for path in ("", VAULT)] == [200, 401]
