"""Schema changes of fields of the less usual types: tables, checks and values on both databases."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.storage.worlds import add_rows, entity, model, rows_of
from xrm_core.metadata.model import Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

NAME = Field("name", FieldType.TEXT)
EURO = Decimal("1.50")


def thing(*fields: Field, **more: Any) -> Model:
    return model(entity("thing", NAME, *fields, **more))


def money(name: str = "price", *currencies: str, **more: Any) -> Field:
    return Field(name, FieldType.MONEY, currencies=currencies or ("EUR",), **more)


def words(*values: str, **more: Any) -> Field:
    return Field("tags", FieldType.SET, enum=values, **more)


ALL = (
    *(Field("big", FieldType.BIG_INTEGER, indexed=True), Field("opens", FieldType.TIME, unique=True)),
    *(Field("lasts", FieldType.DURATION), words("a", "b", indexed=True), Field("extra", FieldType.JSON)),
    money(unique=True),
)
PRICED = {"price": EURO, "price_currency": "EUR"}


@pytest.mark.parametrize(
    ("before", "after", "row", "kept"),
    [
        (thing(), thing(*ALL), {"name": "x"}, {"name": "x", "price": None, "price_currency": None, "tags": None}),
        (thing(*ALL), thing(), {"name": "x", **PRICED, "tags": ["a"]}, {"name": "x"}),
        (thing(words("a", "b")), thing(words("c", "b", "a")), {"tags": ["a", "b"]}, {"tags": ["a", "b"]}),
        (thing(money()), thing(money("price", "CHF", "EUR")), PRICED, PRICED),
        (
            thing(money()),
            thing(money("cost", renamed_from="price")),
            PRICED,
            {"cost": EURO, "cost_currency": "EUR"},
        ),
        (thing(money()), thing(money(required=True)), PRICED, PRICED),
        (thing(money(required=True)), thing(money(indexed=True)), PRICED, PRICED),
        (thing(money()), thing(money(), unique_together=(("name", "price"),)), {"name": "x", **PRICED}, PRICED),
        (thing(words("a")), thing(words("a", indexed=True)), {"tags": ["a"]}, {"tags": ["a"]}),
        (
            thing(),
            thing(words("a", "b", required=True, default=("a",)), Field("extra", FieldType.JSON, default={"k": [1]})),
            {"name": "x"},
            {"tags": ["a"], "extra": {"k": [1]}},
        ),
        (
            thing(),
            thing(
                Field("opens", FieldType.TIME, required=True, default="08:30:00"),
                Field("lasts", FieldType.DURATION, required=True, default="PT1H30M"),
                Field("big", FieldType.BIG_INTEGER, required=True, default=2**62),
            ),
            {"name": "x"},
            {"opens": "08:30:00", "lasts": "PT1H30M", "big": 2**62},
        ),
    ],
)
def test_the_tables_follow_and_the_values_stay(
    database: Database, before: Model, after: Model, row: dict[str, Any], kept: dict[str, Any]
) -> None:
    # given a table with a row
    apply(database, before)
    add_rows(database, before, "thing", row)
    # when the model changes
    with database.read() as connection:
        lossy = [operation.key for operation in plan(connection, before, after).operations if operation.risk == "lossy"]
    apply(database, after, lossy)
    # then the tables are those of the new model, and the values are there
    with database.read() as connection:
        assert drift(connection, after) == []
    found = {column: rows_of(database, after, "thing", column)[0] for column in kept}
    assert found == kept


@pytest.mark.parametrize(
    "row",
    [
        {"price": EURO},
        {"price_currency": "EUR"},
        {"price": EURO, "price_currency": "USD"},
        {"tags": ["c"]},
        {"tags": ["a", "c"]},
    ],
)
def test_the_database_itself_refuses_what_no_field_holds(database: Database, row: dict[str, Any]) -> None:
    of = thing(*ALL)
    apply(database, of)
    with pytest.raises(IntegrityError):
        add_rows(database, of, "thing", row)


@pytest.mark.parametrize("row", [{}, PRICED, {"tags": []}, {"tags": ["a", "b"]}])
def test_it_takes_what_a_field_holds(database: Database, row: dict[str, Any]) -> None:
    of = thing(*ALL)
    apply(database, of)
    add_rows(database, of, "thing", row)
    assert len(rows_of(database, of, "thing", "id")) == 1
