"""Plugins that listen: their hooks after writes are called with the entries of the change log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from xrm_core.changes.entry import Operation
from xrm_core.changes.reading import LoggedChange
from xrm_core.events.consumer import Consumer, EntryFailed, Note, Patience
from xrm_core.events.told_changes import ToldChanges
from xrm_core.jobs.place import Place
from xrm_core.permissions.caller import System
from xrm_core.plugins import Hook, Plugins
from xrm_core.records.asking import asks_of
from xrm_core.records.door import Records
from xrm_core.records.hooks import HOOK, MOST_HOOKS, On, registered
from xrm_core.storage.applied import require_model

PREFIX = "plugin:"
"""What the names of the readers of plugins begin with."""

_HOOKS = {
    Operation.CREATE.value: "after_record_create",
    Operation.UPDATE.value: "after_record_update",
    Operation.DELETE.value: "after_record_delete",
    Operation.RESTORE.value: "after_record_create",
}

_VALUES = {
    Operation.CREATE.value: "record",
    Operation.UPDATE.value: "changes",
    Operation.DELETE.value: "before",
    Operation.RESTORE.value: "record",
}
"""The argument of these hooks that has the values."""


@dataclass(frozen=True)
class RecordEvent:
    """A change of a record that is committed, as a listener is given it.

    Attributes:
        id: names this event; a repeat has the same.
        entity: of the record.
        record_id: of the record.
        operation: ``create``, ``update``, ``delete``, or ``restore``: out of the trash.
        version: the record's after the change; of a deleted one, the next.
        at: when, RFC 3339 in UTC.
        actor: the id of the user, or of the token of a service; None: the platform.
        causes: what has led to it, the first cause first, each kind and name.
        attempt: which attempt this is, from 1.
        tenant: its name; empty for the main database.
        connection: of the transaction under way, in which the reader of the plugin moves on, too.
        records: the door for records: ``create``, ``update``, ``delete`` …, each with a connection and a caller.
        caller: the platform itself, with all rights; what it writes names this event among its causes.
        changes: field → old and new value, of each field that differs: of a new record all that have a value, of one
            that is gone all that had one. Less what was erased from the log. What is closed in it is opened where it
            is looked at, which takes a look into the key store; ask within the call.
        settings: of the plugin: an object of the dataclass that it has registered.
    """

    id: str
    entity: str
    record_id: str
    operation: str
    version: int
    at: str
    actor: str | None
    causes: tuple[tuple[str, str], ...]
    attempt: int
    tenant: str
    connection: Connection
    records: Records
    caller: System
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    settings: Any = None

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query for records answers to the platform itself, in the transaction under way: its ``data``.

        Raises:
            BadQuery, QueryTooLarge: it asks for too much.
        """
        return asks_of(self.records).ask(self.connection, self.caller, document, variables).data


@dataclass(frozen=True)
class Listener:
    """What one plugin hears. ``own`` are its functions for single entities."""

    plugin: str
    plugins: Plugins
    own: Sequence[On] = ()
    patience: Patience = field(default_factory=Patience)

    @property
    def name(self) -> str:
        """Of its reader."""
        return f"{PREFIX}{self.plugin}"

    def wants(self, entry: LoggedChange) -> bool:
        """Whether the plugin has a hook for it."""
        if entry.operation not in _HOOKS:
            return False
        return self.plugins.has(self.plugin, _HOOKS[entry.operation]) or any(_concerns(on, entry) for on in self.own)

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:
        """Call the hook in the transaction in which the reader moves on: what it writes is there once."""
        if sum(kind == HOOK for kind, _ in entry.causes) >= MOST_HOOKS:
            raise EntryFailed("HOOKS_IN_A_CIRCLE", final=True)
        records = place.records()

        def note(connection: Connection) -> None:
            require_model(connection, records.model)
            causes = (*entry.causes, (HOOK, self.plugin))
            changes = ToldChanges(connection, entry)
            event = RecordEvent(
                f"{entry.record_id}:{entry.version}",
                entry.entity,
                entry.record_id,
                entry.operation,
                entry.version,
                entry.at,
                entry.actor,
                entry.causes,
                attempt,
                place.name,
                connection,
                records,
                System(records.full_access, f"plugin {self.plugin}", led_by=causes),
                changes,
                self.plugins.settings_of(self.plugin),
            )
            hook, values = _HOOKS[entry.operation], _VALUES[entry.operation]
            arguments = {"entity": entry.entity, "event": event}
            if self.plugins.takes(self.plugin, hook, values):
                arguments[values] = _values(entry, changes)
            self.plugins.after(self.plugin, hook, arguments)
            for on in self.own:
                if on.after is not None and _concerns(on, entry):
                    self.plugins.tell(Hook(self.plugin, on.after, ("event",)), {"entity": entry.entity, "event": event})
            require_model(connection, records.model)

        return note


def listeners(plugins: Plugins) -> Sequence[Consumer]:
    """All plugins that listen.

    Raises:
        PluginLoadError: one registers a hook that is none.
    """
    own: dict[str, list[On]] = {}
    for plugin, on in registered(plugins):
        if on.after is not None:
            own.setdefault(plugin, []).append(on)
    general = {info.name for info in plugins.infos if set(info.hooks) & set(_HOOKS.values())}
    names = [info.name for info in plugins.infos if info.name in general or info.name in own]
    return [Listener(name, plugins, own.get(name, ())) for name in names]


def _concerns(on: On, entry: LoggedChange) -> bool:
    if entry.entity != on.entity or entry.operation not in on.each:
        return False
    return not on.fields or any(name in entry.fields for name in on.fields)


def _values(entry: LoggedChange, changes: ToldChanges) -> dict[str, Any]:
    """For a hook that takes them: all that were closed are opened."""
    if entry.operation == Operation.UPDATE:
        return dict(changes.items())
    return {"id": entry.record_id, **changes.fields()}
