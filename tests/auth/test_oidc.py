"""People sign in by an OpenID provider: a real one, on this machine."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from httpx2 import Response

from tests.auth.kit import House, code, opened
from tests.postgres import PostgresServer
from xrm_core.auth import authenticator, oidc_people
from xrm_core.auth.events import recorded
from xrm_core.auth.oidc_providers import load_providers
from xrm_core.auth.people import by_id, roles_of
from xrm_core.auth.sessions import find_session
from xrm_core.errors import SettingsError

with warnings.catch_warnings(record=True):
    from oidc_provider_mock import run_server_in_thread

# The provider uses what its library has marked as old.
pytestmark = [pytest.mark.filterwarnings("ignore:get_jwt_config"), pytest.mark.filterwarnings("ignore:authlib.jose")]

ROLES = {"/sales": ["clerk"], "/visitors": ["guest"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of the provider."""
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("oidc")
    common = {"issuer": provider, "client_id": "crm", "url": "http://localhost", "client_secret_env": "OIDC_SECRET"}
    mapped = {"roles_claim": "groups", "roles": ROLES}
    named = {
        "open": {**common, **mapped, "label": "The Company", "create_users": True},
        "closed": common,
        "linking": {**common, "link_by_email": True},
    }
    (folder / "oidc.json").write_text(json.dumps({"providers": named}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OIDC_SECRET", "a secret")
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)
        if request.param == "sqlite":
            with opened(f"sqlite:///{folder / 'house.db'}", folder, oidc=folder / "oidc.json") as house:
                yield house
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            with server.database() as url, opened(url, folder, oidc=folder / "oidc.json") as house:
                yield house


@pytest.fixture
def house(served: House) -> House:
    served.http.cookies.clear()
    return served


def begin(house: House, name: str = "open", **query: str) -> Response:
    return house.http.get(f"/auth/oidc/{name}", params=query, follow_redirects=False)


def come_back(house: House, begun: Response, sub: str, **changed: str) -> Response:
    """What this server says when the browser comes back from the provider."""
    assert begun.status_code == 303, begun.text
    there = httpx2.post(begun.headers["location"], data={"sub": sub})
    back = urlsplit(there.headers["location"])
    assert back.netloc == "localhost"
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | changed
    return house.http.get(back.path, params=query, follow_redirects=False)


def account(provider: str, sub: str, **claims: Any) -> None:
    """Somebody's account at the provider."""
    httpx2.put(f"{provider}/users/{sub}", json=claims).raise_for_status()


def who(house: House) -> str | None:
    """The e-mail address of who is signed in by the cookies of the client."""
    if house.ask(X_XRM_CSRF="1").status_code == 401:
        return None
    users = house.platform.tables["user"]
    with house.database.read() as connection:
        found = find_session(connection, house.http.cookies["xrm_session"], users)
        person = by_id(connection, users, found.user_id if found else "")
    return person.email if person else None


def test_a_new_account_becomes_a_user_with_the_roles_of_its_groups(house: House, provider: str) -> None:
    # given an account at the provider
    account(provider, "ada", email="ada@example.com", email_verified=True, groups=["/sales", "/unknown"])
    # when it signs in twice
    for _ in range(2):
        answer = come_back(house, begin(house, next="/app?x=1"), "ada")
        assert (answer.status_code, answer.headers["location"]) == (303, "/app?x=1")
    # then it is one user, who may do what the groups say
    assert who(house) == "ada@example.com"
    assert house.ask(X_XRM_CSRF="1").status_code == 200
    with house.database.read() as connection:
        users = connection.exec_driver_sql("SELECT id FROM \"user\" WHERE email = 'ada@example.com'").scalars().all()
        assert len(users) == 1
        assert roles_of(connection, str(users[0])) == {"clerk"}
    assert house.events(str(users[0])) == ["sign_in", "sign_in", "roles_changed", "user_created"]
    # and when the groups change, so do the roles at the next time
    account(provider, "ada", email="ada@example.com", email_verified=True, groups="/visitors")
    come_back(house, begin(house), "ada")
    with house.database.read() as connection:
        assert roles_of(connection, str(users[0])) == {"guest"}


def test_roles_that_a_provider_gives_and_takes_are_kept_before_and_after(house: House, provider: str) -> None:
    for groups in ("/sales", "/visitors"):
        account(provider, "joe", email="joe@example.com", email_verified=True, groups=[groups])
        come_back(house, begin(house), "joe")
    with house.database.read() as connection:
        changes = [each.details for each in recorded(connection, event="roles_changed")][:2]
    assert changes == [
        {"before": ["clerk"], "after": ["guest"], "provider": "open"},
        {"before": [], "after": ["clerk"], "provider": "open"},
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/me"}}},
        {"hasgroups": True},
    ],
    ids=["elsewhere", "hasgroups"],
)
def test_groups_that_did_not_fit_take_no_role_away(house: House, provider: str, said: dict[str, Any]) -> None:
    # given somebody with a role by their group
    sub, known = f"many {len(said)}", {"email": f"many{len(said)}@example.com", "email_verified": True}
    account(provider, sub, **known, groups=["/sales"])
    come_back(house, begin(house), sub)
    # when they are in so many groups that the ID token names none
    account(provider, sub, **known, **said)
    assert come_back(house, begin(house), sub).status_code == 303
    # then the role stays, and it is known why
    with house.database.read() as connection:
        event = next(recorded(connection, event="sign_in"))
        assert roles_of(connection, str(event.subject)) == {"clerk"}
    assert "groups" in event.details["roles"]
    # and when the token names groups again, or says that there are none, it counts
    account(provider, sub, **known, **said, groups=[])
    come_back(house, begin(house), sub)
    with house.database.read() as connection:
        assert roles_of(connection, str(event.subject)) == set()
        assert "roles" not in next(recorded(connection, event="sign_in")).details
    # while another claim that is elsewhere is not the groups
    account(provider, sub, **known, groups=["/sales"])
    come_back(house, begin(house), sub)
    account(provider, sub, **known, _claim_names={"address": "src1"}, hasgroups=False)
    come_back(house, begin(house), sub)
    with house.database.read() as connection:
        assert roles_of(connection, str(event.subject)) == set()


