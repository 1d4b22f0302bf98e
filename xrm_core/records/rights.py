"""The caller's rights on a write, as conditions that stand in the SQL of the write itself."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select
from sqlalchemy.sql import ColumnElement

from xrm_core.errors import Forbidden, NotFound
from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING, NOTHING, Predicate
from xrm_core.metadata.uses import Place, looked_at
from xrm_core.permissions.access import Access, Permission
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.context import ContextValues, context_values
from xrm_core.query.predicates import compile_rule, scan, unguarded
from xrm_core.query.scan import Scope
from xrm_core.query.trash import former_names
from xrm_core.records.among import MANY, among
from xrm_core.records.reach import Reach, reach_of
from xrm_core.records.stored import targets_of
from xrm_core.records.wording import ABOUT, labelled, noun, plural
from xrm_core.storage.driver_statements import Call, DriverStatement, run_together
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.requirements import Requirement
from xrm_core.storage.written_rows import WithWritten
from xrm_core.translation import mark, say

Problems = list[dict[str, str]]
Made = TypeVar("Made")

_VERBS = {
    Action.READ: mark("read"),
    Action.CREATE: mark("create"),
    Action.UPDATE: mark("update"),
    Action.DELETE: mark("delete"),
    Action.SHARE: mark("share"),
    Action.PURGE: mark("purge"),
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


class Conditions(list[Any]):
    """Conditions on the table of an entity; ``key`` is equal for equal ones. ``reach`` is what else they look at.

    ``rules`` are what they are made of, ``places`` the fields that these look at, on whatever entity.
    """

    def __init__(
        self,
        key: Hashable,
        conditions: Sequence[Any],
        reach: Reach | None = None,
        rules: Sequence[Predicate] = (),
        places: Set[Place] = frozenset(),
    ) -> None:
        super().__init__(conditions)
        self.key = key
        self.reach = reach or Reach()
        self.rules = rules
        self.places = places


def row_conditions(scope: Scope, caller: Caller, entity: Entity, action: Action, fields: Collection[str]) -> Conditions:
    """Conditions on the entity's table under which the caller may write these fields; empty: always."""
    granted = permission(caller, entity, action)
    key = (scope.dialect.name, entity.name, caller.access.shape, action, frozenset(fields))

    def make() -> Conditions:
        rules = dict.fromkeys([granted.rule, *(granted.field_rules[name] for name in fields)])
        restricting = [rule for rule in rules if rule is not None and rule != EVERYTHING]
        if not restricting:
            return Conditions((scope.dialect.name, entity.name), [])
        row = unguarded(scope, entity, scope.tables[entity.name])
        compiled = [compile_rule(scope, entity, row, rule) for rule in restricting]
        places = {place for rule in restricting for place in looked_at(scope.model, entity, rule)}
        return Conditions(key, compiled, reach_of(scope.model, entity, restricting), restricting, places)

    return scope.tables.statements.get(("conditions", key), make)


def context(caller: Caller) -> Mapping[str, Any]:
    """Bind values that row rules need."""
    return context_values(caller)


def values_for(caller: Caller, own: Mapping[str, Any]) -> ContextValues:
    """Bind values of a statement that is run by the driver: its own, and what row rules need."""
    found = ContextValues(caller)
    found.update(own)
    return found


def holds(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str, conditions: list[Any]
) -> bool:
    """Whether the conditions hold for a stored record, in the transaction of the write."""
    call = holding(scope, caller, entity, id_, conditions)
    return call is None or bool(run_together(connection, [call])[0][0])


def holding(scope: Scope, caller: Caller, entity: Entity, id_: str, conditions: list[Any]) -> Call | None:
    """What finds a row if the conditions hold for a stored record; None: there are none."""
    if not conditions:
        return None
    table = scope.tables[entity.name]

    def make() -> DriverStatement:
        mine = table.c.id == bindparam(ONE, type_=table.c.id.type)
        return DriverStatement(select(table.c.id).where(mine, *conditions), scope.dialect)

    return kept(scope, "holds", conditions, make).call(values_for(caller, {ONE: id_}))


