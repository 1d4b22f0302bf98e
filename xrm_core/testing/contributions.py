"""What plugins bring that nobody asks for over GraphQL: commands, health checks, demo data."""

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from xrm_core.contributions.command import CommandContext, commands_of
from xrm_core.contributions.demo import load_plugins_demo
from xrm_core.contributions.files_context import FilesContext
from xrm_core.contributions.health import MOST_SECONDS, HealthChecks
from xrm_core.permissions.caller import System
from xrm_core.server.assembly import Platform


def run_command(platform: Platform, words: str, given: Mapping[str, Any]) -> Any:
    """Call the function of a command, ``"fleet seize"``, with values for its parameters; what it returns.

    Raises:
        AssertionError: no plugin has it.
        RefusedByPlugin: it has refused.
    """
    plugins, (plugin, _, name) = platform.plugins, words.partition(" ")
    known = {f"{of} {each.name}": each for of, found in commands_of(plugins).items() for each in found}
    if words not in known:
        raise AssertionError(f"There is no command {words!r}; there are {', '.join(sorted(known)) or 'none'}.")
    settings = plugins.settings_of(plugin)
    context: FilesContext | CommandContext
    if known[words].files_only:
        context = FilesContext(platform.model, settings, words, platform.plugins)
    else:
        context = CommandContext(platform.records, platform.database, "", settings, words)
    with plugins.commanding(plugin, name):
        return known[words].run(context, **given)


def health(platform: Platform) -> dict[str, str]:
    """What each health check says: nothing, if all is well."""
    with closing(HealthChecks(platform.plugins)) as checks:
        # A machine that is busy with tests makes nobody ill.
        checks.found = {name: replace(check, seconds=MOST_SECONDS) for name, check in checks.found.items()}
        found = checks.look(platform.records, platform.database, "")
    return {each.check.name: each.says for each in found}


def load_demo(platform: Platform, users: Mapping[str, str]) -> dict[str, list[str]]:
    """Write the demo data of plugins upon what there is; the ids of what was made, by entity.

    Args:
        platform: which app.
        users: role → id of a user who has it.

    Raises:
        PluginLoadError: what a plugin brings cannot be made or stored.
    """
    records, now = platform.records, dt.datetime.now(dt.UTC)
    caller = System(records.full_access, "demo", sets_system_fields=True)
    with platform.database.begin() as connection:
        tables = {entity.name: records.tables[entity.name] for entity in platform.model}
        there = {
            name: [str(id_) for id_ in connection.scalars(select(table.c.id).order_by(table.c.id))]
            for name, table in tables.items()
        }
        ids = {name: list(found) for name, found in there.items()}
        load_plugins_demo(records, connection, caller, users, now, ids)
    made = {name: found[len(there.get(name, ())) :] for name, found in ids.items()}
    return {name: found for name, found in made.items() if found}
