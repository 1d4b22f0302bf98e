"""One plugin, looked at from all sides. It is loaded, but nothing is written anywhere."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xrm_core.errors import PluginLoadError, SchemaFilesInvalid, SettingsError, XrmError
from xrm_core.events.listeners import listeners
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.metadata.relationships import ENDS_AND_DATES
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.plugin_roles import brought, put_upon
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.plugins.loading import loadable_plugins
from xrm_core.records.door import Records
from xrm_core.records.hooks import check_hooks
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform, policy_folders
from xrm_core.server.plugin_check.findings import CHECKS, Finding, Report
from xrm_core.server.plugin_check.hooks import hooks
from xrm_core.server.plugin_check.imports import imports
from xrm_core.server.plugin_check.papers import papers, refusals, tests_of
from xrm_core.server.plugin_check.source import Source, source_of
from xrm_core.server.workers import job_registry
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables
from xrm_core.translation import Texts

_LANGUAGES = ("de", "en")
"""Those of the core pack."""


def check_plugin(settings: Settings, name: str) -> Report:
    """What is wrong with a plugin.

    Args:
        settings: say which pack it stands on.
        name: of an installed plugin, or a folder with its ``pyproject.toml``.

    Raises:
        SettingsError: there is no such plugin.
    """
    with source_of(name) as source:
        found = list(_findings(settings, source))
    order = list(CHECKS)
    found.sort(key=lambda each: order.index(each.check))
    return Report(source.point.name, source.distribution, source.version, tuple(found))


def _findings(settings: Settings, source: Source) -> Iterator[Finding]:
    modules = source.modules()
    yield from imports(modules, tests_of(source))
    yield from papers(source)
    try:
        plugin = source.point.load()
    except (Exception, SystemExit) as error:  # whatever a plugin does at import, it is named
        yield Finding("load", "error", f"{source.point.value} cannot be imported: {type(error).__name__}: {error}.")
        yield from refusals(modules)
        return
    texts = _texts(plugin)
    yield from refusals(modules, texts)
    for mistake in [] if texts is None else texts.mistakes():
        yield Finding("languages", "error", mistake)
    wrong = list(hooks(plugin))
    yield from wrong
    if not any(each.level == "error" for each in wrong):
        yield from _together(settings, source, plugin)


def _together(settings: Settings, source: Source, plugin: Any) -> Iterator[Finding]:
    """With the plugins that it needs, on the pack."""
    own = InstalledPlugin(source.point.name, plugin, source.distribution, source.version)
    try:
        plugins = Plugins([*_needed(own), own])
    except SettingsError as error:
        hint = "Set the variables while it is checked; the rest can be looked at then."
        yield Finding("settings", "warning", error.message, hint=hint)
        return
    except PluginLoadError as error:
        yield Finding("needs", "error", error.message)
        return
    if not plugins.has(own.name, "register_needs"):
        hint = 'register_needs() returns Needs(core=">=0.1,<0.2").'
        yield Finding("needs", "warning", "It does not say which versions of the platform it works with.", hint=hint)
    try:
        layers = [LayerSource(name, "plugin", folder) for folder, name in plugins.schema_folders()]
        model = load([*pack_layers(settings.schemas), *layers], Keywords(plugins))
    except SchemaFilesInvalid as invalid:
        for problem in invalid.problems:
            where = f"{problem.file}:{problem.line}"
            yield Finding("entity-files", "error", problem.reason, where, problem.remedy)
        return
    except XrmError as error:
        yield Finding("entity-files", "error", error.message)
        return
    yield from _languages(model, own.name)
    try:
        _start(settings, plugins, model)
    except XrmError as error:
        yield Finding("contributions", "error", error.message)


def _start(settings: Settings, plugins: Plugins, model: Model) -> None:
    """What a server and a worker make of plugins when they start, on a database that is never opened.

    Raises:
        XrmError: something of it cannot be used.
    """
    check_hooks(plugins, model)
    policies = policy.load(policy_folders(settings), model)
    for each in brought(plugins):
        policies = policy.parse_files(put_upon(policies.files, each, model), model)
    with TemporaryDirectory() as folder, closing(Database(f"sqlite:///{folder}/none.db")) as database:
        tables = Tables(model, lazy=True)
        records, authority = Records(model, tables, plugins), Authority(model, policies)
        create_app(Platform(settings.at(str(database.url)), plugins, model, tables, database, records, authority))
    job_registry(settings, plugins)
    listeners(plugins)


def _needed(own: InstalledPlugin) -> list[InstalledPlugin]:
    """Those that it needs, and that these need, as far as they are installed; what is missing is told later."""
    there = {each.name: each for each in loadable_plugins(but=(own.name,))}
    found: dict[str, InstalledPlugin] = {}
    left = [own]
    while left:
        needs = getattr(left.pop().plugin, "register_needs", None)
        try:
            names = list(needs().plugins) if needs is not None else []
        except Exception:
            names = []  # told when it is loaded together with the others
        for name in names:
            if name in there and name not in found:
                found[name] = there[name]
                left.append(there[name])
    return list(found.values())


def _texts(plugin: Any) -> Texts | None:
    """The plugin's texts in other languages."""
    try:
        found = plugin.register_translations()
    except Exception:
        return None  # it has none, or it is told when it is loaded together with others
    return found[0] if isinstance(found, list) and found and isinstance(found[0], Texts) else None


def _languages(model: Model, layer: str) -> Iterator[Finding]:
    for entity in model:
        if entity.source.layer == layer:
            yield from _missing(entity.labels, f"the entity {entity.name}", entity.source.file, entity.source.line)
        for field in entity.fields.values():
            named_elsewhere = entity.kind == "link" or (entity.kind == "relationship" and field.name in ENDS_AND_DATES)
            if field.source.layer == layer and not field.system and not named_elsewhere:
                what = f"{entity.name}.{field.name}"
                yield from _missing(field.labels, what, field.source.file, field.source.line)


def _missing(labels: Any, what: str, file: str, line: int) -> Iterator[Finding]:
    missing = [language for language in _LANGUAGES if not labels.get(language)]
    if missing:
        place = f"{Path(file)}:{line}" if file else ""
        yield Finding("languages", "warning", f"{what} has no label in {' and '.join(missing)}.", place)