def conditions_required(scope: Scope, entity: Entity, id_: str, version: int, conditions: "Conditions") -> Requirement:
    """That the conditions hold for a stored record, which has this version."""
    table = scope.tables[entity.name]

    def make() -> ColumnElement[bool]:
        mine = table.c.id == bindparam(ONE, type_=table.c.id.type)
        its = table.c.version == bindparam(VERSION, type_=table.c.version.type)
        return select(table.c.id).where(mine, its, *conditions).exists()

    return Requirement(("holds", conditions.key), make, {ONE: id_, VERSION: version})


def written_required(scope: Scope, entity: Entity, conditions: Conditions) -> list[Requirement] | None:
    """That the conditions hold for the row that the same statement writes and shows to the caller.

    None: they look at others of its table.
    """

    def make() -> list[Requirement] | None:
        seen = scope.access.get(entity.name, Action.READ)
        if seen is not None and all(rule == seen.rule for rule in conditions.rules):
            return []  # since it is shown at all
        tables = WithWritten(scope.tables, entity.name)
        over = replace(scope, tables=tables)
        row = unguarded(over, entity, tables.row)
        compiled = [compile_rule(over, entity, row, rule) for rule in conditions.rules]
        if tables.asked:
            return None
        holds = select(literal_column("1")).select_from(tables.row).where(*compiled).exists()
        return [Requirement(("written_holds", conditions.key), lambda: holds, {})]

    return scope.tables.statements.get(("written_holds", conditions.key), make)


ONE = "xrm_id"
"""Bind name of the id in statements that are kept."""

VERSION = "xrm_version"


def kept(scope: Scope, word: str, conditions: list[Any], make: Callable[[], Made]) -> Made:
    """A statement over the table of :class:`Conditions`, made once; of a plain list of some, made anew."""
    if not isinstance(conditions, Conditions):
        return make()
    return scope.tables.statements.get((word, conditions.key), make)


def all_hold(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, ids: Sequence[str], conditions: list[Any]
) -> bool:
    """Whether the conditions hold for all of some stored records."""
    if not conditions:
        return True
    if len(ids) == 1:
        return holds(connection, scope, caller, entity, ids[0], conditions)
    table = scope.tables[entity.name]

    def make() -> DriverStatement:
        mine = among(table.c.id, scope.dialect)
        return DriverStatement(select(func.count()).select_from(table).where(mine, *conditions), scope.dialect)

    query = kept(scope, "all hold", conditions, make)
    [(count,)] = query.rows(connection, values_for(caller, {MANY: sorted(ids)}))
    return bool(count >= len(ids))


def by_rule(connection: Connection, conditions: Conditions, error: Forbidden) -> Forbidden:
    """The refusal of what was written, since a rule does not hold for it.

    On PostgreSQL a rule about other records may have held when these were looked at, and somebody has changed them
    before they were held: then it is refused for another reason by now, or not at all. So it is tried once more.
    """
    error.overtaken = connection.dialect.name == "postgresql" and bool(conditions.reach.steps)
    return error


def not_so(connection: Connection, conditions: Conditions, kind: Entity) -> Forbidden:
    """The error for a change after which the record is none that the caller may change."""
    error = Forbidden(
        say("You may not change the {entity} in this way.", entity=noun(kind)),
        hint=say("After the change it would not be one of the records that your role may change."),
    )
    return by_rule(connection, conditions, error)


def denied(connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str, action: Action) -> Exception:
    """Why a record was not found for a write: it may be read but not changed, or it does not exist for the caller."""
    if caller.access.may(entity.name, Action.READ) and readable(connection, scope, caller, entity, id_):
        return Forbidden(
            say("You may not {action} this {entity}.", action=say(_VERBS[action]), entity=noun(entity)),
            hint=say("You may read it, but no more."),
        )
    return missing(connection, scope, caller, entity, id_)


