"""Records that are gone for good, of which the change log still has the last state, or says to what they referred."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Row, exists, or_, select

from xrm_core.changes.entry import Operation
from xrm_core.changes.opening import in_clear_all
from xrm_core.changes.sealing import stored
from xrm_core.metadata.model import Entity
from xrm_core.query.trash import former_names
from xrm_core.records.former_names import names_then
from xrm_core.records.stored import Record
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.trash_tables import TRASH
from xrm_core.storage.vault_tables import VAULT

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_FEW = 50
_PAGE = 1_000
_ID = re.compile('"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
_AT_ONCE = 500


class _Looking(Protocol):
    @property
    def records(self) -> "Records": ...
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
    them there (:func:`~xrm_core.records.erasing.erase_values`). All deletions of the log are looked through, once,
    however many ids there are.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
        ids: of the others, which need not be there any more.
    """
    model, found = context.records.model, dict[tuple[str, str, str], GoneRecord]()
    kinds = {name: kind for kind in model if _refers(kind) for name in former_names(kind)}
    wanted = frozenset(ids)
    for rows in _deletions(context.connection, wanted, kinds):
        for entry in in_clear_all(context.connection, [stored(row, row.position or 0) for row in rows]):
            kind, values = kinds[entry.entity], json.loads(entry.fields)
            for field in _referring(kind, values, wanted):
                found[kind.name, entry.record_id, field] = GoneRecord(kind.name, entry.record_id, field, values)
    there = _there(context, {(each.entity, each.id) for each in found.values()})
    return [each for each in found.values() if (each.entity, each.id) not in there]


def _refers(kind: Entity) -> bool:
    return any(field.relation is not None for field in kind.fields.values())


def _deletions(connection: Connection, ids: frozenset[str], kinds: Collection[str]) -> Iterator[Sequence[Row[Any]]]:
    """Entries of deletions that name one of some ids, by one pass through the log however many these are: of few the
    database says which, of many it is seen here.
    """
    query = select(CHANGE).where(CHANGE.c.operation == Operation.DELETE.value, CHANGE.c.entity.in_(sorted(kinds)))
    if not ids or not kinds:
        return
    if len(ids) <= _FEW:
        yield connection.execute(query.where(or_(*(CHANGE.c.fields.contains(f'"{each}"') for each in ids)))).all()
        return
    after = 0
    while page := connection.execute(query.where(CHANGE.c.id > after).order_by(CHANGE.c.id).limit(_PAGE)).all():
        yield [row for row in page if not ids.isdisjoint(_ID.findall(row.fields))]
        after = page[-1].id


def last_states(records: "Records", connection: Connection, entity: str, limit: int, id_: str = "") -> list[Record]:
    """Records of an entity that are in no table, nor in the trash or the vault, as they were when they went, as far as
    the change log still has it; those that went last come first.

    Args:
        records: the door.
        connection: in a transaction.
        entity: of them.
        limit: at most so many.
        id_: of the only one that is asked for; empty: all. All of the log is looked through then.

    Raises:
        KeyError: there is no such entity.
        SealingUnavailable, SealedValueForeign: what is closed in the log cannot be opened.
    """
    kind, table = records.model[entity], records.tables[entity]
    mine = [CHANGE.c.operation == Operation.DELETE.value, CHANGE.c.entity.in_(former_names(kind))]
    if id_:
        mine.append(CHANGE.c.record_id == id_)
    there = (
        exists().where(table.c.id == CHANGE.c.record_id),
        exists().where(TRASH.c.record_id == CHANGE.c.record_id),
        exists().where(VAULT.c.record_id == CHANGE.c.record_id),
    )
    query = select(CHANGE).where(*mine, *(~each for each in there)).order_by(CHANGE.c.id.desc()).limit(limit)
    found: dict[str, Record] = {}
    rows = [stored(row, row.position or 0) for row in connection.execute(query)]
    for start in range(0, len(rows), _AT_ONCE):
        for entry in in_clear_all(connection, rows[start : start + _AT_ONCE]):
            if (said := json.loads(entry.fields)) and entry.record_id not in found:
                values = {each.name: _said(kind, each.name, said) for each in kind.fields.values()}
                found[entry.record_id] = {"created_at": None, "updated_at": None, **values, "id": entry.record_id}
    return list(found.values())


def _said(kind: Entity, name: str, said: Mapping[str, Any]) -> Any:
    return next((said[then] for then in sorted(names_then(kind, [name])) if said.get(then) is not None), None)


def _referring(kind: Entity, values: Mapping[str, Any], ids: frozenset[str]) -> Iterator[str]:
    """By which of its relations a record referred to one of some others."""
    for field in kind.fields.values():
        if field.relation is not None:
            for name in names_then(kind, [field.name]) & values.keys():
                said = values[name]
                if not ids.isdisjoint(said.values() if isinstance(said, dict) else [said]):
                    yield field.name


def _there(context: _Looking, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of some records there are: in their table, in the trash, or in the vault."""
    found: set[tuple[str, str]] = set()
    for entity in sorted({entity for entity, _ in keys}):
        wanted = sorted(id_ for kind, id_ in keys if kind == entity)
        for start in range(0, len(wanted), _PAGE):
            some = wanted[start : start + _PAGE]
            for column in (context.records.tables[entity].c.id, TRASH.c.record_id, VAULT.c.record_id):
                found |= {
                    (entity, str(id_)) for id_ in context.connection.scalars(select(column).where(column.in_(some)))
                }
    return found
