"""Sharing one record with a user, a team or a role: who may, for what and for how long.

What a share gives is said by policies, whose rules ask for it (``$shared``). Nobody shares more than they hold: who
shares must see the record, for the level ``update`` be allowed to change it, and both as long as the share shall last.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from xrm_core import naming
from xrm_core.errors import Forbidden, NotFound, ValidationFailed
from xrm_core.metadata.model import TEAM, USER, Entity
from xrm_core.metadata.predicate import Level
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.context import context_values
from xrm_core.query.scan import Scope
from xrm_core.records.reach import hold_from
from xrm_core.records.rights import denied, readable, row_conditions
from xrm_core.records.wording import invalid, noun
from xrm_core.storage.auth_events import Event, forget_share_reasons, record
from xrm_core.storage.system import SHARE
from xrm_core.translation import mark, say

MOST = 200
"""Shares of one record."""

MOST_LETTERS = 500
"""Of a reason."""

_AT_ONCE = 500

_NOT_SHARED = {
    "user": mark("The {entity} is not shared with this user."),
    "team": mark("The {entity} is not shared with this team."),
    "role": mark("The {entity} is not shared with this role."),
}
_FOR_GOOD = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Grantee:
    """With whom: ``kind`` is ``user``, ``team`` or ``role``, ``name`` an id, or the name of the role."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Share:
    """What for, until when (None: for good), and why."""

    level: Level
    until: dt.datetime | None = None
    reason: str | None = None


def share(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    kind: Entity,
    id_: str,
    grantee: Grantee,
    given: Share,
    address: str | None = None,
) -> None:
    """Share a record, in place of what it is shared with the same grantee. ``address``: of the client, for the event.

    Raises:
        NotFound: the caller does not see the record.
        Forbidden: the caller may not share it, or not so far or for so long.
        ValidationFailed: there is no such grantee, or the share is over already, or the record has too many.
    """
    now = dt.datetime.now(dt.UTC)
    _check(connection, scope, caller, kind, id_, given.level, now, given.until or _FOR_GOOD)
    grantee = _known(connection, scope, caller, kind, grantee)
    _validate(kind, given, now)
    mine = _of(kind, id_)
    same = SHARE.c.grantee == str(grantee)
    before = connection.execute(select(SHARE.c.level, SHARE.c.until).where(*mine, same)).first()
    connection.execute(delete(SHARE).where(*mine, same))
    if (connection.scalar(select(func.count()).select_from(SHARE).where(*mine)) or 0) >= MOST:
        raise _refused(kind, "with", say("the record is shared {limit} times already", limit=MOST))
    values: dict[str, Any] = {"entity": kind.name, "record_id": id_, "grantee": str(grantee), "level": given.level}
    values |= {"until": given.until, "reason": given.reason, "shared_at": now, "shared_by": caller.id}
    connection.execute(insert(SHARE).values(values))
    until = None if given.until is None else given.until.astimezone(dt.UTC).isoformat()
    details: dict[str, Any] = {"level": given.level, "until": until, "reason": given.reason}
    if before is not None:
        details["before"] = {"level": before.level, "until": before.until}
    _tell(connection, Event.RECORD_SHARED, caller, kind, id_, grantee, address, details)


def unshare(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    kind: Entity,
    id_: str,
    grantee: Grantee,
    address: str | None = None,
) -> None:
    """Take a share back, whoever has given it. ``address``: of the client, for the event.

    Raises:
        NotFound: the caller does not see the record, or it is not shared so.
        Forbidden: the caller may not share it.
    """
    now = dt.datetime.now(dt.UTC)
    _check(connection, scope, caller, kind, id_, "read", now, now)
    grantee = _usual(grantee)
    same = SHARE.c.grantee == str(grantee)
    if connection.execute(delete(SHARE).where(*_of(kind, id_), same)).rowcount == 0:
        raise NotFound(say(_NOT_SHARED[grantee.kind], entity=noun(kind)))
    _tell(connection, Event.RECORD_UNSHARED, caller, kind, id_, grantee, address, {})


def forget(connection: Connection, gone: Sequence[tuple[str, str]]) -> None:
    """Remove the shares of records that were deleted (entity and id of each), and those with a user or team."""
    for start in range(0, len(gone), _AT_ONCE):
        some = gone[start : start + _AT_ONCE]
        for entity in {name for name, _ in some}:
            ids = [id_ for name, id_ in some if name == entity]
            connection.execute(delete(SHARE).where(SHARE.c.entity == entity, SHARE.c.record_id.in_(ids)))
            if entity in (USER, TEAM):
                named = [f"{entity}:{id_}" for id_ in ids]
                connection.execute(delete(SHARE).where(SHARE.c.grantee.in_(named)))
            if entity == USER:
                connection.execute(update(SHARE).where(SHARE.c.shared_by.in_(ids)).values(shared_by=None))


