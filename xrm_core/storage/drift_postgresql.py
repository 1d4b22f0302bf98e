"""What only PostgreSQL can have: a table, constraint or index that does not do its work, or does more than that."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from xrm_core.storage.under_way import change_under_way

_FOUND = text(
    r"""
    SELECT c.relname, 'the table is unlogged, so that a crash empties it.'
    FROM pg_class c
    WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND c.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT c.relname, 'the table has row security, which is not in the model.'
    FROM pg_class c
    WHERE c.relkind = 'r' AND c.relrowsecurity AND c.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT c.relname, 'the rule ' || r.rulename || ' is not in the model.'
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT c.relname, 'the index ' || i.relname || ' is not valid.'
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE NOT x.indisvalid AND i.relname NOT LIKE 'xrm\_new\_%' AND c.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT DISTINCT c.relname, 'the constraint ' || k.conname || ' is switched off.'
    FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint JOIN pg_class c ON c.oid = k.conrelid
    WHERE t.tgenabled <> 'O' AND c.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT c.relname, 'the constraint ' || k.conname || ' is not in the model: ' || pg_get_constraintdef(k.oid) || '.'
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND (k.contype = 'x' OR k.contype = 'u'
        AND (k.condeferrable OR pg_get_constraintdef(k.oid) LIKE '%NULLS NOT DISTINCT%'))
    ORDER BY 1, 2
    """
)

_NOT_VALIDATED = text(
    r"""
    SELECT c.relname, 'the constraint ' || k.conname || ' was not held against the records that there are.'
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE NOT k.convalidated AND k.conname NOT LIKE 'xrm\_new\_%' AND c.relnamespace = current_schema()::regnamespace
    ORDER BY 1, 2
    """
)


def peculiarities(connection: Connection) -> Iterator[tuple[str, str]]:
    """(table, what of it) for all tables, whoever's."""
    yield from ((row[0], row[1]) for row in connection.execute(_FOUND))
    if change_under_way(connection) is None:  # whose last step it would be
        yield from ((row[0], row[1]) for row in connection.execute(_NOT_VALIDATED))
