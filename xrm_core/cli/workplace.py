"""What most commands need: settings, model and database, opened and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from xrm_core.changes.opening import remember
from xrm_core.cli.data_folder import make_data_folder
from xrm_core.cli.logs import configure_logs
from xrm_core.cli.tenant_option import chosen_tenant
from xrm_core.errors import DatabaseUnavailable, PolicyInvalid
from xrm_core.metadata.model import Model
from xrm_core.permissions import policy
from xrm_core.permissions.in_force import in_force
from xrm_core.permissions.policy import PolicySet
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.assembly import check_model, find_plugins, kept_files, policy_folders, read_model, require_there
from xrm_core.server.content_stores import content_stores
from xrm_core.server.tenant_moves import tenant_url
from xrm_core.settings import Settings, load_settings
from xrm_core.storage.applied import current_model, require_model
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.policy_sets import newest_set
from xrm_core.storage.schema_files import SchemaFiles
from xrm_core.storage.tables import Tables


@dataclass(frozen=True)
class Workplace:
    """A pack and a database, of which nothing has to be applied yet."""

    settings: Settings
    plugins: Plugins
    model: Model
    database: Database
    tenant_files: SchemaFiles

    @cached_property
    def tables(self) -> Tables:
        """The tables that the model wants."""
        return Tables(self.model)

    @cached_property
    def records(self) -> Records:
        """The door for writes."""
        from xrm_core.server.blueprints import asking_of

        found = Records(
            self.model,
            self.tables,
            self.plugins,
            most_along=self.settings.max_deletion,
            key_store=keys_of(self.settings),
            stores=content_stores(self.settings),
        )
        if self.plugins.infos:  # nobody else asks documents
            found.asks = asking_of(self.settings, found, self.database.dialect)
        return found

    def pack_policies(self) -> PolicySet:
        """The pack's roles and policies.

        Raises:
            PolicyInvalid: they are missing or wrong.
        """
        return policy.load(policy_folders(self.settings), self.model)

    def policies(self) -> PolicySet:
        """The roles and policies in force in the database; the pack's, if it has none or another model.

        Raises:
            PolicyInvalid: those of the pack are missing or wrong.
        """
        if not is_missing(self.settings.database_url):
            with self.database.read() as connection:
                applied = current_model(connection)
                if applied is not None and applied.fingerprint == self.model.fingerprint and newest_set(connection):
                    found = in_force(connection, self.model)
                    with suppress(PolicyInvalid):
                        pack = self.pack_policies()
                        return pack if pack.version == found.version else found  # its places are those of files
                    return found
        return self.pack_policies()

    def check_applied(self, connection: Connection | None = None) -> None:
        """Raise :class:`~xrm_core.errors.ModelOutOfDate` unless the database has the model, maybe in a transaction."""
        if connection is None:
            check_model(self.database, self.model)
        else:
            require_model(connection, self.model)


def start(schemas: Path | None, database: str | None, **more: Any) -> Settings:
    """What every command does first: logs to standard error, settings from environment and options.

    Raises:
        SettingsError: a value cannot be used.
        NotFound: there is no such tenant.
    """
    configure_logs()
    settings = load_settings(schemas=schemas, database_url=database, **more)
    if not chosen_tenant():
        return settings
    require_there(settings)
    found = settings.at(tenant_url(settings, chosen_tenant()))
    if is_missing(found.database_url):  # not even «xrm schema apply» makes it: what became of it is to be found out
        raise DatabaseUnavailable(
            f"The file of the tenant {chosen_tenant()} is not there.", hint="«xrm tenant list» says where it should be."
        )
    return found


@contextmanager
def opened(
    schemas: Path | None, database: str | None, *, files_only: bool = False, new: bool = False
) -> Iterator[Workplace]:
    """The workplace of the options that every command takes; its database is closed at the end.

    Args:
        schemas: folder of the pack, if it was given.
        database: its URL, if it was given.
        files_only: leave out the layer that is kept in the database: for commands that need none.
        new: the database may be one that is not there yet.

    Raises:
        XrmError: settings, plugins or entity files are wrong, or there is no database.
    """
    settings = start(schemas, database)
    plugins = find_plugins(settings, reaches=not files_only)
    files = SchemaFiles({}) if files_only else kept_files(settings)
    model = read_model(settings, plugins, files.texts)
    if not new and not files_only:
        require_there(settings)
    make_data_folder(settings)
    workplace = Workplace(
        settings, plugins, model, Database(settings.database_url, tenant=chosen_tenant() or ""), files
    )
    remember(workplace.database.engine, keys_of(settings))
    try:
        yield workplace
    finally:
        workplace.database.close()


@contextmanager
def opened_database(schemas: Path | None, database: str | None) -> Iterator[Database]:
    """Only the database, for commands that need no entity files; closed at the end.

    Raises:
        XrmError: settings are wrong, or there is no database.
    """
    settings = start(schemas, database)
    require_there(settings)
    found = Database(settings.database_url)
    try:
        yield found
    finally:
        found.close()
