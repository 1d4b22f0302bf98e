"""A small world to ask questions of: model, policies, records, and :class:`World`, which asks as a role.

Persons own firms; firms have parent firms and deals; visits are regarding a firm or a deal; a wide entity has more
fields than the JSON functions of either database take pairs.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from sqlalchemy import insert

from xrm_core.graphql.demands import Limits
from xrm_core.graphql.engine import Engine, Request
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PolicySet
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.records.stored import to_columns
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.mask_hash import blocks
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.pq_reader import PostgresReader
from xrm_core.storage.readers import Reader
from xrm_core.storage.sqlite_reader import SqliteReader
from xrm_core.storage.system import MASK_KEY, METADATA, SHARE
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE
from xrm_core.storage.typos_postgresql import create_typos

T = TypeVar("T")
Rows = Mapping[str, list[dict[str, Any]]]
"""Entity → its records, as the write door takes them."""


def relation(to: str | list[str], inverse: str) -> dict[str, Any]:
    return {"x-relation": {"to": to, "inverse": inverse, "on_delete": "set_null"}}


def many(to: str, inverse: str, **attributes: Any) -> dict[str, Any]:
    return {"x-relation": {"to": to, "many": True, "inverse": inverse, "attributes": attributes}}


def enum(*values: str) -> dict[str, Any]:
    labels = {value: {"de": value.title(), "en": value.title()} for value in values}
    return {"type": "string", "enum": list(values), "x-enum-labels": labels}


TEXT = {"type": "string", "maxLength": 200}
ENTITIES: dict[str, dict[str, Any]] = {
    "person": {"name": TEXT, "born_on": {"type": "string", "format": "date"}, "badge": {"type": "integer"}},
    "firm": {
        "name": TEXT,
        "kind": enum("lead", "active", "lost"),
        "revenue": {"type": "number", "x-type": "decimal", "x-precision": 14, "x-scale": 2},
        "employees": {"type": "integer"},
        "active": {"type": "boolean"},
        "founded_on": {"type": "string", "format": "date"},
        "seen_at": {"type": "string", "format": "date-time"},
        "code": {"type": "string", "format": "uuid"},
        "note": {"type": "string", "x-type": "long_text"},
        "units": {"type": "integer", "x-type": "big_integer"},
        "opens": {"type": "string", "x-type": "time"},
        "answers_in": {"type": "string", "format": "duration"},
        "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["vip", "eu", "late"]}, "x-index": True},
        "extra": {"type": "object", "x-type": "json"},
        "parent": relation("firm", "children"),
        "owner": relation("person", "firms"),
        "advisors": many("person", "advises", since={"type": "string", "format": "date"}, share={"type": "integer"}),
        "allies": many("firm", "allied_with"),
    },
    "deal": {
        "title": TEXT,
        "stage": enum("open", "won", "gone"),
        "amount": {"type": "number", "x-type": "decimal", "x-precision": 18, "x-scale": 4},
        "closes_on": {"type": "string", "format": "date"},
        "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "USD"], "x-precision": 12},
        "fee": {"type": "object", "x-type": "money", "x-scale": 0},
        "firm": relation("firm", "deals"),
        "seller": relation("person", "deals"),
    },
    "visit": {"subject": TEXT, "minutes": {"type": "integer"}, "regarding": relation(["firm", "deal"], "visits")},
    "secret": {"word": TEXT, "holder": relation("person", "secrets"), "firm": relation("firm", "secrets")},
    "wide": {f"w{number:02}": {"type": "integer"} for number in range(70)},
}
REQUIRED = {"person": ["name"], "firm": ["name"], "deal": ["title"], "visit": ["subject"], "secret": ["word"]}


def load_model(entities: Mapping[str, dict[str, Any]] = ENTITIES) -> Model:
    """The model of these entities, through the loader."""
    texts = []
    for name, properties in entities.items():
        labels = {"de": name.title(), "en": name.title()}
        body = {"x-entity": name, "title": name.title(), "x-labels": labels, "x-plural": f"{name}s"}
        body |= {"x-display": next(iter(properties)), "type": "object", "required": REQUIRED.get(name, [])}
        body |= {"x-plural-labels": {"de": f"{name.title()}s", "en": f"{name.title()}s"}}
        fields = {key: {**value, "x-labels": {"de": key, "en": key}} for key, value in properties.items()}
        texts.append((f"{name}.json", json.dumps({**body, "properties": fields}), "core"))
    return load_texts(texts)


def policies(model: Model, rows: Iterable[str], rules: Mapping[str, Any], roles: Iterable[str] = ()) -> PolicySet:
    """Policies out of CSV rows, through the loader; roles are those that the rows name, and ``roles``."""
    rows = list(rows)
    named = dict.fromkeys((*roles, *(row.partition(",")[0] for row in rows)))
    body = {"roles": {name: {"labels": {"en": name}, "description": name} for name in named}, "rules": dict(rules)}
    return load_policies(model, json.dumps(body), "\n".join(("role,entity,action,fields,rule,effect", *rows)))


def load_policies(model: Model, roles: str | bytes, rows: str | bytes) -> PolicySet:
    """Policies out of the texts of both files."""
    with TemporaryDirectory() as folder:
        for name, text in (("roles.json", roles), ("policies.csv", rows)):
            Path(folder, name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return policy.load([Path(folder)], model)


KEY = b"the key of masks that are a hash"
NOW = "2026-01-02T03:04:05+00:00"


ACCOUNT_CHANGES = (
    *("changePassword", "enrolTotp", "confirmTotp", "renewRecoveryCodes", "disableTotp"),
    *("enrolPasskey", "confirmPasskey", "renamePasskey", "removePasskey", "endSession"),
    *("createToken", "revokeToken", "cancelBackgroundJob", "retryBackgroundJob"),
)
"""Mutations that everybody has, whatever their roles allow: those of the own account, and of jobs done for oneself."""


def uid(number: int) -> str:
    """The id of a record, by number."""
    return f"00000000-0000-7000-8000-{number:012d}"


SYSTEM = {"created_at": NOW, "updated_at": NOW, "created_by": uid(1), "updated_by": None, "version": 1}


class World:
    """One database with records, and an engine that answers roles. ``close`` it.

    ``team`` and ``teams`` are those of whoever asks.

    Args:
        model: what records look like.
        rights: who may do what.
        url: an empty database.
        rows: its records; ``id`` is a number for :func:`uid`.
    """

    def __init__(
        self,
        model: Model,
        rights: PolicySet,
        url: str,
        rows: Rows,
        pages: Limits | None = None,
        timeout: float = 20,
        documents: DocumentLimits | None = None,
    ) -> None:
        self.model = model
        self.team: str | None = None
        self.teams: tuple[str, ...] = ()
        self.tables = Tables(model)
        self.database = Database(url)
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.reader: Reader = (
            SqliteReader(self.database, timeout) if self.database.is_sqlite else PostgresReader(self.database, timeout)
        )
        self.records = Records(model, self.tables, Plugins([]))
        limits = documents or DocumentLimits()
        self.engine = Engine(self.records, self.database, self.reader, pages or Limits(cost=10**12), limits, timeout)
        self.change_rights(rights)
        with self.database.begin() as connection:
            self.tables.metadata.create_all(connection)
            SHARE.create(connection, checkfirst=True)
            MASK_KEY.create(connection, checkfirst=True)
            METADATA.create_all(connection, [CHANGE, FILE, MERGE, TRASH, TRASH_FILE])
            connection.execute(MASK_KEY.delete())  # of a database that has a key already
            connection.execute(insert(MASK_KEY).values(blocks(KEY)))
            if not self.database.is_sqlite:
                create_typos(connection)
        self.fill(rows)

    def change_rights(self, rights: PolicySet) -> None:
        """Other policies from now on."""
        self.authority = Authority(self.model, rights)

    def fill(self, rows: Rows, shares: Iterable[Mapping[str, Any]] = ()) -> None:
        """These records, shared so, in place of all others."""
        with self.database.begin() as connection:
            connection.execute(SHARE.delete())
            if shares:
                connection.execute(insert(SHARE), [{**each, "shared_at": NOW} for each in shares])
            for entity in rows:  # every link that could hold a row back is emptied by the database
                connection.execute(self.tables[entity].delete())
            for entity, records in rows.items():
                kind = self.model[entity]
                empty = dict.fromkeys(kind.fields)
                columns = [to_columns(kind, {**empty, **SYSTEM, **record}) for record in records]
                if columns:
                    connection.execute(insert(self.tables[entity]), columns)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop to which the reader belongs."""
        return self._runner.run(work)

    def user(self, roles: str | Iterable[str], user: int = 1) -> User:
        """Someone with these roles."""
        names = roles.split() if isinstance(roles, str) else roles
        return User(uid(user), self.authority.access(frozenset(names)), self.team, teams=self.teams)

    def body(self, roles: str, query: str, variables: Mapping[str, Any] | None = None, user: int = 1) -> bytes:
        """The answer as it goes out."""
        answer = self.run(self.engine.execute(Request(query, variables or {}), self.user(roles, user)))
        return answer.body

    def ask(self, roles: str, query: str, variables: Mapping[str, Any] | None = None, user: int = 1) -> Any:
        """The answer's data; fails if it has errors."""
        answer = json.loads(self.body(roles, query, variables, user))
        assert "errors" not in answer, f"{query}\n{answer['errors']}"
        return answer["data"]

    def errors(self, roles: str, query: str, variables: Mapping[str, Any] | None = None, user: int = 1) -> Any:
        """The answer's errors; fails if it has none."""
        answer = json.loads(self.body(roles, query, variables, user))
        assert "errors" in answer, f"{query}\n{answer}"
        return answer["errors"]

    def code(self, roles: str, query: str, variables: Mapping[str, Any] | None = None, user: int = 1) -> str:
        """The code of the answer's first error."""
        return str(self.errors(roles, query, variables, user)[0]["extensions"]["code"])

    def close(self) -> None:
        """Give everything back."""
        self.engine.close()
        self.run(self.reader.close())
        self._runner.close()
        self.database.close()
