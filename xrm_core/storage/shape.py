"""A table as a set of comparable parts: its constraints and indexes, whatever they are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint

from xrm_core.storage.search_index import columns_of, is_search_index

Kind = Literal["primary key", "unique", "check", "foreign key", "index"]


FOR_SEARCHES = "for searches"
"""The ``detail`` of an index for searches."""


@dataclass(frozen=True)
class Part:
    """A constraint or index. ``detail`` is the target and on-delete rule of a foreign key, the text of a check."""

    kind: Kind
    columns: tuple[str, ...]
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in (self.kind, f"({', '.join(self.columns)})", self.detail) if word)

    def renamed(self, columns: Mapping[str, str]) -> "Part":
        """The same part with other column names; a column without a new name keeps its own."""
        return replace(self, columns=tuple(columns.get(name, name) for name in self.columns))


def foreign_key(column: str, target: str, on_delete: str | None) -> Part:
    """The part for a reference of one column to a table's id."""
    return Part("foreign key", (column,), f"{target} on delete {(on_delete or 'restrict').lower()}")


def index_part(columns: Iterable[str], *, unique: bool, partial: bool, descending: Sequence[str] = ()) -> Part:
    """The part for an index; ``partial`` if it has some of the records only."""
    words = {"unique": unique, "of some records": partial, f"descending by {', '.join(descending)}": bool(descending)}
    return Part("index", tuple(columns), ", ".join(word for word, holds in words.items() if holds))


def search_part(columns: Iterable[str]) -> Part:
    """The part for the index for searches in columns."""
    return Part("index", tuple(columns), FOR_SEARCHES)


def check(name: str, text: str) -> Part:
    """The part for a check: what it is about, since each database writes the same expression in its own words."""
    words = sorted(set(re.findall(r"'\"?(\w+)\"?'", text)))
    if words:
        return Part("check", (name,), ", ".join(words))
    pairs = re.findall(r'"?(\w+)"? IS NOT NULL\)* AND \(*"?(\w+)"? IS NOT NULL', text)
    if pairs:
        return Part("check", (name,), ", ".join(sorted(f"{one} with {other}" for one, other in pairs)))
    columns = sorted(set(re.findall(r'"?(\w+)"? IS NULL', text)))
    return Part(
        "check", (name,), f"{'exactly' if re.search(r'[^<]= *1', text) else 'at most'} one of {', '.join(columns)}"
    )


def parts(table: Table, tables: Mapping[str, str] | None = None) -> dict[Part, str]:
    """The parts of a table → their names. ``tables`` renames the targets of foreign keys."""
    found: dict[Part, str] = {}
    for constraint in table.constraints:
        match constraint:
            case PrimaryKeyConstraint():
                part = Part("primary key", tuple(constraint.columns.keys()))
            case UniqueConstraint():
                part = Part("unique", tuple(constraint.columns.keys()))
            case ForeignKeyConstraint():
                target = constraint.elements[0].target_fullname.split(".")[0]
                part = foreign_key(constraint.column_keys[0], (tables or {}).get(target, target), constraint.ondelete)
            case CheckConstraint():
                part = check(str(constraint.name), str(constraint.sqltext))
            case _:
                continue
        found[part] = str(constraint.name)
    for index in table.indexes:
        if is_search_index(index):
            found[search_part(columns_of(index))] = str(index.name)
            continue
        partial = index.dialect_options["postgresql"]["where"] is not None
        found[index_part(index.columns.keys(), unique=bool(index.unique), partial=partial)] = str(index.name)
    return found
