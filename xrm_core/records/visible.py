"""Which of some records a caller may see: for lists that name records, and are not of them."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.context import context_values
from xrm_core.query.predicates import scan
from xrm_core.records.door import Records

Ref = tuple[str, str]
"""Entity and id of a record."""


def visible(records: Records, connection: Connection, caller: Caller, refs: Iterable[Ref]) -> set[Ref]:
    """Those of the records that are there, and that the caller may see; one query for each entity."""
    by_entity: dict[str, set[str]] = {}
    for entity, id_ in refs:
        if entity in records.model and caller.access.may(entity, Action.READ):
            by_entity.setdefault(entity, set()).add(id_)
    found: set[Ref] = set()
    for entity, ids in by_entity.items():
        row = scan(records.scope(connection, caller), records.model[entity])
        column = row.source.c.id
        query = select(column).where(column.in_(sorted(ids)), *(() if row.rule is None else (row.rule,)))
        found |= {(entity, str(id_)) for id_ in connection.scalars(query, context_values(caller))}
    return found
