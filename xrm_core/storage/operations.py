"""What a schema change consists of: one class for each kind of operation, readable by people and machines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

Risk = Literal["safe", "slow", "lossy", "blocked"]
"""``safe``: nothing to fear. ``slow``: rewrites or locks a big table. ``lossy``: values go away, so it needs consent.
``blocked``: the data or the kind of change does not allow it."""

RISKS: tuple[Risk, ...] = ("safe", "slow", "lossy", "blocked")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One step of a plan.

    ``rows`` is the number of records that it concerns in this database, ``samples`` are a few of them
    (``{"id", "value"}``), ``remedy`` says how to go on if the operation is blocked. If it is slow, ``table_rows`` and
    ``table_bytes`` say how big the table is that is rewritten or read as a whole (0: the database does not say).
    """

    op: ClassVar[str]
    entity: str
    field: str = ""
    risk: Risk = "safe"
    rows: int = 0
    samples: tuple[Mapping[str, Any], ...] = ()
    remedy: str = ""
    table_rows: int = 0
    table_bytes: int = 0

    @property
    def key(self) -> str:
        """The name by which it is accepted: ``drop_field:customer.fax``."""
        return ":".join((self.op, ".".join(part for part in (self.entity, self.field) if part)))

    @property
    def text(self) -> str:
        """What it does, in one sentence."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """All values by name, with ``op``, ``key`` and ``text``."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("table_rows", "table_bytes"):
            if not values[name]:
                del values[name]
        shape = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {"op": self.op, **shape, "key": self.key, "text": self.text}


@dataclass(frozen=True, kw_only=True)
class CreateEntity(Operation):
    """A new table."""

    op: ClassVar[str] = "create_entity"
    fields: int
    noun: str = "entity"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Create the {self.noun} {self.entity} with {many(self.fields, 'field')}."


@dataclass(frozen=True, kw_only=True)
class RenameEntity(Operation):
    """A table gets another name and keeps its rows."""

    op: ClassVar[str] = "rename_entity"
    former: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Rename the entity {self.former} to {self.entity}; its {_do(self.rows, 'record', 'stay')}."


@dataclass(frozen=True, kw_only=True)
class DropEntity(Operation):
    """A table and all of its rows go away."""

    op: ClassVar[str] = "drop_entity"
    noun: str = "entity"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Drop the {self.noun} {self.entity} and its {many(self.rows, 'record')}."


@dataclass(frozen=True, kw_only=True)
class AddField(Operation):
    """A new column, or several for a polymorphic relation."""

    op: ClassVar[str] = "add_field"
    default: Any = None
    numbered: bool = False

    @property
    def text(self) -> str:
        """One sentence."""
        place = f"{self.entity}.{self.field}"
        if self.risk == "blocked":
            return f"Add the field {place}: {many(self.rows, 'record')} would have no valid value for it."
        if self.numbered:
            return f"Add the field {place}; {_do(self.rows, 'record', 'get')} numbers in the order of their creation."
        if self.default is not None:
            return f"Add the field {place}; {_do(self.rows, 'record', 'get')} the default {_json(self.default)}."
        return f"Add the field {place}, empty in all records."


@dataclass(frozen=True, kw_only=True)
class RenameField(Operation):
    """A column gets another name and keeps its values."""

    op: ClassVar[str] = "rename_field"
    former: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Rename the field {self.entity}.{self.former} to {self.field}; {_do(self.rows, 'value', 'stay')}."


@dataclass(frozen=True, kw_only=True)
class DropField(Operation):
    """A column and its values go away."""

    op: ClassVar[str] = "drop_field"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Drop the field {self.entity}.{self.field} and its {many(self.rows, 'value')}."


@dataclass(frozen=True, kw_only=True)
class ChangeType(Operation):
    """Another type, scale or relation. ``converts`` values are converted; those of ``rows`` records cannot be."""

    op: ClassVar[str] = "change_type"
    before: str
    after: str
    converts: int = 0
    possible: bool = True

    @property
    def text(self) -> str:
        """One sentence."""
        change = f"Change {self.entity}.{self.field} from {self.before} to {self.after}"
        if not self.possible:
            return f"{change}: there is no way from one to the other."
        done = f"{change}: {many(self.converts, 'value')} {'is' if self.converts == 1 else 'are'} converted"
        if not self.rows:
            return f"{done}."
        if self.risk == "lossy":
            return f"{done}, {self.rows} cannot be and {'is' if self.rows == 1 else 'are'} left empty and kept aside."
        return f"{done}, {self.rows} cannot be."


@dataclass(frozen=True, kw_only=True)
class RestoreField(Operation):
    """A field comes back with its values, by ``xrm schema undo``. ``samples`` are references that lead nowhere now."""

    op: ClassVar[str] = "restore_field"
    lost: int = 0

    @property
    def text(self) -> str:
        """One sentence."""
        place = f"{self.entity}.{self.field}"
        if self.risk == "blocked":
            return f"Bring back the field {place}: {many(self.rows, 'record')} would have no valid value for it."
        lost = f", less {many(self.lost, 'reference')} to records that are gone or replaced" if self.lost else ""
        return f"Bring back the field {place} and its {many(self.rows, 'value')}{lost}."


