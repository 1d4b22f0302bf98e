"""Demo data that plugins bring, beside those of the pack."""

import datetime as dt
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from xrm_core.errors import XrmError
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import System
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records

_SEED = 2026
_AT_ONCE = 500

Rows = tuple[str, Sequence[Mapping[str, Any]]]
"""An entity, and records for it."""


class DemoContext:
    """What there is so far, for the function that makes a plugin's demo data.

    Args:
        plugin: whose.
        users: role → id of the demo's user who has it.
        now: the day on which the demo stands still; nothing is later.
        ids: entity → ids of the demo's records, in the order in which they were made. They grow as records are stored.
    """

    def __init__(
        self, plugin: str, users: Mapping[str, str], now: dt.datetime, ids: Mapping[str, Sequence[str]]
    ) -> None:
        self.users = users
        self.now = now
        self.random = random.Random(f"{_SEED}/{plugin}")  # noqa: S311 - not for secrets
        self._ids = ids

    def ids(self, entity: str) -> Sequence[str]:
        """Of the demo's records of an entity, in the order in which they were made."""
        return tuple(self._ids.get(entity, ()))

    def new_id(self) -> str:
        """An id (UUIDv7) for a record, the same each time that the demo is made: ``{"id": demo.new_id(), …}``."""
        milliseconds = (self.now - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
        bits = self.random.getrandbits(74)
        high, low = bits >> 62, bits & ((1 << 62) - 1)
        text = f"{(milliseconds << 80) | (7 << 76) | (high << 64) | (2 << 62) | low:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True)
class DemoData:
    """Demo data of a plugin.

    Args:
        records: a function that yields an entity and records for it, again and again; what it has yielded before is
            stored when it goes on. One with the ``id`` of a record of the demo changes that, such as a quote that was
            sent once it had lines. It draws from the context only, so that the demo is the same each time.
        entities: those that it writes. If the model does not have one of them, it is left out.
        roles: role of a user of the demo → those of the plugin that they have besides. Its roles are in force then.
    """

    records: Callable[[DemoContext], Iterable[Rows]]
    entities: Sequence[str] = ()
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)


def roles_besides(plugins: Plugins, model: Model) -> dict[str, dict[str, list[str]]]:
    """Plugin → role of a user of the demo → the roles that they have besides; of plugins that have something to show.

    Raises:
        PluginLoadError: a plugin failed, or returned something else.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for plugin, data in plugins.registered("register_demo", DemoData):
        if data.roles and all(name in model for name in data.entities):
            for role, more in data.roles.items():
                found.setdefault(plugin, {}).setdefault(role, []).extend(more)
    return found


def load_plugins_demo(
    door: Records,
    connection: Connection,
    caller: System,
    users: Mapping[str, str],
    now: dt.datetime,
    ids: dict[str, list[str]],
) -> None:
    """Write the demo data of all plugins, in their order.

    Args:
        door: for writes, with its plugins.
        connection: in the transaction that has written those of the pack.
        caller: the platform.
        users: role → id of the demo's user who has it.
        now: the day of the demo.
        ids: entity → ids of what is there; gets those of plugins, too.

    Raises:
        PluginLoadError: what a plugin brings cannot be made or stored.
    """
    plugins = door.plugins
    for plugin, data in plugins.registered("register_demo", DemoData):
        if any(name not in door.model for name in data.entities):
            continue
        context = DemoContext(plugin, users, now, ids)
        for entity, rows in _made(plugins, plugin, data, context):
            if entity not in door.model:
                raise plugins.load_error(plugin, f"its demo data are for the entity {entity!r}, which is not there")
            try:
                there = set(ids.get(entity, ()))
                new = [each for each in rows if each.get("id") not in there]
                for start in range(0, len(new), _AT_ONCE):
                    stored = door.create_many(connection, caller, entity, new[start : start + _AT_ONCE])
                    ids.setdefault(entity, []).extend(stored)
                for each in rows:
                    if each.get("id") in there:
                        values = {name: value for name, value in each.items() if name != "id"}
                        door.update(connection, caller, entity, str(each["id"]), values)
            except XrmError as error:
                raise plugins.load_error(
                    plugin, f"its demo data cannot be stored: {entity}: {error.message}"
                ) from error


def _made(plugins: Plugins, plugin: str, data: DemoData, context: DemoContext) -> Iterator[Rows]:
    try:
        for entity, rows in data.records(context):
            yield entity, list(rows)
    except XrmError:
        raise
    except Exception as error:
        raise plugins.load_error(plugin, f"its demo data raised {type(error).__name__}: {error}") from error
