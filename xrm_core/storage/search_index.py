"""The index for searches of a table with ``x-search`` fields: trigrams of what is searched in each record.

On PostgreSQL it is an index like others. On SQLite it is made of tables and triggers, see ``search_sqlite``; there the
index of the model stands for all of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Index, MetaData, Table, func, select
from sqlalchemy.sql import visitors

from xrm_core import naming
from xrm_core.storage.extensions import SCHEMA, extension
from xrm_core.storage.folding import ACCENTED, LOWER, MARKS, UPPER, fold_accents
from xrm_core.storage.search_text import FUNCTION, search_text

EXTENSION = "pg_trgm"
"""PostgreSQL's extension for trigrams."""

_TEXT = "text"
_OPERATORS = "{}.gin_trgm_ops"
_PLAIN = re.compile(rf"COALESCE{FUNCTION}(\w+),''")
_WORDS = re.compile(r"::text|[()\"]|\s(?!')|(?<!')\s")


def add_search_index(table: Table, columns: Sequence[str]) -> None:
    """Give a table its index over columns."""
    text = search_text("postgresql", [table.c[name] for name in columns]).label(_TEXT)
    operators = {_TEXT: _OPERATORS.format(SCHEMA)}
    index = Index(naming.search_index(table.name), text, postgresql_using="gin", postgresql_ops=operators)
    index.ddl_if(dialect="postgresql")


def search_index(table: Table) -> Index | None:
    """A table's index for searches, if it has one."""
    return next((index for index in table.indexes if is_search_index(index)), None)


def is_search_index(index: Index) -> bool:
    """Whether an index is one for searches."""
    return str(index.name).startswith((naming.SEARCH, naming.prepared(naming.SEARCH)))


def columns_of(index: Index) -> tuple[str, ...]:
    """The columns over which an index is made, in their order."""
    found: dict[str, None] = {}
    for expression in index.expressions:
        if not isinstance(expression, str):
            visitors.traverse(expression, {}, {"column": lambda column: found.setdefault(column.name)})
    return tuple(found)


def columns_of_reflected(index: Any) -> tuple[str, ...] | None:
    """The same of an index as the inspector of PostgreSQL describes it; None if it is none for searches."""
    [text, *others] = index.get("expressions") or [""]
    columns = tuple(_PLAIN.findall(_WORDS.sub("", text)))
    options = index.get("dialect_options", {})
    ours = not others and options.get("postgresql_using") == "gin" and not index["unique"]
    operators = set(options.get("postgresql_ops", {}).values()) == {"gin_trgm_ops"}
    whole = "||''||".join(f"COALESCE{FUNCTION}{name},''" for name in columns)
    return columns if ours and operators and whole == _WORDS.sub("", text).replace("' '", "''") else None


def locate(connection: Connection, metadata: MetaData) -> None:
    """Tell the indexes of all tables where the database has the extension: no search_path leads there (PostgreSQL)."""
    indexes = [found for table in metadata.tables.values() if (found := search_index(table)) is not None]
    if indexes and connection.dialect.name == "postgresql":
        operators = {_TEXT: _OPERATORS.format(extension(connection, EXTENSION))}
        for index in indexes:
            index.dialect_options["postgresql"]["ops"] = operators


def function_differences(connection: Connection, tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """(table, what is wrong) for the tables whose index is made by a function that is no longer ours (PostgreSQL)."""
    searched = [table.name for table in tables if search_index(table) is not None]
    letters = UPPER + LOWER + ACCENTED + MARKS
    if searched and connection.scalar(select(getattr(func, FUNCTION)(letters))) != fold_accents(letters):
        for name in searched:
            yield name, f"the function {FUNCTION}, by which its index for searches is made, is not as it was made."
