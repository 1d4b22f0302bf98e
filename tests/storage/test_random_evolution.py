"""Any model with data to any other: refused with nothing changed, or done without drift and undone to the letter."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from tests.postgres import PostgresServer
from tests.storage.searches import faults
from tests.storage.worlds import add_rows, dump, entity, model, record_id, relation, rows_of, schema_of
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.history import way_back
from xrm_core.storage.plan import Plan, plan, plan_evolution
from xrm_core.storage.tables import Tables

EXAMPLES = 600 if os.environ.get("XRM_HYPOTHESIS") == "night" else 6
SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
NAMES = ("one", "two", "three")
FIELDS = ("first", "second", "third")

TEXTS = (
    "",
    " ",
    "x",
    " 1 ",
    "1,5",
    "2.50",
    "ja",
    "0",
    "31.01.2026",
    "2026-01-31",
    "2026-01-31T10:00Z",
    "08:30",
    "text",
)
VALUES: dict[FieldType, tuple[Any, ...]] = {
    FieldType.TEXT: (*TEXTS, record_id(7)),
    FieldType.LONG_TEXT: TEXTS,
    FieldType.EMAIL: TEXTS,
    FieldType.INTEGER: (0, 1, -7, 2**31 - 1),
    FieldType.BIG_INTEGER: (0, 1, 2**40, -(2**63)),
    FieldType.DECIMAL: ("0", "1.00", "-7.25", "999.99"),
    FieldType.BOOLEAN: (True, False),
    FieldType.DATE: ("2026-01-31", "0001-01-01"),
    FieldType.DATETIME: ("2026-01-31T00:00:00+00:00", "2026-01-31T10:00:00.5+01:00"),
    FieldType.TIME: ("08:30:00", "23:59:59.5"),
    FieldType.DURATION: ("PT1H", "P1D"),
    FieldType.UUID: (record_id(7), record_id(8)),
    FieldType.ENUM: ("x", "y"),
    FieldType.SET: (["x"], ["x", "y"]),
    FieldType.JSON: ({"a": 1}, {}),
    FieldType.MONEY: (("1.00", "EUR"), ("-7.25", "EUR")),
}
"""What a field of a type may have. The first one may be a default."""

UNSORTED = (FieldType.SET, FieldType.JSON, FieldType.MONEY)
"""Types that have no keys and, here, no defaults."""


@st.composite
def fields(draw: st.DrawFn, name: str, entities: list[str]) -> Field:
    more: dict[str, Any] = {"required": draw(st.booleans())}
    more["renamed_from"] = draw(st.sampled_from((None, None, *FIELDS)))
    type_ = draw(st.sampled_from((*VALUES, FieldType.RELATION)))
    if type_ is FieldType.RELATION:
        targets = draw(st.lists(st.sampled_from(entities), min_size=1, max_size=3, unique=True))
        more["unique"] = draw(st.booleans()) and len(targets) == 1
        return relation(name, *targets, on_delete=draw(st.sampled_from(("restrict", "cascade"))), **more)
    if type_ is FieldType.MONEY:
        more["currencies"] = draw(st.sampled_from((("EUR",), ("USD", "EUR"), ("EUR", "CHF"))))
    if type_ not in UNSORTED:
        more |= {"unique": draw(st.booleans()), "indexed": draw(st.booleans())}
    if type_ in (FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL):
        more["searched"] = draw(st.booleans())
    if type_ in (FieldType.ENUM, FieldType.SET):
        more["enum"] = draw(st.sampled_from((("x", "y"), ("y", "x", "z"), ("x", "z"))))
    if type_ is FieldType.DECIMAL:
        more["precision"] = draw(st.sampled_from((9, 12)))
        more["scale"] = draw(st.sampled_from((0, 2, 4)))
    if type_ not in UNSORTED:
        more["default"] = draw(st.sampled_from((None, None, VALUES[type_][2 if type_ is FieldType.TEXT else 0])))
    return Field(name, type_, **more)


@st.composite
def models(draw: st.DrawFn) -> Model:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return model(*[draw(entities_named(name, names)) for name in names])


@st.composite
def entities_named(draw: st.DrawFn, name: str, names: list[str]) -> Entity:
    found = [draw(fields(field, names)) for field in draw(st.lists(st.sampled_from(FIELDS), unique=True))]
    # A former name that is still in use is refused by the loader.
    taken = {field.name for field in found}
    found = [field if field.renamed_from not in taken else Field(field.name, FieldType.TEXT) for field in found]
    former = draw(st.sampled_from((None, *(other for other in NAMES if other not in names))))
    plain = [field.name for field in found if field.type not in UNSORTED]
    together = draw(st.sampled_from(((), (tuple(plain[:2]),) if len(plain) > 1 else ())))
    return entity(name, *found, renamed_from=former, indexes=together)


def fill(database: Database, of: Model, choices: st.DataObject) -> None:
    """A few records of each entity. Those that would not be unique, or must refer to what is not there, stay out."""
    for found in of:
        for number in range(1, choices.draw(st.integers(0, 3)) + 1):
            row = {"id": number}
            for field in found.fields.values():
                values = _values(field) if field.required else (None, *_values(field))
                value = choices.draw(st.sampled_from(values))
                if field.type is FieldType.MONEY:
                    row |= zip(field.columns, value or (None, None), strict=True)
                else:
                    row |= {choices.draw(st.sampled_from(field.columns)): value}
            try:
                add_rows(database, of, found.name, row)
            except IntegrityError:
                continue


def _values(field: Field) -> tuple[Any, ...]:
    if field.relation is not None:
        return (record_id(1), record_id(2))
    if field.type in (FieldType.ENUM, FieldType.SET):
        return tuple(value for value in VALUES[field.type] if set(value) <= set(field.enum))
    if field.type is FieldType.DECIMAL and field.scale == 0:
        return ("0", "-7")
    return VALUES[field.type]


def data_of(database: Database, of: Model) -> dict[str, Any]:
    tables = Tables(of)
    return {one.name: rows_of(database, of, one.name, *(column.name for column in tables[one.name].c)) for one in of}


def accepted(plan_: Plan) -> list[str]:
    return [operation.key for operation in plan_.operations if operation.risk == "lossy"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(before=models(), after=models(), choices=st.data())
def test_any_model_becomes_any_other_and_back(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kind: str, *,
    before: Model, after: Model, choices: st.DataObject,
) -> None:  # fmt: skip
    with ExitStack() as stack:
        database, fresh = (_database(stack, request, tmp_path_factory.mktemp("db"), kind) for _ in range(2))
        # Given the tables of one model with records
        apply(database, before)
        fill(database, before, choices)
        state, data = dump(database), data_of(database, before)
        with database.read() as connection:
            planned = plan(connection, current_model(connection), after)
        # When another model is applied with all consent that the plan asks for
        if "blocked" in planned.risks:
            with pytest.raises(SchemaChangeRefused):
                apply(database, after, accept=accepted(planned))
            event("refused")
            # Then either it is refused and nothing has changed
            assert dump(database) == state
            return
        apply(database, after, accept=accepted(planned))
        # Or the tables are those of a fresh database, there is nothing left to do, and no record is lost
        apply(fresh, after)
        assert schema_of(database) == schema_of(fresh)
        assert apply(database, after).is_empty
        assert not list(_drift(database, after))
        assert faults(database, after) == []
        for name in after.entities.keys() & before.entities.keys():
            assert len(rows_of(database, after, name, "id")) == len(data[name])
        if planned.is_empty:
            return
        # And when it is taken back, nothing is in the way, and all is as it was
        with database.read() as connection:
            back = plan_evolution(connection, way_back(connection))
        assert "blocked" not in back.risks
        event("undone")
        undo(database, accepted(back))
        assert not list(_drift(database, before))
        assert faults(database, before) == []
        assert data_of(database, before) == data


def _drift(database: Database, of: Model) -> Iterator[str]:
    with database.read() as connection:
        assert current_model(connection) == of
        yield from drift(connection, of)


def _database(stack: ExitStack, request: pytest.FixtureRequest, folder: Path, kind: str) -> Database:
    url = f"sqlite:///{folder / 'test.db'}"
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = stack.enter_context(server.database())
    opened = Database(url)
    stack.callback(opened.close)
    return opened
