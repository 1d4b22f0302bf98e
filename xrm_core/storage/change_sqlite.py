"""Carry out an evolution on SQLite, which cannot alter constraints: a table that changes is built anew and refilled.

This is the procedure of SQLite's documentation (lang_altertable.html, section 7); foreign keys are off meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import Operations
from sqlalchemy import ColumnElement, Connection, Dialect, Index, MetaData, Table, insert, literal, null, select, text

from xrm_core.storage.ddl import create_index, create_table
from xrm_core.storage.evolution import EntityPair, Evolution, backfill
from xrm_core.storage.exclusive import run
from xrm_core.storage.linking import became_many, make_links, unmake_links
from xrm_core.storage.mending import make_room, mend
from xrm_core.storage.numbering import numbers
from xrm_core.storage.search_index import columns_of, is_search_index, search_index
from xrm_core.storage.search_sqlite import drop_search, drop_search_triggers, make_search, make_search_triggers
from xrm_core.storage.table_pair import indexes
from xrm_core.storage.tables import Tables

_TEMPORARY = "xrm_new_{}"


def rebuilt(dialect: Dialect, evolution: Evolution, old: Tables, new: Tables) -> frozenset[str]:
    """The entities, by their new names, whose tables have to be built anew. Asks no database."""
    return frozenset(
        pair.new.name
        for pair in evolution.pairs
        if create_table(old[pair.old.name], dialect) != create_table(new[pair.new.name], dialect)
    )


def change(operations: Operations, evolution: Evolution, old: Tables, new: Tables, anew: frozenset[str]) -> None:
    """Bring the tables ``old`` to ``new`` in the transaction of ``operations``; ``anew``: see :func:`rebuilt`."""
    unmake_links(operations.get_bind(), evolution, old)
    make_room(operations.get_bind(), evolution, old)
    for pair in evolution.pairs:
        _stop_search(operations.get_bind(), pair, old[pair.old.name], new[pair.new.name])
    for pair in evolution.pairs:
        if old[pair.old.name].name != new[pair.new.name].name:
            operations.rename_table(old[pair.old.name].name, new[pair.new.name].name)
    for pair in evolution.pairs:
        _change_table(operations, pair, old[pair.old.name], new[pair.new.name], anew=pair.new.name in anew)
    for entity in evolution.created:
        run(operations.get_bind(), create_table(new[entity.name], operations.get_bind().dialect))
        _create_indexes(operations, new[entity.name], present=set())
        make_search(operations.get_bind(), new[entity.name])
    for each in became_many(evolution):
        make_links(operations.get_bind(), each, evolution, new)
    mend(operations.get_bind(), evolution, new)


def _change_table(operations: Operations, pair: EntityPair, old: Table, new: Table, *, anew: bool) -> None:
    if anew:
        others = _indexes_of_others(operations, pair, old, new.name)
        _rebuild(operations, pair, old, new)
        _create_indexes(operations, new, present=set())
        for statement in others:
            run(operations.get_bind(), statement)
    else:
        wanted = {index.name for index in _indexes(new)}
        present = {index.name for index in _indexes(old)}
        for name in sorted(str(name) for name in present - wanted):
            operations.drop_index(name)
        _create_indexes(operations, new, present)
    if _search_stays(pair, old, new):
        make_search_triggers(operations.get_bind(), new)
    else:
        make_search(operations.get_bind(), new)


def _stop_search(connection: Connection, pair: EntityPair, old: Table, new: Table) -> None:
    """Drop the index for searches, or its triggers if its texts stay: they would get in the way of what follows."""
    if _search_stays(pair, old, new):
        drop_search_triggers(connection, old.name)
    elif search_index(old) is not None:
        drop_search(connection, old.name)


def _search_stays(pair: EntityPair, old: Table, new: Table) -> bool:
    """Whether the same is searched in the records before and after, under the same name."""
    before, after = search_index(old), search_index(new)
    if before is None or after is None or old.name != new.name:
        return False
    return [pair.columns.get(column) for column in columns_of(after)] == list(columns_of(before))


def _indexes(table: Table) -> list[Index]:
    """By name, but for the one for searches, which is none here."""
    return [index for index in indexes(table) if not is_search_index(index)]


def _indexes_of_others(operations: Operations, pair: EntityPair, old: Table, table: str) -> list[str]:
    """Statements of indexes that somebody made by hand over columns that stay: they would go with the former table."""
    ours = {index.name for index in old.indexes}
    found = text(
        "SELECT l.name, s.sql, (SELECT group_concat(coalesce(i.name, '?')) FROM pragma_index_info(l.name) i) "
        "FROM pragma_index_list(:table) l JOIN sqlite_master s ON s.type = 'index' AND s.name = l.name "
        "WHERE l.origin = 'c' AND NOT l.partial ORDER BY l.name"
    )
    return [
        statement
        for name, statement, columns in operations.get_bind().execute(found, {"table": table})
        if name not in ours and all(pair.columns.get(column) == column for column in columns.split(","))
    ]


def _rebuild(operations: Operations, pair: EntityPair, old: Table, new: Table) -> None:
    temporary = new.to_metadata(MetaData(), name=_TEMPORARY.format(new.name))
    # Without its indexes, whose names are still taken; references to the table itself mean the name that it will have.
    quote = operations.get_bind().dialect.identifier_preparer.quote
    before, after = (f"CREATE TABLE {quote(name)} " for name in (new.name, temporary.name))
    run(operations.get_bind(), create_table(new, operations.get_bind().dialect).replace(before, after, 1))
    source = old.to_metadata(MetaData(), name=new.name)  # it has its new name already, but the old columns
    converted: dict[str, ColumnElement[Any]] = {}
    for conversion in pair.conversions:
        converted |= conversion.values(dict(source.c), operations.get_bind().dialect.name)
    values = [
        converted[name] if name in converted else _value(operations, pair, source, name, new.columns[name].type)
        for name in new.columns.keys()  # noqa: SIM118
    ]
    operations.execute(insert(temporary).from_select(list(new.columns.keys()), select(*values)))
    operations.drop_table(new.name)
    with _views_left_alone(operations):
        operations.rename_table(temporary.name, new.name)


@contextmanager
def _views_left_alone(operations: Operations) -> Iterator[None]:
    """Else a view of somebody's over the table would be an error while the table is away."""
    run(operations.get_bind(), "PRAGMA legacy_alter_table=ON")
    try:
        yield
    finally:
        run(operations.get_bind(), "PRAGMA legacy_alter_table=OFF")


def _value(operations: Operations, pair: EntityPair, source: Table, column: str, type_: Any) -> ColumnElement[Any]:
    """What a column of the new table is filled with: the old value, or the default if the column is new."""
    former = pair.columns.get(column)
    if former is not None:
        return source.columns[former]
    field = pair.new.fields.get(column)
    if field is not None and field.sequence is not None:
        return numbers(field.sequence, source, operations.get_bind())
    default = None if field is None else backfill(field)
    return null() if default is None else literal(default, type_)


def _create_indexes(operations: Operations, table: Table, present: set[Any]) -> None:
    for index in _indexes(table):
        if index.name not in present:
            run(operations.get_bind(), create_index(index, operations.get_bind().dialect))
