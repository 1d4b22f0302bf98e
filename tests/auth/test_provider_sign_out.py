"""Signing out here signs out at the provider, too: its browser goes there and comes back."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from sqlalchemy import select, update

from tests.auth.kit import code
from tests.auth.provider_kit import END, ISSUER, Company, company
from xrm_core.auth import key_rotation, oidc_documents, oidc_sessions
from xrm_core.auth.end_session import end_session_url
from xrm_core.auth.oidc_providers import Provider
from xrm_core.auth.secret_box import SecretBox
from xrm_core.server import oidc_sign_out_http
from xrm_core.storage.system import OIDC_SESSION, TOTP

OWN = {"Origin": "http://testserver"}
LOGOUT = "/auth/oidc/logout"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(request, tmp_path_factory.mktemp("company")) as made:
        for subject in ("ada", "bob"):
            made.linked(subject)
        yield made


@pytest.fixture
def firm(built: Company) -> Company:
    built.begin()
    return built


def sign_out(firm: Company, session: str | None, next_: str = "/bye?a=1", **headers: str) -> Response:
    """As a form of our own page does."""
    given = OWN | headers | ({} if session is None else {"Cookie": f"xrm_session={session}"})
    return firm.house.http.post(LOGOUT, params={"next": next_}, headers=given, follow_redirects=False)


def asked_for(answer: Response) -> dict[str, str]:
    """What the provider is told."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{END}&"), answer.headers["location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def come_back(firm: Company, state: str, name: str = "company") -> str:
    answer = firm.house.http.get(f"/auth/oidc/{name}/signed-out", params={"state": state}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_browser_signs_out_here_then_there_and_comes_back(firm: Company) -> None:
    # given
    session, other = firm.sign_in("ada", login_hint="ada@login"), firm.sign_in("ada")
    token = firm.sign_in("bob") and firm.provider.id_token
    # when
    answer = sign_out(firm, session)
    # then the session has ended here, and the provider is told which it is
    assert (firm.is_in(session), firm.is_in(other)) == (False, True)
    assert 'xrm_session=""; HttpOnly; Max-Age=0' in answer.headers["set-cookie"]
    told = asked_for(answer)
    assert told.pop("id_token_hint").count(".") == 2
    state = told.pop("state")
    assert told == {
        "realm": "1",
        "client_id": "crm",
        "post_logout_redirect_uri": "http://localhost/auth/oidc/company/signed-out",
        "logout_hint": "ada@login",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert state not in answer.headers["set-cookie"]
    # and the browser comes back to where it wanted, once
    assert come_back(firm, state) == "/bye?a=1"
    assert come_back(firm, state) == "/"
    # and each session has its own token
    assert asked_for(sign_out(firm, firm.sign_in("bob")))["id_token_hint"] != token


def test_the_form_of_the_page_signs_out(firm: Company) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text()
    found = re.search(r'<form method="(post)" action="([^"]+)">', page)
    assert found
    headers = {**OWN, "Cookie": f"xrm_session={firm.sign_in('ada')}"}
    answer = firm.house.http.request(found[1].upper(), found[2], headers=headers, follow_redirects=False)
    assert come_back(firm, asked_for(answer)["state"]) == "/bye"


@pytest.mark.parametrize("state", ["", "x", "\u00e4"])
def test_who_comes_back_with_another_state_goes_to_the_beginning(firm: Company, state: str) -> None:
    told = asked_for(sign_out(firm, firm.sign_in("ada")))
    cookies = dict(firm.house.http.cookies)
    assert come_back(firm, state) == "/"
    # nor does the way lead there from another provider, or without the cookie
    firm.house.http.cookies.update(cookies)
    assert come_back(firm, told["state"], "shop") == "/"
    firm.house.http.cookies.clear()
    assert come_back(firm, told["state"]) == "/"


def test_who_comes_back_too_late_goes_to_the_beginning(firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    state = asked_for(sign_out(firm, firm.sign_in("ada")))["state"]
    later = time.time() + oidc_sign_out_http.SECONDS + 1
    monkeypatch.setattr(oidc_sign_out_http, "time", SimpleNamespace(time=lambda: later))
    assert come_back(firm, state) == "/"


def test_being_sent_to_the_way_back_signs_nobody_out(firm: Company) -> None:
    session = firm.sign_in("ada")
    firm.house.http.cookies.set("xrm_session", session)
    come_back(firm, "x")
    firm.house.http.cookies.clear()
    assert firm.is_in(session)
    assert firm.house.http.get("/auth/oidc/logout", follow_redirects=False).status_code in (404, 405)
    assert firm.is_in(session)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://testserver.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_site_signs_anybody_out(firm: Company, headers: dict[str, str]) -> None:
    session = firm.sign_in("ada")
    answer = sign_out(firm, session, **headers)
    assert (answer.status_code, code(answer)) == (403, "CROSS_SITE_REFUSED")
    assert firm.is_in(session)


def test_a_form_must_say_where_it_comes_from(firm: Company) -> None:
    session = firm.sign_in("ada")
    answer = firm.house.http.post(LOGOUT, headers={"Cookie": f"xrm_session={session}"}, follow_redirects=False)
    assert code(answer) == "CROSS_SITE_REFUSED"
    assert firm.is_in(session)


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_the_way_leads_to_paths_of_this_server_only(firm: Company, next_: str) -> None:
    session = firm.sign_in("ada")
    answer = sign_out(firm, session, next_)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
    assert "location" not in answer.headers
    assert firm.is_in(session)


def test_who_did_not_come_by_a_provider_or_is_out_already_goes_on(firm: Company) -> None:
    # a password
    person = firm.house.person()
    assert firm.house.login(person.email).status_code == 200
    session = firm.house.http.cookies["xrm_session"]
    assert sign_out(firm, None).headers["location"] == "/bye?a=1"
    assert not firm.is_in(session)
    # nobody
    assert sign_out(firm, None).headers["location"] == "/bye?a=1"
    # somebody whose session has ended
    assert sign_out(firm, session).headers["location"] == "/bye?a=1"
    # a program
    answer = sign_out(firm, None, Authorization=f"Bearer {firm.house.token(person)}")
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("changed", [{"provider": "gone"}, {"issuer": "https://former.example"}])
def test_no_other_provider_gets_the_token(firm: Company, changed: dict[str, str]) -> None:
    session = firm.sign_in("ada")
    with firm.house.database.begin() as connection:
        connection.execute(update(OIDC_SESSION).values(changed))
    assert sign_out(firm, session).headers["location"] == "/bye?a=1"
    assert not firm.is_in(session)


@pytest.mark.parametrize(
    ("metadata", "location"),
    [
        ({"end_session_endpoint": None}, None),
        ({"end_session_endpoint": "http://login.example/end"}, None),
        ({"end_session_endpoint": "javascript:alert(1)"}, None),
        ({}, "/bye?a=1"),
    ],
)
def test_a_provider_without_a_safe_address_is_not_gone_to(
    firm: Company, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], location: str | None
) -> None:
    session = firm.sign_in("ada")
    monkeypatch.setattr(oidc_documents, "KEEP_SECONDS", -1.0)
    said = {name: value for name, value in firm.provider.metadata.items() if name != "end_session_endpoint"}
    monkeypatch.setattr(firm.provider, "metadata", said | metadata)
    answer = sign_out(firm, session)
    assert not firm.is_in(session)
    assert answer.headers.get("location") == location
    if location is None:
        assert (answer.status_code, code(answer)) == (502, "PROVIDER_UNAVAILABLE")
        assert "You are signed out here" in answer.text


def test_a_provider_that_does_not_answer_keeps_nobody_in(firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    session = firm.sign_in("ada")
    monkeypatch.setattr(oidc_documents, "KEEP_SECONDS", -1.0)
    monkeypatch.setattr(oidc_documents, "FAILED_SECONDS", 0.0)
    monkeypatch.setattr(firm.provider, "fails", True)
    answer = sign_out(firm, session)
    assert (answer.status_code, code(answer)) == (502, "PROVIDER_UNAVAILABLE")
    assert not firm.is_in(session)


def test_the_token_is_encrypted_and_goes_with_the_session(firm: Company) -> None:
    # given
    session, old = firm.sign_in("ada"), firm.house.platform.settings.secret_key
    token = firm.provider.id_token
    both = SecretBox(f"another key of the tests 9876543210 xyz,{old}")
    query = select(OIDC_SESSION.c.id_token).where(OIDC_SESSION.c.subject == "ada")
    with firm.house.database.begin() as connection:
        connection.execute(TOTP.delete())
        kept = connection.scalars(query).all()
        assert token.split(".")[1] not in str(kept)
        # when the key is another one, in between unreadable
        connection.execute(update(OIDC_SESSION).where(OIDC_SESSION.c.subject == "bob").values(id_token="1:eA=="))
        assert key_rotation.rotate(connection, both).anew == len(kept)
        assert key_rotation.survey(connection, both).already == len(kept)
        owner = oidc_sessions.owner(ISSUER, "ada")
        assert token in [
            SecretBox("another key of the tests 9876543210 xyz").open(each, owner) for each in connection.scalars(query)
        ]
    # then a server that has only the old one does without
    told = asked_for(sign_out(firm, session))
    assert "id_token_hint" not in told
    assert told["client_id"] == "crm"
    with firm.house.database.read() as connection:
        assert len(connection.scalars(query).all()) == len(kept) - 1


def test_a_token_that_fits_into_no_address_is_not_kept(firm: Company) -> None:
    told = asked_for(sign_out(firm, firm.sign_in("ada", groups=["x" * 100] * 40)))
    assert "id_token_hint" not in told


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.W10.c", "a.eyJsb2dpbl9oaW50IjogN30.c", "a.\u00e4.c"])
def test_no_hint_is_made_of_what_has_none(token: str) -> None:
    provider = Provider("company", ISSUER, "crm", "https://crm.example")
    url = end_session_url({"end_session_endpoint": f"{ISSUER}/end"}, provider, "https://crm.example/x", "s", token)
    assert url is not None
    assert "logout_hint" not in url
