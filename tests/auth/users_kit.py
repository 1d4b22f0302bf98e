"""A house with roles that may administer users, more or less, and people who are signed in there."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import update

from tests.auth import kit
from tests.auth.kit import House, Person, opened
from tests.postgres import PostgresServer
from xrm_core.auth import authenticator, people, tokens

NEW = "another good password"
ROLES = {
    name: {"labels": {"en": name.title()}, **more}
    for name, more in {
        "clerk": {},
        "guest": {},
        "helpdesk": {},
        "reader": {},
        "short": {},
        "generous": {"limits": {"cost": 10_000_000}},
    }.items()
}
POLICIES = """role,entity,action,fields,rule,effect
clerk,*,*,*,,allow
guest,note,read,text,,allow
helpdesk,xrm_users,*,*,,allow
helpdesk,note,read,*,,allow
reader,xrm_users,read,*,,allow
short,note,read,text,,deny
"""
USERS = {
    **kit.FILES["user"],
    "first_name": kit.TEXT,
    "last_name": kit.TEXT,
    "language": kit.TEXT,
}
numbers = count(1)


@contextmanager
def opened_with(url: str, folder: Path, **settings: Any) -> Iterator[House]:
    """The house on an empty database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)
        patch.setitem(kit.FILES, "user", USERS)
        patch.setattr(kit, "ROLES", {"roles": ROLES})
        patch.setattr(kit, "POLICIES", POLICIES)
        with opened(url, folder, **settings) as house:
            yield house


def served(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house on the database that the fixture's parameter names."""
    folder = factory.mktemp("users")
    if request.param == "sqlite":
        with opened_with(f"sqlite:///{folder / 'house.db'}", folder) as house:
            yield house
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url, opened_with(url, folder) as house:
            yield house


class Admin:
    """Somebody who is signed in and asks GraphQL."""

    def __init__(self, house: House, *roles: str) -> None:
        self.house = house
        self.person = house.person(role=roles[0] if roles else "clerk")
        if len(roles) > 1:
            set_roles(house, self.person, *roles)
        self.headers = house.signed_in(self.person)

    def answer(self, text: str, **variables: Any) -> Any:
        """The whole answer."""
        body = {"query": text, "variables": variables}
        return self.house.post("/graphql", body, "198.51.100.9", **self.headers).json()

    def __call__(self, text: str, **variables: Any) -> Any:
        """The value of the one root field."""
        answer = self.answer(text, **variables)
        assert "errors" not in answer, answer
        [value] = answer["data"].values()
        return value

    def refused(self, text: str, **variables: Any) -> str:
        """The code of the error."""
        [error] = self.answer(text, **variables)["errors"]
        return str(error["extensions"]["code"])


OF_TOKENS = "apiTokens { id label createdAt expiresAt lastUsedAt lastUsedFrom } identities { issuer subject }"
ACCOUNT = f"""{{ id email roles active hasPassword hasTotp passkeys sessions tokens {OF_TOKENS}
    invitation {{ expiresAt }} }}"""
LINK = f"{{ user {ACCOUNT} mailed token }}"
INVITE = f"mutation($i: InviteUserInput!, $r: [String!]!) {{ inviteUser(input: $i, roles: $r) {LINK} }}"
UPDATE = f"mutation($id: ID!, $i: UserAccountInput!) {{ updateUserAccount(id: $id, input: $i) {ACCOUNT} }}"
SET_ROLES = f"mutation($id: ID!, $r: [String!]!) {{ setUserRoles(id: $id, roles: $r) {ACCOUNT} }}"
TOKEN_SHOWN = {"label": "test", "createdAt": ANY, "expiresAt": None, "lastUsedAt": None, "lastUsedFrom": None}
ISSUER = "https://login.example.com"
UNLINK = "mutation($id: ID!, $i: String!, $s: String!) { unlinkUserIdentity(id: $id, issuer: $i, subject: $s) }"


def on(name: str, shown: str = ACCOUNT) -> str:
    return f"mutation($id: ID!) {{ {name}(id: $id) {shown} }}"


CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "renewInvitation": (on("renewInvitation", LINK), {}),
    "withdrawInvitation": (on("withdrawInvitation", ""), {}),
    "updateUserAccount": (UPDATE, {"i": {"firstName": "Eva"}}),
    "setUserRoles": (SET_ROLES, {"r": ["guest"]}),
    "deactivateUser": (on("deactivateUser"), {}),
    "reactivateUser": (on("reactivateUser"), {}),
    "resetUserPassword": (on("resetUserPassword", LINK), {}),
    "endUserSessions": (on("endUserSessions", ""), {}),
    "removeUserSecondFactors": (on("removeUserSecondFactors"), {}),
    "revokeUserTokens": (on("revokeUserTokens", ""), {}),
    "unlinkUserIdentity": (UNLINK, {"i": ISSUER, "s": "7"}),
}
"""All mutations about a user, with what they need beside the id."""

OPENING = ("renewInvitation", "setUserRoles", "reactivateUser", "resetUserPassword", "removeUserSecondFactors")
"""Those that take a session that began a moment ago."""


def address() -> str:
    return f"user{next(numbers)}@example.com"


def set_roles(house: House, person: Person, *roles: str) -> None:
    with house.database.begin() as connection:
        tokens.set_roles(connection, person.id, roles)


def roles_of(house: House, id_: str) -> set[str]:
    with house.database.read() as connection:
        return set(people.roles_of(connection, id_))


def seen(admin: Admin, id_: str) -> Any:
    return admin(f"query($id: ID!) {{ userAccount(id: $id) {ACCOUNT} }}", id=id_)


def alone(house: House, *admins: Admin) -> None:
    """Let nobody else be active."""
    table = house.platform.records.tables["user"]
    kept = [each.person.id for each in admins]
    with house.database.begin() as connection:
        connection.execute(update(table).where(table.c.id.not_in(kept)).values(active=False))
