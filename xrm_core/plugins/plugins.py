"""The loaded plugins of one application object, and the calls of their hooks."""

import sys
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from xrm_core.errors import Busy, PluginLoadError, Refuse, RefusedByPlugin, SettingsError, XrmError
from xrm_core.hookspecs import FileScan, Needs
from xrm_core.plugins.needs import Needing, NeedsUnmet, ordered
from xrm_core.plugins.plugin_settings import PREFIX, PluginSettings, SettingInfo, environment_or
from xrm_core.plugins.registration import InstalledPlugin, load_error, register
from xrm_core.plugins.resting import Resting, StandIn
from xrm_core.telemetry.plugin_calls import PluginCalls
from xrm_core.translation import Texts, chosen, say

_log = structlog.get_logger("xrm.plugins")
_SEVERITY = (FileScan.CLEAN, FileScan.PENDING, FileScan.QUARANTINE)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What ``xrm plugins list`` shows: ``order`` counts from 1, ``hooks`` are the hooks that it implements.

    ``settings`` are told without their values.
    """

    name: str
    distribution: str
    version: str
    order: int
    hooks: tuple[str, ...]
    settings: tuple[SettingInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of a plugin, called by the names of its arguments: a hook, or one that a hook has registered."""

    plugin_name: str
    function: Callable[..., Any]
    argnames: tuple[str, ...]


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Plugins:
    """Plugins that are loaded, checked and ready to be called, in the order given, but each after those that it needs.

    Args:
        installed: the plugins; :func:`~xrm_core.plugins.load_plugins` finds them, tests may give their own.
        trace: print each call of a hook to standard error.
        disabled: names of plugins that are not loaded.
        resting: those that were switched off in the deployment; something stands in for each.
        environment: variables by name, for the settings of plugins; None: those of the process.

    Raises:
        PluginLoadError: a plugin has a hook that does not exist, is ``async``, takes other arguments, …
        SettingsError: settings of plugins are missing or cannot be used; names all of them.
    """

    def __init__(
        self,
        installed: Iterable[InstalledPlugin] = (),
        *,
        trace: bool = False,
        disabled: Collection[str] = (),
        resting: Sequence[Resting] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.resting = tuple(resting)
        stand_ins = [InstalledPlugin(each.name, StandIn(each), each.distribution, each.version) for each in resting]
        given = [*installed, *stand_ins]
        self._trace = trace
        self.calls = PluginCalls((Refuse, XrmError))
        """What their functions took, for figures."""
        self._installed = {plugin.name: plugin for plugin in given}
        self._hooks: dict[str, Sequence[Hook]] = {
            name: [Hook(each.plugin_name, each.function, tuple(each.argnames)) for each in found]
            for name, found in register(given).items()
        }
        installed = [self._installed[name] for name in self._ordered(disabled)]
        self.places: Mapping[str, int] = {plugin.name: place for place, plugin in enumerate(installed)}
        """The order in which plugins are called, and what stands in for those that are switched off."""
        self._hooks = {
            name: sorted(found, key=lambda hook: self.places[hook.plugin_name]) for name, found in self._hooks.items()
        }
        found = self._plugin_settings()
        variables = environment_or(environment)
        self._settings = _read(found, variables)
        self._texts = self._registered_texts()
        self.infos: tuple[PluginInfo, ...] = tuple(
            PluginInfo(
                plugin.name,
                plugin.distribution,
                plugin.version,
                order,
                self._hooks_of(plugin.name),
                found[plugin.name].infos(variables) if plugin.name in found else (),
            )
            for order, plugin in enumerate((each for each in installed if each not in stand_ins), start=1)
        )

    def settings_of(self, plugin: str) -> Any:
        """The settings of a plugin, an object of the dataclass that it has registered; None: it has none."""
        return self._settings.get(plugin)

    def _plugin_settings(self) -> Mapping[str, PluginSettings]:
        found: dict[str, PluginSettings] = {}
        taken: dict[str, str] = {}
        if self._hooks["register_settings"]:
            from xrm_core.settings import Settings  # a library that takes long to import

            taken = {f"{PREFIX}{name.upper()}": "the platform's" for name in Settings.model_fields}
        for hook in self._hooks["register_settings"]:
            try:
                each = PluginSettings(hook.plugin_name, self._call(hook, {}))
            except TypeError as error:
                raise self._error(hook, str(error)) from error
            except Exception as error:
                raise self._error(hook, f"register_settings raised {type(error).__name__}: {error}") from error
            for variable in each.variables:
                if variable in taken:
                    raise self._error(hook, f"it would have the setting {variable}, which is {taken[variable]}")
                taken[variable] = f"that of the plugin {self._installed[hook.plugin_name].origin}"
            found[hook.plugin_name] = each
        return found

    def _registered_texts(self) -> dict[str, Texts]:
        found: dict[str, Texts] = {}
        for plugin, texts in self.registered("register_translations", Texts):
            if plugin in found:
                raise self.load_error(plugin, "register_translations returns several texts; a plugin has one folder")
            if not texts.folder.is_dir():
                raise self.load_error(plugin, f"its folder of texts {texts.folder} does not exist")
            if not texts.files():
                raise self.load_error(
                    plugin, f"its folder of texts {texts.folder} has no catalogue such as de/{plugin}.po"
                )
            found[plugin] = texts
        return found

    def _ordered(self, disabled: Collection[str]) -> list[str]:
        found: dict[str, Needs] = {}
        for hook in self._hooks["register_needs"]:
            try:
                found[hook.plugin_name] = needs = self._call(hook, {})
            except Exception as error:
                raise self._error(hook, f"register_needs raised {type(error).__name__}: {error}") from error
            if not isinstance(needs, Needs):
                raise self._error(hook, "register_needs must return a Needs")
        each = (Needing(name, plugin.version, found.get(name, Needs())) for name, plugin in self._installed.items())
        try:
            return ordered(list(each), disabled)
        except NeedsUnmet as unmet:
            raise self.load_error(unmet.plugin, str(unmet)) from None

    def schema_folders(self) -> list[tuple[Path, str]]:
        """Folders with entity files, each with the plugin's name: the layer of its entities.

        Raises:
            PluginLoadError: a plugin failed, or named something that is no folder.
        """
        return [(folder, plugin) for plugin, folder in self.folders("register_schemas")]

    def folders(self, hook: str) -> list[tuple[str, Path]]:
        """The folders that plugins name by a hook, each with its plugin.

        Raises:
            PluginLoadError: a plugin failed, or named something that is no folder.
        """
        return [(each.plugin_name, folder) for each in self._hooks[hook] for folder in self._folders_of(hook, each)]

    def registered(self, hook: str, kind: type[Item]) -> list[tuple[str, Item]]:
        """What the plugins answer to a ``register_`` hook that asks for a list of ``kind``, each with its plugin.

        Raises:
            PluginLoadError: a plugin failed, or returned something else.
        """
        found: list[tuple[str, Item]] = []
        for each in self._hooks[hook]:
            try:
                items = self._call(each, {"settings": self.settings_of(each.plugin_name)})
            except Exception as error:
                raise self._error(each, f"{hook} raised {type(error).__name__}: {error}") from error
            if not isinstance(items, list) or not all(isinstance(item, kind) for item in items):
                raise self._error(each, f"{hook} must return a list of {kind.__name__}")
            found += [(each.plugin_name, item) for item in items]
        return found

    def load_error(self, name: str, cause: str) -> PluginLoadError:
        """The error for a plugin that cannot be used."""
        plugin = self._installed[name]
        return load_error(plugin.name, plugin.distribution, plugin.version, cause)

    def origin(self, name: str) -> str:
        """A plugin with its distribution and version, as messages have it."""
        plugin = self._installed[name]
        return f"{name} of {plugin.distribution} {plugin.version}" if plugin.distribution else name

    def hooks(self, name: str) -> Sequence[Hook]:
        """The implementations of a hook, in the order of the plugins."""
        return self._hooks[name]

    def ask(self, hook: Hook, entity: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What one plugin wants changed of a record that is to be written.

        Raises:
            RefusedByPlugin: it refused or failed.
        """
        # Not by a context manager: it is asked for each record.
        try:
            answer = self._call(hook, arguments)
            if answer is None:
                return _NOTHING
            if isinstance(answer, Coroutine):
                answer.close()  # a hook that only looks like an ordinary function; unclosed, Python would warn later
            if not isinstance(answer, Mapping) or not all(isinstance(key, str) for key in answer):
                raise TypeError(f"a before-hook returns a mapping of field names or None, not {type(answer).__name__}")
        except (DBAPIError, Busy):
            raise
        except Exception as error:
            raise self._translation(hook.plugin_name, entity, error) from error
        return answer

    @contextmanager
    def following(self, plugin: str, entity: str, kind: str = "", name: str = "") -> Iterator[None]:
        """Around a function that a plugin has registered, in a transaction: what it raises becomes an error that names
        it.

        What the platform itself has refused inside goes through as it is.

        Args:
            plugin: whose it is.
            entity: what it is asked about, for the message.
            kind: what it is, for figures; empty: it is counted elsewhere.
            name: of the function, or of what it belongs to.

        Raises:
            RefusedByPlugin: the plugin refused or failed.
        """
        with self._translated(plugin, entity, (DBAPIError, XrmError)):
            if not kind:
                yield
                return
            with self.calls.timed(plugin, kind, name):
                yield

    @property
    def scan_files(self) -> bool:
        """Whether any plugin looks at the content of files."""
        return bool(self._hooks["scan_file"])

    def scan_file(self, file: Mapping[str, Any], content: Callable[[], BinaryIO]) -> FileScan:
        """The worst that plugins know of the content of a file.

        Args:
            file: what there is to say about it.
            content: opens a stream of all of it.

        Raises:
            RefusedByPlugin: a plugin refused it.
        """
        worst = FileScan.CLEAN
        for hook in self._hooks["scan_file"]:
            try:
                with content() as stream:
                    answer = self._call(hook, {"file": read_only(file), "content": stream})
                found = FileScan.CLEAN if answer is None else FileScan(answer)
            except Refuse as refusal:
                raise self._refused(hook.plugin_name, refusal, {"plugin": hook.plugin_name}) from refusal
            except Exception as error:
                _log.error("plugin_hook_failed", plugin=hook.plugin_name, exc_info=error)
                found = FileScan.PENDING
            worst = max(worst, found, key=_SEVERITY.index)
        return worst

    def answer(self, hook: Hook, arguments: Mapping[str, Any]) -> Any:
        """What a plugin answers to a hook. What it raises goes through; :meth:`following` is for that."""
        return self._call(hook, arguments)

    def has(self, plugin: str, hook: str) -> bool:
        """Whether a plugin implements a hook."""
        return any(each.plugin_name == plugin for each in self._hooks[hook])

    def takes(self, plugin: str, hook: str, argument: str) -> bool:
        """Whether a plugin implements a hook with an argument: a hook may leave out what it does not need."""
        return any(each.plugin_name == plugin and argument in each.argnames for each in self._hooks[hook])

    def after(self, plugin: str, hook: str, arguments: Mapping[str, Any]) -> None:
        """Tell one plugin, by an ``after_`` hook, of something that has happened. What it raises goes through."""
        for each in self._hooks[hook]:
            if each.plugin_name == plugin:
                self.tell(each, arguments)

    def tell(self, hook: Hook, arguments: Mapping[str, Any]) -> None:
        """Tell a plugin of something that has happened. What it raises goes through."""
        answer = self._call(hook, arguments)
        if isinstance(answer, Coroutine):
            answer.close()
            raise TypeError("an after-hook is an ordinary function, not a coroutine")

    @contextmanager
    def acting(self, plugin: str, action: str) -> Iterator[None]:
        """Around the function of an action: what it raises becomes an error that names its plugin.

        What the platform itself has refused inside, and what the database says, goes through as it is.

        Raises:
            RefusedByPlugin: the plugin refused or failed.
        """
        failed = say(
            "The plugin {plugin} failed in its action {action}; nothing was done.", plugin=plugin, action=action
        )
        with self._calling(plugin, "action", action, failed):
            yield

    @contextmanager
    def asking(self, plugin: str, query: str) -> Iterator[None]:
        """The same around the function of a query field."""
        with self._calling(plugin, "query", query, say("The plugin {plugin} failed.", plugin=plugin)):
            yield

    @contextmanager
    def routing(self, plugin: str, route: str) -> Iterator[None]:
        """The same around the function of a route."""
        with self._calling(plugin, "route", route, say("The plugin {plugin} failed.", plugin=plugin)):
            yield

    @contextmanager
    def commanding(self, plugin: str, command: str) -> Iterator[None]:
        """Around the function of a command: only what it refuses becomes an error that names it.

        Raises:
            RefusedByPlugin: the plugin refused.
        """
        try:
            with self.calls.timed(plugin, "command", command):
                yield
        except Refuse as refusal:
            raise self._refused(plugin, refusal, {"plugin": plugin, "command": command}) from refusal

    @contextmanager
    def _calling(self, plugin: str, kind: str, name: str, failed: str) -> Iterator[None]:
        """Around a function that a plugin has registered; ``failed`` is what is said if it breaks."""
        if self._trace:
            sys.stderr.write(f"{kind} {name} -> {plugin}\n")
        details: dict[str, Any] = {"plugin": plugin, kind: name}
        try:
            with self.calls.timed(plugin, kind, name):
                yield
        except Refuse as refusal:
            raise self._refused(plugin, refusal, details) from refusal
        except (XrmError, DBAPIError):
            raise
        except Exception as error:
            _log.error(f"plugin_{kind}_failed", plugin=plugin, name=name, exc_info=error)
            raise RefusedByPlugin(failed, hint=say("The server's log has the cause."), details=details) from error

    def _refused(self, plugin: str, refusal: Refuse, details: Mapping[str, Any]) -> RefusedByPlugin:
        """A refusal as its caller hears it."""

        def said(text: str | Mapping[str, str]) -> str:
            text = text if isinstance(text, str) else chosen(text)
            return self.say(plugin, text, refusal.values)

        found = dict(details)
        if refusal.field is not None:
            found["field"] = refusal.field
        if refusal.problems:
            found["problems"] = [{"field": name, "message": said(why)} for name, why in refusal.problems.items()]
        return RefusedByPlugin(said(refusal.message), details=found)

    def say(self, plugin: str, text: str, values: Mapping[str, object]) -> str:
        """A text of a plugin in the language spoken, if the plugin has it."""
        texts = self._texts.get(plugin)
        if texts is not None:
            return texts.say(text, **values)
        try:
            return text.format_map(values) if values else text
        except (KeyError, ValueError, IndexError, AttributeError):
            return text

    @contextmanager
    def _translated(self, plugin: str, entity: str, through: tuple[type[Exception], ...]) -> Iterator[None]:
        """The failures of a plugin in a write are translated here, and only here.

        What the database has to say of the transaction goes ``through``: it is tried again, or was too slow.
        """
        try:
            yield
        except through:
            raise
        except Exception as error:
            raise self._translation(plugin, entity, error) from error

    def _translation(self, plugin: str, entity: str, error: Exception) -> RefusedByPlugin:
        """What a failure of a plugin in a write is told as."""
        if isinstance(error, Refuse):
            return self._refused(plugin, error, {"plugin": plugin, "entity": entity})
        _log.error("plugin_hook_failed", plugin=plugin, entity=entity, exc_info=error)
        return RefusedByPlugin(
            say(
                "The plugin {plugin} failed when it was asked about this {entity}; nothing was written.",
                plugin=plugin,
                entity=entity,
            ),
            hint=say("The server's log has the cause."),
            details={"plugin": plugin, "entity": entity},
        )

    def _call(self, hook: Hook, arguments: Mapping[str, Any]) -> Any:
        called = getattr(hook.function, "__name__", "")
        if self._trace:
            sys.stderr.write(f"hook {called} {arguments.get('entity', '')} -> {hook.plugin_name}\n")
        with self.calls.timed(hook.plugin_name, "hook", called):
            return hook.function(*(arguments[name] for name in hook.argnames))

    def _folders_of(self, name: str, hook: Hook) -> list[Path]:
        try:
            folders = self._call(hook, {})
        except Exception as error:
            raise self._error(hook, f"{name} raised {type(error).__name__}: {error}") from error
        if not isinstance(folders, list) or not all(isinstance(folder, Path) for folder in folders):
            raise self._error(hook, f"{name} must return a list of pathlib.Path")
        missing = next((folder for folder in folders if not folder.is_dir()), None)
        if missing is not None:
            what = "schema folder" if name == "register_schemas" else "folder"
            raise self._error(hook, f"its {what} {missing} does not exist")
        return folders

    def _error(self, hook: Hook, cause: str) -> PluginLoadError:
        return self.load_error(hook.plugin_name, cause)

    def _hooks_of(self, name: str) -> tuple[str, ...]:
        return tuple(hook for hook, found in self._hooks.items() if any(each.plugin_name == name for each in found))


def _read(found: Mapping[str, PluginSettings], environment: Mapping[str, str]) -> Mapping[str, Any]:
    """The settings of all plugins. Raises SettingsError, which names all that is wrong."""
    read = {plugin: settings.read(environment) for plugin, settings in found.items()}
    wrong = [problem for _, problems in read.values() for problem in problems]
    if wrong:
        raise SettingsError(
            f"Settings of plugins that cannot be used: {'; '.join(wrong)}.",
            hint="Correct the environment variables of these names, or switch the plugin off (XRM_DISABLED_PLUGINS).",
        )
    return {plugin: settings for plugin, (settings, _) in read.items()}


def copied(value: Any) -> Any:
    """A copy, all the way down. Of the values of a record only mappings and lists can be changed at all."""
    if isinstance(value, dict):
        return {key: item if type(item) in _PLAIN else copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value if isinstance(value, _UNCHANGING) else deepcopy(value)


_UNCHANGING = (str, int, float, Decimal, type(None))
_PLAIN = frozenset((*_UNCHANGING, bool))


def read_only(value: Any) -> Any:
    """A read-only copy, all the way down."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: item if type(item) in _PLAIN else read_only(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(read_only(item) for item in value)
    return value
