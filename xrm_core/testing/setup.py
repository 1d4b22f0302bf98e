"""What the app of a test consists of: plugins, the pack that they stand on, and what else a test wants there."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xrm_core.plugins import InstalledPlugin
from xrm_core.plugins.loading import GROUP, OWN, load_plugin

if TYPE_CHECKING:
    from xrm_core.testing.app import Xrm

_HEAD = "role,entity,action,fields,rule,effect"


@dataclass(frozen=True, eq=False)
class Setup:
    """What there is in an app. Made once, it can be used by many tests: its database is prepared once.

    Args:
        plugins: names of installed plugins, those that they need among them; or name → module or object, for plugins
            that are not installed. None: all that are installed, less those that come with the platform.
        pack: name of a pack, such as ``core`` or ``machine_builder``, or a folder with one; None: there is nothing but
            ``files``, which have the entity ``user`` then.
        files: further entity files and extension files, by their names without ``.json``.
        workflows: workflow files, by their names without ``.json``.
        roles: further roles and rules, as ``roles.json`` has them: ``{"roles": {…}, "rules": {…}}``.
        policies: further lines of ``policies.csv``, without its heading: ``clerk,vehicle,read,*,,allow``.
        environment: variables for the settings of plugins: ``{"XRM_FLEET_API_KEY": "…"}``; those of the process do not
            count.
        plugin_roles: whether the roles that plugins bring are in force, as if an administrator had taken them.
        settings: of the platform, by the names of :doc:`settings` in small letters, without ``XRM_``.
        begin: what all apps begin with: called with an app, once for each kind of database; what it has made is there
            in each, with the users of ``as_role``, and what it returns is ``xrm.begun``. After-hooks were told of it.
    """

    plugins: Sequence[str] | Mapping[str, Any] | None = None
    pack: str | Path | None = "core"
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    workflows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    roles: Mapping[str, Any] = field(default_factory=dict)
    policies: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    plugin_roles: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    begin: "Callable[[Xrm], Any] | None" = None

    def installed(self) -> list[InstalledPlugin]:
        """The plugins.

        Raises:
            LookupError: one of the names is not that of an installed plugin.
            PluginLoadError: one cannot be loaded.
        """
        if isinstance(self.plugins, Mapping):
            return [InstalledPlugin(name, plugin) for name, plugin in sorted(self.plugins.items())]
        found = {point.name: point for point in entry_points(group=GROUP)}
        others = [name for name, point in found.items() if point.dist is None or point.dist.name != OWN]
        wanted = sorted(others if self.plugins is None else self.plugins)
        missing = [name for name in wanted if name not in found]
        if missing:
            there = ", ".join(sorted(found)) or "none"
            raise LookupError(
                f"No plugin called {', '.join(missing)} is installed (there: {there}). Install its distribution into "
                "this environment, as by «pip install -e .», or give plugins={name: module}."
            )
        return [load_plugin(found[name]) for name in wanted]

    def folder(self, place: Path) -> str | Path:
        """The pack that has all of it; if there is more than ``pack``, it is made in a folder ``place``."""
        if self.pack is not None and not (self.files or self.workflows or self.roles or self.policies):
            return self.pack
        permissions = place / "permissions"
        permissions.mkdir(parents=True)
        pack = {"pack": "test", "kind": "core"}
        if self.pack is not None:
            below = (
                os.path.relpath(Path(self.pack).resolve(), place.resolve()) if Path(self.pack).is_dir() else self.pack
            )
            pack = {"pack": "test", "kind": "deployment", "extends": str(below)}
        _write(place / "pack.json", pack)
        for name, content in self.files.items():
            _write(place / f"{name}.json", content)
        for name, content in self.workflows.items():
            (place / "workflows").mkdir(exist_ok=True)
            _write(place / "workflows" / f"{name}.json", content)
        if self.roles or self.pack is None:
            _write(permissions / "roles.json", self.roles or {"roles": {}})
        if self.policies or self.pack is None:
            (permissions / "policies.csv").write_text("\n".join([_HEAD, *self.policies, ""]), "utf-8")
        return place


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
