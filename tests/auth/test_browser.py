"""Cookies open nothing for pages of other origins."""

import pytest

from tests.auth.kit import House, code

WRITE = 'mutation { createNote(input: {text: "x"}) { id } }'


def written(house: House) -> int:
    """How many notes there are."""
    with house.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM note").scalar_one())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver@evil.example"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example", "X_XRM_CSRF": "1"},
        {"Sec_Fetch_Site": "cross-site", "X_XRM_CSRF": "1"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://testserver"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_a_cookie_alone_changes_nothing(house: House, headers: dict[str, str]) -> None:
    house.login(house.person().email)
    before = written(house)
    for answer in (
        house.ask(WRITE, **headers),
        house.post("/auth/logout", **headers),
        house.http.post("/files", content=b"x", headers={name.replace("_", "-"): headers[name] for name in headers}),
    ):
        assert (answer.status_code, code(answer)) == (403, "CROSS_SITE_REFUSED")
        assert "access-control-allow-origin" not in answer.headers
    assert written(house) == before
    assert house.ask(X_XRM_CSRF="1").status_code == 200  # nobody was signed out


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://testserver"},
        {"Origin": "https://TESTSERVER"},  # TLS ends at a proxy
        {"X_XRM_CSRF": "1"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://testserver"},
    ],
)
def test_a_page_of_this_origin_works_with_the_cookie(house: House, headers: dict[str, str]) -> None:
    house.login(house.person().email)
    before = written(house)
    assert "errors" not in house.ask(WRITE, **headers).json()
    assert written(house) == before + 1


def test_a_get_with_a_cookie_reads_and_never_changes(house: House) -> None:
    house.login(house.person().email)
    before = written(house)
    read = house.http.get("/graphql", params={"query": "{ notes { totalCount } }"})
    assert read.json()["data"] == {"notes": {"totalCount": before}}
    assert "Cookie" in read.headers["vary"]
    change = house.http.get("/graphql", params={"query": WRITE})
    assert (change.status_code, code(change)) == (405, "MUTATION_BY_GET")
    for path in ("login", "logout", "logout-everywhere"):
        assert house.http.get(f"/auth/{path}").status_code == 405
    assert written(house) == before


def test_a_bearer_token_counts_and_the_cookie_beside_it_does_not(house: House) -> None:
    house.login(house.person().email)
    guest = house.token(house.person(role="guest"))
    answer = house.ask(WRITE, Authorization=f"Bearer {guest}", Origin="https://app.example")
    assert code(answer) == "BAD_QUERY"  # guests do not write
    assert house.ask(Authorization="Bearer wrong").status_code == 401


@pytest.mark.parametrize("token", ["", "xrmc_", "xrmc_" + "A" * 43, "xrm_" + "A" * 43, "xrmc_" + "A" * 5000, "%C3%BC"])
def test_cookies_that_are_no_sessions(house: House, token: str) -> None:
    answer = house.ask(Cookie=f"xrm_session={token}", X_XRM_CSRF="1")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("headers", "compressed"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"X-XRM-CSRF": "1"}, True),
    ],
)
def test_what_another_page_may_have_asked_for_by_a_cookie_is_not_compressed(
    house: House, headers: dict[str, str], compressed: bool
) -> None:
    house.login(house.person().email)
    query = {"query": "{ __schema { types { name fields { name } } } }"}
    answer = house.http.get("/graphql", params=query, headers={"Accept-Encoding": "gzip", **headers})
    assert answer.status_code == 200
    assert ("content-encoding" in answer.headers) is compressed
    assert "Note" in answer.text