def missing(connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str) -> NotFound:
    """The error for a record that does not exist for the caller. It names the one into which it was merged, if any.

    Only if the caller can see that: ``details.mergedInto`` is its id.
    """
    into = survivor(connection, scope, caller, entity, id_)
    if into is None:
        return no_record(entity, id_)
    return NotFound(
        say("The {entity} with the id {id} was merged into another one.", entity=noun(entity), id=id_),
        hint=say("Use the one with the id {id}.", id=into),
        details={"mergedInto": into},
    )


def survivor(connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str) -> str | None:
    """The id of the record into which that with this id was merged, if the caller can see it."""
    if not caller.access.may(entity.name, Action.READ):
        return None
    mine = MERGE.c.entity.in_(former_names(entity)), MERGE.c.record_id == id_
    into = connection.scalar(select(MERGE.c.into_id).where(*mine))
    return str(into) if into is not None and readable(connection, scope, caller, entity, str(into)) else None


def no_record(entity: Entity, id_: str) -> NotFound:
    """The error for an id that no record has, or none that the caller may see."""
    return NotFound(say("There is no {entity} with the id {id}.", entity=noun(entity), id=id_))


def in_sight(access: Access, entity: Entity, values: Mapping[str, Any]) -> bool:
    """Whether the caller, who can see a record, sees what stands in these fields of it before it becomes these values.

    Else it must make no difference to them whether it is that already. A relation may be empty in their eyes alone.
    """
    granted = access.get(entity.name, Action.READ)
    for name, value in values.items():
        if granted is None or granted.field_rules.get(name, NOTHING) is not None:
            return False
        field = entity.fields.get(name)
        relation = None if field is None else field.relation
        if value is None and relation is not None and not all(_all_shown(access, each) for each in relation.targets):
            return False
    return True


def _all_shown(access: Access, entity: str) -> bool:
    granted = access.get(entity, Action.READ)
    return granted is not None and granted.rule == EVERYTHING


def target_problems(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, changes: Mapping[str, Any]
) -> Problems:
    """A relation may only be set to a record that the caller can see.

    ``changes`` are what the caller has given. What plugins make of it is theirs to say: they see more, as on create.
    """
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

    def make() -> DriverStatement:
        return DriverStatement(_seeing(scope, entity), scope.dialect)

    query = scope.tables.statements.get(("readable", *_seen_by(scope, entity)), make)
    return query.first(connection, values_for(caller, {ONE: id_})) is not None


def readable_required(scope: Scope, entity: Entity, id_: str, number: int) -> Requirement:
    """That the caller, who may read some records of the entity, can see this one; ``number`` is another for each."""
    name = f"xrm_seen_{number}"
    return Requirement(
        ("seen", number, *_seen_by(scope, entity)), lambda: _seeing(scope, entity, name).exists(), {name: id_}
    )


def readable_of(connection: Connection, scope: Scope, caller: Caller, entity: Entity, ids: Collection[str]) -> set[str]:
    """Those of some ids of which the caller, who may read some records of the entity, can see the record."""
    if len(ids) == 1:
        return {id_ for id_ in ids if readable(connection, scope, caller, entity, id_)}

    def make() -> DriverStatement:
        found = scan(scope, entity)
        rule = [] if found.rule is None else [found.rule]
        mine = among(found.source.c.id, scope.dialect)
        return DriverStatement(select(found.source.c.id).where(mine, *rule), scope.dialect)

    query = scope.tables.statements.get(("readable_of", *_seen_by(scope, entity)), make)
    return {str(id_) for (id_,) in query.rows(connection, values_for(caller, {MANY: sorted(ids)}))}


def _seeing(scope: Scope, entity: Entity, name: str = ONE) -> Select[Any]:
    """What finds the record with the id of this bind name if the caller can see it."""
    found = scan(scope, entity)
    rule = [] if found.rule is None else [found.rule]
    mine = found.source.c.id == bindparam(name, type_=found.source.c.id.type)
    return select(found.source.c.id).where(mine, *rule)


def _seen_by(scope: Scope, entity: Entity) -> tuple[Hashable, ...]:
    return scope.dialect.name, entity.name, scope.access.shape
