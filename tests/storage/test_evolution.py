"""Each kind of change, on tables with rows: what the plan says, what becomes of the rows, and of the tables."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.storage.cases import Case, by_name, given, planned
from tests.storage.conversion_cases import CONVERSIONS
from tests.storage.possible_changes import POSSIBLE as STRUCTURE
from tests.storage.worlds import add_rows, dump, record_id, rows_of, schema_of
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database

POSSIBLE = [*STRUCTURE, *CONVERSIONS]


@by_name(POSSIBLE)
def test_a_change_is_planned_and_applied_and_rows_survive(
    database: Database, another_database: Database, case: Case
) -> None:
    # Given tables of the old model with rows
    given(database, case)
    # Then the plan names every operation with its risk and the rows concerned
    assert planned(database, case.after) == case.plan
    # When it is applied, with consent to what is lossy
    applied = apply(database, case.after, accept=case.lossy)
    # Then it did what the plan said, and there is nothing left to do
    assert {operation.key for operation in applied.operations} == set(case.plan)
    assert apply(database, case.after).is_empty
    with database.read() as connection:
        assert current_model(connection) == case.after
        assert drift(connection, case.after) == []
    # And the rows are as expected
    for (name, *columns), expected in case.then.items():
        assert rows_of(database, case.after, name, *columns) == expected
    # And the tables are those of a fresh database
    apply(another_database, case.after)
    assert schema_of(database) == schema_of(another_database)


@by_name([case for case in POSSIBLE if case.lossy])
def test_a_lossy_change_without_consent_changes_nothing(database: Database, case: Case) -> None:
    given(database, case)
    before = dump(database)
    # When it is applied with consent to all lossy operations but one
    with pytest.raises(SchemaChangeRefused) as refused:
        apply(database, case.after, accept=case.lossy[1:])
    # Then that one is named with the word that would consent to it, and nothing has changed
    assert case.lossy[0] in refused.value.message
    assert f"--accept {case.lossy[0]}" in refused.value.hint
    assert dump(database) == before


def reference(of: Model) -> tuple[str, str] | None:
    """Entity and column of some reference in the model."""
    return next(
        ((one.name, field.columns[0]) for one in of for field in one.fields.values() if field.relation is not None),
        None,
    )


@by_name([case for case in POSSIBLE if reference(case.after)])
def test_references_still_hold_after_a_change(database: Database, case: Case) -> None:
    # Given an applied change
    given(database, case)
    apply(database, case.after, accept=case.lossy)
    # When a row refers to a record that does not exist, then the database refuses it
    place = reference(case.after)
    assert place is not None
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        add_rows(database, case.after, place[0], {"id": 99, place[1]: record_id(98)})
