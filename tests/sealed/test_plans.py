"""Schema changes of sealed fields: values in clear are not left where they shall be sealed, nor bound ones renamed."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import insert
from uuid_utils import uuid7

from tests.storage.cases import one, planned
from tests.storage.worlds import add_rows, entity, model, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Field
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.types import FieldType
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.trash_tables import TRASH
from xrm_core.storage.vault_tables import VAULT

CLEAR = text("note")
PLAIN, FOUND = (text("note", sealing=each) for each in (Sealing(), Sealing(bits=9)))
INTEGER, WORDS, MORE = (
    Field("note", FieldType.LONG_TEXT, max_length=100_000, sealing=Sealing(given=given))
    for given in (
        Field("note", FieldType.INTEGER),
        Field("note", FieldType.ENUM, enum=("a",)),
        Field("note", FieldType.ENUM, enum=("a", "b")),
    )
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CLEAR, PLAIN),
        (PLAIN, CLEAR),
        (PLAIN, FOUND),
        (INTEGER, PLAIN),
        (INTEGER, WORDS),
        (Field("note", FieldType.INTEGER), INTEGER),
        (PLAIN, text("other", sealing=Sealing(), renamed_from="note")),
    ],
)
def test_it_is_refused_where_there_are_values_and_done_where_there_are_none(
    database: Database, before: Field, after: Field
) -> None:
    # given
    _given(database, before, {"note": 7 if before.type is FieldType.INTEGER else "xs1.a.b"}, {})

    # then
    plan = planned(database, one(after))
    assert plan[f"change_type:customer.{after.name}"] == ("blocked", 1)
    with pytest.raises(SchemaChangeRefused, match="Add a new field"):
        apply(database, one(after))


@pytest.mark.parametrize("place", ["trash", "vault"])
@pytest.mark.parametrize("before", [CLEAR, PLAIN])
def test_values_that_can_come_back_count(database: Database, before: Field, place: str) -> None:
    # given no record but one in the trash, or in the vault
    _given(database, before)
    now, other = dt.datetime.now(dt.UTC), CLEAR if before is PLAIN else PLAIN
    key = {"entity": "customer", "record_id": str(uuid7())}
    row = {"deletion": str(uuid7()), "place": 0, "deleted_at": now, "record": {"string": {"note": "Köln"}}}
    ids = {"id": str(uuid7()), "deposit": str(uuid7()), "subject": str(uuid7())}
    kept = {**ids, "place": 0, "kind": "record", "moved_at": now, "content": "xs1.a.b"}
    with database.begin() as connection:
        connection.execute(
            insert(TRASH).values(**key, **row) if place == "trash" else insert(VAULT).values(**key, **kept)
        )

    # then
    assert planned(database, one(other))["change_type:customer.note"] == ("blocked", 1)
    with pytest.raises(SchemaChangeRefused, match=place):
        apply(database, one(other))


def test_what_is_in_the_trash_without_a_value_is_in_nobodys_way(database: Database) -> None:
    _given(database, CLEAR)
    key = {"entity": "customer", "record_id": str(uuid7()), "deletion": str(uuid7()), "place": 0}
    row = {**key, "deleted_at": dt.datetime.now(dt.UTC), "record": {"string": {"note": None}}}
    with database.begin() as connection:
        connection.execute(insert(TRASH).values(row))
    assert apply(database, one(PLAIN))


def test_without_values_it_changes(database: Database) -> None:
    _given(database, CLEAR, {})
    assert apply(database, one(PLAIN))
    assert planned(database, one(PLAIN)) == {}


def test_an_entity_with_sealed_values_keeps_its_name(database: Database) -> None:
    _given(database, PLAIN, {"note": "xs1.a.b"})
    with pytest.raises(SchemaChangeRefused, match="Add a new field"):
        apply(database, model(entity("client", PLAIN, renamed_from="customer")))


def test_class_and_subject_are_for_what_is_written_from_now_on(database: Database) -> None:
    _given(database, PLAIN, {"note": "xs1.a.b"})
    assert set(planned(database, one(text("note", sealing=Sealing(class_name="art9"))))) == {
        "change_metadata:customer.note"
    }


def test_what_may_be_written_changes_for_what_is_written_from_now_on(database: Database) -> None:
    _given(database, WORDS, {"note": "xs1.a.b"})
    assert set(planned(database, one(MORE))) == {"change_metadata:customer.note"}
    assert apply(database, one(MORE))


def test_a_number_without_values_becomes_a_sealed_one(database: Database) -> None:
    _given(database, Field("note", FieldType.INTEGER), {})
    assert apply(database, one(INTEGER))
    assert planned(database, one(INTEGER)) == {}


def _given(database: Database, field: Field, *rows: dict[str, Any]) -> None:
    apply(database, one(field))
    add_rows(database, one(field), "customer", *rows)
