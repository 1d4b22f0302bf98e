"""A house with people: a server whose users have e-mail addresses and passwords, and a client of it."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from xrm_core.auth import stored_passwords, tokens
from xrm_core.auth.events import recorded
from xrm_core.auth.passwords import Passwords
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform, assemble_applied, read_model
from xrm_core.server.policy_changes import policies_along
from xrm_core.settings import load_settings
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.system import OF_USERS

TEXT = {"type": "string"}
FILES: dict[str, dict[str, Any]] = {
    "user": {"email": {**TEXT, "format": "email", "x-unique": True}, "active": {"type": "boolean"}},
    "note": {"text": TEXT},
}
WORDS: dict[str, dict[str, Any]] = {}
"""More words of entity files."""
ROLES = {"roles": {"clerk": {"labels": {"en": "Clerk"}}, "guest": {"labels": {"en": "Guest"}}}}
POLICIES = "role,entity,action,fields,rule,effect\nclerk,*,*,*,,allow\nguest,note,read,text,,allow\n"
PASSWORD = "correct horse battery"
PROXY = "10.9.9.9"
ORIGIN = "https://crm.example.com"
_numbers = itertools.count(1)


@dataclass
class Person:
    """A user of the house."""

    id: str
    email: str


@dataclass
class House:
    """A running server, its database and a client of it."""

    http: TestClient
    platform: Platform

    @property
    def database(self) -> Database:
        """What is served."""
        return self.platform.database

    def person(self, password: str | None = PASSWORD, role: str = "clerk") -> Person:
        """A new user."""
        email = f"person{next(_numbers)}@example.com"
        with self.database.begin() as connection:
            caller = system(self.platform.model, "test")
            id_ = self.platform.records.create(connection, caller, "user", {"email": email, "active": True})
            tokens.set_roles(connection, id_, [role])
        made = Person(id_, email)
        if password is not None:
            self.set_password(made, password)
        return made

    def set_password(self, person: Person, password: str) -> None:
        """Give a user a password, as the command line does."""
        with self.database.begin() as connection:
            stored_passwords.set_password(connection, person.id, Passwords(8, 1).hash(password))

    def token(self, person: Person) -> str:
        """An API token of a user."""
        with self.database.begin() as connection:
            return tokens.create_token(connection, person.id, "test")

    def post(self, path: str, body: Any = None, address: str | None = None, **headers: str) -> Response:
        """POST JSON, from an address that nobody else has if none is given."""
        number = next(_numbers)
        given = {"X-Forwarded-For": address or f"172.16.{number // 250}.{number % 250}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, json=body, headers=given)

    def login(self, email: str, password: str = PASSWORD, address: str | None = None, **more: Any) -> Response:
        """Try to sign in."""
        return self.post("/auth/login", {"email": email, "password": password, **more}, address)

    def signed_in(self, person: Person) -> dict[str, str]:
        """Headers of a new session without cookies."""
        answer = self.login(person.email, **{"as": "token"})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def ask(self, query: str = "{ notes { totalCount } }", **headers: str) -> Response:
        """Ask GraphQL."""
        return self.post("/graphql", {"query": query}, **headers)

    def update_user(self, person: Person, changes: dict[str, Any]) -> None:
        """Change the record of a user."""
        with self.database.begin() as connection:
            caller = system(self.platform.model, "test")
            self.platform.records.update(connection, caller, "user", person.id, changes)

    def delete_user(self, person: Person) -> None:
        """Delete the record of a user."""
        with self.database.begin() as connection:
            self.platform.records.delete(connection, system(self.platform.model, "test"), "user", person.id)

    def events(self, *about: str) -> list[str]:
        """What was recorded about somebody, the newest first."""
        with self.database.read() as connection:
            return [each.event for each in recorded(connection, users=(str(UUID(int=0)), *about))]

    def rows_of(self, person: Person) -> dict[str, int]:
        """How many rows each system table has of a user."""
        with self.database.read() as connection:
            return {
                table.name: len(connection.execute(select(table).where(table.c.user_id == person.id)).all())
                for table in OF_USERS
            }


def code(answer: Response) -> str:
    """The code of the one error of an answer."""
    [error] = answer.json()["errors"]
    return str(error["extensions"]["code"])


@contextmanager
def opened(url: str, folder: Path, **settings: Any) -> Iterator[House]:
    """The house on an empty database. Behind the client there is a proxy that says where it is."""
    platform = built(url, folder, **settings)
    with TestClient(create_app(platform), client=(PROXY, 1)) as http:
        yield House(http, platform)


def built(url: str, folder: Path, **settings: Any) -> Platform:
    """The house before anybody serves it."""
    pack = folder / "pack"
    (pack / "permissions").mkdir(parents=True)
    for name, properties in FILES.items():
        file = {"x-entity": name, "type": "object", "properties": properties, **WORDS.get(name, {})}
        (pack / f"{name}.json").write_text(json.dumps(file))
    (pack / "permissions" / "roles.json").write_text(json.dumps(ROLES))
    (pack / "permissions" / "policies.csv").write_text(POLICIES)
    chosen = load_settings(
        **{
            "database_url": url,
            "schemas": pack,
            "data_dir": folder / "data",
            "password_memory": 8,
            "password_passes": 1,
            "trusted_proxies": PROXY,
            "passkey_origins": ORIGIN,
            "secret_key": "a key of the tests 0123456789 abcdef",
            **settings,
        }
    )
    database = Database(url)
    model = read_model(chosen, Plugins())
    apply(database, model, along=policies_along(chosen, database, model))
    database.close()
    return assemble_applied(chosen)
