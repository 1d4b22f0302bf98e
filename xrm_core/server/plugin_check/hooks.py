"""Functions that are marked as hooks: whether there is such a hook, and whether it has these arguments."""

import inspect
from collections.abc import Iterator
from typing import Any

import pluggy

from xrm_core import hookspecs
from xrm_core.metadata.structure import nearest
from xrm_core.server.plugin_check.findings import Finding


def hooks(plugin: Any) -> Iterator[Finding]:
    """All mistakes at once; what loads it tells only the first."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    known = {
        name: tuple(inspect.signature(value).parameters)
        for name, value in vars(hookspecs).items()
        if manager.parse_hookspec_opts(hookspecs, name) is not None
    }
    implemented = 0
    for name in dir(plugin):
        function = getattr(plugin, name, None)
        if not inspect.isroutine(function):
            continue
        if manager.parse_hookimpl_opts(plugin, name) is None:
            if name in known:
                yield _error(f"{name} is named like a hook but not marked with @hookimpl.", function)
            continue
        implemented += 1
        if name not in known:
            yield _error(f"There is no hook {name}. {nearest(name, known)}".strip(), function)
            continue
        for argument in inspect.signature(function).parameters:
            if argument not in known[name]:
                signature = f"{name}({', '.join(known[name])})"
                yield _error(f"{name} has no argument {argument}; it is {signature}.", function)
        if inspect.iscoroutinefunction(function):
            yield _error(f"{name} is async; hooks are ordinary functions.", function)
    if not implemented:
        yield Finding("hooks", "error", "It has no hook.", hint="Mark functions with @hookimpl of xrm_core.api.")


def _error(message: str, function: Any) -> Finding:
    try:
        code = inspect.unwrap(function).__code__
        place = f"{code.co_filename}:{code.co_firstlineno}"
    except AttributeError:
        place = ""
    return Finding("hooks", "error", message, place)
