"""The loaded plugins of one application object, and the calls of their hooks."""

import sys
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, TypeVar

import structlog
from pluggy import HookImpl
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xrm_core.errors import Busy, PluginLoadError, Refuse, RefusedByPlugin, XrmError
from xrm_core.hookspecs import FileScan, Follow, Needs, Record, Write
from xrm_core.plugins.needs import Needing, NeedsUnmet, ordered
from xrm_core.plugins.registration import InstalledPlugin, load_error, register
from xrm_core.plugins.resting import Resting, StandIn
from xrm_core.translation import chosen, say

_log = structlog.get_logger("xrm.plugins")
_SEVERITY = (FileScan.CLEAN, FileScan.PENDING, FileScan.QUARANTINE)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What ``xrm plugins list`` shows: ``order`` counts from 1, ``hooks`` are the hooks that it implements."""

    name: str
    distribution: str
    version: str
    order: int
    hooks: tuple[str, ...]


@dataclass(slots=True)
class Then:
    """What plugins want done once a record is written, in their order; ``actor`` is who writes it."""

    actor: str | None
    acts: list[tuple[str, Follow]] = field(default_factory=list)

    def write(self, plugin: str) -> Write:
        """What a plugin is given."""
        return Write(self.actor, lambda act: self.acts.append((plugin, act)))


class Plugins:
    """Plugins that are loaded, checked and ready to be called, in the order given, but each after those that it needs.

    Args:
        installed: the plugins; :func:`~xrm_core.plugins.load_plugins` finds them, tests may give their own.
        trace: print each call of a hook to standard error.
        disabled: names of plugins that are not loaded.
        resting: those that were switched off in the deployment; something stands in for each.

    Raises:
        PluginLoadError: a plugin has a hook that does not exist, is ``async``, takes other arguments, …
    """

    def __init__(
        self,
        installed: Iterable[InstalledPlugin] = (),
        *,
        trace: bool = False,
        disabled: Collection[str] = (),
        resting: Sequence[Resting] = (),
    ) -> None:
        self.resting = tuple(resting)
        stand_ins = [InstalledPlugin(each.name, StandIn(each), each.distribution, each.version) for each in resting]
        given = [*installed, *stand_ins]
        self._trace = trace
        self._installed = {plugin.name: plugin for plugin in given}
        self._hooks = register(given)
        installed = [self._installed[name] for name in self._ordered(disabled)]
        places = {plugin.name: place for place, plugin in enumerate(installed)}
        self._hooks = {
            name: sorted(found, key=lambda hook: places[hook.plugin_name]) for name, found in self._hooks.items()
        }
        self.infos: tuple[PluginInfo, ...] = tuple(
            PluginInfo(plugin.name, plugin.distribution, plugin.version, order, self._hooks_of(plugin.name))
            for order, plugin in enumerate((each for each in installed if each not in stand_ins), start=1)
        )

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
        folders = []
        for hook in self._hooks["register_schemas"]:
            folders += [(folder, hook.plugin_name) for folder in self._folders_of(hook)]
        return folders

    def registered(self, hook: str, kind: type[Item]) -> list[tuple[str, Item]]:
        """What the plugins answer to a ``register_`` hook that asks for a list of ``kind``, each with its plugin.

        Raises:
            PluginLoadError: a plugin failed, or returned something else.
        """
        found: list[tuple[str, Item]] = []
        for each in self._hooks[hook]:
            try:
                items = self._call(each, {})
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

    def before_create(self, entity: str, record: Record, then: "Then | None" = None) -> Record:
        """The record as the plugins want it: the one given, which is left as it is, if they want nothing else.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for hook in self._hooks["before_record_create"]:
            if wanted := self._ask(hook, entity, then, record=_copied(record)):
                record = {**record, **wanted}
        return record

    def before_update(
        self, entity: str, before: Mapping[str, Any], changes: Record, then: "Then | None" = None
    ) -> Record:
        """The changes as the plugins want them: those given, which are left as they are, if they want nothing else.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for hook in self._hooks["before_record_update"]:
            if wanted := self._ask(hook, entity, then, before=_frozen(before), changes=_copied(changes)):
                changes = {**changes, **wanted}
        return changes

    def before_delete(self, entity: str, before: Mapping[str, Any], then: "Then | None" = None) -> None:
        """Ask the plugins whether the record may go.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for hook in self._hooks["before_record_delete"]:
            self._ask(hook, entity, then, before=_frozen(before))

    def before_restore(self, entity: str, record: Mapping[str, Any], then: "Then | None" = None) -> None:
        """Ask the plugins whether the record may come back out of the trash.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for hook in self._hooks["before_record_restore"]:
            self._ask(hook, entity, then, record=_frozen(record))

    def follow(self, connection: Connection, entity: str, id_: str, then: "Then") -> None:
        """Do what plugins want done with a record that was written, in the transaction of the write.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for plugin, act in then.acts:
            with self._translated(plugin, entity):
                act(connection, id_)

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
                    answer = self._call(hook, {"file": _frozen(file), "content": stream})
                found = FileScan.CLEAN if answer is None else FileScan(answer)
            except Refuse as refusal:
                said = refusal.message if isinstance(refusal.message, str) else chosen(refusal.message)
                raise RefusedByPlugin(said, details={"plugin": hook.plugin_name}) from refusal
            except Exception as error:
                _log.error("plugin_hook_failed", plugin=hook.plugin_name, exc_info=error)
                found = FileScan.PENDING
            worst = max(worst, found, key=_SEVERITY.index)
        return worst

    def has(self, plugin: str, hook: str) -> bool:
        """Whether a plugin implements a hook."""
        return any(each.plugin_name == plugin for each in self._hooks[hook])

    def after(self, plugin: str, hook: str, arguments: Mapping[str, Any]) -> None:
        """Tell one plugin, by an ``after_`` hook, of something that has happened. What it raises goes through."""
        for each in self._hooks[hook]:
            if each.plugin_name == plugin:
                answer = self._call(each, arguments)
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
    def _calling(self, plugin: str, kind: str, name: str, failed: str) -> Iterator[None]:
        """Around a function that a plugin has registered; ``failed`` is what is said if it breaks."""
        if self._trace:
            sys.stderr.write(f"{kind} {name} -> {plugin}\n")
        details: dict[str, Any] = {"plugin": plugin, kind: name}
        try:
            yield
        except Refuse as refusal:
            if refusal.field is not None:
                details["field"] = refusal.field
            said = refusal.message if isinstance(refusal.message, str) else chosen(refusal.message)
            raise RefusedByPlugin(said, details=details) from refusal
        except (XrmError, DBAPIError):
            raise
        except Exception as error:
            _log.error(f"plugin_{kind}_failed", plugin=plugin, name=name, exc_info=error)
            raise RefusedByPlugin(failed, hint=say("The server's log has the cause."), details=details) from error

    def _ask(self, hook: HookImpl, entity: str, then: "Then | None", **arguments: Any) -> Mapping[str, Any]:
        """What one plugin wants changed."""
        then = Then(None) if then is None else then
        with self._translated(hook.plugin_name, entity):
            answer = self._call(hook, {"entity": entity, "write": then.write(hook.plugin_name), **arguments})
            if answer is None:
                return {}
            if isinstance(answer, Coroutine):
                answer.close()  # a hook that only looks like an ordinary function; unclosed, Python would warn later
            if not isinstance(answer, Mapping) or not all(isinstance(key, str) for key in answer):
                raise TypeError(f"a before-hook returns a mapping of field names or None, not {type(answer).__name__}")
        return answer

    @contextmanager
    def _translated(self, plugin: str, entity: str) -> Iterator[None]:
        """The failures of a plugin in a write are translated here, and only here.

        What the database has to say of the transaction goes through: it is tried again, or was too slow.
        """
        try:
            yield
        except (DBAPIError, Busy):
            raise
        except Refuse as refusal:
            details = {"plugin": plugin, "entity": entity}
            if refusal.field is not None:
                details["field"] = refusal.field
            said = refusal.message if isinstance(refusal.message, str) else chosen(refusal.message)
            raise RefusedByPlugin(said, details=details) from refusal
        except Exception as error:
            _log.error("plugin_hook_failed", plugin=plugin, entity=entity, exc_info=error)
            raise RefusedByPlugin(
                say(
                    "The plugin {plugin} failed when it was asked about this {entity}; nothing was written.",
                    plugin=plugin,
                    entity=entity,
                ),
                hint=say("The server's log has the cause."),
                details={"plugin": plugin, "entity": entity},
            ) from error

    def _call(self, hook: HookImpl, arguments: Mapping[str, Any]) -> Any:
        if self._trace:
            sys.stderr.write(f"hook {hook.function.__name__} {arguments.get('entity', '')} -> {hook.plugin_name}\n")
        return hook.function(*(arguments[name] for name in hook.argnames))

    def _folders_of(self, hook: HookImpl) -> list[Path]:
        try:
            folders = self._call(hook, {})
        except Exception as error:
            raise self._error(hook, f"register_schemas raised {type(error).__name__}: {error}") from error
        if not isinstance(folders, list) or not all(isinstance(folder, Path) for folder in folders):
            raise self._error(hook, "register_schemas must return a list of pathlib.Path")
        missing = next((folder for folder in folders if not folder.is_dir()), None)
        if missing is not None:
            raise self._error(hook, f"its schema folder {missing} does not exist")
        return folders

    def _error(self, hook: HookImpl, cause: str) -> PluginLoadError:
        return self.load_error(hook.plugin_name, cause)

    def _hooks_of(self, name: str) -> tuple[str, ...]:
        return tuple(hook for hook, found in self._hooks.items() if any(each.plugin_name == name for each in found))


def _copied(value: Any) -> Any:
    """A copy, all the way down. Of the values of a record only mappings and lists can be changed at all."""
    if isinstance(value, dict):
        return {key: item if type(item) in _PLAIN else _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value if isinstance(value, _UNCHANGING) else deepcopy(value)


_UNCHANGING = (str, int, float, Decimal, type(None))
_PLAIN = frozenset((*_UNCHANGING, bool))


def _frozen(value: Any) -> Any:
    """A read-only copy, all the way down."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: item if type(item) in _PLAIN else _frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value
