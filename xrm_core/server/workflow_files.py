"""The workflows of a deployment: the files of its packs and plugins, and what workers do for them."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.model import Model
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions.plugin_roles import brought
from xrm_core.permissions.policy_files import ROLES
from xrm_core.plugins import Plugins
from xrm_core.records.actions import Actions
from xrm_core.settings import Settings
from xrm_core.workflows.checking import require_fitting
from xrm_core.workflows.definition import Workflow
from xrm_core.workflows.engine import WorkflowEngine, engine
from xrm_core.workflows.reading import FOLDER, WorkflowFolder, read_workflows


def workflows_of(settings: Settings, plugins: Plugins) -> list[Workflow]:
    """The workflows of the pack, of those that it stands on, and of the plugins.

    Raises:
        SchemaFilesInvalid: with every mistake in the form of a file.
        PluginLoadError: a plugin names folders that are none.
    """
    return read_workflows(_folders(settings, plugins))


def check_workflows(settings: Settings, plugins: Plugins, model: Model) -> None:
    """Refuse workflows that name entities, fields, actions, messages or roles that are not there.

    Actions and messages of a plugin that is switched off may be named, and the roles that there are without it are not
    all: whoever uses it is not in the way of switching it off.

    Raises:
        SchemaFilesInvalid: with each place.
    """
    found = workflows_of(settings, plugins)
    if found:
        resting = frozenset(each.name for each in plugins.resting if not each.removed)
        roles = None if resting else frozenset(_roles(settings, plugins))
        require_fitting(found, model, Actions(plugins, model), roles, resting)


def in_the_way(settings: Settings, plugins: Plugins, model: Model, plugin: str) -> list[str]:
    """Places of workflows of others that use what a model does not have without a plugin; its own go with it."""
    others = [each for each in workflows_of(settings, plugins) if each.layer != plugin]
    if not others:
        return []
    try:
        require_fitting(others, model, Actions(plugins, model))
    except SchemaFilesInvalid as invalid:
        return [f"{each.file}:{each.line}: {each.reason}" for each in invalid.problems]
    return []


def workflow_engine(settings: Settings, plugins: Plugins) -> WorkflowEngine:
    """What a worker with these settings does for workflows. Raises as :func:`workflows_of`."""
    return engine(workflows_of(settings, plugins), settings.time_zone, settings.job_days)


def _folders(settings: Settings, plugins: Plugins) -> Iterator[WorkflowFolder]:
    for layer in pack_layers(settings.schemas):
        if layer.folder is not None and (layer.folder / FOLDER).is_dir():
            yield WorkflowFolder(layer.name, layer.folder / FOLDER)
    for plugin, folder in plugins.folders("register_workflows"):
        yield WorkflowFolder(plugin, folder)


def _roles(settings: Settings, plugins: Plugins) -> Iterator[str]:
    """The roles of files. Those that somebody makes by the API are put into files before a workflow can have them."""
    for layer in pack_layers(settings.schemas):
        file = None if layer.folder is None else layer.folder / "permissions" / ROLES
        with suppress(OSError, ValueError, AttributeError, TypeError):  # what is wrong with it is told where it is read
            document: dict[str, Any] = json.loads(file.read_text("utf-8")) if file is not None else {}
            yield from document.get("roles", {})
    for each in brought(plugins):
        yield from each.names
