"""The change of the model that is under way: what it leads to, how far it is. One row of ``xrm_model_change``."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, inspect, select, update

from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import to_snapshot
from xrm_core.storage.system import MODEL_CHANGE

Phase = Literal["prepare", "finish"]
"""``prepare``: the database still has the former model. ``finish``: it has the new one, and something remains."""

BACK = " without "
"""Stands in the ``fingerprint`` of a step back, before the number of the change that it takes back."""

_ROW = 1


@dataclass(frozen=True)
class Change:
    """A change that was begun and has not ended. ``position`` is where it stands in filling a table."""

    fingerprint: str
    phase: Phase
    step: str
    position: Mapping[str, Any]
    operations: Mapping[str, Any]
    started_at: str
    noted_at: str

    @property
    def step_back(self) -> bool:
        """Whether it is an undo or a redo."""
        return BACK in self.fingerprint


def change_under_way(connection: Connection) -> Change | None:
    """The change that was begun and has not ended, by whomever; None if there is none."""
    if not inspect(connection).has_table(MODEL_CHANGE.name):
        return None
    row = connection.execute(select(MODEL_CHANGE)).first()
    if row is None:
        return None
    position = json.loads(row.position) if row.position else {}
    operations = json.loads(row.operations)
    return Change(row.fingerprint, row.phase, row.step, position, operations, row.started_at, row.noted_at)


def begin(connection: Connection, target: Model, goal: str, operations: Mapping[str, Any]) -> None:
    """Note that the change to ``target`` begins: ``goal`` is how to know it, ``operations`` is of its plan."""
    now, snapshot = dt.datetime.now(dt.UTC), to_snapshot(target)
    end(connection)
    connection.execute(
        insert(MODEL_CHANGE).values(
            id=_ROW,
            fingerprint=goal,
            snapshot=json.dumps(snapshot, ensure_ascii=False),
            operations=json.dumps(operations, ensure_ascii=False, default=str),
            phase="prepare",
            step="Begin.",
            started_at=now,
            noted_at=now,
        )
    )


def note(
    connection: Connection, step: str, position: Mapping[str, Any] | None = None, *, phase: Phase = "prepare"
) -> None:
    """Note what is being done now, and where a table's filling stands."""
    text = None if position is None else json.dumps(position)
    values = {"phase": phase, "step": step, "position": text, "noted_at": dt.datetime.now(dt.UTC)}
    connection.execute(update(MODEL_CHANGE).values(values))


def end(connection: Connection) -> None:
    """Nothing is under way any more."""
    connection.execute(delete(MODEL_CHANGE))
