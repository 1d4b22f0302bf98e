"""The caller's rights on a write, as conditions that stand in the SQL of the write itself."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.sql import ColumnElement

from xrm_core.errors import Forbidden, NotFound
from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.permissions.access import Access, Permission
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.context import context_values
from xrm_core.query.predicates import compile_rule, scan, unguarded
from xrm_core.query.scan import Scope
from xrm_core.records.stored import targets_of
from xrm_core.records.wording import ABOUT, labelled, noun, plural
from xrm_core.translation import mark, say

Problems = list[dict[str, str]]

_VERBS = {
    Action.READ: mark("read"),
    Action.CREATE: mark("create"),
    Action.UPDATE: mark("update"),
    Action.DELETE: mark("delete"),
    Action.SHARE: mark("share"),
}


def permission(caller: Caller, entity: Entity, action: Action) -> Permission:
    """The permission for an action, or :class:`Forbidden`."""
    found = caller.access.get(entity.name, action)
    if found is None:
        raise Forbidden(
            say("You may not {action} {entities}.", action=say(_VERBS[action]), entities=plural(entity)),
            hint=say("Ask an administrator for the permission."),
        )
    return found


def check_fields(caller: Caller, entity: Entity, action: Action, names: Collection[str]) -> None:
    """Every field named may be written by the caller (on some records); those that the platform sets by nobody."""
    granted = permission(caller, entity, action).fields
    for name in names:
        field = entity.field(name)
        if field is not None and not field.writable and not (isinstance(caller, System) and caller.sets_system_fields):
            raise Forbidden(
                say("The field {field} of a {entity} is set by the system.", field=name, entity=noun(entity)),
                hint=say("Leave it out."),
            )
        if name not in granted or (field is None and name not in entity.links):
            raise Forbidden(
                say(
                    "There is no field {field} of a {entity} that you may {action}.",
                    field=name,
                    entity=noun(entity),
                    action=say(_VERBS[action]),
                )
            )


def row_conditions(scope: Scope, caller: Caller, entity: Entity, action: Action, fields: Collection[str]) -> list[Any]:
    """Conditions on the entity's table under which the caller may write these fields; empty: always."""
    granted = permission(caller, entity, action)
    rules = [granted.rule, *(granted.field_rules[name] for name in fields)]
    row = unguarded(scope, entity, scope.tables[entity.name])
    return [
        compile_rule(scope, entity, row, rule)
        for rule in dict.fromkeys(rules)
        if rule is not None and rule != EVERYTHING
    ]


def context(caller: Caller) -> Mapping[str, Any]:
    """Bind values that row rules need."""
    return context_values(caller)


def holds(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str, conditions: list[Any]
) -> bool:
    """Whether the conditions hold for a stored record, in the transaction of the write."""
    if not conditions:
        return True
    table = scope.tables[entity.name]
    found = connection.execute(select(table.c.id).where(table.c.id == id_, *conditions), context(caller))
    return found.first() is not None


def denied(connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str, action: Action) -> Exception:
    """Why a record was not found for a write: it may be read but not changed, or it does not exist for the caller."""
    if caller.access.may(entity.name, Action.READ) and readable(connection, scope, caller, entity, id_):
        return Forbidden(
            say("You may not {action} this {entity}.", action=say(_VERBS[action]), entity=noun(entity)),
            hint=say("You may read it, but no more."),
        )
    return no_record(entity, id_)


def no_record(entity: Entity, id_: str) -> NotFound:
    """The error for an id that no record has, or none that the caller may see."""
    return NotFound(say("There is no {entity} with the id {id}.", entity=noun(entity), id=id_))


def target_problems(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, changes: Mapping[str, Any]
) -> Problems:
    """A relation may only be set to a record that the caller can see."""
    problems: Problems = []
    for name, value in changes.items():
        for target, id_ in targets_of(entity.fields[name], value) if name in entity.fields else ():
            other = scope.model[target]
            visible = caller.access.may(target, Action.READ) and readable(connection, scope, caller, other, id_)
            if not visible:
                message = say("there is no {entity} with this id", entity=noun(other))
                problems.append({"field": name, "rule": "relation", "message": message})
    return problems


def told(problems: Sequence[Mapping[str, str]], entity: Entity, caller: Caller) -> Problems:
    """The problems as the caller may know them: a field that they can neither read nor write is not named.

    Nor is one that they only ever read behind a mask: what stands in the way is what the mask hides.
    """
    known = names_known(caller.access, entity)
    if isinstance(caller, System) and caller.names is not None:
        known &= caller.names
    named = [
        labelled(entity, {key: text for key, text in problem.items() if key != ABOUT})
        for problem in problems
        if _fields_of(problem, entity) <= known
    ]
    if len(named) < len(problems):
        named.append({"field": "", "rule": "hidden", "message": say("a field that you cannot see stands in the way")})
    return named


def names_known(access: Access, entity: Entity) -> set[str]:
    """Fields of which somebody may know by their rights: they can write them, or read them without a mask."""
    return {
        name
        for action in (Action.READ, Action.CREATE, Action.UPDATE)
        if (granted := access.get(entity.name, action)) is not None
        for name in granted.fields
        if granted.in_full(name)
    }


def _fields_of(problem: Mapping[str, str], entity: Entity) -> set[str]:
    return set(problem.get(ABOUT, "").split()) | ({problem["field"]} & entity.fields.keys())


def readable(connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str) -> bool:
    """Whether the caller, who may read some records of the entity, can see this one."""
    found = scan(scope, entity)
    conditions: list[ColumnElement[bool]] = [found.source.c.id == id_]
    if found.rule is not None:
        conditions.append(found.rule)
    return connection.execute(select(found.source.c.id).where(*conditions), context(caller)).first() is not None
