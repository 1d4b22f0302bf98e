"""The trail of merges: which record the one that had an id has become part of."""

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.query.trash import former_names
from xrm_core.storage.driver_statements import written_in
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.system_statements import SystemStatement

_AT_ONCE = 500

_KINDS = 1_000
"""Entities of which statements are kept."""


def note(
    connection: Connection,
    caller: Caller,
    kind: Entity,
    into: str,
    sources: Sequence[str],
    merge_id: str,
    now: dt.datetime,
) -> None:
    """Keep that records were merged into another, and with them those that were merged into one of them before.

    Args:
        connection: in the transaction of the merge, which holds all these records.
        caller: who merges.
        kind: their entity.
        into: the id of the one that stays.
        sources: the ids of the others.
        merge_id: of the merge, as the change log has it.
        now: aware.
    """
    mine = MERGE.c.entity.in_(former_names(kind))
    connection.execute(update(MERGE).where(mine, MERGE.c.into_id.in_(sources)).values(into_id=into))
    # What has come back since and goes again, and what had the id of the one that stays before that was given again.
    connection.execute(delete(MERGE).where(mine, MERGE.c.record_id.in_([into, *sources])))
    stamps = {"into_id": into, "merge_id": merge_id, "merged_at": now, "merged_by": caller.actor}
    connection.execute(insert(MERGE), [{"entity": kind.name, "record_id": each, **stamps} for each in sources])


def same_as(connection: Connection, kind: Entity, id_: str) -> list[str]:
    """Ids of the records that are one with a record by merges: the one that is there now, and all that became part of
    it. Those that are back count no more; those that are gone for good still do.
    """
    into, others = _trail(tuple(former_names(kind)))
    stays = str(into.value(connection, of=id_) or id_)
    return sorted({stays, *(str(each) for (each,) in others.rows(connection, of=stays))} - {id_})


@lru_cache(_KINDS)
def _trail(names: Sequence[str]) -> tuple[SystemStatement, SystemStatement]:
    """What a record has become part of, and what has become part of it."""
    mine, one = MERGE.c.entity.in_([written_in(each) for each in names]), bindparam("of", type_=MERGE.c.into_id.type)
    return (
        SystemStatement(lambda _: select(MERGE.c.into_id).where(mine, MERGE.c.record_id == one)),
        SystemStatement(lambda _: select(MERGE.c.record_id).where(mine, MERGE.c.into_id == one)),
    )


def forget(connection: Connection, kind: Entity, ids: Sequence[str]) -> None:
    """Records are back: they are not merged any more."""
    for start in range(0, len(ids), _AT_ONCE):
        mine = MERGE.c.entity.in_(former_names(kind)), MERGE.c.record_id.in_(ids[start : start + _AT_ONCE])
        connection.execute(delete(MERGE).where(*mine))


def end(connection: Connection, gone: Iterable[tuple[str, str]]) -> None:
    """Records (entity and id of each) are gone for good, so what was merged into them is nowhere any more."""
    by_entity: dict[str, list[str]] = {}
    for entity, id_ in gone:
        by_entity.setdefault(entity, []).append(id_)
    for entity, ids in by_entity.items():
        for start in range(0, len(ids), _AT_ONCE):
            mine = MERGE.c.entity == entity, MERGE.c.into_id.in_(ids[start : start + _AT_ONCE])
            connection.execute(delete(MERGE).where(*mine))
