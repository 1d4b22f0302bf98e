"""Records that are gone for good, of which the change log still says to what they referred."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, or_, select

from xrm_core.changes.entry import Operation
from xrm_core.changes.opening import in_clear_all
from xrm_core.changes.sealing import stored
from xrm_core.metadata.model import Entity
from xrm_core.query.trash import former_names
from xrm_core.records.door import Records
from xrm_core.records.former_names import names_then
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.trash_tables import TRASH
from xrm_core.storage.vault_tables import VAULT

_AT_ONCE = 50


class _Looking(Protocol):
    @property
    def records(self) -> Records: ...
    @property
    def connection(self) -> Connection: ...


@dataclass(frozen=True, slots=True)
class GoneRecord:
    """A record that is in no table, nor in the trash or the vault.

    Args:
        entity: as it is called now.
        id: of the record.
        field: the relation by which it referred to one of those that were asked for.
        values: what the log has of its last state, by names of then, in JSON types; some of it may be closed.
    """

    entity: str
    id: str
    field: str
    values: Mapping[str, Any]


def gone_records(context: _Looking, ids: Iterable[str]) -> list[GoneRecord]:
    """Records that referred to some others when they went, as far as the change log has it: for erasing what is left of
    them there (:func:`~xrm_core.records.erasing.erase_values`). All of the log is looked through.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
        ids: of the others, which need not be there any more.
    """
    model, found = context.records.model, dict[tuple[str, str, str], GoneRecord]()
    kinds = {name: kind for kind in model for name in former_names(kind)}
    wanted = sorted({*ids})
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        named = or_(*(CHANGE.c.fields.contains(f'"{each}"') for each in some))
        rows = context.connection.execute(select(CHANGE).where(CHANGE.c.operation == Operation.DELETE.value, named))
        for entry in in_clear_all(context.connection, [stored(row, row.position or 0) for row in rows]):
            kind, values = kinds.get(entry.entity), json.loads(entry.fields)
            if kind is None:  # nobody says any more what it was
                continue
            for field in _referring(kind, values, frozenset(some)):
                found[kind.name, entry.record_id, field] = GoneRecord(kind.name, entry.record_id, field, values)
    there = {key for key in {(each.entity, each.id) for each in found.values()} if _is_there(context, *key)}
    return [each for each in found.values() if (each.entity, each.id) not in there]


def _referring(kind: Entity, values: Mapping[str, Any], ids: frozenset[str]) -> Iterator[str]:
    """By which of its relations a record referred to one of some others."""
    for field in kind.fields.values():
        if field.relation is not None:
            for name in names_then(kind, [field.name]) & values.keys():
                said = values[name]
                if not ids.isdisjoint(said.values() if isinstance(said, dict) else [said]):
                    yield field.name


def _is_there(context: _Looking, entity: str, id_: str) -> bool:
    """Whether there is such a record: in its table, in the trash, or in the vault."""
    table = context.records.tables[entity]
    queries = (
        select(table.c.id).where(table.c.id == id_),
        select(TRASH.c.record_id).where(TRASH.c.record_id == id_),
        select(VAULT.c.record_id).where(VAULT.c.record_id == id_),
    )
    return any(context.connection.execute(each.limit(1)).first() is not None for each in queries)
