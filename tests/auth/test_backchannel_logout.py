"""A provider signs people out: logout tokens, and what is none."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from httpx2 import Response
from joserfc import jwt
from sqlalchemy import func, select, update

from tests.auth.provider_kit import (
    ISSUER,
    KEY,
    STRANGER,
    Company,
    by_hand,
    by_public_key,
    company,
    logout_claims,
    logout_token,
    rightly,
    unsigned,
)
from xrm_core.auth import authenticator, oidc_documents, oidc_sessions, provider_logout
from xrm_core.auth.attempts import TooManyAttempts
from xrm_core.auth.events import recorded
from xrm_core.auth.logout_tokens import EVENT, LogoutToken
from xrm_core.auth.oidc_people import Arrival, sign_in_by
from xrm_core.auth.people import hold
from xrm_core.auth.sessions import Lifetimes, create_session
from xrm_core.auth.sign_in import SignIn
from xrm_core.server import auth_http
from xrm_core.storage.system import LOGOUT_TOKEN, OIDC_SESSION, SESSION

PATH = "/auth/oidc/company/backchannel-logout"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(request, tmp_path_factory.mktemp("company")) as made:
        for subject in ("kim", "lea"):
            made.linked(subject)
        yield made


@pytest.fixture
def firm(built: Company) -> Company:
    built.begin()
    return built


def send(firm: Company, token: str, path: str = PATH, **more: str) -> Response:
    return firm.house.http.post(path, data={"logout_token": token, **more})


def events(firm: Company, kind: str) -> list[Any]:
    with firm.house.database.read() as connection:
        return list(recorded(connection, event=kind))


def test_a_session_of_the_provider_ends_with_it(firm: Company) -> None:
    # given two people, one of them signed in on two devices and by a password, too
    ada, bob = firm.linked("ada"), firm.linked("bob")
    first, second = (firm.sign_in("ada", sid=sid) for sid in ("s 1", "s 2"))
    stranger = firm.sign_in("bob", sid="s 3")
    password = firm.house.signed_in(ada)
    # when the provider ends one session
    answer = send(firm, logout_token(sub="ada", sid="s 1"))
    # then that one has ended, and it is known why
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")
    assert [firm.is_in(each) for each in (first, second, stranger)] == [False, True, True]
    event = events(firm, "sign_out")[0]
    assert (event.subject, event.user_id, len(event.details["sessions"])) == (ada.id, None, 1)
    assert event.details["provider"] == "company"
    # and when it ends all of the user
    assert send(firm, logout_token(sub="ada")).status_code == 200
    assert [firm.is_in(each) for each in (first, second, stranger)] == [False, False, True]
    assert firm.house.ask(**password).status_code == 200  # which the provider has not opened
    assert events(firm, "sign_out")[0].details["everywhere"] is True
    # and when it names the session alone
    assert send(firm, logout_token(sid="s 3")).status_code == 200
    assert not firm.is_in(stranger)
    assert events(firm, "sign_out")[0].subject == bob.id
    with firm.house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(OIDC_SESSION)) == 0


def test_older_providers_name_no_type(firm: Company) -> None:
    firm.linked("pat")
    for header in ({"typ": "JWT"}, {}):
        session = firm.sign_in("pat", iat=int(time.time()) + 5)
        made = by_hand({"alg": "RS256"} | header, logout_claims(sub="pat"), rightly)
        assert send(firm, made).status_code == 200, header
        assert not firm.is_in(session)


def test_who_is_out_already_is_out(firm: Company) -> None:
    before = len(events(firm, "sign_out"))
    assert send(firm, logout_token(sub="nobody")).status_code == 200
    assert len(events(firm, "sign_out")) == before


def test_a_session_whose_id_was_never_told_ends_with_its_user(firm: Company) -> None:
    firm.linked("eve")
    session = firm.sign_in("eve")
    assert send(firm, logout_token(sid="s 4")).status_code == 200
    assert firm.is_in(session)
    assert send(firm, logout_token(sub="eve", sid="s 4")).status_code == 200
    assert not firm.is_in(session)


def test_a_name_that_means_another_provider_now_ends_nobody(firm: Company) -> None:
    firm.linked("ian")
    session = firm.sign_in("ian")
    with firm.house.database.begin() as connection:
        connection.execute(update(OIDC_SESSION).values(issuer="https://former.example"))
    assert send(firm, logout_token(sub="ian")).status_code == 200
    assert firm.is_in(session)


@pytest.fixture
def signed_in(firm: Company) -> str:
    """A session that nothing of what follows may end."""
    firm.sign_in("lea", sid="of lea")
    return firm.sign_in("kim", sid="of kim")


def id_token() -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "kim", "aud": "crm", "nonce": "n", "iat": now, "exp": now + 300, "sid": "of kim"}
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)


def kims(**changed: Any) -> str:
    return logout_token(**{"sub": "kim", **changed})


@pytest.mark.parametrize(
    "token",
    [
        lambda: "",
        lambda: "x.y.z",
        lambda: "a" * 15_000,
        id_token,
        lambda: by_hand({"alg": "none"}, logout_claims(sub="kim"), unsigned),
        lambda: by_hand({"alg": "None"}, logout_claims(sub="kim"), unsigned),
        lambda: by_hand({"alg": "HS256"}, logout_claims(sub="kim"), by_public_key),
        lambda: kims(key=STRANGER),
        lambda: kims(header={"jwk": STRANGER.as_dict(private=False)}, key=STRANGER),
        lambda: kims(header={"jku": "https://evil.example/keys"}, key=STRANGER),
        lambda: kims(header={"typ": "at+jwt"}),
        lambda: kims(iss="https://evil.example"),
        lambda: kims(iss=f"{ISSUER}/abroad"),
        lambda: kims(iss=None),
        lambda: kims(aud="shop"),
        lambda: kims(aud=["crm", "shop"]),
        lambda: kims(aud=None),
        lambda: kims(azp="shop"),
        lambda: kims(exp=int(time.time()) - 120),
        lambda: kims(exp=None),
        lambda: kims(iat=int(time.time()) + 3600),
        lambda: kims(iat=int(time.time()) - 3600, exp=int(time.time()) + 3600),
        lambda: kims(iat=None),
        lambda: kims(iat=-1e300),
        lambda: kims(jti=None),
        lambda: kims(jti=""),
        lambda: kims(jti=7),
        lambda: by_hand({"alg": "RS256"}, logout_claims(sub="kim", jti="\ud800"), rightly),
        lambda: kims(jti="x" * 2000),
        lambda: kims(events=None),
        lambda: kims(events={}),
        lambda: kims(events=[EVENT]),
        lambda: kims(events={EVENT: None}),
        lambda: kims(events={"http://schemas.openid.net/event/other": {}}),
        lambda: kims(nonce="n"),
        lambda: kims(nonce=""),
        lambda: kims(sub=None),
        lambda: kims(sub=""),
        lambda: kims(sub=["kim"]),
        lambda: kims(sid={"of": "kim"}),
        lambda: kims(sub="k\u0456m"),
    ],
)
def test_what_is_no_logout_token_ends_nothing(firm: Company, signed_in: str, token: Callable[[], str]) -> None:
    answer = send(firm, token())
    assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
    assert answer.json()["error"] == "invalid_request"
    assert answer.json()["error_description"].startswith("The logout token ")
    assert firm.is_in(signed_in)
    assert events(firm, "provider_logout_refused")[0].details["reason"] == answer.json()["error_description"]
    with firm.house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LOGOUT_TOKEN)) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "lea", "sid": "of kim"},  # of somebody else
        {"sub": "kim", "sid": "of lea"},
        {"sub": "KIM"},
        {"sid": "of"},
        {"sub": "%"},
    ],
)
def test_a_right_token_ends_only_what_all_of_it_is_about(
    firm: Company, signed_in: str, changed: dict[str, Any]
) -> None:
    assert send(firm, logout_token(**changed)).status_code == 200
    assert firm.is_in(signed_in)


def test_a_token_is_good_at_the_address_of_its_client_only(firm: Company, signed_in: str) -> None:
    right = logout_token(sub="kim", aud="shop")
    assert send(firm, right, PATH.replace("company", "abroad")).status_code == 400
    assert send(firm, right).status_code == 400
    assert send(firm, right, PATH.replace("company", "shop")).status_code == 200  # where kim has no session
    assert firm.is_in(signed_in)
    assert send(firm, right, PATH.replace("company", "unknown")).status_code == 404
    assert firm.house.http.get(PATH).status_code in (400, 404, 405)


def test_a_token_ends_sessions_of_the_tenant_of_its_address_only(firm: Company) -> None:
    # given a tenant with the same provider and client, and the same person in both
    firm.linked("uma")
    here, there = firm.sign_in("uma"), firm.sign_in("uma", "acme", email="uma@example.com", email_verified=True)
    token, path = logout_token(sub="uma"), "/t/acme/auth/oidc/acme/backchannel-logout"

    def are_in() -> list[bool]:
        return [firm.is_in(here), firm.is_in(there, "/t/acme", "xrm_session_acme")]

    # when tokens come to addresses of the other
    for wrong in (
        f"/t/acme{PATH}",
        "/auth/oidc/acme/backchannel-logout",
        "/t/nobody/auth/oidc/acme/backchannel-logout",
    ):
        assert send(firm, token, wrong).status_code == 404
    assert send(firm, logout_token(sub="uma", aud="shop"), path).status_code == 400
    assert are_in() == [True, True]
    # then nothing has ended, and what comes to one of them ends nothing at the other
    assert send(firm, token, path).status_code == 200
    assert are_in() == [True, False]
    assert send(firm, token).status_code == 200  # the same client, so a token for one is one for both
    assert are_in() == [False, False]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"logout_token": "%s"}'),
        ("text/plain", b"logout_token=%s"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="logout_token"\r\n\r\n%s\r\n',
        ),
        ("application/x-www-form-urlencoded", b"logout_token=%s&logout_token=%s"),
        ("application/x-www-form-urlencoded", b"logout_token=x&logout_token=%s"),
        ("application/x-www-form-urlencoded", b"LOGOUT_TOKEN=%s"),
        ("application/x-www-form-urlencoded", b"logout_token=%s" + b"&a=b" * 30),
        ("application/x-www-form-urlencoded", b"logout_token=%s\xff"),
        ("application/x-www-form-urlencoded", b"logout_token=%s&x=" + b"x" * 10_000_000),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_a_token_comes_once_in_a_small_form(firm: Company, signed_in: str, kind: str, body: bytes) -> None:
    content = body.replace(b"%s", kims().encode())
    answer = firm.house.http.post(PATH, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert firm.is_in(signed_in)
    by_url = firm.house.http.post(f"{PATH}?logout_token={kims()}", headers={"Content-Type": kind})
    assert by_url.status_code == 400
    assert firm.is_in(signed_in)


def test_a_token_is_good_once(firm: Company) -> None:
    firm.linked("sam")
    token = logout_token(sub="sam", iat=int(time.time()) - 5)
    assert send(firm, token).status_code == 200
    session = firm.sign_in("sam")
    again = send(firm, token)
    assert (again.status_code, again.json()["error_description"]) == (400, "The logout token was used before.")
    assert firm.is_in(session)
    # and it is forgotten when it could not be used any more anyhow, not before
    with firm.house.database.begin() as connection:
        assert provider_logout.remove_expired(connection) == 0
        connection.execute(update(LOGOUT_TOKEN).values(expires_at="2020-01-01T00:00:00Z"))
        assert provider_logout.remove_expired(connection) == 1


@pytest.mark.parametrize("named", [{"sid": "s 9"}, {"sub": "max", "sid": "s 9"}, {"sub": "max"}])
def test_who_is_signed_out_while_signing_in_is_not_in(firm: Company, named: dict[str, Any]) -> None:
    # given somebody whose ID token is on its way when the provider signs them out
    firm.linked("max")
    made = int(time.time())
    assert send(firm, logout_token(**named, iat=made)).status_code == 200
    # when it arrives
    answer = firm.come_back("max", sid="s 9", iat=made - 1)
    # then it opens nothing
    assert answer.status_code == 401
    assert "xrm_session" not in firm.house.http.cookies
    # but another sign-in does
    assert firm.sign_in("max", sid="s 10", iat=made + 1)


def test_a_sign_in_that_is_under_way_is_waited_for_and_ended(firm: Company) -> None:
    # given a session that is being made
    person, users = firm.linked("zoe"), firm.house.platform.tables["user"]
    provider = next(each.provider for each in firm.clients if each.provider.name == "company")
    lifetimes = Lifetimes(dt.timedelta(hours=1), dt.timedelta(days=1))
    token = LogoutToken("under way", "zoe", None, dt.datetime.now(dt.UTC))
    with ThreadPoolExecutor(1) as threads:
        with firm.house.database.begin() as connection:
            hold(connection, users, [person.id])
            _, made = create_session(connection, person.id, lifetimes, cookie=True, device="test", address=None)
            oidc_sessions.keep(connection, made.id, provider, {"sub": "zoe"}, None)
            # when the provider signs them out at that moment
            ending = threads.submit(provider_logout.sign_out, firm.house.database, users, provider, token, None)
            time.sleep(0.3)
        # then it has ended
        assert ending.result(10) == {person.id: [made.id]}


def test_sessions_are_ended_in_the_order_in_which_everybody_holds_them(firm: Company) -> None:
    # given three sessions of one at the provider, which do not lie in the order of their ids
    person = firm.linked("may")
    for _ in range(3):
        firm.sign_in("may", sid="s 30")
    with firm.house.database.begin() as connection:
        ids = sorted(str(each) for each in connection.scalars(select(SESSION.c.id)))
        connection.execute(update(SESSION).where(SESSION.c.id != ids[2]).values(device="other"))
        connection.exec_driver_sql(f"ANALYZE {SESSION.name}")  # few enough to be read as they lie
    users = firm.house.platform.tables["user"]
    provider = next(each.provider for each in firm.clients if each.provider.name == "company")
    token = LogoutToken("in order", None, "s 30", dt.datetime.now(dt.UTC))
    with ThreadPoolExecutor(1) as threads:
        with firm.house.database.begin() as connection:
            # when somebody has begun to end all of them, and the provider ends them, too
            hold_first = select(SESSION.c.id).where(SESSION.c.id == ids[0]).with_for_update()
            connection.execute(hold_first).all()
            ending = threads.submit(provider_logout.sign_out, firm.house.database, users, provider, token, None)
            time.sleep(0.5)
            # then those that come later are free
            rest = select(SESSION.c.id).where(SESSION.c.id.in_(ids[1:])).with_for_update(nowait=True)
            assert len(connection.execute(rest).all()) == 2
        assert ending.result(10) == {person.id: ids}


@pytest.mark.parametrize(
    ("subject", "named"),
    [("joy", {"subject": None, "sid": "s 20"}), ("new 1", {"subject": "new 1", "sid": None})],
    ids=["session alone", "who is new"],
)
def test_who_is_held_by_no_record_yet_is_waited_for_too(
    firm: Company, monkeypatch: pytest.MonkeyPatch, subject: str, named: dict[str, Any]
) -> None:
    # given somebody whose sign-in has already found that the provider has not signed them out
    firm.linked("joy")
    records, looked, has_ended = firm.house.platform.records, threading.Event(), provider_logout.has_ended
    provider = replace(
        next(each.provider for each in firm.clients if each.provider.name == "company"), create_users=True
    )
    lifetimes = Lifetimes(dt.timedelta(hours=1), dt.timedelta(days=1))
    claims = {"sub": subject, "sid": "s 20", "iat": int(time.time()), "email_verified": True}

    def slowly(*arguments: Any) -> bool:
        found = has_ended(*arguments)
        looked.set()
        time.sleep(0.5)
        return found

    monkeypatch.setattr(provider_logout, "has_ended", slowly)
    arrival = Arrival(claims | {"email": f"{uuid4().hex}@example.com"}, None, "test", None, None)
    token = LogoutToken(f"no record {subject}", **named, issued_at=dt.datetime.now(dt.UTC))
    with ThreadPoolExecutor(1) as threads:
        coming = threads.submit(sign_in_by, firm.house.database, records, provider, lifetimes, arrival)
        assert looked.wait(10)
        # when the provider does it now
        ended = provider_logout.sign_out(firm.house.database, records.tables["user"], provider, token, None)
        signed_in = coming.result(10)
    # then the session that has come into being meanwhile has ended
    assert ended == {signed_in.person.id: [signed_in.session.id]}


@pytest.mark.parametrize("sid", [7, ["s"], {"s": 1}, True, "é", "a\0b", "s" * 300])
def test_a_name_of_a_session_that_cannot_be_one_is_none(firm: Company, sid: Any) -> None:
    subject = uuid4().hex
    firm.linked(subject)
    session = firm.sign_in(subject, sid=sid)
    assert send(firm, logout_token(sub=subject, sid="another", iat=int(time.time()) - 60)).status_code == 200
    assert not firm.is_in(session)


def test_nobody_is_remembered_who_is_signed_out(firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60.0)
    firm.linked("may")
    session = firm.sign_in("may")
    assert firm.is_in(session)
    assert send(firm, logout_token(sub="may")).status_code == 200
    assert not firm.is_in(session)


def test_however_many_sign_in_a_provider_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a server with as many sign-ins under way as there may be
    begun, go_on, only_sqlite = threading.Semaphore(0), threading.Event(), SimpleNamespace(param="sqlite")

    def slowly(*_: Any) -> None:
        begun.release()
        go_on.wait(20)
        raise TooManyAttempts("later", details={"retryAfter": 1})

    monkeypatch.setattr(auth_http, "_THREADS", 1)
    monkeypatch.setattr(auth_http, "MAX_WAITING", 1)
    monkeypatch.setattr(SignIn, "__call__", slowly)
    with company(cast(Any, only_sqlite), tmp_path) as firm, ThreadPoolExecutor(3) as threads:
        first = threads.submit(firm.house.login, "ada@example.com")
        try:
            assert begun.acquire(timeout=10)
            others = [threads.submit(firm.house.login, "ada@example.com") for _ in range(2)]
            assert {each.result().status_code for each in wait(others, 10, FIRST_COMPLETED).done} == {503}
            # when a provider signs people out, and strangers send what is no token
            answers = [send(firm, logout_token(sub="nobody")), send(firm, "x.y.z")]
            # then all the same it is done, and kept
            assert [each.status_code for each in answers] == [200, 400]
            assert len(events(firm, "provider_logout_refused")) == 1
        finally:
            go_on.set()
        assert sorted(each.result(10).status_code for each in (first, *others)) == [429, 429, 503]


def test_strangers_are_held_up_and_the_provider_is_not(firm: Company) -> None:
    # given a stranger who shares the provider's address
    firm.linked("tom")
    session = firm.sign_in("tom")
    before = len(events(firm, "provider_logout_refused"))
    answers = [send(firm, "x.y.z") for _ in range(30)]
    # then the log is not flooded
    assert [each.status_code for each in answers] == [400] * 21 + [429] * 9
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len(events(firm, "provider_logout_refused")) - before == 21
    # and what the provider sends counts
    assert send(firm, logout_token(sub="tom")).status_code == 200
    assert not firm.is_in(session)


def test_a_provider_that_does_not_answer_is_not_asked_for_each_token(
    firm: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_documents, "KEEP_SECONDS", -1.0)
    monkeypatch.setattr(firm.provider, "fails", True)
    before = len(firm.provider.asked)
    answers = [send(firm, kims()) for _ in range(5)]
    assert [(each.status_code, each.json()["error"]) for each in answers] == [(400, "not_signed_out")] * 5
    assert len(firm.provider.asked) == before + 1
    monkeypatch.setattr(oidc_documents, "FAILED_SECONDS", 0.0)
    monkeypatch.setattr(firm.provider, "fails", False)
    assert send(firm, logout_token(sub="nobody")).status_code == 200
