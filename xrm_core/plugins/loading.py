"""Installed distributions → :class:`~xrm_core.plugins.plugins.Plugins`, by the entry-point group ``xrm.plugins``."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from itertools import pairwise

from xrm_core.errors import PluginLoadError, SettingsError
from xrm_core.plugins.plugins import Plugins
from xrm_core.plugins.registration import InstalledPlugin, load_error
from xrm_core.plugins.resting import Resting

GROUP = "xrm.plugins"
"""Entry-point group in which a distribution names its plugin: ``fleet = "xrm_fleet"``."""

OWN = "xrm-platform"
"""The distribution whose plugins are loaded only where they are asked for: a small installation begins without them."""


def load_plugins(
    disabled: Collection[str] = (),
    *,
    enabled: Collection[str] = (),
    trace: bool = False,
    resting: Sequence[Resting] = (),
) -> Plugins:
    """Load every installed plugin, by name, but each after those that it needs. One call per application object.

    Args:
        disabled: entry-point names of plugins that are not to be imported.
        enabled: entry-point names of the platform's own plugins that are to be loaded; those of others are anyway.
        trace: print each call of a hook to standard error.
        resting: plugins that were switched off in the deployment, which are not imported either.

    Raises:
        PluginLoadError: a plugin cannot be imported or is not a plugin; names distribution, version and cause.
        SettingsError: a plugin is named that is not installed.
    """
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    _refuse_same_names(found)
    installed = {point.name for point in found}
    _refuse_unknown("Disabled", disabled, installed)
    _refuse_unknown("Enabled", enabled, installed)
    off = {point.name for point in found if _origin(point)[0] == OWN} - set(enabled) | set(disabled)
    off |= {each.name for each in resting}
    loaded = [load_plugin(point) for point in found if point.name not in off]
    return Plugins(loaded, trace=trace, disabled=off, resting=resting)


def _refuse_unknown(what: str, names: Collection[str], installed: Collection[str]) -> None:
    if unknown := sorted(set(names) - set(installed)):
        raise SettingsError(
            f"{what} plugins that are not installed: {', '.join(unknown)}.",
            hint=f"Installed are: {', '.join(sorted(installed)) or 'none'}.",
        )


def loadable_plugins(but: Collection[str] = ()) -> list[InstalledPlugin]:
    """The installed plugins that can be imported, by name, less some; of the others nothing is said."""
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        if point.name not in but:
            with suppress(PluginLoadError):
                found.append(load_plugin(point))
    return found


def load_plugin(point: EntryPoint) -> InstalledPlugin:
    """Import what an entry point names.

    Raises:
        PluginLoadError: that is not possible; names distribution, version and cause.
    """
    distribution, version = _origin(point)
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:  # whatever a plugin does at import, core stays up and names it
        raise load_error(point.name, distribution, version, f"{type(error).__name__}: {error}") from error
    return InstalledPlugin(point.name, loaded, distribution, version)


def _origin(point: EntryPoint) -> tuple[str, str]:
    return ("", "") if point.dist is None else _name_and_version(point.dist)


@lru_cache(maxsize=64)
def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Read once: each look at either reads the whole description of the distribution again."""
    told = distribution.metadata
    return told["Name"] or "", told["Version"] or ""


def _refuse_same_names(found: list[EntryPoint]) -> None:
    for first, second in pairwise(found):
        if first.name == second.name:
            both = " and ".join(" ".join(_origin(point)) for point in (first, second))
            raise PluginLoadError(
                f"Two installed plugins have the name {first.name!r}: those of {both}.",
                hint="Uninstall one of the two distributions.",
                details={"plugin": first.name},
            )
