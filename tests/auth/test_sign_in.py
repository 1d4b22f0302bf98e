"""Signing in and out over HTTP."""

import asyncio
import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, select, update

from tests.auth.kit import PASSWORD, House, code
from xrm_core.auth import authenticator, sessions
from xrm_core.auth.attempts import Kind
from xrm_core.auth.passwords import PasswordHash
from xrm_core.errors import Unauthenticated
from xrm_core.storage.system import SESSION


def test_a_password_opens_a_session_for_a_client(house: House) -> None:
    person = house.person()
    answer = house.login(person.email, **{"as": "token"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["user"] == {"id": person.id, "email": person.email}
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    until = dt.datetime.fromisoformat(body["expiresAt"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=29) < until <= dt.timedelta(days=30)
    asked = house.ask(Authorization=f"Bearer {body['token']}")
    assert asked.status_code == 200
    assert asked.json()["data"]["notes"]["totalCount"] >= 0
    assert house.events(person.id)[0] == "sign_in"


def test_only_a_digest_of_a_session_is_stored(house: House) -> None:
    person = house.person()
    body = house.login(person.email, **{"as": "token"}).json()
    with house.database.read() as connection:
        [row] = connection.execute(select(SESSION).where(SESSION.c.user_id == person.id)).mappings()
    assert body["token"] not in str(dict(row))
    assert row["token_hash"] == sessions.digest(body["token"])


def test_a_browser_gets_cookies_that_no_script_can_read(house: House) -> None:
    person = house.person()
    answer = house.login(person.email)
    assert "token" not in answer.json()
    session, device = answer.headers.get_list("set-cookie")
    assert session.startswith("xrm_session=xrmc_")
    assert device.startswith("xrm_device=xrmd_")
    for each in (session, device):
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(each.split("; "))
        assert "Secure" not in each
    assert house.ask(X_XRM_CSRF="1").status_code == 200


def test_behind_tls_cookies_are_bound_to_the_host(house: House) -> None:
    person = house.person()
    body = {"email": person.email, "password": PASSWORD}
    answer = house.post("/auth/login", body, X_Forwarded_Proto="https")
    for each in answer.headers.get_list("set-cookie"):
        assert each.startswith("__Host-xrm_")
        assert {"Secure", "Path=/"} <= set(each.split("; "))
        assert "Domain" not in each
    token = answer.headers.get_list("set-cookie")[0].partition("=")[2].partition(";")[0]
    # a cookie that somebody planted by plain HTTP does not count where TLS is used
    planted = house.ask(Cookie=f"xrm_session={token}", X_Forwarded_Proto="https", X_XRM_CSRF="1")
    assert planted.status_code == 401


@pytest.mark.parametrize("case", ["wrong password", "no such user", "no password", "not active", "too long"])
def test_whatever_is_wrong_the_answer_is_the_same(house: House, case: str) -> None:
    person = house.person(None if case == "no password" else PASSWORD)
    if case == "not active":
        house.update_user(person, {"active": False})
    email = "nobody@example.com" if case == "no such user" else person.email
    password = {"wrong password": "wrong horse", "too long": "x" * 1025}.get(case, PASSWORD)
    answer = house.login(email, password)
    assert (answer.status_code, code(answer)) == (401, "SIGN_IN_FAILED")
    assert answer.json() == house.login("x@example.com", PASSWORD).json()
    assert house.events(email)[0] == "sign_in_failed"
    assert house.rows_of(person)["xrm_session"] == 0


def test_for_an_unknown_user_the_same_work_is_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    verify = PasswordHash.verify_and_update
    monkeypatch.setattr(
        PasswordHash, "verify_and_update", lambda self, *given: done.append("verified") or verify(self, *given)
    )
    house.login("nobody@example.com", "wrong horse")
    house.login(house.person().email, "wrong horse")
    assert done == ["verified", "verified"]


def test_for_an_unknown_user_the_database_is_asked_the_same(house: House) -> None:
    person, without = house.person(), house.person(None)
    asked: dict[str, list[str]] = {}

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        # A server also looks after policies and tenants, but by other threads.
        if threading.current_thread().name.startswith("xrm-sign-in") and not statement.startswith(("BEGIN", "SET ")):
            asked[current].append(statement)

    event.listen(house.database.engine, "before_cursor_execute", note)
    try:
        for current in ("nobody@example.com", person.email, without.email):
            asked[current] = []
            house.login(current, "wrong horse")
    finally:
        event.remove(house.database.engine, "before_cursor_execute", note)
    first, second, third = asked.values()
    assert len(first) > 3
    assert first == second == third


def test_a_session_that_has_ended_at_one_server_ends_at_the_others_within_seconds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 2.0)
    person, now = house.person(), [1000.0]
    headers = house.signed_in(person)
    users, authority = house.platform.tables["user"], house.platform.authority
    other = authenticator.Authenticator(house.database, users, authority, lambda: now[0])
    try:
        for end in ("logout", "password", "inactive"):
            assert asyncio.run(other.user(headers["Authorization"])).id == person.id
            if end == "logout":
                house.post("/auth/logout", **headers)
            elif end == "password":
                house.set_password(person, PASSWORD)
            else:
                house.update_user(person, {"active": False})
            now[0] += 2.0
            with pytest.raises(Unauthenticated):
                asyncio.run(other.user(headers["Authorization"]))
            if end != "inactive":
                headers = house.signed_in(person)
    finally:
        other.close()


def test_each_sign_in_makes_a_new_session_whatever_came_along(house: House) -> None:
    person = house.person()
    planted = "xrmc_" + "A" * 43
    house.http.cookies.set("xrm_session", planted)
    first = house.login(person.email).headers.get_list("set-cookie")[0]
    house.http.cookies.clear()
    second = house.login(person.email).headers.get_list("set-cookie")[0]
    assert planted not in first
    assert first.partition(";")[0] != second.partition(";")[0]


def test_who_signs_in_anew_in_a_browser_has_one_session(house: House) -> None:
    person, other = house.person(), house.person()
    for _ in range(3):
        assert house.login(person.email).status_code == 200
    assert house.rows_of(person)["xrm_session"] == 1
    assert house.login(other.email, "wrong horse").status_code == 401
    assert house.rows_of(person)["xrm_session"] == 1
    assert house.login(other.email).status_code == 200
    assert (house.rows_of(person)["xrm_session"], house.rows_of(other)["xrm_session"]) == (0, 1)


def test_signing_out_ends_this_session_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 60)  # this server knows at once
    person = house.person()
    here, there = house.signed_in(person), house.signed_in(person)
    assert [house.ask(**each).status_code for each in (here, there)] == [200, 200]
    assert house.post("/auth/logout", **here).json() == {"signedOut": True}
    assert house.ask(**here).status_code == 401
    assert house.ask(**there).status_code == 200
    assert house.events(person.id)[0] == "sign_out"


def test_signing_out_everywhere_ends_all_and_no_device_is_known(house: House) -> None:
    person = house.person()
    here, there = house.signed_in(person), house.signed_in(person)
    token = house.token(person)
    assert house.post("/auth/logout-everywhere", Authorization=f"Bearer {token}").status_code == 200
    assert [house.ask(**each).status_code for each in (here, there)] == [401, 401]
    rows = house.rows_of(person)
    assert (rows["xrm_session"], rows["xrm_known_device"], rows["xrm_token"]) == (0, 0, 1)


def test_signing_out_takes_the_cookie_away(house: House) -> None:
    house.login(house.person().email)
    answer = house.post("/auth/logout", X_XRM_CSRF="1")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert house.ask(X_XRM_CSRF="1").status_code == 401


def test_an_api_token_has_no_session_to_end(house: House) -> None:
    token = house.token(house.person())
    assert code(house.post("/auth/logout", Authorization=f"Bearer {token}")) == "BAD_REQUEST"


def test_what_was_made_for_a_cookie_does_not_count_as_a_bearer_token_and_the_other_way_round(house: House) -> None:
    person = house.person()
    of_cookie = house.login(person.email).headers.get_list("set-cookie")[0].partition("=")[2].partition(";")[0]
    house.http.cookies.clear()
    bearer = house.signed_in(person)["Authorization"].partition(" ")[2]
    assert house.ask(Authorization=f"Bearer {of_cookie}").status_code == 401
    assert house.ask(Cookie=f"xrm_session={bearer}", X_XRM_CSRF="1").status_code == 401
    assert house.ask(Cookie=f"xrm_session={of_cookie}", X_XRM_CSRF="1").status_code == 200


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_sessions_end_at_their_time_and_when_they_are_not_used(house: House, column: str) -> None:
    person = house.person()
    headers = house.signed_in(person)
    moment = dt.datetime.now(dt.UTC)
    old = moment if column == "expires_at" else moment - dt.timedelta(minutes=720)
    with house.database.begin() as connection:
        connection.execute(update(SESSION).where(SESSION.c.user_id == person.id).values({column: old}))
        assert sessions.sessions_of(connection, person.id) == []
    assert house.ask(**headers).status_code == 401


def test_use_is_noted_at_most_once_a_minute(house: House) -> None:
    person = house.person()
    headers = house.signed_in(person)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)
    with house.database.begin() as connection:
        connection.execute(update(SESSION).where(SESSION.c.user_id == person.id).values(seen_at=before))
    house.ask(**headers)

    def seen() -> str:
        with house.database.read() as connection:
            return str(connection.scalar(select(SESSION.c.seen_at).where(SESSION.c.user_id == person.id)))

    deadline = time.monotonic() + 5
    while dt.datetime.fromisoformat(seen()) <= before and time.monotonic() < deadline:
        time.sleep(0.01)
    first = seen()
    assert dt.datetime.fromisoformat(first) > before + dt.timedelta(minutes=9)
    with house.database.read() as connection:
        token = headers["Authorization"].partition(" ")[2]
        found = sessions.find_session(connection, token, house.platform.tables["user"])
    assert found is not None
    assert not found.stale


