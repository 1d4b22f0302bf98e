"""The index for searches on SQLite: the text of each record in a table, trigrams of it in FTS5, triggers for both.

Tables of records have no numbers that last (VACUUM gives new ones), so the texts have numbers of their own.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, Table, literal_column, text
from sqlalchemy.dialects import sqlite

from xrm_core import naming
from xrm_core.storage.exclusive import run
from xrm_core.storage.search_index import columns_of, search_index
from xrm_core.storage.search_text import search_text


def creation(table: Table) -> dict[str, str]:
    """Name → statement that makes it, in their order; nothing if the table has no index for searches."""
    if search_index(table) is None:
        return {}
    return {**_tables(table), **_triggers(table)}


def make_search(connection: Connection, table: Table) -> None:
    """Make all of it and fill it, if the table has an index for searches."""
    if search_index(table) is None:
        return
    for statement in _tables(table).values():
        run(connection, statement)
    texts, trigrams = _quoted(naming.search_texts(table.name)), _quoted(naming.search_trigrams(table.name))
    run(connection, f"INSERT INTO {texts} (id, text) SELECT id, {_text(table)} FROM {_quoted(table.name)} ORDER BY id")
    run(connection, f"INSERT INTO {trigrams} ({trigrams}) VALUES ('rebuild')")
    make_search_triggers(connection, table)


def make_search_triggers(connection: Connection, table: Table) -> None:
    """Make the triggers only, for a table whose texts are there."""
    if search_index(table) is not None:
        for statement in _triggers(table).values():
            run(connection, statement)


def drop_search(connection: Connection, table: str) -> None:
    """Drop all of it that there is for a table of this name."""
    drop_search_triggers(connection, table)
    for name in (naming.search_trigrams(table), naming.search_texts(table)):
        run(connection, f"DROP TABLE IF EXISTS {_quoted(name)}")


def drop_search_triggers(connection: Connection, table: str) -> None:
    """Drop the triggers only."""
    for event in ("insert", "update", "delete"):
        run(connection, f"DROP TRIGGER IF EXISTS {_quoted(naming.search_trigger(table, event))}")


def search_differences(connection: Connection, tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """(table, what is wrong) for all that is not as it was made."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    found: dict[str, str] = {row.name: row.sql for row in rows}
    for table in tables:
        for name, statement in creation(table).items():
            if name not in found:
                yield table.name, f"{name}, a part of the index for searches, is missing."
            elif found[name] != statement:
                yield table.name, f"{name}, a part of the index for searches, is not as it was made."


def _tables(table: Table) -> dict[str, str]:
    texts, trigrams = naming.search_texts(table.name), naming.search_trigrams(table.name)
    # No positions (detail) and lengths (columnsize): nothing is ranked here, and candidates are looked at anyway.
    options = f"content={_value(texts)}, content_rowid='number', tokenize='trigram case_sensitive 1'"
    return {
        texts: f"CREATE TABLE {_quoted(texts)} "
        "(number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL) STRICT",
        trigrams: f"CREATE VIRTUAL TABLE {_quoted(trigrams)} USING fts5(text, {options}, detail=none, columnsize=0)",
    }


def _triggers(table: Table) -> dict[str, str]:
    records, texts = _quoted(table.name), _quoted(naming.search_texts(table.name))
    trigrams = _quoted(naming.search_trigrams(table.name))
    columns = _columns(table)
    changed = " OR ".join(f"old.{name} IS NOT new.{name}" for name in columns)
    forget = f"INSERT INTO {trigrams} ({trigrams}, rowid, text) SELECT 'delete', number, text FROM {texts} WHERE id = "
    learn = f"INSERT INTO {trigrams} (rowid, text) SELECT number, text FROM {texts} WHERE id = "
    bodies = {
        "insert": (
            f"INSERT ON {records}",
            f"INSERT INTO {texts} (id, text) VALUES (new.id, {_text(table, 'new')}); {learn}new.id;",
        ),
        "update": (
            f"UPDATE OF id, {', '.join(columns)} ON {records} WHEN old.id <> new.id OR {changed}",
            f"{forget}old.id; UPDATE {texts} SET id = new.id, text = {_text(table, 'new')} WHERE id = old.id; "
            f"{learn}new.id;",
        ),
        "delete": (f"DELETE ON {records}", f"{forget}old.id; DELETE FROM {texts} WHERE id = old.id;"),
    }
    found: dict[str, str] = {}
    for event, (moment, body) in bodies.items():
        name = naming.search_trigger(table.name, event)
        found[name] = f"CREATE TRIGGER {_quoted(name)} AFTER {moment} BEGIN {body} END"
    return found


def _text(table: Table, row: str | None = None) -> str:
    before = "" if row is None else f"{row}."
    whole = search_text("sqlite", [literal_column(f"{before}{name}") for name in _columns(table)])
    return str(whole.compile(dialect=sqlite.dialect()))


def _columns(table: Table) -> list[str]:
    index = search_index(table)
    return [] if index is None else [_quoted(name) for name in columns_of(index)]


def _quoted(name: str) -> str:
    return f'"{name}"'  # entities and fields have letters, digits and underscores alone


def _value(name: str) -> str:
    return f"'{name}'"
