"""A world of duplicates for tests: customers, to which everything refers that can refer to a record."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.records.kit import World
from tests.shared_tables import tables_of
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import Caller, system
from xrm_core.permissions.fitting import put_first
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.door import Records
from xrm_core.records.merging import Moved, Wanted
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

TEXT = {"type": "string"}


def _to(target: Any, inverse: str, **more: Any) -> dict[str, Any]:
    return {"x-relation": {"to": target, "inverse": inverse, **more}}


FILES: list[dict[str, Any]] = [
    {"x-entity": "user", "properties": {"name": TEXT}},
    {
        "x-entity": "customer",
        "required": ["name"],
        "properties": {
            "name": {**TEXT, "maxLength": 20},
            "number": {**TEXT, "x-unique": True},
            "city": TEXT,
            "phone": TEXT,
            "photo": {"x-type": "file", "type": "string"},
            "owner": {**_to("user", "customers"), "default": "$user"},
            "parent": _to("customer", "children", on_delete="set_null"),
            "holding": _to("customer", "holdings", on_delete="restrict"),
            "tags": {
                "x-relation": {
                    "to": "tag",
                    "many": True,
                    "inverse": "customers",
                    "attributes": {"weight": {"type": "integer"}},
                }
            },
            "peers": _to("customer", "peers_of", many=True),
        },
    },
    {"x-entity": "tag", "properties": {"name": TEXT}},
    {
        "x-entity": "contact",
        "properties": {
            "name": TEXT,
            "owner": {**_to("user", "contacts"), "default": "$user"},
            "customer": _to("customer", "contacts", on_delete="restrict"),
            "former": _to("customer", "former_contacts", on_delete="set_null"),
        },
    },
    {
        "x-entity": "contract",
        "x-unique": [["customer", "kind"]],
        "properties": {"kind": TEXT, "customer": _to("customer", "contracts", on_delete="cascade")},
    },
    {
        "x-entity": "note",
        "properties": {"text": TEXT, "about": _to(["customer", "contact"], "notes", on_delete="cascade")},
    },
    {
        "x-relationship": "competes_with",
        "x-pairs": [{"from": "customer", "to": "customer"}],
        "x-symmetric": True,
    },
    {
        "x-relationship": "supplied_by",
        "x-pairs": [{"from": "customer", "to": "customer"}],
        "x-one-at-a-time": True,
    },
]
ROLES = {
    "roles": {
        "admin": {},
        "rep": {},
        "keeper": {},
        "viewer": {},
        "half": {},
        "sweeper": {},
        "blind": {},
        "shy": {},
        "caller": {},
    },
    "rules": {
        "own": {"owner": {"id": {"eq": "$user"}}},
        "known": {"contacts": {"some": {"owner": {"id": {"eq": "$user"}}}}},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,customer,read,*,own,allow
rep,customer,update,*,own,allow
rep,customer,delete,*,own,allow
rep,contact,*,*,own,allow
rep,tag,read,*,,allow
rep,user,read,*,,allow
keeper,customer,*,*,,allow
keeper,customer,update,*,own,deny
half,customer,read,name city owner,,allow
half,customer,update,*,,allow
half,customer,delete,*,,allow
shy,customer,read,name city owner,,allow
shy,customer,read,phone,own,allow
shy,customer,update,*,,allow
shy,customer,delete,*,,allow
caller,customer,read,*,,allow
caller,customer,update,*,,allow
caller,customer,delete,*,known,allow
caller,contact,*,*,own,allow
viewer,customer,read,*,,allow
sweeper,customer,read,*,,allow
sweeper,customer,delete,*,,allow
sweeper,customer,purge,*,own,allow
blind,customer,purge,*,,allow
"""


def built(database: Database, folder: Path, plugin: object | None = None) -> World:
    """The world on an empty database, with the users anna and ben."""
    texts = [(f"{number}.json", json.dumps({"type": "object", **file}), "core") for number, file in enumerate(FILES)]
    model = load_texts(texts)
    (folder / "roles.json").write_text(json.dumps(ROLES))
    (folder / "policies.csv").write_text(POLICIES)
    authority = Authority(model, policy.load([folder], model))
    apply(database, model, along=lambda connection, _model: put_first(connection, authority.policies))
    installed = [InstalledPlugin("test", plugin)] if plugin is not None else []
    records = Records(model, tables_of(model), Plugins(installed))
    with database.begin() as connection:
        caller = system(model, "test")
        ids = records.create_many(connection, caller, "user", [{"name": "anna"}, {"name": "ben"}])
    return World(database, model, records, authority, dict(zip(("anna", "ben"), ids, strict=True)))


def customers(world: World, *names: str, user: str = "anna", **values: Any) -> list[str]:
    """New customers of these names."""
    return [world.create("admin", "customer", {"name": name, **values}, user) for name in names]


def merged(
    world: World,
    into: str,
    *sources: str,
    role: str = "admin",
    user: str = "anna",
    take: Mapping[str, Sequence[str]] | None = None,
    values: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[Moved]:
    """Merge customers in a transaction of its own."""
    caller: Caller = world.caller(role, user)
    with world.database.begin() as connection:
        return world.records.merge(
            connection, caller, "customer", Wanted(into, sources, take or {}, values or {}, **more)
        )


def ids_of(world: World, entity: str) -> set[str]:
    """All records of an entity."""
    table = world.records.tables[entity]
    with world.database.read() as connection:
        return set(map(str, connection.scalars(select(table.c.id))))