def test_who_becomes_inactive_is_signed_out_for_good(house: House) -> None:
    person = house.person()
    headers = house.signed_in(person)
    house.update_user(person, {"active": False})
    assert house.ask(**headers).status_code == 401
    house.update_user(person, {"active": True})
    assert house.ask(**headers).status_code == 401


def test_nothing_of_a_user_who_is_gone_remains(house: House) -> None:
    person = house.person()
    house.signed_in(person)
    house.token(person)
    house.delete_user(person)
    assert set(house.rows_of(person).values()) == {0}


def test_a_user_has_so_many_sessions_and_the_oldest_goes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    person = house.person()
    first, second, third = (house.signed_in(person) for _ in range(3))
    assert [house.ask(**each).status_code for each in (first, second, third)] == [401, 200, 200]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ([], 400, "BAD_REQUEST"),
        ({"email": "a@example.com"}, 400, "BAD_REQUEST"),
        ({"email": ["a@example.com"], "password": PASSWORD}, 400, "BAD_REQUEST"),
        ({"email": "a\0@example.com", "password": PASSWORD}, 400, "BAD_REQUEST"),
        ({"email": "a@example.com", "password": PASSWORD, "as": "admin"}, 400, "BAD_REQUEST"),
        ({"email": "a@example.com", "password": "x" * 20_000}, 422, "QUERY_TOO_LARGE"),
    ],
)
def test_bodies_that_are_not_understood(house: House, body: object, status: int, expected: str) -> None:
    answer = house.post("/auth/login", body)
    assert (answer.status_code, code(answer)) == (status, expected)


