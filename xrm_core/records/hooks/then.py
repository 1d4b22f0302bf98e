"""What plugins want done once a record is written, in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import RefusedByPlugin
from xrm_core.hookspecs import Follow, Record, Write
from xrm_core.permissions.caller import Caller
from xrm_core.records import looking
from xrm_core.records.context import Context
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

HOOK = "hook"
"""Kind of the cause in the change log: what a hook does has it, with the name of its plugin."""

MOST_HOOKS = 8
"""So many hooks may lead to each other; a longer chain is taken for a circle."""


class HookContext(Context):
    """The transaction of a write, as what follows it sees it: see :class:`~xrm_core.records.context.Context`.

    ``caller`` is who has written, ``plugin`` whose hook it is.
    """

    def __init__(self, records: "Records", connection: Connection, caller: Caller, plugin: str) -> None:
        super().__init__(records, connection, caller, (HOOK, plugin))
        self.plugin = plugin
        self.settings = records.plugins.settings_of(plugin)
        """Of the plugin: an object of the dataclass that it has registered; None: it has none."""


@dataclass(slots=True)
class Then:
    """What plugins want done once a record is written by ``caller``, in their order."""

    records: "Records"
    connection: Connection
    caller: Caller
    acts: list[tuple[str, Follow]] = field(default_factory=list)

    def write(self, plugin: str) -> Write:
        """What a plugin is given."""
        settings = self.records.plugins.settings_of(plugin)
        return Write(self.caller.actor, lambda act: self.acts.append((plugin, act)), self._read, self._find, settings)

    def follow(self, entity: str, id_: str) -> None:
        """Do it: the record is stored, or gone, or back.

        Raises:
            RefusedByPlugin: a plugin refused or failed, or its hooks lead to themselves.
            XrmError: what a plugin wanted to write cannot be written.
        """
        for plugin, act in self.acts:
            if sum(kind == HOOK for kind, _ in self.caller.causes) >= MOST_HOOKS:
                raise _circle(plugin, entity)
            with self.records.plugins.following(plugin, entity):
                act(HookContext(self.records, self.connection, self.caller, plugin), id_)

    def _read(self, entity: str, id_: str | None) -> Record | None:
        return None if id_ is None else looking.read(self.records, self.connection, entity, id_)

    def _find(self, entity: str, where: Mapping[str, Any], limit: int) -> list[Record]:
        return looking.find(self.records, self.connection, entity, where, limit)


def _circle(plugin: str, entity: str) -> RefusedByPlugin:
    return RefusedByPlugin(
        say(
            "Hooks of plugins lead to each other in a circle, the last one of {plugin}; nothing was written.",
            plugin=plugin,
        ),
        details={"plugin": plugin, "entity": entity},
    )
