"""Finding in the trash what somebody may see there, and holding it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from xrm_core.errors import NotFound
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import compile_rule, unguarded
from xrm_core.query.scan import Scope
from xrm_core.query.trash import former_names, trash_scan
from xrm_core.records.rights import context, permission
from xrm_core.records.wording import noun
from xrm_core.storage.trash_tables import TRASH
from xrm_core.translation import say

_AT_ONCE = 500


def found_in_trash(
    connection: Connection, scope: Scope, caller: Caller, kind: Entity, ids: Sequence[str], *actions: Action
) -> list[Any]:
    """The rows of the trash of records that were asked to be deleted, in their order, held until the transaction ends.

    Args:
        connection: in a write transaction.
        scope: of the caller.
        caller: who may delete and read them.
        kind: their entity.
        ids: which, each once.
        actions: what the caller must have the right to as well.

    Raises:
        Forbidden: the caller may do one of these with no record of the entity.
        NotFound: there is none, or none that the caller may do all of these with.
    """
    asked = [permission(caller, kind, action) for action in (*actions, Action.DELETE, Action.READ)][: len(actions)]
    found, may_delete = trash_scan(scope, kind)
    row = unguarded(scope, kind, found.source)
    rules = [may_delete, *(compile_rule(scope, kind, row, each.rule) for each in asked)]
    rules += [] if found.rule is None else [found.rule]
    rows: dict[str, Any] = {}
    in_order = sorted(ids)
    for start in range(0, len(in_order), _AT_ONCE):
        some = in_order[start : start + _AT_ONCE]
        there = {str(each.record_id): each for each in _held(connection, kind, some)}
        seen = select(found.source.c.id).where(found.source.c.id.in_(some), *rules)
        visible = map(str, connection.scalars(seen, context(caller)))
        rows |= {id_: there[id_] for id_ in visible if id_ in there}
    for id_ in ids:
        if id_ not in rows:
            raise NotFound(say("There is no {entity} with the id {id} in the trash.", entity=noun(kind), id=id_))
    return [rows[id_] for id_ in ids]


def hold_in_trash(connection: Connection, kind: Entity, ids: Sequence[str]) -> None:
    """Hold what is there of these records until the transaction ends, in the order of :func:`found_in_trash`."""
    in_order = sorted(ids)
    for start in range(0, len(in_order), _AT_ONCE):
        _held(connection, kind, in_order[start : start + _AT_ONCE])


def _held(connection: Connection, kind: Entity, ids: Sequence[str]) -> Sequence[Any]:
    mine = TRASH.c.entity.in_(former_names(kind)), TRASH.c.record_id.in_(ids), TRASH.c.place == 0
    return connection.execute(select(TRASH).where(*mine).order_by(TRASH.c.record_id).with_for_update()).all()
