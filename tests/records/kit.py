"""A small world for tests of writes: users, customers with owners, notes about both; four roles."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from uuid_utils import uuid7

from tests.records.prepared_worlds import prepared
from tests.shared_tables import tables_of
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User, system
from xrm_core.permissions.fitting import put_first
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.door import Records
from xrm_core.records.stored import from_row
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": _text(), "active": {"type": "boolean"}}},
    "customer": {
        "required": ["name"],
        "x-unique": [["city", "name"]],
        "properties": {
            "name": _text(maxLength=20),
            "number": _text(**{"x-unique": True}),
            "city": _text(),
            "email": _text(format="email"),
            "status": _text(enum=["lead", "active"], default="lead"),
            "revenue": {"type": "number", "x-type": "decimal", "x-precision": 10, "x-scale": 2, "minimum": 0},
            "since": _text(format="date"),
            "owner": {"x-relation": {"to": "user", "inverse": "customers"}, "default": "$user"},
            "parent": {"x-relation": {"to": "customer", "inverse": "children", "on_delete": "set_null"}},
        },
    },
    "note": {
        "required": ["text"],
        "properties": {
            "text": _text(),
            "customer": {"x-relation": {"to": "customer", "inverse": "notes", "on_delete": "cascade"}},
            "about": {"x-relation": {"to": ["customer", "user"], "inverse": "mentions", "on_delete": "set_null"}},
        },
    },
}
ROLES = {
    "roles": {"admin": {}, "rep": {}, "viewer": {}, "giver": {}, "clerk": {}, "nobody": {}, "keeper": {}, "feeder": {}},
    "rules": {
        "own": {"owner": {"id": {"eq": "$user"}}},
        "lead": {"status": {"eq": "lead"}},
        "me": {"id": {"eq": "$user"}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,user,read,name,,allow
rep,customer,read,*,own,allow
rep,customer,create,name number city email status owner parent,own,allow
rep,customer,update,name number city email status owner parent,own,allow
rep,customer,update,status,,deny
rep,customer,delete,*,own,allow
rep,note,*,*,,allow
viewer,customer,read,*,,allow
giver,user,read,*,,allow
giver,customer,*,*,,allow
giver,customer,update,revenue,lead,deny
clerk,customer,read,id city,,allow
clerk,customer,update,city,,allow
clerk,customer,create,city,,allow
feeder,customer,read,*,,allow
feeder,customer,create,*,,allow
feeder,customer,update,city,,allow
keeper,customer,read,name city owner,,allow
keeper,customer,read,revenue status,lead,allow
keeper,customer,read,email,,initial
keeper,customer,history,name city owner revenue email number,own,allow
keeper,user,read,name,me,allow
"""


@dataclass
class World:
    """One database with the model applied, its door, and callers by role."""

    database: Database
    model: Model
    records: Records
    authority: Authority
    users: Mapping[str, str]

    def caller(self, role: str, user: str = "anna") -> User:
        """A user acting with one role."""
        return User(self.users[user], self.authority.access(frozenset([role])))

    def create(self, role: str, entity: str, values: Mapping[str, Any], user: str = "anna") -> str:
        """Create in a transaction of its own."""
        with self.database.begin() as connection:
            return self.records.create(connection, self.caller(role, user), entity, values)

    def update(
        self,
        role: str,
        entity: str,
        id_: str,
        changes: Mapping[str, Any],
        version: int | None = None,
        user: str = "anna",
    ) -> None:
        """Update in a transaction of its own."""
        with self.database.begin() as connection:
            self.records.update(connection, self.caller(role, user), entity, id_, changes, version)

    def delete(self, role: str, entity: str, id_: str, version: int | None = None, user: str = "anna") -> None:
        """Delete in a transaction of its own."""
        with self.database.begin() as connection:
            self.records.delete(connection, self.caller(role, user), entity, id_, version)

    def stored(self, entity: str, id_: str) -> dict[str, Any] | None:
        """The record as it is in the database."""
        table = self.records.tables[entity]
        with self.database.read() as connection:
            row = connection.execute(select(table).where(table.c.id == id_)).mappings().first()
        return None if row is None else from_row(self.model[entity], dict(row))

    def state(self) -> str:
        """A digest of everything in all tables: equal before and after something that was refused."""
        content = []
        with self.database.read() as connection:
            for entity in self.model:
                table = self.records.tables[entity.name]
                content.append([list(map(str, row)) for row in connection.execute(select(table).order_by(table.c.id))])
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Pack:
    """Entity files and permissions of a world; ``user`` must be among the entities."""

    files: Mapping[str, Mapping[str, Any]]
    roles: Mapping[str, Any]
    policies: str


CUSTOMERS = Pack(FILES, ROLES, POLICIES)


def build(database: Database, folder: Path, plugin: object | None = None, pack: Pack = CUSTOMERS) -> World:
    """The world on an empty database, with the users anna and ben."""
    texts = [
        (f"{name}.json", json.dumps({"x-entity": name, "type": "object", **body}), "core")
        for name, body in pack.files.items()
    ]
    model = load_texts(texts)
    (folder / "roles.json").write_text(json.dumps(pack.roles))
    (folder / "policies.csv").write_text(pack.policies)
    authority = Authority(model, policy.load([folder], model))
    installed = [InstalledPlugin("test", plugin)] if plugin is not None else []
    records = Records(model, tables_of(model), Plugins(installed))

    def make(fresh: Database) -> dict[str, str]:
        apply(fresh, model, along=lambda connection, _model: put_first(connection, authority.policies))
        users = {name: str(uuid7()) for name in ("anna", "ben")}
        # The plugin of a test has no say in the users, so that its world is at hand like any other.
        without_plugin = Records(model, records.tables, Plugins())
        with fresh.begin() as connection:
            caller = system(model, "test", sets_system_fields=True)
            rows = [{"id": id_, "name": name} for name, id_ in users.items()]
            without_plugin.create_many(connection, caller, "user", rows)
        return users

    users = prepared(database, json.dumps([pack.files, pack.roles, pack.policies]), make)
    return World(database, model, records, authority, users or make(database))