def test_a_sign_in_replaces_the_former_session_of_the_browser(house: House, provider: str) -> None:
    account(provider, "lea", email="lea@example.com", email_verified=True)
    come_back(house, begin(house), "lea")
    first = house.http.cookies["xrm_session"]
    come_back(house, begin(house), "lea")
    users = house.platform.tables["user"]
    with house.database.read() as connection:
        assert find_session(connection, first, users) is None
    assert who(house) == "lea@example.com"


def test_roles_of_which_the_provider_says_nothing_stay(house: House, provider: str) -> None:
    account(provider, "bob", email="bob@example.com", email_verified=True)
    person = house.person(role="clerk")
    with house.database.begin() as connection:
        oidc_people.link(connection, person.id, provider, "bob")
    come_back(house, begin(house, "linking"), "bob")
    assert who(house) == person.email
    with house.database.read() as connection:
        assert roles_of(connection, person.id) == {"clerk"}


def test_who_is_linked_with_nobody_does_not_come_in(house: House, provider: str) -> None:
    account(provider, "eve", email=house.person().email, email_verified=True)
    answer = come_back(house, begin(house, "closed"), "eve")
    assert (answer.status_code, code(answer)) == (401, "PROVIDER_SIGN_IN_FAILED")
    assert who(house) is None
    assert house.events("eve") == ["sign_in_failed"]


def test_an_address_links_only_if_the_provider_has_verified_it_and_may_link(house: House, provider: str) -> None:
    person = house.person()
    for verified in (False, None, "true", 1):
        account(provider, "mallory", email=person.email, email_verified=verified)
        for name in ("linking", "open"):
            assert code(come_back(house, begin(house, name), "mallory")) == "PROVIDER_SIGN_IN_FAILED"
    account(provider, "mallory", email=person.email, email_verified=True)
    assert code(come_back(house, begin(house, "open"), "mallory")) == "PROVIDER_SIGN_IN_FAILED"  # the address is taken
    assert who(house) is None
    assert come_back(house, begin(house, "linking"), "mallory").status_code == 303
    assert who(house) == person.email
    assert "identity_linked" in house.events(person.id)


def test_an_address_that_is_used_again_at_the_provider_is_not_who_had_it(house: House, provider: str) -> None:
    # given a user who has signed in by the provider before
    person = house.person()
    account(provider, "former", email=person.email, email_verified=True)
    assert come_back(house, begin(house, "linking"), "former").status_code == 303
    house.http.cookies.clear()
    # when another account has the address
    account(provider, "newcomer", email=person.email, email_verified=True)
    # then it does not come in as that user
    assert code(come_back(house, begin(house, "linking"), "newcomer")) == "PROVIDER_SIGN_IN_FAILED"
    assert who(house) is None
    # and the user still does
    assert come_back(house, begin(house, "linking"), "former").status_code == 303
    assert who(house) == person.email


def test_who_is_not_active_does_not_come_in(house: House, provider: str) -> None:
    account(provider, "ian", email="ian@example.com", email_verified=True)
    assert come_back(house, begin(house), "ian").status_code == 303
    with house.database.read() as connection:
        user_id = str(connection.exec_driver_sql("SELECT id FROM \"user\" WHERE email = 'ian@example.com'").scalar())
    with house.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE \"user\" SET active = false WHERE id = '{user_id}'")
    house.http.cookies.clear()
    assert code(come_back(house, begin(house), "ian")) == "PROVIDER_SIGN_IN_FAILED"
    assert who(house) is None


