"""Whatever a directory or an OpenID provider changes is an event: every method of SCIM, every route of providers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.routing import Route

from tests.auth.kit import House
from tests.auth.provider_kit import Company, company, logout_token
from tests.auth.scim_kit import GROUP, USER, Directory, done, map_group, service_token
from xrm_core.auth import tokens
from xrm_core.auth.events import AuthEvent, recorded
from xrm_core.server.auth_http import AuthEndpoints
from xrm_core.storage.system import TOKEN

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def kept(house: House) -> list[AuthEvent]:
    with house.database.read() as connection:
        return list(recorded(connection, limit=100_000))


def new_events(house: House, ask: Callable[[], Any]) -> list[AuthEvent]:
    """What is kept of a request, the newest first."""
    before = len(kept(house))
    ask()
    found = kept(house)
    return found[: len(found) - before]


@dataclass
class Scim:
    """A directory, and what it has made so far."""

    directory: Directory
    made: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create(self, kind: str, body: dict[str, Any]) -> Response:
        answer = self.directory.ask("POST", f"/{kind}", body)
        self.made[kind] = done(answer, 201)
        return answer

    def replace(self, kind: str, body: dict[str, Any]) -> Response:
        return self.directory.ask("PUT", f"/{kind}/{self.made[kind]['id']}", {**self.made[kind], **body})

    def change(self, kind: str, path: str, value: Any) -> Response:
        return self.directory.patch(kind, self.made[kind]["id"], {"op": "replace", "path": path, "value": value})

    def member(self) -> Response:
        inside = [{"value": self.made["Users"]["id"]}]
        return self.directory.patch(
            "Groups", self.made["Groups"]["id"], {"op": "add", "path": "members", "value": inside}
        )

    def remove(self, kind: str) -> Response:
        return self.directory.ask("DELETE", f"/{kind}/{self.made[kind]['id']}")

    def bulk(self) -> Response:
        data = {"schemas": [USER], "userName": f"{uuid4().hex}@example.com"}
        operations = [{"method": "POST", "path": "/Users", "bulkId": "one", "data": data}]
        return self.directory.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})


NAME = uuid4().hex
STEPS: list[tuple[str, str, Callable[[Scim], Response], list[str]]] = [
    (
        *("POST", "Users"),
        lambda scim: scim.create("Users", {"schemas": [USER], "userName": f"{uuid4().hex}@example.com"}),
        ["user_created"],
    ),
    ("PUT", "Users", lambda scim: scim.replace("Users", {"displayName": "Eva"}), ["user_changed"]),
    ("PATCH", "Users", lambda scim: scim.change("Users", "active", False), ["user_changed"]),
    (
        *("POST", "Groups"),
        lambda scim: scim.create("Groups", {"schemas": [GROUP], "displayName": NAME}),
        ["group_created"],
    ),
    ("PUT", "Groups", lambda scim: scim.replace("Groups", {"externalId": "7"}), ["group_changed"]),
    ("PATCH", "Groups", lambda scim: scim.member(), ["group_changed", "roles_changed"]),
    ("DELETE", "Groups", lambda scim: scim.remove("Groups"), ["group_deleted", "roles_changed"]),
    ("DELETE", "Users", lambda scim: scim.remove("Users"), ["email_changed", "user_deprovisioned"]),
    ("POST", "Bulk", lambda scim: scim.bulk(), ["user_created"]),
]


def test_every_change_by_a_directory_is_an_event_with_its_token(house: House) -> None:
    token = service_token(house)
    scim = Scim(Directory(house, token))
    map_group(house, NAME, "clerk")
    # given all that the directory is offered
    kinds = {each["endpoint"].strip("/") for each in done(scim.directory.ask("GET", "/ResourceTypes"))["Resources"]}
    offered = done(scim.directory.ask("GET", "/ServiceProviderConfig"))
    assert offered["patch"]["supported"]
    assert offered["bulk"]["supported"]
    walked = {(method, kind) for method, kind, _, _ in STEPS}
    changes = {(method, kind) for kind in kinds for method in ("POST", "PUT", "PATCH", "DELETE")}
    assert walked == changes | {("POST", "Bulk")}
    # when it does all of that, then each is an event that says which token has done it
    with house.database.read() as connection:
        token_id = connection.scalar(select(TOKEN.c.id).where(TOKEN.c.token_hash == tokens.digest(token)))
    for method, kind, step, expected in STEPS:
        found = new_events(house, lambda step=step: done_any(step(scim)))
        assert sorted(each.event for each in found) == expected, (method, kind)
        assert {each.user_id for each in found} == {token_id}, (method, kind)
        assert all(each.subject for each in found), (method, kind)
    map_group(house, NAME)  # for whoever comes after it in the same house


def done_any(answer: Response) -> None:
    assert answer.status_code < 300, answer.text
    assert all(each["status"] == "201" for each in answer.json().get("Operations", ())) if answer.content else True


def test_what_only_looks_is_none(house: House) -> None:
    directory = Directory(house, service_token(house))
    user = directory.user(f"{uuid4().hex}@example.com")
    looks = ["/Users", f"/Users/{user['id']}", "/Groups", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig"]

    def look() -> None:
        for path in looks:
            done(directory.ask("GET", path))
        for path in ("/.search", "/Users/.search"):
            done(directory.ask("POST", path, {"schemas": [SEARCH], "count": 1}))

    assert new_events(house, look) == []


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def firm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(request, tmp_path_factory.mktemp("events")) as made:
        yield made


PROVIDER = "/auth/oidc/{name}"
LOGOUT = f"{PROVIDER}/backchannel-logout"
BACK = f"{PROVIDER}/signed-out"
OF_PROVIDERS: list[tuple[str, Callable[[Company], Any], list[str]]] = [
    ("/auth/providers", lambda firm: firm.house.http.get("/auth/providers"), []),
    (PROVIDER, lambda firm: firm.house.http.get("/auth/oidc/company", follow_redirects=False), []),
    (f"{PROVIDER}/callback", lambda firm: firm.come_back("ada"), ["sign_in"]),
    (f"{PROVIDER}/callback", lambda firm: firm.come_back("eve"), ["sign_in_failed"]),
    (f"{PROVIDER}/callback", lambda firm: firm.come_back("ada", iss="https://evil.example"), ["sign_in_failed"]),
    ("/auth/oidc/logout", lambda firm: signs_out(firm), ["sign_out"]),
    (BACK, lambda firm: firm.house.http.get("/auth/oidc/company/signed-out", follow_redirects=False), []),
    (f"{PROVIDER}/callback", lambda firm: firm.come_back("ada"), ["sign_in"]),
    (LOGOUT, lambda firm: told(firm, logout_token(sub="ada")), ["sign_out"]),
    (LOGOUT, lambda firm: told(firm, "no token"), ["provider_logout_refused"]),
]
"""Route, what is asked of it, and the events of that: an address to sign in at tells nothing, and is none."""

TOLD_ELSEWHERE = {"/auth/forgot", "/auth/passkey", "/auth/passkey/options"}
"""tests/auth/test_mail.py and tests/auth/test_passkeys.py have their events."""


def signs_out(firm: Company) -> Response:
    """As a form of our own page does; the cookie is the client's."""
    return firm.house.http.post("/auth/oidc/logout", headers={"Origin": "http://testserver"}, follow_redirects=False)


