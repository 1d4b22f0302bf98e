"""What plugins need: this version of the platform, and other plugins, which then come before them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from xrm_core import __version__
from xrm_core.hookspecs import Needs


@dataclass(frozen=True, slots=True)
class Needing:
    """A plugin, with its version and what it needs."""

    name: str
    version: str
    needs: Needs


class NeedsUnmet(Exception):
    """A plugin cannot be used for what it needs; ``plugin`` is its name."""

    def __init__(self, plugin: str, cause: str) -> None:
        super().__init__(cause)
        self.plugin = plugin


def ordered(plugins: Sequence[Needing], disabled: Collection[str] = ()) -> list[str]:
    """The names of plugins in the order in which they are called: each after those that it needs, else by name.

    Args:
        plugins: those that are loaded, in the order of their names.
        disabled: names of those that are not.

    Raises:
        NeedsUnmet: one needs what is not there, or another version of it, or two need each other.
    """
    found = {each.name: each for each in plugins}
    for each in plugins:
        _require_core(each)
        for name, versions in each.needs.plugins.items():
            _require_plugin(each, name, versions, found, disabled)
    done: list[str] = []
    for each in plugins:
        _visit(each.name, found, done, ())
    return done


def _visit(name: str, found: Mapping[str, Needing], done: list[str], path: tuple[str, ...]) -> None:
    if name in path:
        circle = " → ".join((*path[path.index(name) :], name))
        raise NeedsUnmet(name, f"plugins need each other in a circle: {circle}")
    if name in done:
        return
    for other in sorted(found[name].needs.plugins):
        _visit(other, found, done, (*path, name))
    done.append(name)


def _require_core(plugin: Needing) -> None:
    if not _fits(plugin, "the platform", __version__, plugin.needs.core):
        raise NeedsUnmet(plugin.name, f"it needs the platform {plugin.needs.core}, and this is {__version__}")


def _require_plugin(
    plugin: Needing, name: str, versions: str, found: Mapping[str, Needing], disabled: Collection[str]
) -> None:
    wanted = f"it needs the plugin {name}{f' {versions}' if versions else ''}"
    if name in disabled:
        raise NeedsUnmet(plugin.name, f"{wanted}, which is switched off")
    if name not in found:
        raise NeedsUnmet(plugin.name, f"{wanted}, which is not installed")
    if not _fits(plugin, f"the plugin {name}", found[name].version, versions):
        raise NeedsUnmet(
            plugin.name, f"{wanted}, and the installed one is {found[name].version or 'without a version'}"
        )


def _fits(plugin: Needing, what: str, version: str, versions: str) -> bool:
    try:
        wanted = SpecifierSet(versions)
    except InvalidSpecifier:
        raise NeedsUnmet(plugin.name, f"the versions {versions!r} of {what} that it needs are none (PEP 440)") from None
    if not versions:
        return True
    try:
        return wanted.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
