"""What plugins want done once a record is written, in the same transaction."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import RefusedByPlugin
from xrm_core.hookspecs import Follow, Record, Write
from xrm_core.permissions.caller import Caller
from xrm_core.plugins import copied
from xrm_core.records import looking
from xrm_core.records.coming import coming_now
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

    ``caller`` is who has written, ``plugin`` whose hook it is. ``ids`` are all records that were written together and
    asked for this with the same key, in their order; without a key the one.
    """

    def __init__(
        self, records: "Records", connection: Connection, caller: Caller, plugin: str, ids: Sequence[str] = ()
    ) -> None:
        super().__init__(records, connection, caller, (HOOK, plugin))
        self.plugin = plugin
        self.ids = ids
        self.settings = records.plugins.settings_of(plugin)
        """Of the plugin: an object of the dataclass that it has registered; None: it has none."""


@dataclass(slots=True)
class Then:
    """What plugins want done once a record is written by ``caller``, in their order."""

    records: "Records"
    connection: Connection
    caller: Caller
    acts: list[tuple[str, Follow, object]] = field(default_factory=list)
    seen: dict[Any, Any] | None = None
    """What hooks have read of the database so far, for all records of a write: until they are stored it stays so."""

    def write(self, plugin: str) -> Write:
        """What a plugin is given."""
        settings = self.records.plugins.settings_of(plugin)
        return Write(self.caller.actor, partial(self._add, plugin), self._read, self._find, settings, coming_now())

    def follow(self, entity: str, id_: str) -> None:
        """Do it: the record is stored, or gone, or back.

        Raises:
            RefusedByPlugin: a plugin refused or failed, or its hooks lead to themselves.
            XrmError: what a plugin wanted to write cannot be written.
        """
        follow_together(entity, [(self, id_)])

    def do(self, entity: str, ids: Sequence[str], plugin: str, act: Follow) -> None:
        """Do one thing for these records, told with the last of them. Raises as :meth:`follow`."""
        if sum(kind == HOOK for kind, _ in self.caller.causes) >= MOST_HOOKS:
            raise _circle(plugin, entity)
        with self.records.plugins.following(plugin, entity, "follow", entity):
            act(HookContext(self.records, self.connection, self.caller, plugin, ids), ids[-1])

    def _add(self, plugin: str, act: Follow, key: object) -> None:
        self.acts.append((plugin, act, key))

    def _read(self, entity: str, id_: str | None) -> Record | None:
        if id_ is None:
            return None
        found: Record | None = self._once(
            (entity, id_), lambda: looking.read(self.records, self.connection, entity, id_)
        )
        return found

    def _find(self, entity: str, where: Mapping[str, Any], limit: int) -> list[Record]:
        def find() -> list[Record]:
            return looking.find(self.records, self.connection, entity, where, limit)

        found: list[Record] = find() if self.seen is None else self._once((entity, limit, _text(where)), find)
        return found

    def _once(self, key: Any, look: Callable[[], Any]) -> Any:
        """What was found, and is found again; a copy, which its plugin may change."""
        if self.seen is None:
            return look()
        if key not in self.seen:
            self.seen[key] = look()
        return copied(self.seen[key])


def follow_together(entity: str, written: Iterable[tuple[Then, str]]) -> None:
    """Do what is to follow records that were written together, each with its id; what has a key once, at the end.

    Raises:
        RefusedByPlugin, XrmError: as :meth:`Then.follow`.
    """
    once: dict[tuple[str, object], tuple[Then, Follow]] = {}
    ids: dict[tuple[str, object], list[str]] = {}
    for then, id_ in written:
        then.seen = None  # what follows changes what there is
        for plugin, act, key in then.acts:
            if key is None:
                then.do(entity, (id_,), plugin, act)
            else:
                once[plugin, key] = then, act
                ids.setdefault((plugin, key), []).append(id_)
    for (plugin, key), (then, act) in once.items():
        then.do(entity, ids[plugin, key], plugin, act)


def _text(where: Mapping[str, Any]) -> str:
    return json.dumps(where, default=repr, sort_keys=True)


def _circle(plugin: str, entity: str) -> RefusedByPlugin:
    return RefusedByPlugin(
        say(
            "Hooks of plugins lead to each other in a circle, the last one of {plugin}; nothing was written.",
            plugin=plugin,
        ),
        details={"plugin": plugin, "entity": entity},
    )
