"""Find where the real tables differ from what a model says."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.types import TypeEngine

from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.storage.aside_tables import current_tables
from xrm_core.storage.drift_postgresql import peculiarities
from xrm_core.storage.search_index import columns_of_reflected, function_differences
from xrm_core.storage.search_sqlite import creation, search_differences
from xrm_core.storage.shape import FOR_SEARCHES, Part, check, foreign_key, index_part, parts, search_part
from xrm_core.storage.tables import Tables


def drift(connection: Connection, model: Model) -> list[str]:
    """One sentence for each difference between the tables of ``model`` and the database; empty if there is none.

    Compared are tables, columns with type, collation, nullability and default, primary keys, unique and check
    constraints, foreign keys with their actions, indexes with their kind and order, and triggers; also what is aside,
    and what only PostgreSQL can have, such as constraints that are switched off. Further tables and further indexes
    that refuse nothing are nobody's business but their owner's, and what is made ahead of a change that is under way
    is no difference.
    """
    return differences(connection, current_tables(connection, model))


def differences(connection: Connection, tables: Tables) -> list[str]:
    """The same for tables at hand."""
    found = tables.metadata.tables.values()
    reflected = _Reflected(connection, found)
    return [difference for table in found for difference in reflected.differences(table)]


_TRIGGERS = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1, 2",
    "postgresql": "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2",
}
"""(table, trigger) of all that somebody has made."""


_NONE = ""
"""The name of no table; without any name SQLAlchemy would read them all."""


class _Reflected:
    """What the database says about its tables; read once for all of them."""

    def __init__(self, connection: Connection, tables: Collection[Table]) -> None:
        self._dialect = connection.dialect
        inspector = inspect(connection)
        self._tables = set(inspector.get_table_names())
        # Not those of anybody else: SQLite asks for each table by itself, and there are more system tables than others.
        names = [table.name for table in tables if table.name in self._tables] or [_NONE]
        self._columns = inspector.get_multi_columns(filter_names=names)
        self._primary_keys = inspector.get_multi_pk_constraint(filter_names=names)
        self._uniques = inspector.get_multi_unique_constraints(filter_names=names)
        self._checks = inspector.get_multi_check_constraints(filter_names=names)
        self._foreign_keys = inspector.get_multi_foreign_keys(filter_names=names)
        self._indexes = inspector.get_multi_indexes(filter_names=names)
        self._options = inspector.get_multi_table_options(filter_names=names)
        self._triggers = list(connection.execute(text(_TRIGGERS[connection.dialect.name])))
        if connection.dialect.name == "sqlite":
            self._peculiar = list(search_differences(connection, tables))
        else:
            self._peculiar = [*peculiarities(connection), *function_differences(connection, tables)]

    def differences(self, table: Table) -> Iterator[str]:
        """In the order in which they would be mended."""
        if table.name not in self._tables:
            yield f"The table {table.name} is missing."
            return
        yield from self._column_differences(table)
        made = self._parts(table.name)
        wanted, found = parts(table), {part: name for part, name in made if not name.startswith(naming.PREPARED)}
        if self._dialect.name == "sqlite":  # where it is no index but tables and triggers
            wanted = {part: name for part, name in wanted.items() if part.detail != FOR_SEARCHES}
        for part, name in wanted.items():
            if part not in found:
                yield f"{table.name}: the {part}, named {name}, is missing."
            elif found[part] != name:
                yield f"{table.name}: the {part} is named {found[part]}, not {name}."
        for part, name in found.items():
            refuses = part.kind != "index" or (part.detail.startswith("unique") and name not in wanted.values())
            if part not in wanted and refuses:
                yield f"{table.name}: the {part}, named {name}, is not in the model."
        for of, trigger in self._triggers:
            if of == table.name and not trigger.startswith(naming.PREPARED) and trigger not in creation(table):
                yield f"{table.name}: the trigger {trigger} is not in the model."
        for of, what in self._peculiar:
            if of == table.name:
                yield f"{table.name}: {what}"
        if self._dialect.name == "sqlite" and not self._options[(None, table.name)].get("sqlite_strict"):
            yield f"{table.name}: the table is not STRICT."

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
            if real["default"] is not None and not _numbers_itself(real):
                yield f"{table.name}: the column {column.name} has the default {real['default']}, which is not ours."
            if real.get("computed") is not None:
                yield f"{table.name}: the column {column.name} is computed by the database."
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
            options = reference["options"]
            on_delete = options.get("ondelete")
            part = foreign_key(reference["constrained_columns"][0], reference["referred_table"], on_delete)
            if (options.get("onupdate") or "NO ACTION") != "NO ACTION" or options.get("deferrable"):
                part = replace(part, detail=f"{part.detail}, and more")
            yield part, str(reference["name"])
        for index in self._indexes[key]:
            searched = columns_of_reflected(index)
            if searched is not None:
                yield search_part(searched), str(index["name"])
            elif "duplicates_constraint" not in index:
                yield (
                    index_part(
                        (str(name) for name in index["column_names"]),
                        unique=bool(index["unique"]),
                        partial=any(name.endswith("_where") for name in index.get("dialect_options", {})),
                        descending=[name for name, words in index.get("column_sorting", {}).items() if "desc" in words],
                    ),
                    str(index["name"]),
                )


def _numbers_itself(column: Any) -> bool:
    """Whether a default is what PostgreSQL writes for a key that counts by itself."""
    return bool(column.get("autoincrement")) and "nextval" in str(column["default"])
