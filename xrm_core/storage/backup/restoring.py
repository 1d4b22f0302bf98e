"""A backup → databases, in places where there is nothing yet."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema, DropSchema

from xrm_core.errors import DatabaseUnavailable, SettingsError
from xrm_core.storage.backup import manifest as manifests
from xrm_core.storage.backup import sqlite
from xrm_core.storage.backup.contents import count_rows, schema_of, server_version, table_names
from xrm_core.storage.backup.files import borrow_files, bring_files_back, take_files_away, verify_files
from xrm_core.storage.backup.manifest import BackupFailed, Manifest, Part, Place, RestoreRefused
from xrm_core.storage.backup.postgres_tools import PostgresTools
from xrm_core.storage.backup.writing import rows_of_file
from xrm_core.storage.contents import Stores
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TENANT

_OWN_FUNCTIONS = text(
    "SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p "
    "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = :schema AND p.proname LIKE 'xrm\\_%'"
)


def restore(
    folder: Path,
    main_url: str,
    data_dir: Path,
    elsewhere: Mapping[str, str],
    tools: PostgresTools,
    stores: Stores | None = None,
) -> Manifest:
    """Bring a backup back: all of it, checked by checksums and counts, or nothing.

    Args:
        folder: the backup.
        main_url: the main database; there must be nothing in it.
        data_dir: where tenants in SQLite files go.
        elsewhere: name of a tenant → URL of its database, for those that had a place of their own.
        tools: for databases on PostgreSQL.
        stores: where the content of files goes that lay outside of databases, if it is in the backup. None: it is read
            where it lay. What lies there already is removed by nothing that is restored.

    Raises:
        BackupInvalid: it is no backup, or it is damaged.
        RestoreRefused: something is there already, or the backup is of another kind of database.
        BackupFailed: it cannot be brought back; what was made by then is gone again.
        SettingsError: a place is missing for a tenant, or cannot be written.
        FilesUnavailable: content cannot be put where it goes.
    """
    found = manifests.read(folder)
    if stores is not None:
        verify_files(found, folder)
    urls = _targets(found, main_url, data_dir, elsewhere)
    for part in found.parts:
        for place in part.places:
            _refuse_taken(part, place, urls[place.name])
    done: list[tuple[Part, Place]] = []
    borrowed: set[str] = set()  # places whose rows name no content of the original as their own any more
    try:
        # The main database at last: without it nothing is served of what may be left half done.
        for part in sorted(found.parts, key=lambda part: any(not place.name for place in part.places)):
            done += [(part, place) for place in part.places]
            _bring_back(folder, part, urls, tools)
        _note_places(main_url, elsewhere)
        for part in found.parts:
            for place in part.places:
                _verify(part, place, urls[place.name])
        for place in found.places:
            borrow_files(found, place.name, urls[place.name])
            borrowed.add(place.name)
            bring_files_back(found, folder, place.name, urls[place.name], stores)
    except BaseException as error:
        for part, place in done:
            if stores is not None and place.name in borrowed:
                take_files_away(place.name, urls[place.name], stores)
            _take_away(part, place, urls[place.name])
        if isinstance(error, OSError):
            raise SettingsError(
                f"It cannot be written: {error.strerror}.", hint="Nothing was restored. Mend that, and try again."
            ) from error
        raise
    return found


def _targets(found: Manifest, main_url: str, data_dir: Path, elsewhere: Mapping[str, str]) -> dict[str, str]:
    kinds = {place.name: part.kind for part in found.parts for place in part.places}
    unknown = set(elsewhere) - {place.name for place in found.places if place.elsewhere}
    if unknown:
        raise SettingsError(f"No tenant {min(unknown)[:60]!r} of the backup has a place of its own.")
    urls: dict[str, str] = {}
    for place in found.places:
        if not place.name:
            url = main_url
        elif place.elsewhere:
            if place.name not in elsewhere:
                raise SettingsError(
                    f"The tenant {place.name} had a database of its own.",
                    hint=f"Say where it goes: --at {place.name}=URL. The place that it had may be in use.",
                )
            url = _with_schema(elsewhere[place.name], place)
        elif kinds[place.name] == "sqlite":
            url = f"sqlite:///{data_dir.expanduser()}/tenants/{place.name}.db"
        else:
            url = _with_schema(main_url, place)
        with closing(Database(url)) as database:
            kind = "sqlite" if database.is_sqlite else "postgresql"
        if kind != kinds[place.name]:
            raise RestoreRefused(
                f"{place.name or 'The main database'} is backed up from {kinds[place.name]}, and is to go to {kind}.",
                hint="«xrm tenant export» and «import» move a tenant to another kind of database.",
            )
        urls[place.name] = url
    for part in found.parts:
        if len({_server(urls[place.name]) for place in part.places}) > 1:
            names = ", ".join(place.name or "the main database" for place in part.places)
            raise SettingsError(
                f"{names} were in one database of PostgreSQL, and can be restored into one only.",
                hint="Give the same URL for each of them by --at.",
            )
    return urls


def _server(url: str) -> str:
    with closing(Database(url)) as database:
        return database.url.render_as_string(hide_password=False)


def _with_schema(url: str, place: Place) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return url
    return parsed.update_query_dict({"schema": place.schema}).render_as_string(hide_password=False)


def _refuse_taken(part: Part, place: Place, url: str) -> None:
    with closing(Database(url)) as database:
        if part.kind == "sqlite":
            taken = sqlite.is_taken(Path(database.url.database or ""))
        else:
            with database.read() as connection:
                if place.name:
                    taken = inspect(connection).has_schema(place.schema)
                elif schema_of(connection) != place.schema:
                    raise RestoreRefused(
                        f"The main database was in the schema {place.schema}, and this one is not.",
                        hint=f"Name a database whose connections work in {place.schema}.",
                    )
                else:
                    taken = bool(table_names(connection, place.schema))
        if taken:
            raise RestoreRefused(
                f"There is something already where {place.name or 'the main database'} belongs: "
                f"{database.url.render_as_string(hide_password=True)}.",
                hint="Nothing was restored. Name an empty place by --database or XRM_DATA_DIR, or move away what is "
                "there.",
            )


def _bring_back(folder: Path, part: Part, urls: Mapping[str, str], tools: PostgresTools) -> None:
    with closing(Database(urls[part.places[0].name])) as database:
        if part.kind == "sqlite":
            sqlite.bring_back(folder / part.file, Path(database.url.database or ""))
            return
        with database.begin() as connection:
            tools.require(server_version(connection))
            for name, schema in part.extensions.items():
                _make_extension(connection, name, schema)
        present = next((place.schema for place in part.places if not place.name), "")
        tools.restore(database, folder / part.file, present)


def _make_extension(connection: Connection, name: str, schema: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    try:
        if not inspect(connection).has_schema(schema):
            connection.execute(CreateSchema(schema))
        connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {quote(name)} WITH SCHEMA {quote(schema)}")
    except DBAPIError as error:
        raise BackupFailed(
            f"PostgreSQL's extension {name} is missing and cannot be made.",
            hint="Install postgresql-contrib, or let an administrator of the database run: CREATE SCHEMA IF NOT "
            f"EXISTS {schema}; CREATE EXTENSION {name} WITH SCHEMA {schema};",
        ) from error


def _note_places(main_url: str, elsewhere: Mapping[str, str]) -> None:
    """Let the catalogue say where tenants are now that had a place of their own."""
    if elsewhere:
        with closing(Database(main_url)) as main, main.begin() as connection:
            for name, url in elsewhere.items():
                connection.execute(update(TENANT).where(TENANT.c.name == name).values(database_url=url))


def _verify(part: Part, place: Place, url: str) -> None:
    """Compare what is there with what was there."""
    with closing(Database(url)) as database:
        if part.kind == "sqlite":
            found = rows_of_file(Path(database.url.database or ""))
        else:
            with database.read() as connection:
                found = count_rows(connection, place.schema)
    if found != part.rows[place.name]:
        raise BackupFailed(
            f"What was restored of {place.name or 'the main database'} is not what was backed up.",
            hint="Nothing was kept. This is a mistake of the platform; please report it.",
        )


def _take_away(part: Part, place: Place, url: str) -> None:
    """Leave nothing behind of what could not be brought back whole."""
    with closing(Database(url)) as database:
        if part.kind == "sqlite":
            file = Path(database.url.database or "")
            for suffix in ("", "-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)
            return
        try:
            with database.begin() as connection:
                if place.name:
                    connection.execute(DropSchema(place.schema, cascade=True, if_exists=True))
                    return
                quote = connection.dialect.identifier_preparer.quote
                for table in table_names(connection, place.schema):
                    connection.execute(text(f"DROP TABLE {quote(place.schema)}.{quote(table)} CASCADE"))
                for function in connection.scalars(_OWN_FUNCTIONS, {"schema": place.schema}).all():
                    connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function} CASCADE")
        except DatabaseUnavailable:
            return  # what is to be told is why it failed before
