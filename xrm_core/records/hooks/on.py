"""What a plugin registers to be asked, or told, of the writes of one entity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xrm_core.hookspecs import Follow, Record, Write
from xrm_core.metadata.model import Entity, Model

if TYPE_CHECKING:
    from xrm_core.events.listeners import RecordEvent

RecordOperation = Literal["create", "update", "delete", "restore"]

OPERATIONS: tuple[RecordOperation, ...] = ("create", "update", "delete", "restore")


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A write of a record, as a function before it is asked about it.

    Attributes:
        entity: of the record.
        operation: ``create``, ``update``, ``delete`` or ``restore``.
        before: the record as it is stored now, system fields included; empty if it is not there yet. Read-only.
        changes: what is to be written, changes of earlier functions merged in: of a new record its values, of a record
            that comes back all of them, of one that goes none. A copy: changing it changes nothing.
        write: the write itself, as of the general hooks.
    """

    entity: str
    operation: RecordOperation
    before: Mapping[str, Any]
    changes: Record
    write: Write

    @property
    def after(self) -> Record:
        """The record as it would be; empty if it goes."""
        return {} if self.operation == "delete" else {**self.before, **self.changes}

    @property
    def settings(self) -> Any:
        """Those of the plugin: an object of the dataclass that it has registered; None: it has none."""
        return self.write.settings

    def then(self, act: Follow, key: object = None) -> None:
        """Have something done once the record is written, in the same transaction: see :meth:`Write.then`."""
        self.write.then(act, key)

    def read(self, entity: str, id_: str | None) -> Record | None:
        """A record as it is stored now: see :meth:`Write.read`."""
        return self.write.read(entity, id_)

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100) -> list[Record]:
        """Records as they are stored now: see :meth:`Write.find`."""
        return self.write.find(entity, where, limit)


@dataclass(frozen=True)
class On:
    """Functions of a plugin for the writes of one entity: «when the stage of an opportunity changes».

    Args:
        entity: of the records; or a function of an ``Entity`` that says whether records of it are meant: of those that
            deployments bring, too. Such a one names no fields, and is asked ``before``.
        operations: ``create``, ``update``, ``delete``, ``restore``, or several of them.
        fields: only if one of these gets another value; a new record had none before, one that goes has none after it.
            Without: whatever changes.
        before: asked inside the transaction about a :class:`RecordChange`, as the general hooks are. It returns values
            to merge into the changes of a ``create`` or ``update``, or None.
        after: told in a worker, after the commit, by a ``RecordEvent``.
    """

    entity: str | Callable[[Entity], bool]
    operations: RecordOperation | Sequence[RecordOperation]
    fields: Sequence[str] = ()
    before: Callable[[RecordChange], Mapping[str, Any] | None] | None = None
    after: "Callable[[RecordEvent], object] | None" = None

    @property
    def each(self) -> tuple[RecordOperation, ...]:
        """The operations, one or several."""
        return (self.operations,) if isinstance(self.operations, str) else tuple(self.operations)

    @property
    def name(self) -> str:
        """What it is called where something is wrong with it."""
        return repr(self.entity) if isinstance(self.entity, str) else "several entities"

    def entities(self, model: Model) -> list[str]:
        """Of which entities it is, whether these are there or not."""
        if isinstance(self.entity, str):
            return [self.entity]
        return [each.name for each in model if self.entity(each)]
