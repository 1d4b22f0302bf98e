"""Sealed fields that are no texts: written and checked as what they are, stored as a ciphertext, opened as both."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.records.kit import Pack, World, build
from tests.records.test_field_types import ALL, read
from tests.sealed.world import SECRET
from xrm_core.errors import FieldSealed, ValidationFailed
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.records import looking, sealing
from xrm_core.records.formats import Formats
from xrm_core.records.validation import Validator
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database

ROLES: dict[str, Any] = {"roles": {"admin": {}, "dsb": {}, "clerk": {}}}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
dsb,contact,read,*,,allow
dsb,xrm_sealed,read,*,,allow
clerk,contact,read,*,,allow
clerk,contact,create,*,,allow
clerk,contact,update,*,,allow
"""
FOUND = {"blind": {"bits": 8}}
TYPES: dict[str, dict[str, Any]] = {
    "count": {"type": "integer", "minimum": 1, "x-sealed": FOUND},
    "big": {"type": "integer", "x-type": "big_integer"},
    "rate": {"type": "number", "x-type": "decimal", "x-precision": 8, "x-scale": 3, "x-sealed": FOUND},
    "flag": {"type": "boolean"},
    "born": {"type": "string", "format": "date", "x-sealed": FOUND},
    "at": {"type": "string", "format": "date-time"},
    "hour": {"type": "string", "x-type": "time"},
    "lasts": {"type": "string", "format": "duration"},
    "key": {"type": "string", "format": "uuid"},
    "faith": {"type": "string", "enum": ["none", "lutheran"], "x-sealed": FOUND},
    "traits": {"type": "array", "uniqueItems": True, "items": {"type": "string", "enum": ["a", "b", "c"]}},
    "more": {"type": "object", "x-type": "json"},
    "pay": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "CHF"]},
}
GIVEN: dict[str, Any] = {
    "count": 1_234_567,
    "big": 2**62 + 1,
    "rate": "1234.50",
    "flag": False,
    "born": "1987-06-05",
    "at": "2001-02-03T05:05:06+01:00",
    "hour": "07:30",
    "lasts": "PT90M",
    "key": "018F0000-0000-7000-8000-0000000ABCDE",
    "faith": "lutheran",
    "traits": ["c", "a"],
    "more": {"b": [1, {"ü": None}], "a": 1.5},
    "pay": {"amount": "77.10", "currency": "CHF"},
}
CLEAR: dict[str, Any] = {
    **GIVEN,
    "rate": Decimal("1234.5"),
    "at": "2001-02-03T04:05:06+00:00",
    "hour": "07:30:00",
    "lasts": "PT1H30M",
    "key": "018f0000-0000-7000-8000-0000000abcde",
    "traits": ["a", "c"],
    "pay": {"amount": Decimal("77.1"), "currency": "CHF"},
}
TEXTS = {
    "count": "1234567",
    "rate": "1234.5",
    "flag": "false",
    "faith": "lutheran",
    "traits": '["a","c"]',
    "pay": '{"amount":"77.1","currency":"CHF"}',
}
WRONG: dict[str, Any] = {
    "count": 0,
    "big": "x",
    "rate": "0.1234",
    "flag": "xs1.a.b",
    "born": "1987-02-30",
    "at": "yesterday",
    "hour": "25:00",
    "lasts": "P1Y",
    "key": "x",
    "faith": "jedi",
    "traits": ["d"],
    "more": "{}",
    "pay": {"amount": "1", "currency": "USD"},
}


def _files() -> dict[str, dict[str, Any]]:
    properties = {name: {"x-sealed": {}, **said} for name, said in TYPES.items()}
    return {
        "user": {"properties": {"name": {"type": "string"}}},
        "contact": {"properties": {"name": {"type": "string"}, **properties}},
        "note": {"properties": {"title": {"type": "string"}}},
    }


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    world = build(database, tmp_path, None, Pack(_files(), ROLES, POLICIES))
    world.records.key_store = KeyStore(f"sqlite:///{tmp_path / 'keys' / 'sealed.db'}", SECRET)
    yield world
    world.records.key_store.close()


def _texts(world: World, id_: str) -> dict[str, str | None]:
    with world.database.begin() as connection:
        found = world.records.open_sealed(connection, world.caller("dsb"), "contact", id_)
    return {name: each.text for name, each in found.items()}


