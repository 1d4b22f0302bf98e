"""Databases on the tests' PostgreSQL: made once with the system tables, cleaned for the next test.

To make the system tables takes longer than most tests; what tests add to them is gone in a moment, by a connection that
stays open: a new one reads the catalogue of all tables before it can look at them. A database may also have a model and
records (``tests/postgres_worlds.py``): then cleaning gives it these records again.
"""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import InvalidSchemaName, OperationalError, UndefinedTable
from psycopg.sql import SQL, Composable, Identifier, Literal

from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system

Connection = psycopg.Connection[tuple[Any, ...]]

_END_OTHERS = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""

_END_SECONDS, _PAUSE_SECONDS = 10, 0.002
"""For the end of others, and between two looks at them. PostgreSQL itself would look every 100 ms, and most tests leave
a connection that is about to end."""

_SIGHT = """SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT concat_ws(' ', 'relation', relname, relkind, relowner, relacl, reloptions) AS line FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'column', attrelid, attname, atttypid, attnotnull, attcollation, attidentity)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'constraint', conrelid, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'function', proname, md5(prosrc), md5(prosqlbody::text)) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'type', typname, typtype) FROM pg_type WHERE typnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid, tgname) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', 'schema', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT concat_ws(' ', 'extension', extname, extnamespace) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', 'default', relname, rolname, setconfig) FROM pg_db_role_setting
        LEFT JOIN pg_roles ON pg_roles.oid = setrole, (SELECT current_database() AS relname) AS here
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT concat_ws(' ', 'revision', version_num) FROM xrm_alembic_version
    UNION ALL SELECT concat_ws(' ', 'key', inner_block, outer_block) FROM xrm_mask_key
) AS lines"""
"""All that is not data, and what the revisions have written, as one value."""

_TRACES = """SELECT string_agg(line, E'\n' ORDER BY line) FROM (
    SELECT concat_ws(' ', what, count(*), sum(writer)) AS line FROM (
        SELECT 'relation' AS what, xmin::text::bigint AS writer FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'column', xmin::text::bigint FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT 'constraint', xmin::text::bigint FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT 'function', xmin::text::bigint FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'type', xmin::text::bigint FROM pg_type WHERE typnamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger', xmin::text::bigint FROM pg_trigger
        UNION ALL SELECT 'schema', xmin::text::bigint FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
        UNION ALL SELECT 'extension', xmin::text::bigint FROM pg_extension
        UNION ALL SELECT 'default', xmin::text::bigint FROM pg_db_role_setting
    ) AS rows GROUP BY what
    UNION ALL SELECT concat_ws(' ', 'revision', version_num) FROM xrm_alembic_version
    UNION ALL SELECT concat_ws(' ', 'key', inner_block, outer_block) FROM xrm_mask_key
) AS lines"""
"""Of the same rows of the catalogue, how many there are and the sum of the transactions that have written them: in a
fifth of the time. Each transaction has a higher number than those before it, so where as many rows were written as were
removed the sum is higher."""

_DEFINE_CLEAN = """CREATE OR REPLACE FUNCTION pg_temp.clean() RETURNS void LANGUAGE plpgsql AS $$
DECLARE kind text; name text; BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE oid > {newest} AND nspname !~ '^pg_' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
    FOR kind, name IN SELECT
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                ELSE 'TABLE' END,
            relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND oid > {newest}
            AND relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY relkind = 'S' LOOP
        EXECUTE format('DROP %s IF EXISTS %I CASCADE', kind, name);
    END LOOP;
    FOR name IN SELECT oid::regprocedure FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND oid > {newest} LOOP
        CONTINUE WHEN name ~ '^[0-9]+$'; -- it went with what it belonged to
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', name);
    END LOOP;
    FOR name IN SELECT oid::regtype FROM pg_type WHERE typnamespace = 'public'::regnamespace AND oid > {newest}
            AND typtype IN ('e', 'd') LOOP
        CONTINUE WHEN name ~ '^[0-9]+$';
        EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', name);
    END LOOP;
    PERFORM set_config('session_replication_role', 'replica', true);
    {deletes}
    {inserts}
    PERFORM setval(oid, 1, false) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
    {counts}
END $$"""
"""Makes what takes away all that is newer than the tables that there were, with their rows and with what was counted,
and gives them the rows that they had; not what the revisions have written. It lasts as long as the connection, and so
do its plans."""

_TABLES = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND relname NOT IN ('xrm_alembic_version', 'xrm_mask_key')"""

_COLUMNS = """SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = quote_ident({table})::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""

_COUNTED = """SELECT format('PERFORM setval(%L, %s, true);', schemaname || '.' || quote_ident(sequencename), last_value)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"""

