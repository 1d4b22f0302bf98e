"""What is wrong with hooks that plugins register: in themselves, and as held against a model."""

import inspect
from collections.abc import Sequence
from typing import Any

from xrm_core.metadata.model import Model
from xrm_core.plugins import Plugins
from xrm_core.records.hooks.on import OPERATIONS, On


def registered(plugins: Plugins) -> list[tuple[str, On]]:
    """The hooks of all plugins, each with its plugin, in their order.

    Raises:
        PluginLoadError: one of them is none; names the plugin.
    """
    found = plugins.registered("register_record_hooks", On)
    for plugin, on in found:
        problem = _wrong(on)
        if problem:
            raise plugins.load_error(plugin, f"the hook on {on.name} {problem}")
    return found


def check_hooks(plugins: Plugins, model: Model) -> None:
    """Hold the hooks against the model of the files.

    One on an entity that is not there is no mistake: a pack need not have all entities that a plugin knows of.

    Raises:
        PluginLoadError: one names a field that its entity does not have; names the plugin.
    """
    for plugin, on in registered(plugins):
        problems = (misfit(on, entity, model) for entity in on.entities(model) if entity in model)
        if problem := next(filter(None, problems), ""):
            raise plugins.load_error(plugin, f"the hook on {on.name} {problem}")


def misfit(on: On, entity: str, model: Model) -> str:
    """Why a hook cannot be used with an entity of a model, or nothing."""
    if entity not in model:
        return "is on an entity that is not there"
    fields = model[entity].fields
    for name in on.fields:
        if name not in fields:
            return f"names the field {name!r}, which is none that is written; there are {', '.join(fields)}"
        if fields[name].virtual:
            return f"names the field {name!r}, which is worked out when it is read; name those that it is made of"
    return ""


def _wrong(on: On) -> str:
    if not isinstance(on.entity, str) and not callable(on.entity):
        return "names no entity"
    if not isinstance(on.entity, str) and (on.fields or on.after is not None):
        return "names fields, or is told after a write: of one entity alone"
    if not on.each or not set(on.each) <= set(OPERATIONS):
        return f"names operations that are none; there are {', '.join(OPERATIONS)}"
    if isinstance(on.fields, str) or not _texts(on.fields):
        return "has fields that are no list of names"
    if on.before is None and on.after is None:
        return "has nothing to call, neither before nor after"
    for when, function in (("before", on.before), ("after", on.after)):
        if function is not None and not callable(function):
            return f"has no function to call {when} a write"
        if inspect.iscoroutinefunction(function):
            return f"is async {when} a write; hooks are ordinary functions"
    return ""


def _texts(names: Any) -> bool:
    return isinstance(names, Sequence) and all(isinstance(name, str) for name in names)
