"""Asking the plugins before writes: each hook of all records, and each that is for this entity and these fields."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, cast

import structlog

from xrm_core.hookspecs import Record
from xrm_core.metadata.model import Entity, Model
from xrm_core.plugins import Hook, Plugins, copied, read_only
from xrm_core.records.hooks.check import misfit, registered
from xrm_core.records.hooks.on import OPERATIONS, RecordChange, RecordOperation
from xrm_core.records.hooks.then import Then
from xrm_core.records.logged import differences
from xrm_core.records.stored import canonical

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_log = structlog.get_logger("xrm.plugins")


class _Asked(Protocol):
    """Something to be asked before a write; answers what it wants merged into the changes."""

    @property
    def plugin(self) -> str: ...

    def ask(
        self, before: Mapping[str, Any], changes: Record, then: "Then | None", entity: str
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class _General:
    """A hook of all records."""

    plugins: Plugins
    hook: Hook
    operation: str

    @property
    def plugin(self) -> str:
        return self.hook.plugin_name

    def ask(self, before: Mapping[str, Any], changes: Record, then: "Then | None", entity: str) -> Mapping[str, Any]:
        given: dict[str, Any] = {"entity": entity}
        if "write" in self.hook.argnames:
            given["write"] = None if then is None else then.write(self.plugin)
        match self.operation:
            case "create":
                given["record"] = copied(changes)
            case "update":
                given |= {"before": read_only(before), "changes": copied(changes)}
            case "delete":
                given["before"] = read_only(before)
            case _:
                given["record"] = read_only(changes)
        return self.plugins.ask(self.hook, entity, given)


@dataclass(frozen=True, slots=True)
class _OfEntity:
    """A function for an entity, and perhaps some of its fields."""

    plugins: Plugins
    hook: Hook
    kind: Entity
    operation: RecordOperation
    fields: frozenset[str]

    @property
    def plugin(self) -> str:
        return self.hook.plugin_name

    def ask(self, before: Mapping[str, Any], changes: Record, then: "Then | None", entity: str) -> Mapping[str, Any]:
        if self.fields and not self._concerns(before, changes):
            return _NOTHING
        write = cast(Any, None if then is None else then.write(self.plugin))
        change = RecordChange(entity, self.operation, read_only(before), copied(changes), write)
        return self.plugins.ask(self.hook, entity, {"entity": entity, "change": change})

    def _concerns(self, before: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
        if self.operation == "delete":
            return any(before.get(name) is not None for name in self.fields)
        named = {name: changes[name] for name in self.fields & changes.keys()}
        # As it is stored: hooks may have given the same value in another form.
        return bool(named) and bool(differences(self.kind, before, canonical(self.kind, named)))


class RecordHooks:
    """The hooks before writes of records, in the order of the plugins; of one plugin first those of all records.

    Args:
        plugins: are asked what they have.
        model: has the entities and fields. A hook of one that is not there is left out: the database may not have the
            newest model yet. What does not fit the model of the files was an error (:func:`check_hooks`).

    Raises:
        PluginLoadError: a plugin registers what cannot be used; names it.
    """

    def __init__(self, plugins: Plugins, model: Model | None = None) -> None:
        self._plugins = plugins
        general = {each: list(_general(plugins, each)) for each in OPERATIONS}
        self._general: dict[str, Sequence[_Asked]] = {each: tuple(found) for each, found in general.items()}
        self._special: dict[tuple[str, str], Sequence[_Asked]] = {}
        own: dict[tuple[str, RecordOperation], list[_Asked]] = {}
        for plugin, on in registered(plugins):
            if model is None or on.before is None:
                continue
            for entity in on.entities(model):
                problem = misfit(on, entity, model)
                if problem:
                    _log.warning("record_hook_left_out", plugin=plugin, entity=entity, reason=problem)
                    continue
                for operation in on.each:
                    hook = Hook(plugin, on.before, ("change",))
                    special = _OfEntity(plugins, hook, model[entity], operation, frozenset(on.fields))
                    own.setdefault((entity, operation), []).append(special)
        for (entity, operation), found in own.items():
            both: Iterable[_Asked] = [*general[operation], *found]  # sorting keeps the order of equals
            self._special[entity, operation] = tuple(sorted(both, key=lambda each: plugins.places[each.plugin]))

    def are_there(self, entity: str, operation: RecordOperation) -> bool:
        """Whether any is asked before this is done with a record."""
        return bool(self._of(entity, operation))

    def before_create(self, entity: str, record: Record, then: "Then | None" = None) -> Record:
        """The record as the plugins want it: the one given, which is left as it is, if they want nothing else.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for each in self._of(entity, "create"):
            if wanted := each.ask(_NOTHING, record, then, entity):
                record = {**record, **wanted}
        return record

    def before_update(
        self, entity: str, before: Mapping[str, Any], changes: Record, then: "Then | None" = None
    ) -> Record:
        """The changes as the plugins want them: those given, which are left as they are, if they want nothing else.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for each in self._of(entity, "update"):
            if wanted := each.ask(before, changes, then, entity):
                changes = {**changes, **wanted}
        return changes

    def before_delete(self, entity: str, before: Mapping[str, Any], then: "Then | None" = None) -> None:
        """Ask the plugins whether the record may go.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for each in self._of(entity, "delete"):
            each.ask(before, {}, then, entity)

    def before_restore(self, entity: str, record: Record, then: "Then | None" = None) -> None:
        """Ask the plugins whether the record may come back out of the trash.

        Raises:
            RefusedByPlugin: a plugin refused or failed.
        """
        for each in self._of(entity, "restore"):
            each.ask(_NOTHING, record, then, entity)

    def _of(self, entity: str, operation: str) -> Sequence[_Asked]:
        return self._special.get((entity, operation), self._general[operation])


def _general(plugins: Plugins, operation: str) -> Iterable[_Asked]:
    return (_General(plugins, hook, operation) for hook in plugins.hooks(f"before_record_{operation}"))
