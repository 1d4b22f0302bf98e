"""Find where the real tables differ from what a model says."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.types import TypeEngine

from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.storage.aside_tables import current_tables
from xrm_core.storage.shape import Part, check, foreign_key, parts


def drift(connection: Connection, model: Model) -> list[str]:
    """One sentence for each difference between the tables of ``model`` and the database; empty if there is none.

    Compared are tables, columns with type and nullability, primary keys, unique and check constraints, foreign keys
    and indexes. Further tables and further indexes are nobody's business but their owner's, and what is made ahead of
    a change that is under way is no difference.
    """
    reflected = _Reflected(connection)
    tables = current_tables(connection, model)
    return [difference for table in tables for difference in reflected.differences(table)]


class _Reflected:
    """What the database says about its tables; read once for all of them."""

    def __init__(self, connection: Connection) -> None:
        self._dialect = connection.dialect
        inspector = inspect(connection)
        self._tables = set(inspector.get_table_names())
        self._columns = inspector.get_multi_columns()
        self._primary_keys = inspector.get_multi_pk_constraint()
        self._uniques = inspector.get_multi_unique_constraints()
        self._checks = inspector.get_multi_check_constraints()
        self._foreign_keys = inspector.get_multi_foreign_keys()
        self._indexes = inspector.get_multi_indexes()

    def differences(self, table: Table) -> Iterator[str]:
        """In the order in which they would be mended."""
        if table.name not in self._tables:
            yield f"The table {table.name} is missing."
            return
        yield from self._column_differences(table)
        made = self._parts(table.name)
        wanted, found = parts(table), {part: name for part, name in made if not name.startswith(naming.PREPARED)}
        for part, name in wanted.items():
            if part not in found:
                yield f"{table.name}: the {part}, named {name}, is missing."
            elif found[part] != name:
                yield f"{table.name}: the {part} is named {found[part]}, not {name}."
        for part, name in found.items():
            if part not in wanted and part.kind != "index":
                yield f"{table.name}: the {part}, named {name}, is not in the model."

    def _column_differences(self, table: Table) -> Iterator[str]:
        columns = {column["name"]: column for column in self._columns[(None, table.name)]}
        found = {name: column for name, column in columns.items() if not name.startswith(naming.PREPARED)}
        for column in table.columns:
            real = found.pop(column.name, None)
            if real is None:
                yield f"{table.name}: the column {column.name} is missing."
                continue
            if real["nullable"] != column.nullable:
                yield f"{table.name}: the column {column.name} {'must' if real['nullable'] else 'need'} not be empty."
            wanted_type, real_type = self._type(column.type), self._type(real["type"])
            if wanted_type != real_type:
                yield f"{table.name}: the column {column.name} is {real_type}, not {wanted_type}."
        for name in found:
            yield f"{table.name}: the column {name} is not in the model."

    def _type(self, type_: TypeEngine[Any]) -> str:
        return type_.compile(dialect=self._dialect)

    def _parts(self, table: str) -> Iterator[tuple[Part, str]]:
        key = (None, table)
        primary = self._primary_keys[key]
        yield Part("primary key", tuple(primary["constrained_columns"])), str(primary["name"])
        for unique in self._uniques[key]:
            yield Part("unique", tuple(unique["column_names"])), str(unique["name"])
        for condition in self._checks[key]:
            yield check(str(condition["name"]), condition["sqltext"]), str(condition["name"])
        for reference in self._foreign_keys[key]:
            on_delete = reference["options"].get("ondelete")
            part = foreign_key(reference["constrained_columns"][0], reference["referred_table"], on_delete)
            yield part, str(reference["name"])
        for index in self._indexes[key]:
            if "duplicates_constraint" not in index:
                yield Part("index", tuple(str(name) for name in index["column_names"])), str(index["name"])