def end_with(connection: Connection, user_id: str) -> int:
    """Share nothing with a user any more; answers how many shares that ends."""
    return connection.execute(delete(SHARE).where(SHARE.c.grantee == str(Grantee(USER, user_id)))).rowcount


def forget_reasons_of(connection: Connection, entities: Sequence[str], id_: str) -> int:
    """Forget why a record was shared, for people write there what they like: that it was, and with whom, stays.

    Args:
        connection: in a write transaction.
        entities: the names that its entity has and has had.
        id_: of the record.

    Returns:
        How many shares and events have lost a reason.
    """
    mine = SHARE.c.entity.in_(entities) & (SHARE.c.record_id == id_)
    return _without_reason(connection, mine) + forget_share_reasons(connection, id_)


def forget_reasons_by(connection: Connection, user_id: str) -> int:
    """Forget why a user has shared what they did; answers how many shares have lost a reason."""
    return _without_reason(connection, SHARE.c.shared_by == user_id)


def _without_reason(connection: Connection, mine: ColumnElement[bool]) -> int:
    return connection.execute(update(SHARE).where(mine, SHARE.c.reason.is_not(None)).values(reason=None)).rowcount


def _check(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    kind: Entity,
    id_: str,
    level: Level,
    now: dt.datetime,
    until: dt.datetime,
) -> None:
    """That the caller may share the record so far, from now on until then; holds it until the transaction is over."""
    actions = [Action.SHARE, Action.READ, *([Action.UPDATE] if level == "update" else [])]
    asked = [row_conditions(scope, caller, kind, action, ()) for action in actions]
    conditions = [each for some in asked for each in some]
    table = scope.tables[kind.name]
    alone = any(each.reach.alone for each in asked)
    if any(each.reach.lists for each in asked) and connection.dialect.name == "postgresql":
        # First what many may want alone, as for changes: else each of two would hold its own record, and wait there.
        first = select(table.c.id).where(table.c.id == id_, *conditions)
        if connection.execute(first, context_values(caller, now)).first() is not None:
            for each in asked:
                hold_from(connection, scope, kind, [id_], each.reach)
    # Who writes by leave of a share holds the record, at least for sharing: until then the share stays.
    query = select(table.c.id).where(table.c.id == id_, *conditions).with_for_update(key_share=not alone)
    if connection.execute(query, context_values(caller, now)).first() is None:
        raise denied(connection, scope, caller, kind, id_, Action.SHARE)
    for each in asked:
        hold_from(connection, scope, kind, [id_], each.reach)
    if (
        any(each.reach.steps for each in asked)
        and connection.execute(query, context_values(caller, now)).first() is None
    ):
        raise denied(connection, scope, caller, kind, id_, Action.SHARE)
    if connection.execute(query, context_values(caller, until)).first() is None:
        raise Forbidden(
            say("You may not share the {entity} for so long: you do not have it so long yourself.", entity=noun(kind)),
            hint=say("Name an earlier end (until)."),
        )


def _known(connection: Connection, scope: Scope, caller: Caller, kind: Entity, grantee: Grantee) -> Grantee:
    """The grantee, if the caller can see that user or team. Of a role only the name is looked at, not whether it is."""
    usual = _usual(grantee)
    if usual.kind == "role":
        if not naming.NAME.fullmatch(usual.name):
            raise _refused(kind, "with", say("that is not the name of a role"))
        return usual
    visible = bool(usual.name) and caller.access.may(usual.kind, Action.READ)
    if not visible or not readable(connection, scope, caller, scope.model[usual.kind], usual.name):
        raise _refused(kind, "with", say("there is no {entity} with this id", entity=noun(scope.model[usual.kind])))
    return usual


def _tell(
    connection: Connection,
    event: Event,
    caller: Caller,
    kind: Entity,
    id_: str,
    grantee: Grantee,
    address: str | None,
    details: dict[str, Any],
) -> None:
    details |= {"entity": kind.name, "with": str(grantee)}
    record(connection, event, user_id=caller.actor, subject=id_, address=address, details=details)


def _usual(grantee: Grantee) -> Grantee:
    """With an id in its usual form."""
    if grantee.kind == "role":
        return grantee
    try:
        return Grantee(grantee.kind, str(UUID(grantee.name)))
    except ValueError:
        return Grantee(grantee.kind, "")


def _validate(kind: Entity, given: Share, now: dt.datetime) -> None:
    if given.until is not None and given.until <= now:
        raise _refused(kind, "until", say("is over already"))
    if given.reason is not None and (len(given.reason) > MOST_LETTERS or "\0" in given.reason):
        raise _refused(kind, "reason", say("has at most {limit} characters", limit=MOST_LETTERS))


def _refused(kind: Entity, field: str, message: str) -> ValidationFailed:
    return invalid(kind, [{"field": field, "rule": "share", "message": message}])


def _of(kind: Entity, id_: str) -> Sequence[Any]:
    return SHARE.c.entity == kind.name, SHARE.c.record_id == id_
