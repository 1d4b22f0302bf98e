"""Many records go another way into the database than one, and are the same there."""

import json
from typing import Any

import pytest
from sqlalchemy import Connection, select

from tests.records.kit import World
from xrm_core.changes.reading import logged
from xrm_core.errors import ValidationFailed
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.records.stored import from_row
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.rows import MANY
from xrm_core.storage.tables import Tables

TEXT = {"type": "string"}
THING: dict[str, Any] = {
    "text": TEXT,
    "long": {"type": "string", "x-type": "long_text"},
    "flag": {"type": "boolean"},
    "number": {"type": "integer"},
    "big": {"type": "integer", "x-type": "big_integer"},
    "amount": {"type": "number", "x-type": "decimal", "x-precision": 12, "x-scale": 3},
    "day": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "opens": {"type": "string", "x-type": "time"},
    "lasts": {"type": "string", "format": "duration"},
    "key": {"type": "string", "format": "uuid"},
    "kind": {"type": "string", "enum": ["a", "b"]},
    "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["b", "a", "c"]}},
    "extra": {"type": "object", "x-type": "json"},
    "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "JPY"]},
    "one": {"x-relation": {"to": "thing", "inverse": "others", "on_delete": "set_null"}},
    "about": {"x-relation": {"to": ["thing", "user"], "inverse": "mentions", "on_delete": "set_null"}},
}
ID = "0190d4c8-8800-7064-ab95-63290f404a6b"
FULL: dict[str, Any] = {
    "text": "a\tb\\N \\. \"ü\" 😀, 'x'",
    "long": "one\nline\r\nand\\another\n\\.\n",
    "flag": False,
    "number": -5,
    "big": -9223372036854775808,
    "amount": "-12.5",
    "day": "0001-02-03",
    "moment": "2026-11-26T10:00:00.120+02:00",
    "opens": "08:30:00.5",
    "lasts": "P1W",
    "key": "0190D4C8-8800-7064-AB95-63290F404A6C",
    "kind": "b",
    "tags": ["c", "b"],
    "extra": {"b": [1, 1e20, None, {"ä": '"\\\t'}], "a": ""},
    "price": {"amount": "0.01", "currency": "JPY"},
    "one": ID,
    "about": {"user": ID},
}
EMPTY: dict[str, Any] = {"text": "", "tags": [], "extra": {}}


@pytest.fixture
def things(database: Database) -> Records:
    user = {"x-entity": "user", "type": "object", "properties": {"name": TEXT}}
    thing = {"x-entity": "thing", "type": "object", "properties": THING}
    model = load_texts([(f"{each['x-entity']}.json", json.dumps(each), "core") for each in (user, thing)])
    apply(database, model)
    return Records(model, Tables(model), Plugins())


def stored(records: Records, connection: Connection, ids: list[str]) -> list[dict[str, Any]]:
    table, kind = records.tables["thing"], records.model["thing"]
    found = {str(row["id"]): from_row(kind, dict(row)) for row in connection.execute(select(table)).mappings()}
    return [{name: found[id_][name] for name in THING} for id_ in ids]


def test_all_types_are_stored_as_if_each_record_were_alone(database: Database, things: Records) -> None:
    caller = system(things.model, "test", sets_system_fields=True)
    with database.begin() as connection:
        things.create(connection, caller, "user", {"id": ID})
        things.create(connection, caller, "thing", {"id": ID})
        alone = [things.create(connection, caller, "thing", each) for each in (FULL, EMPTY, {})]
        many = things.create_many(connection, caller, "thing", [FULL, EMPTY, {}] * MANY)
        expected = stored(things, connection, alone)
        assert expected[0]["price"]["currency"] == "JPY"
        assert expected[0]["text"] == FULL["text"]
        assert stored(things, connection, many) == expected * MANY
        entries = {each.record_id: each.fields for each in logged(connection, entity="thing", limit=1000)}
        assert [entries[id_] for id_ in many] == [entries[id_] for id_ in alone] * MANY


def test_what_the_database_refuses_is_said_in_the_same_words(world: World) -> None:
    rows = [{"name": "A", "number": "1"}, {"name": "B", "number": "1"}]
    others = [{"name": f"n{number}"} for number in range(MANY)]
    said = []
    for some in (rows, [*others, *rows]):
        before = world.state()
        with pytest.raises(ValidationFailed) as refused, world.database.begin() as connection:
            world.records.create_many(connection, world.caller("admin"), "customer", some)
        said.append(refused.value.problems)
        assert world.state() == before
    assert said[0] == said[1]
