"""Plugins are checked here, when they are registered, so that no mistake of one shows only at the first write."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pluggy
from pluggy import HookImpl

from xrm_core import hookspecs
from xrm_core.errors import PluginLoadError

_CORE_LAYER = "core"
_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """A plugin as it was found: the entry point's name, the module or object that it names, and where it is from."""

    name: str
    plugin: Any
    distribution: str = ""
    version: str = ""

    @property
    def origin(self) -> str:
        """Its name, and where it is from."""
        return f"{self.name} of {self.distribution} {self.version}" if self.distribution else self.name


def load_error(name: str, distribution: str, version: str, cause: str) -> PluginLoadError:
    """The one error for a plugin that cannot be used."""
    origin = f" of {distribution} {version}" if distribution else ""
    return PluginLoadError(
        f"The plugin {name}{origin} cannot be loaded: {cause.rstrip('.')}.",
        hint=f"Mend or uninstall it, or start without it: XRM_DISABLED_PLUGINS={name}.",
        details={"plugin": name, "distribution": distribution, "version": version},
    )


def register(installed: Iterable[InstalledPlugin]) -> Mapping[str, Sequence[HookImpl]]:
    """The implementations of each hook, in the order of the plugins.

    Raises:
        PluginLoadError: a plugin breaks a rule of ``docs/plugin_hooks.md``.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    hooks = [name for name in vars(hookspecs) if manager.parse_hookspec_opts(hookspecs, name) is not None]
    for found in installed:
        problem = _register_one(manager, hooks, found)
        if problem:
            raise load_error(found.name, found.distribution, found.version, problem)
    return {name: getattr(manager.hook, name).get_hookimpls() for name in hooks}


def _register_one(manager: pluggy.PluginManager, hooks: Sequence[str], found: InstalledPlugin) -> str:
    """Register a plugin; returns what is wrong with it, or nothing."""
    if found.name == _CORE_LAYER:
        return f"the name {_CORE_LAYER!r} belongs to the core pack"
    if inspect.isclass(found.plugin):
        return "its entry point names a class; name a module or an object"
    if manager.has_plugin(found.name):
        return "another plugin has the same name"
    unmarked = [
        hook
        for hook in hooks
        if callable(getattr(found.plugin, hook, None)) and manager.parse_hookimpl_opts(found.plugin, hook) is None
    ]
    if unmarked:
        return f"{unmarked[0]} is named like a hook but not marked with @hookimpl"
    try:
        manager.register(found.plugin, found.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        return f"{_one_line(error)} (the hooks are {', '.join(hooks)})"
    except ValueError:
        return "another entry point names the same module or object"
    return next(
        (
            problem
            for caller in manager.get_hookcallers(found.plugin) or ()
            for hook in caller.get_hookimpls()
            if hook.plugin is found.plugin and (problem := _misuse(caller.name, hook))
        ),
        "",
    )


def _misuse(name: str, hook: HookImpl) -> str:
    function = inspect.unwrap(hook.function)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is async; hooks are ordinary functions"
    if hook.wrapper or hook.hookwrapper or hook.tryfirst or hook.trylast:
        return f"{name} asks to be a wrapper, first or last; plugins are called in the order of their names"
    if inspect.isgeneratorfunction(function):
        return f"{name} is a generator; hooks return their answer"
    return ""


def _one_line(error: Exception) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())


def wrong_name(plugin: str, name: object, known: Iterable[str], form: str = "plugin.name") -> str:
    """What is wrong with the name of something that a plugin registers and has to be ``plugin.name``; or nothing.

    Args:
        plugin: whose it is.
        name: that it gives.
        known: names that are taken by the same kind of thing.
        form: how such names look, for the message.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"has a name that is none: {form} (a-z, 0-9 and _)"
    if not name.startswith(f"{plugin}."):
        return f"must have a name that begins with {plugin!r} and a dot"
    return "is registered twice" if name in known else ""
