"""Any model to any other: either refused with nothing changed, or the tables of a fresh database and no row lost."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import PostgresServer
from tests.storage.worlds import add_rows, dump, entity, model, record_id, relation, rows_of, schema_of, text
from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.types import FieldType
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan

NAMES = ("one", "two", "three")
FIELDS = ("first", "second", "third")


@st.composite
def fields(draw: st.DrawFn, name: str, entities: list[str]) -> Field:
    required, unique = draw(st.booleans()), draw(st.booleans())
    indexed = draw(st.booleans())
    more: dict[str, Any] = {"required": required, "unique": unique, "indexed": indexed}
    more["renamed_from"] = draw(st.sampled_from((None, None, *FIELDS)))
    match draw(st.sampled_from(("text", "integer", "decimal", "enum", "relation"))):
        case "text":
            return text(name, default=draw(st.sampled_from((None, "?"))), **more)
        case "integer":
            return Field(name, FieldType.INTEGER, default=draw(st.sampled_from((None, 7))), **more)
        case "decimal":
            return Field(name, FieldType.DECIMAL, precision=draw(st.sampled_from((9, 12))), **more)
        case "enum":
            return Field(name, FieldType.ENUM, enum=draw(st.sampled_from((("x", "y"), ("x", "z")))), **more)
        case _:
            targets = draw(st.lists(st.sampled_from(entities), min_size=1, max_size=3, unique=True))
            return relation(name, *targets, on_delete=draw(st.sampled_from(("restrict", "cascade"))), **more)


@st.composite
def models(draw: st.DrawFn) -> Model:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return model(*[draw(entities_named(name, names)) for name in names])


@st.composite
def entities_named(draw: st.DrawFn, name: str, names: list[str]) -> Entity:
    found = [draw(fields(field, names)) for field in draw(st.lists(st.sampled_from(FIELDS), unique=True))]
    # A former name that is still in use is refused by the loader.
    taken = {field.name for field in found}
    found = [field if field.renamed_from not in taken else text(field.name) for field in found]
    former = draw(st.sampled_from((None, *(other for other in NAMES if other not in names))))
    together = draw(st.sampled_from(((), (tuple(field.name for field in found[:2]),) if len(found) > 1 else ())))
    return entity(name, *found, renamed_from=former, indexes=together)


def row(of: Entity, number: int) -> dict[str, Any]:
    """Values for the required fields and every other optional one; unique where asked."""
    values: dict[str, Any] = {}
    for position, field in enumerate(of.fields.values()):
        if not field.required and (position + number) % 2:
            continue
        match field.type:
            case FieldType.TEXT:
                values[field.name] = f"text {number}"
            case FieldType.ENUM:
                values[field.name] = field.enum[number % 2]
            case FieldType.RELATION:
                values[field.columns[0]] = record_id(number)
            case _:
                values[field.name] = number
    return values


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(before=models(), after=models(), filled=st.booleans())
def test_any_model_becomes_any_other_or_nothing_changes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kind: str, *,
    before: Model, after: Model, filled: bool,
) -> None:  # fmt: skip
    with ExitStack() as stack:
        database, fresh = (_database(stack, request, tmp_path_factory.mktemp("db"), kind) for _ in range(2))
        # Given the tables of one model, perhaps with rows; those that refer in circles need them written in order
        apply(database, before)
        if filled:
            _fill(database, before)
        state = dump(database)
        with database.read() as connection:
            planned = plan(connection, current_model(connection), after)
        lossy = [operation.key for operation in planned.operations if operation.risk == "lossy"]
        # When another model is applied
        if "blocked" in planned.risks:
            with pytest.raises(SchemaChangeRefused):
                apply(database, after, accept=lossy)
            # Then either it is refused and nothing has changed
            assert dump(database) == state
            return
        apply(database, after, accept=lossy)
        # Or the tables are those of a fresh database, and there is nothing left to do
        apply(fresh, after)
        assert schema_of(database) == schema_of(fresh)
        assert apply(database, after).is_empty
        with database.read() as connection:
            assert drift(connection, after) == []
        for name in after.entities.keys() & before.entities.keys():
            assert len(rows_of(database, after, name, "id")) == len(state["rows"][name])


def _fill(database: Database, of: Model) -> None:
    for found in of:
        related = {field.relation.targets[0] for field in found.fields.values() if field.relation}
        if not related:
            add_rows(database, of, found.name, row(found, 1), row(found, 2))
    for found in of:
        if any(field.relation for field in found.fields.values()):
            optional = {name: value for name, value in row(found, 1).items() if not name.endswith("_id")}
            if not any(field.relation and field.required for field in found.fields.values()):
                add_rows(database, of, found.name, optional)


def _database(stack: ExitStack, request: pytest.FixtureRequest, folder: Path, kind: str) -> Database:
    url = f"sqlite:///{folder / 'test.db'}"
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = stack.enter_context(server.database())
    opened = Database(url)
    stack.callback(opened.close)
    return opened
