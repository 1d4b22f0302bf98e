"""Companies with contacts, contracts and projects: every kind of relation, unique and numbered fields, and a role that
may do things with its own companies and their contacts only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, event, select

from tests.records.kit import Pack
from tests.server.http_kit import Client, serving
from xrm_core.auth import tokens
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.system import SEQUENCE
from xrm_core.storage.trash_tables import TRASH

TEXT = {"type": "string", "minLength": 1, "maxLength": 8}
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "company": {
        "required": ["name"],
        "x-plural": "companies",
        "x-unique": [["city", "name"]],
        "properties": {
            "name": TEXT,
            "code": {"type": "string", "x-unique": True},
            "city": {"type": "string"},
            "rating": {"type": "integer", "minimum": 0, "maximum": 5},
            "number": {"type": "string", "x-sequence": {"format": "C-{0}", "gapless": True}},
            "owner": {"x-relation": {"to": "user", "inverse": "companies"}, "default": "$user"},
            "parent": {"x-relation": {"to": "company", "inverse": "children", "on_delete": "set_null"}},
        },
    },
    "contact": {
        "required": ["name", "company"],
        "properties": {
            "name": TEXT,
            "company": {"x-relation": {"to": "company", "inverse": "contacts", "on_delete": "cascade"}},
        },
    },
    "contract": {
        "required": ["company"],
        "properties": {
            "title": {"type": "string"},
            "company": {"x-relation": {"to": "company", "inverse": "contracts", "on_delete": "restrict"}},
        },
    },
    "project": {
        "properties": {
            "name": {"type": "string"},
            "members": {
                "x-relation": {
                    "to": "contact",
                    "many": True,
                    "inverse": "projects",
                    "attributes": {"role": {"type": "string", "maxLength": 8}},
                }
            },
        }
    },
}
ROLES = {
    "roles": {"admin": {}, "rep": {}},
    "rules": {
        "own": {"owner": {"id": {"eq": "$user"}}},
        "of_own": {"company": {"owner": {"id": {"eq": "$user"}}}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,user,read,*,,allow
rep,company,*,*,own,allow
rep,contact,*,*,of_own,allow
rep,contract,*,*,,allow
rep,project,*,*,,allow
"""
PACK = Pack(FILES, ROLES, POLICIES)
ENTITIES = ("company", "contact", "contract", "project", "project_member")


@dataclass
class DoorWorld:
    """A server with these records; anna is an admin, ben a rep."""

    client: Client
    tokens: dict[str, str]

    @property
    def users(self) -> dict[str, str]:
        """Name → id."""
        return dict(self.client.world.users)

    def ask(self, user: str, query: str, variables: Any = None, **headers: str) -> Any:
        """The whole answer to somebody."""
        given = {"Authorization": f"Bearer {self.tokens[user]}", **headers}
        return self.client.post({"query": query, "variables": variables or {}}, **given).json()

    def make(self, entity: str, **values: Any) -> str:
        """A record of anna's; its id."""
        return self.client.world.create("admin", entity, values)

    def rows(self, entity: str) -> list[dict[str, Any]]:
        """All records of an entity as they are stored."""
        table = self.client.records.tables[entity]
        with self.client.database.read() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def empty(self) -> None:
        """Away with all records but the users, and with all that is known of them."""
        tables = self.client.records.tables
        with self.client.database.begin() as connection:
            for each in (TRASH, MERGE, SEQUENCE, CHANGE, *(tables[name] for name in reversed(ENTITIES))):
                connection.execute(delete(each))


def find_deadlocks_soon(connection: Any, _record: Any) -> None:
    """For tests that let them come: connections look for deadlocks after 20 ms rather than a second."""
    connection.execute("SET deadlock_timeout = '20ms'")
    connection.commit()


@contextmanager
def door_world(database: Database, folder: Path) -> Iterator[DoorWorld]:
    """The world on an empty database."""
    if not database.is_sqlite:
        event.listen(database.engine, "connect", find_deadlocks_soon)
    with serving(database, folder, PACK, max_body_bytes=100_000) as client:
        with database.begin() as connection:
            tokens.set_roles(connection, client.world.users["ben"], ["rep"])
            rep = tokens.create_token(connection, client.world.users["ben"], "test")
        yield DoorWorld(client, {"anna": client.token, "ben": rep})