def told(firm: Company, token: str) -> Response:
    return firm.house.http.post("/auth/oidc/company/backchannel-logout", data={"logout_token": token})


def test_every_route_of_providers_is_an_event(firm: Company) -> None:
    app: Any = firm.house.http.app
    routes = {
        each.path for each in app.app.app._app.routes if isinstance(each, Route) and each.path.startswith("/auth")
    }
    signing_in = {each.path for each in AuthEndpoints(firm.house.platform.settings).routes()}
    assert routes - signing_in - TOLD_ELSEWHERE == {path for path, _, _ in OF_PROVIDERS}
    person = firm.linked("ada")
    for path, ask, expected in OF_PROVIDERS:
        found = new_events(firm.house, lambda ask=ask: ask(firm))
        assert [each.event for each in found] == expected, path
        assert all(each.address for each in found), path
        if path.startswith(PROVIDER):
            assert all(each.details["provider"] == "company" for each in found), path
        assert {each.subject for each in found} <= {person.id, "eve", None}, path


def test_what_a_stranger_makes_of_a_providers_answers_does_not_fill_the_log(firm: Company) -> None:
    found = new_events(firm.house, lambda: [firm.come_back("ada", iss="https://evil.example") for _ in range(24)])
    assert {(each.event, each.details["reason"]) for each in found} == {
        ("sign_in_failed", "The provider's ID token is not valid.")
    }
    assert 15 < len(found) < 23
