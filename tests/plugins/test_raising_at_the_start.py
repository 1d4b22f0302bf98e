"""A plugin whose hooks fail when they are asked at the start: it is named with its distribution and version."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.plugins.test_docs import HOOKS
from xrm_core.api import DemoData, hookimpl
from xrm_core.contributions.command import commands_of
from xrm_core.contributions.data_store import stores_of
from xrm_core.contributions.health import HealthChecks
from xrm_core.contributions.routes import routes_of
from xrm_core.errors import PluginLoadError
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
from xrm_core.records.hooks import registered

MODEL = load_texts([])
ASKED_BY: Mapping[str, Callable[[Plugins], Any]] = {
    "register_needs": lambda _: None,  # when the plugins are put together
    "register_settings": lambda _: None,
    "register_translations": lambda _: None,
    "register_schemas": lambda found: found.schema_folders(),
    "register_keywords": Keywords,
    "register_text_formats": formats_of,
    "register_field_types": custom_types_of,
    "register_roles": brought,
    "register_demo": lambda found: found.registered("register_demo", DemoData),
    "register_actions": lambda found: Actions(found, MODEL),
    "register_workflows": lambda found: found.folders("register_workflows"),
    "register_query_fields": lambda found: QueryFields(found, MODEL, {}),
    "register_record_hooks": registered,
    "register_routes": routes_of,
    "register_health": HealthChecks,
    "register_commands": commands_of,
    "register_jobs": lambda found: registry(found, "UTC"),
    "register_schedules": lambda found: registry(found, "UTC"),
    "register_replays": replays_of,
    "register_data_stores": stores_of,
    "register_message_kinds": registered_messages,
    "register_channels": registered_messages,
}


class Answers:
    """A plugin with one hook."""

    def __init__(self, hook: str, function: Callable[[], Any]) -> None:
        setattr(self, hook, hookimpl(function))


@pytest.mark.parametrize("hook", [name for name in HOOKS if name.startswith("register_")])
@pytest.mark.parametrize(
    "answer", [lambda: 1 / 0, lambda: sys.exit(1), lambda: "a text"], ids=["raises", "exits", "answers a text"]
)
def test_a_hook_that_fails_at_the_start_is_named(hook: str, answer: Callable[[], Any]) -> None:
    plugin = InstalledPlugin("bad", Answers(hook, answer), "xrm-bad", "2.1")

    with pytest.raises(PluginLoadError, match=r"The plugin bad of xrm-bad 2\.1 cannot be loaded: .*") as refused:
        ASKED_BY[hook](Plugins([plugin], environment={}))

    assert refused.value.details == {"plugin": "bad", "distribution": "xrm-bad", "version": "2.1"}
