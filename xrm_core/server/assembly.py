"""Settings → the parts of the platform, put together in order. The command line and the server both start here."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from xrm_core.changes.opening import remember
from xrm_core.errors import DatabaseUnavailable, ModelOutOfDate
from xrm_core.metadata.keywords import Keywords, own_word
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.in_force import in_force
from xrm_core.permissions.policy import PolicySet
from xrm_core.plugins import Plugins, load_plugins
from xrm_core.plugins.resting import Resting
from xrm_core.records.door import Records
from xrm_core.records.hooks import check_hooks
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.content_stores import content_stores
from xrm_core.server.workflow_files import check_workflows
from xrm_core.settings import Settings
from xrm_core.storage.applied import current_model, has_models, require_model
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.plugin_switches import resting_plugins
from xrm_core.storage.schema_files import SchemaFiles, schema_files
from xrm_core.storage.tables import Tables

TENANT_LAYER = "tenant"
"""Name of the layer whose files are kept in the database."""


@dataclass(frozen=True)
class Platform:
    """A model with everything that stands on it."""

    settings: Settings
    plugins: Plugins
    model: Model
    tables: Tables
    database: Database
    records: Records
    authority: Authority


def read_layers(settings: Settings, plugins: Plugins, tenant: Mapping[str, str] | None = None) -> list[LayerSource]:
    """The layers of the model: the pack of ``--schemas`` with those that it stands on, the plugins, and the tenant's.

    Args:
        settings: say where the pack is.
        plugins: may have entity files.
        tenant: file name → text of the files that are kept in the database.

    Raises:
        SchemaFilesInvalid: a ``pack.json`` is wrong.
    """
    return [
        *pack_layers(settings.schemas),
        *(LayerSource(name, "plugin", folder) for folder, name in plugins.schema_folders()),
        *(
            LayerSource(each.name, "plugin", texts=each.files, words=(own_word(each.name),))
            for each in plugins.resting
            if not each.removed
        ),
        *([LayerSource(TENANT_LAYER, "tenant", texts=tuple(tenant.items()))] if tenant else []),
    ]


def read_model(settings: Settings, plugins: Plugins, tenant: Mapping[str, str] | None = None) -> Model:
    """The model of the entity files of all layers.

    Raises:
        SchemaFilesInvalid: with every mistake in every file; also if a workflow names what the model does not have.
        PluginLoadError: a hook of a plugin is on a field that is not there.
    """
    model = load(read_layers(settings, plugins, tenant), Keywords(plugins))
    check_hooks(plugins, model)
    check_workflows(settings, plugins, model)
    return model


def read_unchecked(settings: Settings, plugins: Plugins, plugin: str) -> Model:
    """The model of the files, before a plugin has looked at what its own words mean: for its commands.

    Raises:
        SchemaFilesInvalid: with every other mistake in every file.
    """
    return load(read_layers(settings, plugins), Keywords(plugins, unchecked=plugin))


def find_plugins(settings: Settings, *, reaches: bool = True) -> Plugins:
    """The platform's own plugins that are asked for, and those of others that are not disabled; less those that are
    switched off in the main database.

    Args:
        settings: name the ones that are asked for and disabled, and where the main database is.
        reaches: whether that has to answer; else, if it does not, nothing is taken for switched off.

    Raises:
        PluginLoadError: one of them cannot be loaded.
        DatabaseUnavailable: the main database does not answer.
    """
    resting: Sequence[Resting] = ()
    try:
        resting = _switched_off(settings.main_url)
    except DatabaseUnavailable:
        if reaches:
            raise
    return load_plugins(
        settings.disabled_plugins, enabled=settings.plugins, trace=settings.trace_hooks, resting=resting
    )


def _switched_off(url: str) -> Sequence[Resting]:
    if is_missing(url):
        return ()
    with closing(Database(url)) as database, database.read() as connection:
        return resting_plugins(connection)


def assemble(
    settings: Settings, *, plugins: Plugins | None = None, tenant: Mapping[str, str] | None = None
) -> Platform:
    """All parts, from the pack's files to the write door. Opens the database lazily, changes nothing in it.

    Args:
        settings: where everything is.
        plugins: if they are found already.
        tenant: file name → text of the files that are kept in the database.

    Raises:
        XrmError: a subclass for whatever is wrong: settings, plugins, schema files, policies.
    """
    plugins = find_plugins(settings) if plugins is None else plugins
    model = read_model(settings, plugins, tenant)
    authority = Authority(model, policy.load(policy_folders(settings), model))
    tables = Tables(model, lazy=True)
    database = Database(settings.database_url)
    records = _door(settings, model, tables, plugins)
    remember(database.engine, records.key_store)
    return Platform(settings, plugins, model, tables, database, records, authority)


def assemble_applied(settings: Settings) -> Platform:
    """The same for the model and the policies that the database has; no files are read.

    Raises:
        ModelOutOfDate: the database has no model yet.
        XrmError: settings, plugins or policies are wrong, or the database does not answer.
    """
    plugins = find_plugins(settings)
    require_there(settings)
    database = Database(settings.database_url)
    database.check()
    with database.read() as connection:
        model = current_model(connection)
        policies = None if model is None else in_force(connection, model)
    if model is None or policies is None:
        raise no_model()
    authority = Authority(model, policies)
    tables = Tables(model, lazy=True)
    records = _door(settings, model, tables, plugins)
    remember(database.engine, records.key_store)
    return Platform(settings, plugins, model, tables, database, records, authority)


def _door(settings: Settings, model: Model, tables: Tables, plugins: Plugins) -> Records:
    stores, keys = content_stores(settings), keys_of(settings)
    return Records(model, tables, plugins, most_along=settings.max_deletion, key_store=keys, stores=stores)


def policy_folders(settings: Settings) -> list[Path]:
    """Where the roles and policies of the pack and of those that it stands on are, the lowest first.

    Raises:
        SchemaFilesInvalid: a ``pack.json`` is wrong.
    """
    return [layer.folder / "permissions" for layer in pack_layers(settings.schemas) if layer.folder is not None]


def pack_policies(settings: Settings, model: Model) -> PolicySet | None:
    """The policies of the pack's files; None if there is no folder for them.

    Raises:
        SchemaFilesInvalid: a ``pack.json`` is wrong.
        PolicyInvalid: they have mistakes, or do not fit the model.
    """
    folders = policy_folders(settings)
    return policy.load(folders, model) if any(folder.is_dir() for folder in folders) else None


def kept_files(settings: Settings) -> SchemaFiles:
    """The layer that is kept in the database; a file that is not there yet is not made for that.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    if is_missing(settings.database_url):
        return SchemaFiles({})
    database = Database(settings.database_url)
    try:
        with database.read() as connection:
            return schema_files(connection)
    finally:
        database.close()


def require_there(settings: Settings) -> None:
    """Refuse to work on an SQLite file that is not there: opening it would make an empty one of a mistyped name.

    Raises:
        ModelOutOfDate: it is not there.
    """
    if is_missing(settings.database_url):
        file = make_url(settings.database_url).database
        raise ModelOutOfDate(
            f"There is no database file {file} yet.",
            hint="«xrm schema apply» makes it. If it should be there, check --database and XRM_DATABASE_URL.",
        )


def check_model(database: Database, model: Model) -> None:
    """Refuse to work on a database that has another model than the entity files say.

    Raises:
        ModelOutOfDate: says which commands to run.
    """
    with database.read() as connection:
        if not has_models(connection):
            raise no_model()
        require_model(connection, model)


def no_model() -> ModelOutOfDate:
    """The error for a database in which nothing was applied."""
    return ModelOutOfDate(
        "The database has no model yet.", hint="Look at «xrm schema plan», then run «xrm schema apply»."
    )