_WEIGHT = """SELECT sum(pg_relation_size(oid)) FILTER (WHERE relkind = 'r')::bigint,
        md5(string_agg(reltuples::text, ' ' ORDER BY oid))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')"""
"""How many bytes its rows have taken so far, and what PostgreSQL believes to know about them: both outlast them. Not
the bytes of indexes, which are many files to look at, and grow with the rows."""

_GROWN = 2 << 20
"""Bytes by which it may grow before it is made anew."""


_KEY = """SELECT format('UPDATE xrm_mask_key SET inner_block = %L, outer_block = %L', inner_block, outer_block)
    FROM xrm_mask_key"""


@dataclass
class PreparedDatabase:
    """A database with the system tables and nothing in them.

    Args:
        name: of the database.
        sight: what it looked like when it was made.
        traces: that nobody has changed what it looks like; where they differ, the sight says whether it is the same.
        key: statement that gives it the key of masks that it had then; many tests have one of their own.
        weight: see there.
        connection: cleans it.
    """

    name: str
    sight: object
    traces: object
    key: str
    weight: tuple[int, str]
    connection: Connection

    @classmethod
    def make(cls, name: str, url: str, connection: Connection) -> "PreparedDatabase":
        """Of an empty database, with a connection to it; the revisions make the system tables."""
        database = Database(url)
        upgrade_system(database)
        database.close()
        return cls.as_it_is(name, connection)

    @classmethod
    def as_it_is(cls, name: str, connection: Connection) -> "PreparedDatabase":
        """Of a database, with a connection to it: what it has now it has again after each cleaning."""
        # Any new object has a higher number than this one, which is gone again.
        newest = _one(connection, "SELECT lo_create(0)::bigint")
        connection.execute(SQL("SELECT lo_unlink({}::oid)").format(Literal(newest)))
        sight, key = _one(connection, _SIGHT), _one(connection, _KEY)
        tables = [row[0] for row in connection.execute(_TABLES)]
        connection.execute(
            SQL(_DEFINE_CLEAN).format(
                newest=Literal(newest),
                deletes=SQL(" ").join(SQL("DELETE FROM {};").format(Identifier(table)) for table in tables),
                inserts=SQL(" ").join(_kept(connection, table) for table in _with_rows(connection, tables)),
                counts=SQL(" ").join(SQL(row[0]) for row in connection.execute(_COUNTED)),
            )
        )
        return cls(name, sight, _one(connection, _TRACES), key, _weight(connection), connection)

    def clean(self) -> bool:
        """Make it as it was; False: a test has changed what was there before, so it cannot be used again."""
        try:
            _end_others(self.connection)
            self.connection.execute("SELECT pg_temp.clean()")
            self.connection.execute(self.key.encode())
            traces = _one(self.connection, _TRACES)
            same = traces == self.traces or _one(self.connection, _SIGHT) == self.sight
        except (InvalidSchemaName, UndefinedTable, OperationalError):
            return False  # the last: a test has ended this connection, too
        self.traces = traces
        return same

    def weighs_the_same(self) -> bool:
        """Whether who asks for its records gets them as fast as when it was made, and in the same way."""
        (size, known), (was, was_known) = _weight(self.connection), self.weight
        return size <= was + _GROWN and known == was_known


def _end_others(connection: Connection) -> None:
    """Of a test that forgot to close, or whose connections are not quite gone yet."""
    until = time.monotonic() + _END_SECONDS
    while _one(connection, _END_OTHERS) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)


def _weight(connection: Connection) -> tuple[int, str]:
    [(size, known)] = connection.execute(_WEIGHT).fetchall()
    return int(size), str(known)


def _with_rows(connection: Connection, tables: list[str]) -> list[str]:
    asked = SQL("SELECT {name} WHERE EXISTS (SELECT FROM {table})")
    parts = [asked.format(name=Literal(table), table=Identifier(table)) for table in tables]
    return [row[0] for row in connection.execute(SQL(" UNION ALL ").join(parts))]


def _kept(connection: Connection, table: str) -> Composable:
    """Keep the rows of a table for as long as the connection lasts; what puts them there again."""
    columns = SQL(_one(connection, SQL(_COLUMNS).format(table=Literal(table)).as_string(connection)))
    names = {"kept": Identifier(f"kept {table}"), "table": Identifier(table), "columns": columns}
    connection.execute(SQL("CREATE TEMP TABLE {kept} AS SELECT {columns} FROM {table}").format(**names))
    return SQL("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM {kept};").format(**names)


def _one(connection: Connection, statement: str) -> Any:
    """The one value that a statement gives."""
    [[value]] = connection.execute(statement.encode()).fetchall()
    return value
