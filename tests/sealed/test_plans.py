"""Schema changes of sealed fields: values in clear are not left where they shall be sealed, nor bound ones renamed."""

from typing import Any

import pytest

from tests.storage.cases import one, planned
from tests.storage.worlds import add_rows, entity, model, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Field
from xrm_core.metadata.sealing import Sealing
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

CLEAR = text("note")
PLAIN, FOUND = (text("note", sealing=each) for each in (Sealing(), Sealing(bits=9)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CLEAR, PLAIN),
        (PLAIN, CLEAR),
        (PLAIN, FOUND),
        (PLAIN, text("other", sealing=Sealing(), renamed_from="note")),
    ],
)
def test_it_is_refused_where_there_are_values_and_done_where_there_are_none(
    database: Database, before: Field, after: Field
) -> None:
    # given
    _given(database, before, {"note": "xs1.a.b"}, {})

    # then
    plan = planned(database, one(after))
    assert plan[f"change_type:customer.{after.name}"] == ("blocked", 1)
    with pytest.raises(SchemaChangeRefused, match="Add a new field"):
        apply(database, one(after))


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


def _given(database: Database, field: Field, *rows: dict[str, Any]) -> None:
    apply(database, one(field))
    add_rows(database, one(field), "customer", *rows)
