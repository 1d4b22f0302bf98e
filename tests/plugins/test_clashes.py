"""Two plugins that bring what there can be one of alone: both are named, or the names cannot be the same at all."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Any

import pytest

from xrm_core.api import (
    Action,
    Channel,
    CustomFieldType,
    HealthCheck,
    JobHandler,
    Keyword,
    MessageKind,
    QueryField,
    Replay,
    Schedule,
    TextFormat,
    hookimpl,
)
from xrm_core.contributions.health import HealthChecks
from xrm_core.errors import PluginLoadError, SchemaFilesInvalid
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.jobs.registry import registry
from xrm_core.jobs.replaying import replays_of
from xrm_core.messages import registered_messages
from xrm_core.metadata.custom_types import custom_types_of
from xrm_core.metadata.keywords import Keywords, formats_of
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.plugin_roles import brought
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.actions import Actions
from xrm_core.workflows.reading import WorkflowFolder, read_workflows

ENTITY = {"x-entity": "vehicle", "type": "object", "properties": {"plate": {"type": "string"}}}
MODEL = load_texts([("vehicle.json", json.dumps(ENTITY), "core")])
BOTH = ("fleet of xrm-fleet 1.2", "fleet_garage of xrm-fleet-garage 0.3")
"""Of two names like these, what begins with the one may look as if it began with the other."""


class Brings:
    """A plugin with one hook."""

    def __init__(self, hook: str, answer: Any) -> None:
        setattr(self, hook, hookimpl(lambda: answer))


def two(hook: str, first: Any, second: Any) -> Plugins:
    """Both plugins, each with its answer to a hook."""
    return Plugins(
        [
            InstalledPlugin("fleet", Brings(hook, first), "xrm-fleet", "1.2"),
            InstalledPlugin("fleet_garage", Brings(hook, second), "xrm-fleet-garage", "0.3"),
        ],
        environment={},
    )


def settings(name: str) -> type:
    """A dataclass of one setting."""
    return make_dataclass("Settings", [(name, str, "")])


def nothing(*_given: Any) -> Any:
    """A function of a plugin."""


@dataclass(frozen=True)
class Clash:
    """What the two bring, who finds that it is the same, and what is said."""

    hook: str
    first: Any
    second: Any
    found_by: Callable[[Plugins], Any]
    said: str


CLASHES = {
    "settings": Clash(
        "register_settings", settings("garage_key"), settings("key"), lambda _: None, "XRM_FLEET_GARAGE_KEY"
    ),
    "keyword": Clash(
        "register_keywords",
        [Keyword("x-fleet-garage", {})],
        [Keyword("x-fleet-garage", {})],
        Keywords,
        "x-fleet-garage",
    ),
    "format": Clash(
        "register_text_formats",
        [TextFormat("fleet-garage-bay", nothing)],
        [TextFormat("fleet-garage-bay", nothing)],
        formats_of,
        "the format 'fleet-garage-bay'",
    ),
    "field type": Clash(
        "register_field_types",
        [CustomFieldType("fleet-garage-size", {"type": "integer"})],
        [CustomFieldType("fleet-garage-size", {"type": "integer"})],
        custom_types_of,
        "the field type 'fleet-garage-size'",
    ),
    "action about an entity": Clash(
        "register_actions",
        [Action("fleet.inspect", nothing, "vehicle")],
        [Action("fleet_garage.inspect", nothing, "vehicle")],
        lambda plugins: Actions(plugins, MODEL),
        "would have the mutation inspectVehicle, which is that of fleet.inspect of the plugin",
    ),
    "action about none": Clash(
        "register_actions",
        [Action("fleet.garage_open", nothing)],
        [Action("fleet_garage.open", nothing)],
        lambda plugins: Actions(plugins, MODEL),
        "would have the mutation fleetGarageOpen, which is that of fleet.garage_open of the plugin",
    ),
    "query field": Clash(
        "register_query_fields",
        [QueryField("fleet.garage_free", nothing, int)],
        [QueryField("fleet_garage.free", nothing, int)],
        lambda plugins: QueryFields(plugins, MODEL, {}),
        "would be the field fleetGarageFree of queries, which is that of fleet.garage_free of the plugin",
    ),
}


@pytest.mark.parametrize("clash", CLASHES.values(), ids=CLASHES)
def test_both_plugins_are_named_with_distribution_and_version(clash: Clash) -> None:
    with pytest.raises(PluginLoadError) as refused:
        clash.found_by(two(clash.hook, clash.first, clash.second))

    message = refused.value.message
    assert all(each in message for each in BOTH), message
    assert clash.said in message


def test_roles_that_mean_other_things_name_both(tmp_path: Path) -> None:
    folders: list[Path] = []
    for name in ("fleet", "garage"):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        roles = {"roles": {"mechanic": {"labels": {"en": name}}}}
        (folders[-1] / "roles.json").write_text(json.dumps(roles))

    with pytest.raises(PluginLoadError) as refused:
        brought(two("register_roles", [folders[0]], [folders[1]]))

    assert all(each in refused.value.message for each in BOTH), refused.value.message


def test_workflows_of_one_name_name_both(tmp_path: Path) -> None:
    flow = {"x-workflow": "tidy", "system": True, "on": {"entity": "vehicle", "change": ["create"]}}
    for name in ("fleet", "fleet_garage"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tidy.json").write_text(json.dumps({**flow, "steps": [{"update": {"plate": "x"}}]}))

    with pytest.raises(SchemaFilesInvalid) as refused:
        read_workflows([WorkflowFolder(name, tmp_path / name) for name in ("fleet", "fleet_garage")])

    [problem] = refused.value.problems
    assert 'The workflow "tidy" of fleet_garage is there already, by fleet at ' in problem.reason
    assert (tmp_path / "fleet" / "tidy.json").name in problem.reason


NAMED: Mapping[str, tuple[str, Callable[[str], Any], Callable[[Plugins], Any]]] = {
    "action": ("register_actions", lambda name: Action(name, nothing), lambda found: Actions(found, MODEL)),
    "query field": (
        "register_query_fields",
        lambda name: QueryField(name, nothing, int),
        lambda found: QueryFields(found, MODEL, {}),
    ),
    "health check": ("register_health", lambda name: HealthCheck(name, nothing), HealthChecks),
    "job": ("register_jobs", lambda name: JobHandler(name, nothing), lambda found: registry(found, "UTC")),
    "schedule": (
        "register_schedules",
        lambda name: Schedule(name, "tidy", "0 2 * * *"),
        lambda found: registry(found, "UTC", [JobHandler("tidy", nothing)]),
    ),
    "replay": ("register_replays", lambda name: Replay(name, nothing), replays_of),
    "kind of messages": (
        "register_message_kinds",
        lambda name: MessageKind(name, nothing, nothing, "service"),
        registered_messages,
    ),
    "channel": ("register_channels", lambda name: Channel(name, nothing), registered_messages),
}


@pytest.mark.parametrize(("hook", "made", "found_by"), NAMED.values(), ids=NAMED)
def test_what_is_named_after_its_plugin_cannot_clash(
    hook: str, made: Callable[[str], Any], found_by: Callable[[Plugins], Any]
) -> None:
    for taken in ("fleet.open", "mail", "fleet_garage"):
        with pytest.raises(PluginLoadError, match=r"fleet_garage of xrm-fleet-garage 0\.3 cannot be loaded: .*name"):
            found_by(two(hook, [made("fleet.open")], [made(taken)]))

    found_by(two(hook, [made("fleet.open")], [made("fleet_garage.open")]))
