"""The changes of a database's model, in their order: which of them can be taken back, and how.

Taking back (``xrm schema undo``) is a change of its own, and can be taken back, too (``xrm schema redo``).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, select

from xrm_core.errors import SchemaChangeRefused
from xrm_core.storage.applied import has_models, model_before
from xrm_core.storage.asides import Asides, read_asides
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.system import MODEL

Back = Literal["undo", "redo"]
"""The two kinds of a step back."""


@dataclass(frozen=True)
class Change:
    """One change of the model; ``operations`` are the keys of what it did.

    ``reverts`` is the number of the change that it takes back, if it does; ``contracted_at`` is when what it had put
    aside was destroyed.
    """

    number: int
    fingerprint: str
    applied_at: str
    operations: tuple[str, ...]
    reverts: int | None
    contracted_at: str | None

    def to_json(self) -> dict[str, Any]:
        """All values by name."""
        return {**vars(self), "operations": list(self.operations)}


@dataclass(frozen=True)
class History:
    """All changes, from the first on.

    ``done`` has the numbers of those that make up the current model, ``undone`` those of the steps back that can be
    taken back themselves; the next one is the last.
    """

    changes: Sequence[Change]
    done: tuple[int, ...]
    undone: tuple[int, ...]

    def __getitem__(self, number: int) -> Change:
        return next(change for change in self.changes if change.number == number)

    @property
    def next_undo(self) -> int | None:
        """Number of the change that an undo would take back, if there is one."""
        number = self.done[-1] if len(self.done) > 1 else None
        return None if number is None or self[number].contracted_at else number

    @property
    def next_redo(self) -> int | None:
        """Number of the step back that a redo would take back, if there is one."""
        number = self.undone[-1] if self.undone else None
        return None if number is None or self[number].contracted_at else number

    def to_undo(self) -> Change:
        """The change that ``xrm schema undo`` takes back.

        Raises:
            SchemaChangeRefused: there is none, or what it put aside is gone.
        """
        if len(self.done) < 2:
            raise SchemaChangeRefused(
                "There is no model before the present one." if self.done else "Nothing was applied yet.",
                hint="«xrm schema history» lists the changes.",
            )
        return self._takeable(self.done[-1])

    def to_redo(self) -> Change:
        """The change, a step back itself, that ``xrm schema redo`` takes back. Raises as :meth:`to_undo`."""
        if not self.undone:
            raise SchemaChangeRefused(
                "The last change was no undo, so that there is nothing to have again.",
                hint="«xrm schema history» lists the changes.",
            )
        return self._takeable(self.undone[-1])

    def _takeable(self, number: int) -> Change:
        change = self[number]
        if change.contracted_at is not None:
            raise SchemaChangeRefused(
                f"Change {number} cannot be taken back: «xrm schema contract» destroyed what it had put aside on "
                f"{change.contracted_at[:10]}.",
                hint="Apply a model that looks like the former one; values that are gone stay gone.",
            )
        return change


def history(connection: Connection) -> History:
    """All changes of this database's model."""
    changes = tuple(_changes(connection)) if has_models(connection) else ()
    done: list[int] = []
    undone: list[int] = []
    for change in changes:
        if change.reverts is None:
            done.append(change.number)
            undone.clear()
        elif done and done[-1] == change.reverts:
            done.pop()
            undone.append(change.number)
        else:
            undone.pop()
            done.append(change.number)
    return History(changes, tuple(done), tuple(undone))


def last_step_back(connection: Connection) -> Back | None:
    """What the last change was, if it was a step back."""
    found = history(connection)
    if not found.changes or found.changes[-1].reverts is None:
        return None
    return "redo" if found.changes[-1].number in found.done else "undo"


def way_back(connection: Connection, *, redo: bool = False) -> Evolution:
    """What takes back the last change, or with ``redo`` the last undo.

    Raises:
        SchemaChangeRefused: see :meth:`History.to_undo`.
    """
    found = history(connection)
    change = found.to_redo() if redo else found.to_undo()
    return Evolution.back(_way(connection, found, change), read_asides(connection), change.number)


def way_of(connection: Connection, number: int) -> Evolution:
    """What change ``number`` was: which thing of the model after it is which one of the model before."""
    found = history(connection)
    return _way(connection, found, found[number])


def _way(connection: Connection, found: History, change: Change) -> Evolution:
    if change.reverts is not None:
        return Evolution.back(_way(connection, found, found[change.reverts]), Asides(), change.reverts)
    return Evolution(model_before(connection, change.number), model_before(connection, change.number + 1))


def _changes(connection: Connection) -> list[Change]:
    columns = MODEL.c.id, MODEL.c.fingerprint, MODEL.c.applied_at, MODEL.c.operations
    rows = connection.execute(select(*columns, MODEL.c.reverts, MODEL.c.contracted_at).order_by(MODEL.c.id))
    return [
        Change(
            row.id,
            row.fingerprint,
            row.applied_at,
            tuple(operation["key"] for operation in json.loads(row.operations)["operations"]),
            row.reverts,
            row.contracted_at,
        )
        for row in rows
    ]
