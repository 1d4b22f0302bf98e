"""Constraints of the next model, which PostgreSQL holds writers of the former one to for a moment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.records.kit import World, build
from xrm_core.errors import ValidationFailed
from xrm_core.storage.engines import Database


@pytest.fixture
def world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    database = Database(postgres_url)
    yield build(database, tmp_path)
    database.close()


@pytest.mark.parametrize(
    ("made", "values", "field", "rule"),
    [
        ("CREATE UNIQUE INDEX xrm_new_uq_customer_number ON customer (number)", {"number": "1"}, "number", "unique"),
        ("CREATE UNIQUE INDEX xrm_new_uq_customer_email ON customer (email)", {"email": "a@b.example"}, "email", None),
        ("ALTER TABLE customer ADD CONSTRAINT xrm_new_nn_customer_since CHECK (since IS NOT NULL)", {}, "since", None),
        ("ALTER TABLE customer ADD CONSTRAINT xrm_new_other CHECK (since IS NOT NULL)", {}, "", None),
    ],
)
def test_it_is_a_refusal_that_names_the_field(
    world: World, made: str, values: dict[str, Any], field: str, rule: str | None
) -> None:
    # Given what an applier has made ahead, and a record
    with world.database.begin() as connection:
        connection.execute(text("ALTER TABLE customer DROP CONSTRAINT uq_customer_number"))
        connection.execute(text(made))
    world.create("admin", "customer", {"name": "A", "since": "2020-01-01", **values})
    # When another one is written that the next model refuses
    with pytest.raises(ValidationFailed) as refused:
        world.create("admin", "customer", {"name": "B", **values})
    # Then it is told so, and by no name of the database
    [problem] = refused.value.details["problems"]
    assert (problem["field"], problem["rule"]) == (field, rule or "constraint")
    assert "xrm_new" not in str(refused.value)
