"""Every generated name comes from here: tables, columns, constraints, GraphQL types and fields.

Names in schema files are snake_case and match :data:`NAME`; everything else is derived by small functions.
"""

import hashlib
import re
from functools import lru_cache

NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
"""What an entity or field may be called (full match)."""

ENUM_VALUE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
"""What an enum value may be called: it is the same word in files, database, CSV and GraphQL."""

_MAX_IDENTIFIER = 63  # PostgreSQL cuts identifiers at 63 bytes


@lru_cache(maxsize=16_384)  # asked for each field of each input
def camel(name: str) -> str:
    """``last_name`` → ``lastName``."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def pascal(name: str) -> str:
    """``sales_order`` → ``SalesOrder``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def plural(name: str) -> str:
    """English plural of a snake_case name: ``company`` → ``companies``. A file's ``x-plural`` wins over it."""
    if re.search(r"[^aeiou]y$", name):
        return name[:-1] + "ies"
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    return name + "s"


def singular(name: str) -> str:
    """One of what a snake_case plural names, as far as its form tells: ``companies`` → ``company``."""
    if re.search(r"[^aeiou]ies$", name):
        return name[:-3] + "y"
    if re.search(r"(s|x|z|ch|sh)es$", name):
        return name[:-2]
    return name[:-1] if re.search(r"[^s]s$", name) else name


def bounded(name: str) -> str:
    """The name itself, or its start and a digest when it is longer than a database identifier may be."""
    if len(name) <= _MAX_IDENTIFIER:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _MAX_IDENTIFIER - 9]}_{digest}"


def table(entity: str) -> str:
    """Table of an entity: the entity's name. System tables begin with ``xrm_``, which entities may not."""
    return entity


def relation_column(relation: str) -> str:
    """Foreign-key column of a to-one relation: ``customer`` → ``customer_id``."""
    return f"{relation}_id"


def polymorphic_column(relation: str, target: str) -> str:
    """Foreign-key column of a polymorphic relation to one of its targets: ``regarding_customer_id``."""
    return f"{relation}_{target}_id"


def currency_column(field: str) -> str:
    """Column of the currency of an amount of money: ``price`` → ``price_currency``."""
    return f"{field}_currency"


def index(table_name: str, columns: tuple[str, ...]) -> str:
    """Name of an index over columns."""
    return bounded(f"ix_{table_name}_{'_'.join(columns)}")


def unique(table_name: str, columns: tuple[str, ...]) -> str:
    """Name of a unique constraint over columns."""
    return bounded(f"uq_{table_name}_{'_'.join(columns)}")


SEARCH = "xrm_search_"
"""Names of indexes for searches begin with it (PostgreSQL)."""


def search_index(table_name: str) -> str:
    """Name of the index for searches in a table (PostgreSQL)."""
    return bounded(SEARCH + table_name)


def search_texts(table_name: str) -> str:
    """Table of what is searched in each record of a table (SQLite)."""
    return f"xrm_text_{table_name}"


def search_trigrams(table_name: str) -> str:
    """Full-text index over these texts (SQLite). FTS5 makes further tables, whose names go on from this one, so that it
    must not end like an entity's name may.
    """
    return f"xrm_find_{table_name}_fts"


def search_trigger(table_name: str, event: str) -> str:
    """Trigger that keeps the texts in step when a record is inserted, updated or deleted (SQLite)."""
    return f"xrm_text_{table_name}_{event}"


def check(table_name: str, what: str) -> str:
    """Name of a check constraint; ``what`` is the column or rule that it checks."""
    return bounded(f"ck_{table_name}_{what}")


def foreign_key(table_name: str, column: str) -> str:
    """Name of a foreign-key constraint."""
    return bounded(f"fk_{table_name}_{column}")


def not_null(table_name: str, column: str) -> str:
    """Name of the passing check by which PostgreSQL learns that a column has no empty values."""
    return bounded(f"nn_{table_name}_{column}")


PREPARED = "xrm_new_"
"""Columns, constraints and indexes that are made ahead of a change of the model begin with it until the switch."""


def prepared(name: str) -> str:
    """What a thing of the next model is called until the switch to that model."""
    return bounded(PREPARED + name)


ASIDE = "xrm_old_"
"""Columns and tables that a change of the model has put aside begin with it."""


def aside(change: int, name: str) -> str:
    """What a column or table is called after change number ``change`` has put it aside: ``xrm_old_7_fax``."""
    return bounded(f"{ASIDE}{change}_{name}")
