"""What a caller may do with one record, and which row rules hold for it: asked of the database, nothing is guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, select

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING, Predicate
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import compile_rule, unguarded
from xrm_core.query.scan import Scope
from xrm_core.records.rights import context, no_record

_AT_ONCE = 40
"""Conditions in a statement: of large ones, databases take only so many."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``allowed``: the record; ``fields``: those of it that are in reach, ``masked``: those of which only a mask shows
    something; ``rules``: whether each of them holds.
    """

    allowed: bool
    fields: tuple[str, ...]
    rules: tuple[bool, ...]
    masked: tuple[str, ...] = ()


def verdict(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    entity: Entity,
    action: Action,
    id_: str,
    rules: Sequence[Predicate],
) -> Verdict:
    """Whether the caller may do this with a stored record as it is now, and which of these row rules hold for it.

    Raises:
        NotFound: there is no such record, for nobody.
    """
    table = scope.tables[entity.name]
    if connection.execute(select(table.c.id).where(table.c.id == id_)).first() is None:
        raise no_record(entity, id_)
    permission = scope.access.get(entity.name, action)
    named = {} if permission is None else permission.field_rules
    masks = {} if permission is None else permission.masks
    wanted = [
        *rules,
        *(rule for ways in masks.values() for _, rule in ways),
        *(rule for rule in named.values() if rule is not None),
    ]
    if permission is not None:
        wanted.append(permission.rule)
    holding = _holding(connection, scope, caller, entity, id_, wanted)
    allowed = permission is not None and holding[permission.rule]
    fields = [name for name, rule in named.items() if allowed and (rule is None or holding[rule])]
    masked = [name for name, ways in masks.items() if name not in fields and any(holding[rule] for _, rule in ways)]
    return Verdict(allowed, tuple(fields), tuple(holding[rule] for rule in rules), tuple(masked) if allowed else ())


def _holding(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str, rules: Sequence[Predicate]
) -> Mapping[Predicate, bool]:
    table = scope.tables[entity.name]
    row = unguarded(scope, entity, table)
    asked = [rule for rule in dict.fromkeys(rules) if rule != EVERYTHING]
    found: dict[Predicate, bool] = {EVERYTHING: True}
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        columns = [
            case((compile_rule(scope, entity, row, rule), 1), else_=0).label(f"r{number}")
            for number, rule in enumerate(part)
        ]
        answer = connection.execute(select(*columns).where(table.c.id == id_), context(caller)).one()
        found.update(zip(part, map(bool, answer), strict=True))
    return found