def _clear(world: World, id_: str) -> dict[str, Any]:
    with world.database.read() as connection:
        stored = looking.read(world.records, connection, "contact", id_) or {}
        found = sealing.in_clear(world.records, connection, "contact", stored)
    return {name: found[name] for name in TYPES}


def _find(world: World, field: str, text: str) -> list[str]:
    with world.database.read() as connection:
        return world.records.find_sealed(connection, world.caller("dsb"), "contact", field, text)


def test_each_is_stored_sealed_and_opened_as_what_it_is_whatever_becomes_of_the_record(world: World) -> None:
    # given
    id_ = world.create("clerk", "contact", {"name": "Anna", **GIVEN})

    # then nothing of it stands in clear, and all of it opens
    stored = world.stored("contact", id_) or {}
    assert all(str(stored[name]).startswith("xs1.") for name in TYPES)
    assert _clear(world, id_) == CLEAR
    assert TEXTS.items() <= _texts(world, id_).items()
    # also after a change, the trash and the way back
    world.update("clerk", "contact", id_, {"flag": True, "more": None, "name": "Anne"})
    world.delete("admin", "contact", id_)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "contact", id_)
    assert _clear(world, id_) == {**CLEAR, "flag": True, "more": None}
    # and the log has the sealed form
    with world.database.read() as connection:
        logged = [json.loads(each) for each in connection.scalars(select(CHANGE.c.fields).order_by(CHANGE.c.id))]
    [changed] = [each for each in logged if "flag" in each and isinstance(each["flag"], list)]
    assert all(str(each).startswith("xs1.") for each in changed["flag"])
    said = json.dumps(logged)
    assert not [each for each in ("1987", "lutheran", "1234", "77.1", "CHF") if each in said]


def test_what_is_wrong_is_refused_as_if_it_were_in_clear(world: World) -> None:
    id_ = world.create("clerk", "contact", {"name": "Anna", **GIVEN})
    for name, value in WRONG.items():
        with pytest.raises(ValidationFailed) as refused:
            world.update("clerk", "contact", id_, {name: value})
        assert [each["field"] for each in refused.value.details["problems"]] == [name]
        with pytest.raises(ValidationFailed):
            world.create("clerk", "contact", {"name": "Ben", name: value})
    assert _clear(world, id_) == CLEAR


def test_equal_values_are_found_in_any_form_and_filters_see_none(world: World) -> None:
    # given
    anna = world.create("clerk", "contact", {"name": "Anna", **GIVEN})
    ben = world.create("clerk", "contact", {"name": "Ben", "count": 2, "rate": "1234.501", "born": "1987-06-06"})

    # then
    assert _find(world, "count", "1234567") == [anna]
    assert _find(world, "rate", "1234.500") == [anna]
    assert _find(world, "born", "1987-06-06") == [ben]
    assert _find(world, "faith", "lutheran") == [anna]
    assert _find(world, "count", "many") == _find(world, "rate", "NaN") == []
    with pytest.raises(FieldSealed):
        _find(world, "flag", "true")
    for where in ({"count": {"gt": 1}}, {"faith": {"eq": "lutheran"}}, {"flag": {"eq": False}}):
        with world.database.read() as connection, pytest.raises(FieldSealed, match="sealed"):
            looking.find(world.records, connection, "contact", where, 10)


def test_types_of_plugins_are_sealed_too_and_checked_by_them() -> None:
    # given
    sealed = {"x-type": "paint-percentage", "x-sealed": {}}
    model = read({"name": {"type": "string"}, "share": sealed})
    field = model["tin"].fields["share"]

    # then it is a text to whatever reads what is stored, and keeps its type where it is written again
    assert (field.type, field.given.type, field.given.custom_type) == ("long_text", "decimal", "paint-percentage")
    assert from_snapshot(json.loads(json.dumps(to_snapshot(model)))).fingerprint == model.fingerprint
    again = LayerSource("core", "core", texts=tuple(files_of(model).items()), words=("x-paint",))
    assert load([again], Keywords(ALL)).fingerprint == model.fingerprint
    # and its values are looked at by the plugin and by its limits, in clear
    look = Validator(model, Formats(ALL, model)).problems
    assert look(model["tin"], {"share": Decimal(12)}) == []
    assert [each["message"] for each in look(model["tin"], {"share": Decimal(13)})] == ["is unlucky"]
    assert [each["rule"] for each in look(model["tin"], {"share": Decimal(101)})] == ["maximum"]
    assert look(model["tin"], {"name": "a", "share": "xs1.a.b"}, changed={"name": "a"}) == []