@pytest.mark.parametrize(
    "changed", [{"state": "another"}, {"state": ""}, {"code": ""}, {"iss": "https://evil.example"}, {"error": "denied"}]
)
def test_an_answer_that_is_not_the_one_asked_for_is_refused(
    house: House, provider: str, changed: dict[str, str]
) -> None:
    account(provider, "sam", email="sam@example.com", email_verified=True)
    assert code(come_back(house, begin(house), "sam", **changed)) == "PROVIDER_SIGN_IN_FAILED"
    assert who(house) is None


def test_an_answer_does_not_let_another_browser_in_nor_the_same_one_twice(house: House, provider: str) -> None:
    account(provider, "kim", email="kim@example.com", email_verified=True)
    begun = begin(house)
    there = httpx2.post(begun.headers["location"], data={"sub": "kim"})
    back = urlsplit(there.headers["location"])
    path, cookies = f"{back.path}?{back.query}", dict(house.http.cookies)
    # another browser: without the cookie, or with that of its own sign-in, or on the path of another provider
    house.http.cookies.clear()
    assert code(house.http.get(path, follow_redirects=False)) == "PROVIDER_SIGN_IN_FAILED"
    begin(house)
    assert code(house.http.get(path, follow_redirects=False)) == "PROVIDER_SIGN_IN_FAILED"
    house.http.cookies.clear()
    house.http.cookies.update(cookies)
    other = path.replace("/open/", "/linking/")
    assert code(house.http.get(other, follow_redirects=False)) == "PROVIDER_SIGN_IN_FAILED"
    assert who(house) is None
    # the same browser, once
    assert house.http.get(path, follow_redirects=False).status_code == 303
    house.http.cookies.update(cookies)
    assert code(house.http.get(path, follow_redirects=False)) == "PROVIDER_SIGN_IN_FAILED"


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil.example", "\\evil", "javascript:alert(1)", "/a\nb", ""]
)
def test_browsers_are_sent_to_paths_of_this_server_only(house: House, next_: str) -> None:
    answer = begin(house, next=next_)
    assert (answer.status_code, code(answer)) == (401, "PROVIDER_SIGN_IN_FAILED")


def test_what_leaves_for_the_provider_has_what_it_must_and_no_secret(house: House, provider: str) -> None:
    begun = begin(house)
    there = urlsplit(begun.headers["location"])
    query = parse_qs(there.query)
    assert f"{there.scheme}://{there.netloc}" == provider
    assert query["redirect_uri"] == ["http://localhost/auth/oidc/open/callback"]
    assert (query["response_type"], query["code_challenge_method"]) == (["code"], ["S256"])
    assert query["scope"] == ["openid email profile"]
    assert all(len(query[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    assert "secret" not in begun.headers["location"]
    cookie = begun.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert query["nonce"][0] not in begun.headers["set-cookie"]


def test_providers_are_listed_for_the_page_that_signs_in(house: House) -> None:
    listed = house.http.get("/auth/providers").json()["providers"]
    assert listed[0] == {"name": "open", "label": "The Company", "url": "/auth/oidc/open"}
    assert [each["name"] for each in listed] == ["open", "closed", "linking"]
    assert house.http.get("/auth/oidc/unknown", follow_redirects=False).status_code == 404


def test_a_file_of_providers_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "oidc.json"
    good = {"issuer": "https://login.example", "client_id": "crm", "url": "https://crm.example"}
    wrong: dict[str, Any] = {
        "Upper": good,
        "a": {**good, "issuer": "http://login.example", "client_secret": "x"},
        "b": {"issuer": "https://user@login.example", "client_id": 7, "roles": {"x": "clerk"}},
        "c": {**good, "create_users": "yes", "scopes": ["email"], "client_secret_env": "NO_SUCH_VARIABLE"},
        "d": [],
    }
    file.write_text(json.dumps({"providers": wrong}))
    with pytest.raises(SettingsError) as refused:
        load_providers(file)
    for part in (
        "Upper: its name", "a: 'issuer' must be an https", "a: 'client_secret' is not known", "b: 'url' is missing",
        "b: 'client_id' must be a text", "b: 'issuer' must be", "b: 'roles' must be", "b: 'roles' needs",
        "c: 'create_users' must be", "c: 'scopes' must be", "c: the environment has no NO_SUCH",
        "d: it must be",
    ):  # fmt: skip
        assert part in refused.value.message, part
    for content in ("[]", "{}", "{", '{"providers": []}', '{"providers": {}, "more": 1}'):
        file.write_text(content)
        with pytest.raises(SettingsError):
            load_providers(file)
    file.write_text(json.dumps({"providers": {"a": good}}))
    [found] = load_providers(file).values()
    assert (found.name, found.scopes, found.create_users) == ("a", ("openid", "email", "profile"), False)


def test_the_example_of_the_page_is_one_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text()
    example = page.split("<!-- oidc -->\n```json\n")[1].split("```")[0]
    (tmp_path / "oidc.json").write_text(example)
    monkeypatch.setenv("OIDC_SECRET", "x")
    [found] = load_providers(tmp_path / "oidc.json").values()
    assert (found.name, found.create_users, found.roles["/it"]) == ("company", True, ("admin",))
