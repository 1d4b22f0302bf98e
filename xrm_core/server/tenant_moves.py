"""Making, exporting and importing whole tenants: each is there in full, or not at all."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from xrm_core.auth.events import Event, record
from xrm_core.errors import DatabaseUnavailable, TablesChanged
from xrm_core.metadata.reading import PACK_FILE, text_of, texts_in
from xrm_core.permissions.fitting import put_first
from xrm_core.plugins import Plugins
from xrm_core.server.assembly import pack_policies, read_layers, read_model
from xrm_core.server.content_stores import content_stores
from xrm_core.settings import Settings
from xrm_core.storage import content_leftovers
from xrm_core.storage.applied import has_models
from xrm_core.storage.apply import apply
from xrm_core.storage.bundle import export_bundle, import_bundle
from xrm_core.storage.engines import Database
from xrm_core.storage.schema_files import schema_files
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.tenants import State, Tenant, register, remove, set_state, tenant

MAIN = "main"
"""In place of a tenant's name: the main database."""


def create_tenant(
    settings: Settings, plugins: Plugins, name: str, hosts: Iterable[str] = (), at: str | None = None
) -> Tenant:
    """Make a tenant with the model and the policies of the pack, and nothing in it.

    Args:
        settings: say where the main database and the pack are.
        plugins: may have entity files.
        name: of the tenant.
        hosts: names by which it is reached.
        at: URL of another database, or of a file.

    Raises:
        XrmError: names, files or databases are not as they must be; nothing remains.
    """
    model = read_model(settings, plugins)
    policies = pack_policies(settings, model)

    def fill(database: Database) -> None:
        apply(database, model, along=lambda connection, _model: put_first(connection, policies))

    return _made(settings, name, hosts, at, fill)


def import_tenant(
    settings: Settings, name: str, file: Path, hosts: Iterable[str] = (), at: str | None = None
) -> tuple[Tenant, dict[str, Any]]:
    """Make a tenant of a bundle; answers with the bundle's manifest, too. Raises as :func:`create_tenant`."""
    manifests: list[dict[str, Any]] = []
    made = _made(settings, name, hosts, at, lambda database: manifests.append(import_bundle(database, file)))
    return made, manifests[0]


def export_tenant(settings: Settings, plugins: Plugins, name: str, file: Path) -> dict[str, Any]:
    """Write a tenant, or the main database, into a bundle; answers with its manifest.

    Raises:
        XrmError: there is no such tenant, or the file cannot be written; nothing of it remains.
    """
    database = Database(tenant_url(settings, name), makes=False)
    try:
        with database.read() as connection:
            kept, applied = schema_files(connection).texts, has_models(connection)
        files: dict[str, str] = {}
        for layer in read_layers(settings, plugins, kept):
            found = [*layer.texts, *(texts_in(layer.folder, []) if layer.folder else ())]
            if layer.folder is not None:
                more = [layer.folder / PACK_FILE, *sorted((layer.folder / "permissions").glob("*"))]
                found += [(str(each), text_of(each, []) or "") for each in more if each.is_file()]
            for path, text in found:
                inside = Path(path).relative_to(layer.folder) if layer.folder else Path(path)
                files[f"{layer.name}/{inside.as_posix()}"] = text
        if applied:
            with database.begin() as connection:  # before it: no data leaves without an event
                record(connection, Event.EXPORT, subject=name, details={"file": file.name})
        stored = content_stores(settings).of("" if name == MAIN else name)
        return export_bundle(database, file, files, stored)
    finally:
        database.close()


def remove_tenant(settings: Settings, name: str) -> None:
    """Drop everything of a tenant, also what of it lies outside of the database.

    Raises:
        NotFound: there is none of this name.
        FilesUnavailable: it is gone, but the content of some files is still in a folder or bucket, below its name.
    """
    names = _content_of(tenant_url(settings, name))
    main = Database(settings.database_url)
    try:
        remove(main, settings.data_dir, name)
    finally:
        main.close()
    content_stores(settings).of(name).remove_all(names)


def _content_of(url: str) -> list[str]:
    """What a tenant has outside of the database; nothing if its database is no longer there."""
    database = Database(url, makes=False)
    try:
        with database.read() as connection:
            return content_leftovers.all_content(connection)
    except (DatabaseUnavailable, TablesChanged):
        return []
    finally:
        database.close()


def tenant_url(settings: Settings, name: str) -> str:
    """URL of a tenant's database; that of the main one for :data:`MAIN` and no name.

    Raises:
        NotFound: there is no such tenant.
    """
    if name in ("", MAIN):
        return settings.database_url
    main = Database(settings.database_url)
    try:
        with main.read() as connection:
            return tenant(connection, settings.data_dir, name).url
    finally:
        main.close()


def _made(
    settings: Settings, name: str, hosts: Iterable[str], at: str | None, fill: Callable[[Database], object]
) -> Tenant:
    main = Database(settings.database_url)
    try:
        upgrade_system(main)
        made = register(main, settings.data_dir, name, hosts, at)
        try:
            database = Database(made.url)
            try:
                fill(database)
            finally:
                database.close()
            set_state(main, name, State.ACTIVE)
        except BaseException:
            remove(main, settings.data_dir, name)
            raise
        with main.read() as connection:
            return tenant(connection, settings.data_dir, name)
    finally:
        main.close()
