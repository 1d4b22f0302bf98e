"""Switching plugins off and on in a deployment: their code goes, their data stays as it is."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from xrm_core.errors import PluginLoadError, Problem, SchemaFilesInvalid, SettingsError, XrmError
from xrm_core.metadata.custom_types import kept, stored_by
from xrm_core.metadata.keywords import formats_of
from xrm_core.metadata.model import Model
from xrm_core.metadata.reading import RELATIONSHIPS, text_of, texts_in
from xrm_core.metadata.structure import nearest
from xrm_core.metadata.writer import lengths_in, stored_in
from xrm_core.plugins import Plugins, load_plugins
from xrm_core.plugins.loading import GROUP, OWN, load_plugin
from xrm_core.plugins.resting import Resting
from xrm_core.server.assembly import kept_files, read_model, require_there
from xrm_core.settings import Settings
from xrm_core.storage.applied import current_model
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.plugin_switches import resting_plugins, switch_off, switch_on
from xrm_core.storage.schema_files import schema_files
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.tenants import tenants

_WORDS = ('"x-entity"', '"x-extends"', '"x-relationship"')
_WORKFLOW = "x-workflow"


def disable(settings: Settings, name: str) -> Resting:
    """Switch a plugin off for all servers, workers and commands of the deployment that start from now on.

    Raises:
        SettingsError: it is not installed, is not loaded here anyway, or is switched off already.
        PluginLoadError: another plugin needs it.
        SchemaFilesInvalid: without its code its entity files cannot be read.
    """
    require_there(settings)
    with closing(Database(settings.main_url)) as database:
        upgrade_system(database)
        with database.read() as connection:
            others = {each.name: each for each in resting_plugins(connection)}
            applied = current_model(connection)
        known = others.pop(name, None)
        if known is not None and not known.removed:
            raise SettingsError(f"The plugin {name} is switched off already.", hint=f"«xrm plugins enable {name}».")
        # Of what was removed, the files are kept that an undo brings back.
        resting = _resting(settings, name, applied) if known is None else replace(known, removed=False)
        without = replace(resting, files=())
        plugins = _plugins(settings, [*others.values(), without])
        if known is None and _is_nowhere(settings, database, plugins):
            resting = without  # else they would be new entities of a plugin that is off
        else:
            read_model(settings, _plugins(settings, [*others.values(), resting]), kept_files(settings).texts)
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
        plugins = _plugins(settings, others)
        with database.begin() as connection:
            switch_on(connection, name)
    return plugins


def _plugins(settings: Settings, resting: Sequence[Resting]) -> Plugins:
    return load_plugins(settings.disabled_plugins, enabled=settings.plugins, resting=resting)


def _is_nowhere(settings: Settings, main: Database, without: Plugins) -> bool:
    """Whether all databases have the model that there is without the plugin's files."""
    with main.read() as connection:
        others = [each.url for each in tenants(connection, settings.data_dir)]
    if not _has_model(settings, main, without):
        return False
    for url in others:
        try:
            with closing(Database(url, 1, makes=False)) as database:
                if is_missing(url) or not _has_model(settings, database, without):
                    return False
        except XrmError:  # who knows what it has
            return False
    return True


def _has_model(settings: Settings, database: Database, plugins: Plugins) -> bool:
    with database.read() as connection:
        applied = current_model(connection)
        texts = schema_files(connection).texts
    if applied is None:
        return True
    try:
        return read_model(settings, plugins, texts).fingerprint == applied.fingerprint
    except SchemaFilesInvalid:  # other files refer to its entities
        return False


def _point(name: str) -> EntryPoint:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise SettingsError(
            f"The plugin {name} is not installed.",
            hint=f"{nearest(name, points)}Installed are: {', '.join(sorted(points)) or 'none'}.",
        )
    return points[name]


def _resting(settings: Settings, name: str, applied: Model | None) -> Resting:
    """What is kept of a plugin; ``applied`` is the model of the main database."""
    point = _point(name)
    if point.dist is not None and point.dist.name == OWN and name not in settings.plugins:
        raise SettingsError(
            f"The plugin {name} is not loaded here: XRM_PLUGINS does not name it.",
            hint="If a database has its entities, name it there, and switch it off then.",
        )
    problems: list[Problem] = []
    try:
        loaded = load_plugin(point)
        alone = Plugins([loaded])
        folders = [folder for folder, _ in alone.schema_folders()]
        files = [each for folder in folders for each in _texts(folder, problems)]
        flows = [each for _, folder in alone.folders("register_workflows") for each in texts_in(folder, problems)]
        stored, lengths = stored_by(alone), {name: each.max_length for name, (_, each) in formats_of(alone).items()}
    except (PluginLoadError, SettingsError):  # that it cannot be loaded may be why it is switched off
        packed = list(_packed(point, problems))
        files = [each for each in packed if any(word in each[1] for word in _WORDS)]
        flows = [each for each in packed if f'"{_WORKFLOW}"' in each[1]]
        stored = {} if applied is None else stored_in(applied)
        lengths = {} if applied is None else lengths_in(applied)
    if problems:
        raise SchemaFilesInvalid(problems)
    files = [(file, kept(text, stored, lengths)) for file, text in files]
    found = point.dist
    origin = (found.name if found else "") or "", (found.version if found else "") or ""
    return Resting(name, *origin, tuple(files), workflows=tuple(_workflows(text for _, text in flows)))


def _workflows(texts: Iterable[str]) -> Iterator[str]:
    """The names of the workflows in these files; of one that cannot be read nothing waits."""
    for text in texts:
        with suppress(ValueError):
            document = json.loads(text)
            name = document.get(_WORKFLOW) if isinstance(document, dict) else None
            if isinstance(name, str):
                yield name


def _texts(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    yield from texts_in(folder, problems)
    if (folder / RELATIONSHIPS).is_dir():
        yield from texts_in(folder / RELATIONSHIPS, problems)


def _packed(point: EntryPoint, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """What looks like files of a plugin's hooks in a distribution whose code cannot be asked."""
    files = {Path(str(each.locate())) for each in (point.dist.files if point.dist else None) or ()}
    spec = find_spec(point.module.partition(".")[0])
    if spec is not None and spec.submodule_search_locations:  # an editable installation lists no files
        files |= set(Path(next(iter(spec.submodule_search_locations))).rglob("*.json"))
    for path in sorted(each for each in files if each.suffix == ".json"):
        text = text_of(path, problems)
        if text is not None:
            yield str(path), text