def test_a_form_of_another_site_cannot_sign_anybody_in(house: House) -> None:
    person = house.person()
    form = {"email": person.email, "password": PASSWORD}
    assert house.http.post("/auth/login", data=form).status_code == 415
    foreign = house.post("/auth/login", form, Origin="https://evil.example")
    assert (foreign.status_code, code(foreign)) == (403, "CROSS_SITE_REFUSED")
    assert house.http.get("/auth/login", params=form).status_code == 405
    for path in ("/AUTH/login", "/auth/Login", "/auth//login", "/t/x/auth/login"):  # no way around the limits
        assert house.post(path, form).status_code == 404


def test_a_thousand_attempts_at_once_are_counted_one_by_one(house: House) -> None:
    person = house.person()
    _, free, _ = Kind.ACCOUNT.value
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: house.login(person.email, f"wrong {number}"), range(free * 4)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) <= free + 1
    assert statuses.count(429) >= free * 3 - 1
    late = next(answer for answer in answers if answer.status_code == 429)
    assert code(late) == "TOO_MANY_ATTEMPTS"
    assert int(late.headers["retry-after"]) >= 1


def test_strangers_cannot_lock_the_owner_out_of_a_known_device(house: House) -> None:
    person = house.person()
    house.login(person.email)
    cookie = "; ".join(each.partition(";")[0] for each in house.login(person.email).headers.get_list("set-cookie"))
    house.http.cookies.clear()
    while house.login(person.email, "guess guess").status_code != 429:
        pass
    assert house.login(person.email).status_code == 429  # from a device that is not known
    body = {"email": person.email, "password": PASSWORD}
    assert house.post("/auth/login", body, Cookie=cookie).status_code == 200


def test_the_cookie_of_a_device_has_limits_of_its_own_and_is_good_for_its_owner_only(house: House) -> None:
    thief, victim = house.person(), house.person()
    device = house.login(thief.email, **{"as": "token"}).json()["device"]
    statuses = []
    while 429 not in statuses:
        statuses.append(house.login(victim.email, "guess guess", device=device).status_code)
    assert len(statuses) <= Kind.ACCOUNT.value[1] + 2
    statuses = []
    while 429 not in statuses:
        statuses.append(house.login(thief.email, "guess guess", device=device).status_code)
    assert len(statuses) <= Kind.DEVICE.value[1] + 2


def test_an_own_account_does_not_wipe_out_what_was_tried_at_others(house: House) -> None:
    mine, address, statuses = house.person(), "192.0.2.77", []
    for _ in range(Kind.ADDRESS.value[1] + 2):
        statuses.append(house.login(house.person().email, "guess guess", address).status_code)
        house.login(mine.email, PASSWORD, address)
    assert statuses[-1] == 429


def test_addresses_that_a_client_makes_up_do_not_count(house: House) -> None:
    person = house.person()
    # what stands before the address that our proxy saw is the client's to choose
    statuses = [
        house.login(f"{number}{person.email}", "guess guess", f"9.9.9.{number}, 192.0.2.78").status_code
        for number in range(Kind.ADDRESS.value[1] + 2)
    ]
    assert statuses[-1] == 429
