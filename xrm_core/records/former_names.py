"""By which names change log and trash know fields: as now, as before they were renamed, and those that are gone.

What a field was about that no file has any more nobody can say, so it goes with whatever is erased of its record.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from xrm_core.changes.reading import logged
from xrm_core.metadata.model import Entity
from xrm_core.query.trash import columns_then


def entries_of(connection: Connection, id_: str, opens: Collection[str] = ()) -> list[Mapping[str, Any]]:
    """What the entries of a record say of its fields, by their names then, in order; ``opens``: of which the values."""
    return [each.fields for each in logged(connection, record_id=id_, limit=None, opens=opens)][::-1]


def names_then(kind: Entity, names: Iterable[str]) -> frozenset[str]:
    """What some fields are, or were, called."""
    wanted = frozenset(names)
    fields = (field for field in kind.all_fields() if field.name in wanted)
    return frozenset(name for field in fields for name in (field.name, field.renamed_from or field.name))


def gone_fields(kind: Entity, entries: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The fields in entries that no file has any more."""
    known = names_then(kind, (field.name for field in kind.all_fields()))
    return frozenset(name for entry in entries for name in entry) - known


def gone_columns(kind: Entity, columns: Iterable[str]) -> frozenset[str]:
    """Which of some columns no field of an entity has, or had."""
    known = {name for field in kind.all_fields() for then in columns_then(field) for name in then}
    return frozenset(columns) - known
