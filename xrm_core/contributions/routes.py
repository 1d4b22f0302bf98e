"""The routes that plugins register, checked at the start."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xrm_core.contributions.route import MOST_SECONDS, READING, WRITING, Route
from xrm_core.plugins import Plugins

PLACE = "/plugins"
"""Where all of them are."""

_PART = r"(?:(?!\.+(?:/|$))[A-Za-z0-9_.~-]+|\{[a-z][a-z0-9_]*\})"
_PATH = re.compile(rf"(?:/{_PART})+/?")
_PARAMETER = re.compile(r"\{[^}]*\}")
_PLUGIN = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class PluginRoute:
    """A route with the plugin that has it."""

    plugin: str
    route: Route

    @property
    def path(self) -> str:
        """The whole path."""
        return f"{PLACE}/{self.plugin}{self.route.path}"

    @property
    def name(self) -> str:
        """What it is called in the change log and in figures: ``fleet/leads``."""
        return f"{self.plugin}{self.route.path}"


def routes_of(plugins: Plugins) -> Sequence[PluginRoute]:
    """The routes of all plugins.

    Raises:
        PluginLoadError: a plugin registers what cannot be used, or an address twice.
    """
    found: list[PluginRoute] = []
    taken: dict[tuple[str, str], str] = {}
    for plugin, route in plugins.registered("register_routes", Route):
        problem = _wrong(plugin, route)
        if not problem:
            each = PluginRoute(plugin, route)
            for place in _places(each):
                if place in taken:
                    problem = f"would answer {place[0]} where {taken[place]} does"
                taken[place] = each.path
            found.append(each)
        if problem:
            raise plugins.load_error(plugin, f"the route {route.path!r} {problem}")
    return found


def _places(each: PluginRoute) -> Iterator[tuple[str, str]]:
    """Method and path, in which all parameters are the same: one of two would never be asked."""
    for method in each.route.methods:
        yield method, _PARAMETER.sub("{}", each.path)


def _wrong(plugin: str, route: Route) -> str:
    if not _PLUGIN.fullmatch(plugin):
        return "cannot be below the plugin's name, which is no part of a path (A-Z, a-z, 0-9, _ and -)"
    if not isinstance(route.path, str) or not _PATH.fullmatch(route.path):
        return "has a path that is none, such as /leads or /letters/{token}"
    names = _PARAMETER.findall(route.path)
    if len(names) != len(set(names)):
        return "has two parameters of one name"
    if not callable(route.run):
        return "has no function to run"
    if not isinstance(route.methods, tuple) or not route.methods or not set(route.methods) <= READING | WRITING:
        return f"has methods other than {', '.join(sorted(READING | WRITING))}"
    if set(route.methods) & READING and set(route.methods) & WRITING:
        return "both reads and writes; make two of it"
    if not isinstance(route.public, bool) or (route.role is not None and not route.public):
        return "has a role, which only public ones have: who is signed in has their own"
    if not isinstance(route.per_minute, int) or route.per_minute < 1:
        return "has a number per minute that is none"
    if not isinstance(route.max_bytes, int) or route.max_bytes < 0:
        return "has a number of bytes that is none"
    if not isinstance(route.seconds, int | float) or not 0 < route.seconds <= MOST_SECONDS:
        return f"has seconds that are none: more than 0, and {MOST_SECONDS:g} at most"
    return ""
