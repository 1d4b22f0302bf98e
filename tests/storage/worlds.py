"""Models and rows for the tests of storage, and the whole of a database as one comparable value."""

import json
from typing import Any

from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.types import NullType, TypeEngine

from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Entity, Field, Model, OnDelete, Relation
from xrm_core.metadata.snapshot import build, from_snapshot, to_snapshot
from xrm_core.metadata.types import FieldType
from xrm_core.naming import ASIDE
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

NOW = "2026-11-22T10:00:00+00:00"


def model(*entities: Entity) -> Model:
    return from_snapshot(to_snapshot(build(entities)))  # with record schemas, as the loader makes it


def model_of_files(*files: dict[str, Any]) -> Model:
    """The model of entity files."""
    return load_texts([(f"{file['x-entity']}.json", json.dumps(file), "core") for file in files])


def entity(name: str, *fields: Field, **more: Any) -> Entity:
    return Entity(name, f"{name}s", {field.name: field for field in fields}, **more)


def text(name: str, **more: Any) -> Field:
    return Field(name, FieldType.TEXT, **more)


def integer(name: str, **more: Any) -> Field:
    return Field(name, FieldType.INTEGER, **more)


def relation(name: str, *targets: str, on_delete: OnDelete = "restrict", **more: Any) -> Field:
    return Field(name, FieldType.RELATION, relation=Relation(targets, f"{name}_of", on_delete), **more)


def record_id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


def add_rows(database: Database, of: Model, entity_name: str, *rows: dict[str, Any]) -> None:
    """Rows of column → value; ``id`` is a number here, 1, 2, … if not given."""
    table = Tables(of)[entity_name]
    system = {"created_at": NOW, "updated_at": NOW, "version": 1}
    with database.begin() as connection:
        for number, row in enumerate(rows, 1):
            connection.execute(insert(table).values({**system, **row, "id": record_id(row.get("id", number))}))


def rows_of(database: Database, of: Model, entity_name: str, *columns: str) -> list[Any]:
    """Values of one column, or tuples of several, by id."""
    table = Tables(of)[entity_name]
    with database.read() as connection:
        found = connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id)).all()
    return [row[0] if len(columns) == 1 else tuple(row) for row in found]


def schema_of(database: Database) -> dict[str, Any]:
    """Everything that the database says about its tables, whatever the order of columns, but for what is aside."""
    with database.read() as connection:
        found = {name: table for name, table in _schema(connection).items() if not name.startswith(ASIDE)}
    for table in found.values():
        table["columns"] = {name: column for name, column in table["columns"].items() if not name.startswith(ASIDE)}
    return found


_KNOWN: dict[tuple[str | None, ...], dict[str, Any]] = {}
"""What SQLite says of a table, by the statements that made it and its indexes: it is asked for each table by itself,
and most are system tables, the same in every test."""


def _schema(connection: Connection) -> dict[str, Any]:
    names = inspect(connection).get_table_names()
    if connection.dialect.name != "sqlite":
        return _read(connection, names)
    lines = connection.exec_driver_sql("SELECT tbl_name, sql FROM sqlite_master ORDER BY type, name").all()
    statements = {name: tuple(sql for table, sql in lines if table == name) for name in names}
    fresh = [name for name in names if statements[name] not in _KNOWN]
    for name, found in _read(connection, fresh).items():
        _KNOWN[statements[name]] = found
    return {name: dict(_KNOWN[statements[name]]) for name in names}


def _read(connection: Connection, names: list[str]) -> dict[str, Any]:
    """What the database says of these tables."""
    if not names:
        return {}
    inspector = inspect(connection)
    columns = {
        name: {
            found["name"]: (_type(connection, found["type"]), found["nullable"], found["default"]) for found in table
        }
        for (_, name), table in inspector.get_multi_columns(filter_names=names).items()
    }
    named: dict[str, Any] = {
        "unique": inspector.get_multi_unique_constraints(filter_names=names),
        "checks": inspector.get_multi_check_constraints(filter_names=names),
        "foreign keys": inspector.get_multi_foreign_keys(filter_names=names),
        "indexes": inspector.get_multi_indexes(filter_names=names),
    }
    for index in (index for table in named["indexes"].values() for index in table):
        # On SQLite the condition of a partial index is an object that equals nothing but itself.
        index["dialect_options"] = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
    keys = inspector.get_multi_pk_constraint(filter_names=names)
    options = inspector.get_multi_table_options(filter_names=names)
    return {
        name: {
            "columns": columns[name],
            "primary key": keys[None, name],
            "options": options[None, name],
            **{kind: sorted(found[None, name], key=lambda one: str(one["name"])) for kind, found in named.items()},
        }
        for name in columns
    }


def _type(connection: Connection, type_: TypeEngine[Any]) -> str:
    return "" if isinstance(type_, NullType) else type_.compile(connection.dialect)  # FTS5's tables say no types


def dump(database: Database) -> dict[str, Any]:
    """Schema and all rows of all tables."""
    with database.read() as connection:
        schema = _schema(connection)
        rows = {name: sorted(map(str, connection.exec_driver_sql(f'SELECT * FROM "{name}"'))) for name in schema}
        return {"schema": schema, "rows": rows}
