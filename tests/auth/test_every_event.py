"""Whatever changes accounts or rights over HTTP is an event: every mutation of one's own account, every route."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pyotp
from starlette.routing import Route

from tests.auth.kit import PASSWORD, House
from tests.auth.users_kit import CHANGES
from xrm_core.auth.events import AuthEvent, recorded
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.server.auth_http import AuthEndpoints

NEW = "another good password"
OF_RECORDS = re.compile(
    r"(create|update|upsert|delete|restore|purge|merge|share|unshare)(Note|User)s?|(cancel|retry)BackgroundJob"
)
OF_ADMINISTRATORS = {"applyPermissions", "applySchemaChange"}  # tests/server/test_permission_changes.py has the first
OF_ADMINISTRATORS |= {f"{word}Webhook" for word in ("create", "update", "pause", "resume", "replay", "test", "delete")}
OF_ADMINISTRATORS |= {f"{word}{what}" for word in ("cancel", "retry") for what in ("WorkflowRun", "OutboxMessage")}
OF_ADMINISTRATORS |= {"rotateWebhookSecret"}  # tests/events/test_webhooks_in_graphql.py has these
ABOUT_USERS = set(CHANGES) | {"inviteUser"}
"""tests/auth/test_users.py has them."""

OF_PASSKEYS = {"enrolPasskey", "confirmPasskey", "renamePasskey", "removePasskey"}
"""They need a device: tests/auth/test_passkeys.py has the event of the second, test_passkey_registration.py that of the
last. The first lets nothing count yet, the third is only a name."""

NO_EVENT = {
    "enrolTotp": "nothing counts until confirmTotp, which is an event",
}


def kept(house: House) -> list[AuthEvent]:
    with house.database.read() as connection:
        return list(recorded(connection, limit=100_000))


def send(house: House, headers: dict[str, str], text: str, **variables: Any) -> Any:
    answer = house.post("/graphql", {"query": text, "variables": variables}, **headers).json()
    assert "errors" not in answer, answer
    return answer["data"]


Step = tuple[str, str, Callable[[dict[str, Any]], dict[str, Any]]]
STEPS: list[Step] = [
    ("enrolTotp", "mutation($password: String!) { enrolTotp(password: $password) { key } }", dict),
    (
        "confirmTotp",
        "mutation($code: String!) { confirmTotp(code: $code) }",
        lambda found: {"code": pyotp.TOTP(found["enrolTotp"]["key"]).now()},
    ),
    ("renewRecoveryCodes", "mutation($password: String!) { renewRecoveryCodes(password: $password) }", dict),
    ("disableTotp", "mutation($password: String!) { disableTotp(password: $password) }", dict),
    ("createToken", 'mutation { createToken(label: "x") { details { id } } }', dict),
    (
        "revokeToken",
        "mutation($id: ID!) { revokeToken(id: $id) }",
        lambda found: {"id": found["createToken"]["details"]["id"]},
    ),
    ("endSession", "mutation($id: ID!) { endSession(id: $id) }", lambda found: {"id": found["other session"]}),
    ("changePassword", f'mutation($password: String!) {{ changePassword(current: $password, new: "{NEW}") }}', dict),
]
EVENTS = {
    "confirmTotp": "totp_enabled",
    "renewRecoveryCodes": "totp_enabled",
    "disableTotp": "totp_disabled",
    "createToken": "token_created",
    "revokeToken": "token_revoked",
    "endSession": "session_ended",
    "changePassword": "password_changed",
}


def test_every_mutation_of_ones_own_account_is_an_event(house: House) -> None:
    person = house.person()
    house.signed_in(person)
    [other] = send(house, house.signed_in(person), "{ me { sessions { id current } } }")["me"]["sessions"][1:]
    headers = house.signed_in(person)
    offered = send(house, headers, "{ __schema { mutationType { fields { name } } } }")
    names = {field["name"] for field in offered["__schema"]["mutationType"]["fields"]}
    own = {name for name in names if not OF_RECORDS.fullmatch(name)} - OF_ADMINISTRATORS - OF_PASSKEYS - ABOUT_USERS
    assert own == {name for name, _, _ in STEPS}
    assert {name for name, _, _ in STEPS} == set(EVENTS) | set(NO_EVENT)

    found: dict[str, Any] = {"other session": other["id"]}
    for name, text, variables in STEPS:
        before = len(kept(house))
        given = {"password": PASSWORD} if "$password" in text else variables(found)
        found |= send(house, headers, text, **given)
        new = kept(house)[: len(kept(house)) - before]
        assert [each.event for each in new] == ([EVENTS[name]] if name in EVENTS else []), name
        assert {each.user_id for each in new} <= {person.id}
        assert all(each.address for each in new)


def test_every_route_of_signing_in_is_an_event(house: House) -> None:
    routes = {route.path for route in AuthEndpoints(house.platform.settings).routes() if isinstance(route, Route)}
    person = house.person()
    with house.database.begin() as connection:
        link = create_link(connection, person.id, Purpose.RESET, dt.timedelta(hours=1))
    login: dict[str, Any] = {"email": person.email, "password": NEW}
    wrong = {**login, "password": "wrong"}
    steps: list[tuple[str, Any, int, str]] = [
        ("/auth/password", {"token": link, "password": NEW}, 200, "password_changed"),
        ("/auth/login", wrong, 401, "sign_in_failed"),
        ("/auth/login", login, 200, "sign_in"),
        ("/auth/logout", None, 200, "sign_out"),
        ("/auth/login", login, 200, "sign_in"),
        ("/auth/logout-everywhere", None, 200, "sign_out"),
    ]
    assert {path for path, _, _, _ in steps} == routes  # tests/auth/test_mail.py has /auth/forgot
    for path, body, status, event in steps:
        before = len(kept(house))
        answer = house.post(path, body, X_XRM_CSRF="1")
        assert answer.status_code == status, (path, answer.text)
        assert [each.event for each in kept(house)[: len(kept(house)) - before]] == [event], path


def test_who_views_as_another_is_kept_with_both(house: House) -> None:
    from xrm_core.auth import tokens

    viewer, whom = house.person(), house.person(role="guest")
    with house.database.begin() as connection:
        tokens.set_roles(connection, viewer.id, ["clerk"])
    answer = house.ask("{ me { id } }", **house.signed_in(viewer), X_View_As=whom.id)
    [event] = [each for each in kept(house)[:1] if each.event.startswith("view_as")]
    assert (event.user_id, event.subject) == (viewer.id, whom.id), answer.text
