"""What is wrong with the indexes for searches of a database, found by comparing them with the records."""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, column, select, table, text
from sqlalchemy.exc import DatabaseError

from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.storage.engines import Database
from xrm_core.storage.folding import fold_accents, padded
from xrm_core.storage.search_text import search_text, searched_columns
from xrm_core.storage.tables import Tables


def faults(database: Database, model: Model) -> list[str]:
    """One sentence for each entity whose index does not say what is in the records."""
    tables = Tables(model)
    found = []
    for entity in model:
        if names := searched_columns(entity):
            with database.begin() as connection:
                each = _on_sqlite if database.is_sqlite else _on_postgresql
                found += [f"{entity.name}: {fault}" for fault in each(connection, tables[entity.name], names)]
    return found


def _on_sqlite(connection: Connection, records: Table, names: tuple[str, ...]) -> Iterator[str]:
    texts, trigrams = naming.search_texts(records.name), naming.search_trigrams(records.name)
    rows = connection.execute(select(records.c.id, *(records.c[name] for name in names)))
    wanted = {row[0]: "".join(padded(value) for value in row[1:]) for row in rows}
    stored = connection.execute(select(column("id"), column("text")).select_from(table(texts)))
    found = {row[0]: row[1] for row in stored}
    if wanted != found:
        yield f"the texts are {found}, not {wanted}"
    try:
        connection.exec_driver_sql(f'INSERT INTO "{trigrams}" ("{trigrams}", rank) VALUES (\'integrity-check\', 1)')
    except DatabaseError as error:
        yield f"the trigrams are not those of the texts: {error.orig}"


def _on_postgresql(connection: Connection, records: Table, names: tuple[str, ...]) -> Iterator[str]:
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    whole = search_text("postgresql", [records.c[name] for name in names])
    rows = connection.execute(select(records.c.id, *(records.c[name] for name in names))).all()
    wanted = {row[0]: " ".join(fold_accents(value) or "" for value in row[1:]) for row in rows}
    words = {word for each in wanted.values() for word in each.split() if word.isalnum() and len(word) >= 3}
    for word in sorted(words | {"nowhere"}):
        query = select(records.c.id).where(whole.like(f"%{word}%"))
        shown = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(connection.execute(text(f"EXPLAIN {shown}".replace(":", "\\:"))).scalars())
        if naming.search_index(records.name) not in plan:
            yield f"the index is not used: {plan}"
        found = set(connection.execute(query).scalars())
        if found != {id_ for id_, each in wanted.items() if word in each}:
            yield f"{word} is found in {found}"