@dataclass(frozen=True, kw_only=True)
class RestoreEntity(Operation):
    """A table comes back with its rows, by ``xrm schema undo``. ``samples`` are references that lead nowhere now.

    ``gone`` records do not come back, since they must have such a reference.
    """

    op: ClassVar[str] = "restore_entity"
    lost: int = 0
    gone: int = 0

    @property
    def text(self) -> str:
        """One sentence."""
        leads, does = "leads" if self.lost == 1 else "lead", "does" if self.gone == 1 else "do"
        lost = f"; {many(self.lost, 'reference')} in them {leads} to records that are gone" if self.lost else ""
        gone = f", and {many(self.gone, 'record')} that must have one {does} not come back" if self.gone else ""
        return f"Bring back the entity {self.entity} and its {many(self.rows, 'record')}{lost}{gone}."


@dataclass(frozen=True, kw_only=True)
class ChangeRequired(Operation):
    """A field becomes required or optional."""

    op: ClassVar[str] = "change_required"
    required: bool
    default: Any = None

    @property
    def text(self) -> str:
        """One sentence."""
        place = f"{self.entity}.{self.field}"
        if not self.required:
            return f"Make {place} optional."
        if self.risk == "blocked":
            return f"Make {place} required: {many(self.rows, 'record')} cannot be filled."
        if self.rows:
            return f"Make {place} required; {_do(self.rows, 'empty record', 'get')} the default {_json(self.default)}."
        return f"Make {place} required."


@dataclass(frozen=True, kw_only=True)
class ChangeEnum(Operation):
    """Values of an enum come or go."""

    op: ClassVar[str] = "change_enum"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One sentence."""
        parts = [
            f"{word} {', '.join(values)}" for word, values in (("add", self.added), ("remove", self.removed)) if values
        ]
        left = ""
        if self.risk == "lossy":
            one = self.rows == 1
            left = f", {'is' if one else 'are'} left empty, and {'its value' if one else 'their values'} kept aside"
        used = f": {_do(self.rows, 'record', 'use')} what is removed{left}" if self.rows else ""
        return f"Change the values of {self.entity}.{self.field}: {' and '.join(parts) or 'their order'}{used}."


@dataclass(frozen=True, kw_only=True)
class AddTarget(Operation):
    """A relation may refer to one more entity."""

    op: ClassVar[str] = "add_target"
    target: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Let {self.entity}.{self.field} refer to {self.target}, too."


@dataclass(frozen=True, kw_only=True)
class RemoveTarget(Operation):
    """A relation may no longer refer to an entity; such references go away."""

    op: ClassVar[str] = "remove_target"
    target: str

    @property
    def key(self) -> str:
        """With the target: ``remove_target:activity.regarding.contact``."""
        return f"{super().key}.{self.target}"

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Let {self.entity}.{self.field} no longer refer to {self.target}; {_do(self.rows, 'reference', 'go')}."


@dataclass(frozen=True, kw_only=True)
class ChangeOnDelete(Operation):
    """What happens to a reference when its target is deleted."""

    op: ClassVar[str] = "change_on_delete"
    before: str
    after: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"When the target of {self.entity}.{self.field} is deleted: {self.after} instead of {self.before}."


@dataclass(frozen=True, kw_only=True)
class ChangeLimits(Operation):
    """Length, bounds, pattern, format or precision change; records are held to them when next written."""

    op: ClassVar[str] = "change_limits"
    changes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One sentence."""
        misfits = (
            f" {_do(self.rows, 'record', 'do')} not fit: what is stored stays as it is until it is next changed."
            if self.rows
            else ""
        )
        return f"Change the limits of {self.entity}.{self.field}: {', '.join(self.changes)}.{misfits}"


@dataclass(frozen=True, kw_only=True)
class ComputeField(Operation):
    """A virtual field comes, goes or is worked out in another way: nothing changes in the tables."""

    op: ClassVar[str] = "compute_field"
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """One sentence."""
        place = f"{self.entity}.{self.field}"
        if not self.after:
            return f"Compute {place} no longer; the tables stay."
        if not self.before:
            return f"Compute {place} when it is read: {self.after}."
        change = (
            "with other words for people" if self.before == self.after else f"{self.after} instead of {self.before}"
        )
        return f"Compute {place} anew: {change}."


@dataclass(frozen=True, kw_only=True)
class ChangeMetadata(Operation):
    """Labels, descriptions, defaults and the like: nothing changes in the tables."""

    op: ClassVar[str] = "change_metadata"

    @property
    def text(self) -> str:
        """One sentence."""
        place = ".".join(part for part in (self.entity, self.field) if part)
        return f"Change the description of {place or 'the model'}; the tables stay."


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _do(count: int, noun: str, verb: str) -> str:
    """``2 records stay``, ``1 record stays``."""
    return f"{many(count, noun)} {verb}{('es' if verb.endswith('o') else 's') if count == 1 else ''}"


def many(count: int, noun: str) -> str:
    """``1 record``, ``2 records``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
