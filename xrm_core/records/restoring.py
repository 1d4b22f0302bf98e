"""Out of the trash: a record comes back with what went with it, as far as things are now.

It has its id, who has created it and when, and its links; its version counts on. Whoever may delete it there and could
create such a record may bring it back; whether that is so is asked of the rows that were stored. What went along comes
back along, whatever the caller's rights on that, as it went.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, select

from xrm_core.changes import log
from xrm_core.changes.entry import Operation
from xrm_core.errors import Forbidden
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.records import coming_back, logged, merged
from xrm_core.records.hooks import Then
from xrm_core.records.in_trash import found_in_trash
from xrm_core.records.reach import hold_from
from xrm_core.records.rights import all_hold, by_rule, row_conditions
from xrm_core.records.wording import noun
from xrm_core.storage.trash_tables import TRASH
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500


def restore(records: "Records", connection: Connection, caller: Caller, entity: str, ids: Sequence[str]) -> None:
    """Bring records back, each once; the first that cannot come back keeps all there.

    See :meth:`xrm_core.records.door.Records.restore`.
    """
    kind, scope = records.model[entity], records.scope(connection, caller)
    conditions = row_conditions(scope, caller, kind, Action.CREATE, ())
    kept = found_in_trash(connection, scope, caller, kind, ids)
    now = dt.datetime.now(dt.UTC)
    deletions = [each.deletion for each in kept]
    could = (
        coming_back.back_of(records, caller, row.entity, row.record, now) for row in _kept_of(connection, deletions)
    )
    back = coming_back.checked(records, connection, caller, [each for each in could if each is not None])
    thens = [(each.key, Then(records, connection, caller)) for each in back]
    for each, (_, then) in zip(back, thens, strict=True):
        records.hooks.before_restore(each.kind.name, each.record, then)
    in_order = list(coming_back.in_order(back))
    coming_back.store(records, connection, caller, in_order)
    entries = [
        logged.entry(caller, each.kind, Operation.RESTORE, each.record, logged.state(each.kind, each.record))
        for each in in_order
    ]
    given_back = coming_back.given_back(records, connection, caller, [each.lost for each in kept], back, now)
    log.append(connection, [*entries, *given_back], now)
    for some in _parts(deletions):
        connection.execute(delete(TRASH).where(TRASH.c.deletion.in_(some)))
    merged.forget(connection, kind, ids)
    hold_from(connection, scope, kind, ids, conditions.reach)
    if not all_hold(connection, scope, caller, kind, ids, conditions):
        error = Forbidden(
            say("You may not restore this {entity}.", entity=noun(kind)),
            hint=say("The record would not be one of those that your role may create, e.g. not your own."),
        )
        raise by_rule(connection, conditions, error)
    for (name, id_), then in thens:
        then.follow(name, id_)


def _kept_of(connection: Connection, deletions: Sequence[str]) -> Iterator[Any]:
    """Entity and record of each row of some deletions, the records that were asked for first."""
    rows = [
        row
        for some in _parts(deletions)
        for row in connection.execute(
            select(TRASH.c.entity, TRASH.c.record, TRASH.c.place).where(TRASH.c.deletion.in_(some))
        )
    ]
    yield from sorted(rows, key=lambda row: row.place)


def _parts(all_: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
