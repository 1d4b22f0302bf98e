"""Switching plugins off and on in a deployment: their code goes, their data stays as it is."""

from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from xrm_core.errors import PluginLoadError, Problem, SchemaFilesInvalid, SettingsError
from xrm_core.metadata.reading import RELATIONSHIPS, text_of, texts_in
from xrm_core.metadata.structure import nearest
from xrm_core.plugins import Plugins, load_plugins
from xrm_core.plugins.loading import GROUP, load_plugin
from xrm_core.plugins.resting import Resting
from xrm_core.server.assembly import kept_files, read_model, require_there
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database
from xrm_core.storage.plugin_switches import resting_plugins, switch_off, switch_on
from xrm_core.storage.system_upgrade import upgrade_system

_WORDS = ('"x-entity"', '"x-extends"', '"x-relationship"')


def disable(settings: Settings, name: str) -> Resting:
    """Switch a plugin off for all servers, workers and commands of the deployment that start from now on.

    Raises:
        SettingsError: it is not installed, or is switched off already.
        PluginLoadError: another plugin needs it.
        SchemaFilesInvalid: without its code its entity files cannot be read.
    """
    require_there(settings)
    with closing(Database(settings.main_url)) as database:
        upgrade_system(database)
        with database.read() as connection:
            others = {each.name: each for each in resting_plugins(connection)}
        known = others.pop(name, None)
        if known is not None and not known.removed:
            raise SettingsError(f"The plugin {name} is switched off already.", hint=f"«xrm plugins enable {name}».")
        # Of what was removed, the files are kept that an undo brings back.
        resting = _resting(name) if known is None else Resting(name, known.distribution, known.version, known.files)
        plugins = load_plugins(settings.disabled_plugins, enabled=settings.plugins, resting=[*others.values(), resting])
        read_model(settings, plugins, kept_files(settings).texts)
        with database.begin() as connection:
            switch_off(connection, resting)
    return resting


def enable(settings: Settings, name: str) -> Plugins:
    """Switch a plugin on again, as it is installed now; answers the plugins as they are loaded from then on.

    Raises:
        SettingsError: it is not switched off, or is not installed any more.
        PluginLoadError: it cannot be loaded.
    """
    require_there(settings)
    with closing(Database(settings.main_url)) as database:
        with database.read() as connection:
            found = {each.name: each for each in resting_plugins(connection)}
        if name not in found:
            raise SettingsError(
                f"The plugin {name} is not switched off.",
                hint=f"{nearest(name, found)}Switched off are: {', '.join(found) or 'none'}.",
            )
        _point(name)
        others = [each for each in found.values() if each.name != name]
        plugins = load_plugins(settings.disabled_plugins, enabled=settings.plugins, resting=others)
        with database.begin() as connection:
            switch_on(connection, name)
    return plugins


def _point(name: str) -> EntryPoint:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise SettingsError(
            f"The plugin {name} is not installed.",
            hint=f"{nearest(name, points)}Installed are: {', '.join(sorted(points)) or 'none'}.",
        )
    return points[name]


def _resting(name: str) -> Resting:
    point = _point(name)
    problems: list[Problem] = []
    try:
        loaded = load_plugin(point)
        folders = [folder for folder, _ in Plugins([loaded]).schema_folders()]
        files = [each for folder in folders for each in _texts(folder, problems)]
    except (PluginLoadError, SettingsError):  # that it cannot be loaded may be why it is switched off
        files = list(_packed(point, problems))
    if problems:
        raise SchemaFilesInvalid(problems)
    found = point.dist
    return Resting(name, (found.name if found else "") or "", (found.version if found else "") or "", tuple(files))


def _texts(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    yield from texts_in(folder, problems)
    if (folder / RELATIONSHIPS).is_dir():
        yield from texts_in(folder / RELATIONSHIPS, problems)


def _packed(point: EntryPoint, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """What looks like entity files in a distribution whose code cannot be asked."""
    files = {Path(str(each.locate())) for each in (point.dist.files if point.dist else None) or ()}
    spec = find_spec(point.module.partition(".")[0])
    if spec is not None and spec.submodule_search_locations:  # an editable installation lists no files
        files |= set(Path(next(iter(spec.submodule_search_locations))).rglob("*.json"))
    for path in sorted(each for each in files if each.suffix == ".json"):
        text = text_of(path, problems)
        if text is not None and any(word in text for word in _WORDS):
            yield str(path), text
