"""Databases on the tests' PostgreSQL: made once with the system tables, cleaned for the next test.

To make the system tables takes longer than most tests; what tests add to them is gone in a moment.
"""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg.errors import InvalidSchemaName, UndefinedTable

from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system

Execute = Callable[..., list[tuple[object, ...]]]
"""Runs a statement in a database: ``execute(statement, database=name)``."""

_END_OTHERS = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""

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

_CLEAN = """DO $$ DECLARE kind text; name text; BEGIN
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
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname NOT IN ('xrm_alembic_version', 'xrm_mask_key') LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    PERFORM setval(oid, 1, false) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
END $$"""
"""Away with all that is newer than the system tables, with their rows and with what was counted; not with what the
revisions have written."""


_KEY = """SELECT format('UPDATE xrm_mask_key SET inner_block = %L, outer_block = %L', inner_block, outer_block)
    FROM xrm_mask_key"""


@dataclass(frozen=True)
class PreparedDatabase:
    """A database with the system tables and nothing in them.

    Args:
        name: of the database.
        newest: the highest object identifier when it was made.
        sight: what it looked like then.
        key: statement that gives it the key of masks that it had then; many tests have one of their own.
    """

    name: str
    newest: int
    sight: object
    key: str

    @classmethod
    def make(cls, execute: Execute, name: str, url: str) -> "PreparedDatabase":
        """Make it; the revisions make the system tables."""
        execute(f"CREATE DATABASE {name}")
        database = Database(url)
        upgrade_system(database)
        database.close()
        # Any new object has a higher number than this one, which is gone again.
        [[newest]] = execute("SELECT lo_create(0)::bigint", database=name)
        execute(f"SELECT lo_unlink({newest}::oid)", database=name)
        [[sight]] = execute(_SIGHT, database=name)
        [[key]] = execute(_KEY, database=name)
        return cls(name, int(str(newest)), sight, str(key))

    def clean(self, execute: Execute) -> bool:
        """Make it as it was; False: a test has changed what was there before, so it cannot be used again."""
        execute(_END_OTHERS, database=self.name)  # a test that forgot to close
        try:
            execute(_CLEAN.format(newest=self.newest), self.key, database=self.name)
            [[sight]] = execute(_SIGHT, database=self.name)
        except (InvalidSchemaName, UndefinedTable):
            return False
        return sight == self.sight
