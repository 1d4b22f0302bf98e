"""What authenticators sign: sealed, kept when it is used, and good for one tenant."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import event, select, update
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from tests.auth.authenticator import Authenticator
from tests.auth.kit import PASSWORD, House, code, opened
from tests.auth.passkey_kit import CONFIRM, ENROL, REFUSED, options, registered, sign_in
from tests.auth.test_tenants import settle
from xrm_core.auth import passkey_challenges
from xrm_core.auth.passkey_challenges import Challenge, Challenges, Purpose
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.storage.system import PASSKEY_CHALLENGE


@pytest.fixture(scope="module")
def device(shared_house: House) -> Authenticator:
    """One with a passkey of a user."""
    return registered(shared_house, shared_house.person())


def test_a_challenge_is_remembered_until_nobody_could_use_it_any_more(house: House, device: Authenticator) -> None:
    # given one that was used
    asked = options(house)
    assert sign_in(house, device.sign(asked)).status_code == 200
    # then it stays, also if the clock of the server that cleans up is ahead, as long as it would be good elsewhere
    with house.database.begin() as connection:
        passkey_challenges.remove_expired(connection)
    assert sign_in(house, device.sign(asked)).json() == REFUSED
    with house.database.begin() as connection:
        kept = connection.scalars(select(PASSKEY_CHALLENGE.c.expires_at)).all()
        latest = dt.datetime.now(dt.UTC) + passkey_challenges.VALID
        assert all(dt.datetime.fromisoformat(each) > latest for each in kept[-1:])
        # and goes after that
        connection.execute(update(PASSKEY_CHALLENGE).values(expires_at=dt.datetime.now(dt.UTC)))
        assert passkey_challenges.remove_expired(connection) == len(kept)


def test_asking_for_options_writes_nothing_and_harms_nobody(house: House, device: Authenticator) -> None:
    # given somebody who is signing in
    here = "198.51.100.7"
    begun = house.post("/auth/passkey/options", {}, here).json()["publicKey"]

    # when anybody at the same address asks for options, again and again
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", note)
    try:
        asked = [
            house.post("/auth/passkey/options", {"email": f"{number}@example.com"}, here).status_code
            for number in range(300)
        ]
    finally:
        event.remove(house.database.engine, "before_cursor_execute", note)

    # then none is refused, nothing was asked of the database for it, and who was there first signs in
    assert set(asked) == {200}
    asked_for = [each for each in statements if "xrm_change_batch" not in each]  # the server seals by the clock
    assert [each for each in asked_for if "xrm_passkey" in each or "INSERT" in each] == []
    assert sign_in(house, device.sign(begun), address=here).status_code == 200


@pytest.mark.parametrize(
    "forged", [b"", b"1:", b"1:AAAA", b"\xff\xfe", b"1:" + b"A" * 2000, b"1:" + b"A" * 60, b"0:" + b"A" * 60]
)
def test_what_nobody_has_sealed_is_no_challenge(house: House, device: Authenticator, forged: bytes) -> None:
    asked = {**options(house), "challenge": bytes_to_base64url(forged)}
    assert sign_in(house, device.sign(asked)).json() == REFUSED


def test_what_was_sealed_for_something_else_is_no_challenge(house: House, device: Authenticator) -> None:
    # given challenges that another key has sealed, or the same key for another tenant or purpose
    box = SecretBox(house.platform.settings.secret_key)
    others = (
        Challenges(SecretBox("k" * 16 + "0123456789abcdef")).make(Challenge(Purpose.SIGN_IN)),
        Challenges(box, "vault").make(Challenge(Purpose.SIGN_IN)),
        Challenges(box).make(Challenge(Purpose.REGISTRATION)),
    )
    # then they are good for nothing, and one for this is
    for made in others:
        asked = {**options(house), "challenge": bytes_to_base64url(made)}
        assert sign_in(house, device.sign(asked)).json() == REFUSED
    asked = {**options(house), "challenge": bytes_to_base64url(Challenges(box).make(Challenge(Purpose.SIGN_IN)))}
    assert sign_in(house, device.sign(asked)).status_code == 200


def test_a_challenge_written_otherwise_is_the_same(house: House, device: Authenticator) -> None:
    # given a challenge, and another way to write the same bytes in base64
    asked = options(house)
    sealed = base64url_to_bytes(asked["challenge"])
    body, end = sealed.rstrip(b"="), sealed[len(sealed.rstrip(b"=")) :]
    other = body[:-1] + bytes([body[-1] + 1]) + end if end else sealed
    # when both are signed
    first = sign_in(house, device.sign(asked)).status_code
    second = sign_in(house, device.sign({**asked, "challenge": bytes_to_base64url(other)}))
    # then it has worked once
    assert (first, second.json()) == (200, REFUSED)


def test_without_a_secret_key_there_are_no_challenges() -> None:
    with pytest.raises(SecretKeyNeeded, match="XRM_SECRET_KEY"):
        Challenges(SecretBox("")).make(Challenge(Purpose.SIGN_IN))


def test_a_page_of_one_tenant_gets_nothing_for_another(tmp_path: Path) -> None:
    # given tenants on hosts of their own, whose pages are all named in the settings, and the same user at two of them
    pages = {name: f"https://{name}.example.com" for name in ("acme", "quay")}
    more = {"passkey_origins": ",".join(pages.values()), "passkey_rp_id": "example.com"}
    with opened(f"sqlite:///{tmp_path / 'house.db'}", tmp_path, **more) as house:
        person = house.person()
        for name in ("acme", "quay"):
            settle(house, person.email, name, hosts=[f"{name}.example.com"])
        answer = house.post("/t/acme/auth/login", {"email": person.email, "password": PASSWORD, "as": "token"})
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        device = Authenticator(origin=pages["acme"])

        def graphql(query: str, **variables: Any) -> Response:
            return house.post("/t/acme/graphql", {"query": query, "variables": variables}, **headers)

        # when its user registers a passkey for acme on a page of another tenant, then it is not taken
        asked = graphql(ENROL, password=PASSWORD).json()["data"]["enrolPasskey"]
        stranger = Authenticator(origin=pages["quay"])
        assert code(graphql(CONFIRM, name="Laptop", credential=stranger.make(asked))) == "PASSKEY_NOT_TAKEN"
        # but one of acme's own pages is
        asked = graphql(ENROL, password=PASSWORD).json()["data"]["enrolPasskey"]
        assert graphql(CONFIRM, name="Laptop", credential=device.make(asked)).json()["data"] is not None

        # when its user signs for acme on a page of another tenant
        statuses = {}
        for name in pages:
            device.origin = pages[name]
            statuses[name] = sign_in(house, device.sign(options(house, "/t/acme")), "/t/acme").status_code

        # then only acme's gets anything for it
        assert statuses == {"quay": 401, "acme": 200}
        # and the main database, which no page is for, has no passkeys
        assert code(house.post("/auth/passkey/options", {})) == "PASSKEYS_NOT_CONFIGURED"
        enrol = {"query": ENROL, "variables": {"password": PASSWORD}}
        assert code(house.post("/graphql", enrol, **house.signed_in(person))) == "PASSKEYS_NOT_CONFIGURED"
