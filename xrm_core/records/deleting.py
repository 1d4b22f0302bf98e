"""Moving records to the trash, many in few statements: with what goes along, and those that lose their relation."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from xrm_core.changes import log
from xrm_core.changes.entry import Change, Operation
from xrm_core.metadata.model import USER, Entity
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.records import accounts, logged, shares, trash
from xrm_core.records.conflicts import version_conflict
from xrm_core.records.constraints import translate
from xrm_core.records.going_along import Gone, going_along, let_go
from xrm_core.records.hooks import Then, follow_together
from xrm_core.records.locking import locked
from xrm_core.records.rights import context, no_record, row_conditions

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500


def remove(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    ids: Sequence[str],
    version: int | None = None,
    *,
    allowed: bool = False,
) -> None:
    """Move records to the trash; the first that cannot go keeps all. See :meth:`xrm_core.records.door.Records.delete`.

    ``version``: the one that each must have now. ``allowed``: this transaction has asked already whether the caller may
    delete them, and holds them since.
    """
    kind, scope = records.model[entity], records.scope(connection, caller)
    conditions = [] if allowed else row_conditions(scope, caller, kind, Action.DELETE, ())
    roots = locked(connection, scope, caller, kind, ids, Action.DELETE, conditions)
    thens = {id_: Then(records, connection, caller) for id_ in ids}
    for before in roots:
        if version is not None and version != before["version"]:
            raise version_conflict(connection, scope, caller, kind, before, version, {})
        records.hooks.before_delete(entity, before, thens[before["id"]])
    now = dt.datetime.now(dt.UTC)
    along = going_along(connection, records.model, records.tables, kind, ids, records.most_along)
    going = [*((entity, id_) for id_ in ids), *((each.kind.name, each.record["id"]) for each in along)]
    try:
        emptied = let_go(connection, records.model, records.tables, caller, going, now, records.most_along)
        _delete(connection, records.tables[entity], caller, kind, ids, conditions)
    except IntegrityError as error:
        raise translate(error, kind, deleting=True) from None
    if kind.kind != "link":  # who removes a link makes it again
        trash.put(connection, caller, [Gone(kind, before) for before in roots], along, emptied, now)
    entries = [_entry(caller, each.kind, each.record) for each in reversed(along)]
    log.append(connection, [*emptied, *entries, *(_entry(caller, kind, before) for before in roots)], now)
    for name, of in going:
        if name == USER:
            accounts.forget(connection, of)
    shares.forget(connection, going)
    follow_together(entity, ((then, id_) for id_, then in thens.items()))


def _delete(
    connection: Connection, table: Any, caller: Caller, kind: Entity, ids: Sequence[str], conditions: list[Any]
) -> None:
    for some in _parts(ids):
        connection.execute(delete(table).where(table.c.id.in_(some), *conditions), context(caller))
        # Not how many it says have gone: some may have gone along with others of them.
        left = connection.scalar(select(table.c.id).where(table.c.id.in_(some)).limit(1))
        if left is not None:
            raise no_record(kind, str(left))


def _entry(caller: Caller, kind: Entity, record: Any) -> Change:
    after = {"id": record["id"], "version": record["version"] + 1}
    return logged.entry(caller, kind, Operation.DELETE, after, logged.last_state(kind, record))


def _parts(all_: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
