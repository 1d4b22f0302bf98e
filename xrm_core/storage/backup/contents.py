"""Which databases an installation has, and what is in them."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from xrm_core.errors import ModelOutOfDate
from xrm_core.storage.backup.manifest import Place
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import system_revision
from xrm_core.storage.tenants import SERVED, tenants


@dataclass(frozen=True)
class Source:
    """A place with the URL of its database."""

    place: Place
    url: str


@dataclass(frozen=True)
class Installation:
    """What is to be backed up. ``left_out``: tenants that are being made or removed."""

    sources: tuple[Source, ...]
    left_out: tuple[str, ...]
    revision: str


def installation(main_url: str, data_dir: Path) -> Installation:
    """The main database and all tenants.

    Args:
        main_url: URL of the main database.
        data_dir: where tenants in SQLite files are.

    Raises:
        ModelOutOfDate: there is nothing in the database.
        DatabaseUnavailable: it does not answer.
    """
    with closing(Database(main_url)) as main, main.read() as connection:
        revision = system_revision(connection)
        if revision is None:
            raise ModelOutOfDate("There is nothing in the database yet, so there is nothing to back up.")
        sources = [Source(Place("", schema_of(connection), elsewhere=False), main_url)]
        known = tenants(connection, data_dir)
    for each in known:
        if each.state in SERVED:
            with closing(Database(each.url, makes=False)) as database:
                schema = "" if database.is_sqlite else database.schema or "public"
            sources.append(Source(Place(each.name, schema, each.elsewhere), each.url))
    return Installation(tuple(sources), tuple(each.name for each in known if each.state not in SERVED), revision)


def schema_of(connection: Connection) -> str:
    """The schema in which a connection works; empty on SQLite."""
    if connection.dialect.name == "sqlite":
        return ""
    return str(connection.execute(text("SELECT current_schema()")).scalar())


def server_version(connection: Connection) -> int:
    """The major version of a PostgreSQL server."""
    found: int = connection.exec_driver_sql("SELECT current_setting('server_version_num')::int / 10000").scalar_one()
    return found


def count_rows(connection: Connection, schema: str) -> dict[str, int]:
    """The number of rows of each table of a schema."""
    quote = connection.dialect.identifier_preparer.quote
    prefix = f"{quote(schema)}." if schema else ""
    return {
        name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {prefix}{quote(name)}").scalar() or 0)
        for name in table_names(connection, schema)
    }


def table_names(connection: Connection, schema: str) -> list[str]:
    """The tables of a schema."""
    return sorted(inspect(connection).get_table_names(schema=schema or None))


def by_database(sources: Iterable[Source]) -> list[list[Source]]:
    """The places in each database: several for PostgreSQL, one for SQLite."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        with closing(Database(source.url)) as database:
            same = database.url.set(username=None, password=None).render_as_string(hide_password=False)
        found.setdefault(same, []).append(source)
    return list(found.values())
