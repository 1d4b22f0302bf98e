"""Keys: what tells a record from all others of its entity, its id or values that are unique, and who is found by them.

Found is only what the caller can see, by values that they can see: else a change by key would tell what hidden
records have. Whoever is looked for in vain is somebody new, and meets what is hidden as a unique value that is taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Dialect, Select, bindparam, column, func, or_, select, table, text, tuple_, union_all

from xrm_core import naming
from xrm_core.metadata.model import EMAIL, USER, Entity, Field, Model
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Scope
from xrm_core.query.trash import former_names
from xrm_core.records.among import MANY, among
from xrm_core.records.rights import context
from xrm_core.records.stored import canonical, to_columns
from xrm_core.records.wording import Problem, invalid, noun
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.columns import Id
from xrm_core.storage.driver_statements import DriverStatement
from xrm_core.storage.folding import fold
from xrm_core.storage.merge_tables import MERGE
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH
from xrm_core.translation import say

Key = tuple[str, ...]
"""Names of the fields that make a key."""

Value = tuple[Any, ...]
"""What a record has in the columns of a key, as the database compares it."""

ID: Key = ("id",)

_AT_ONCE = 500
_ADVISORY_LOCK = 0x78726D0B  # «xrm» 11
_NUMBERS = 4096
"""So many locks there are for all ids: a database server keeps some thousand at a time."""

_ALL = -1
_FEW = 16
_SOUGHT = "xrm_sought"


def keys_of(entity: Entity) -> list[Key]:
    """The keys of an entity by which records can be written: the id, unique fields, unique combinations of fields.

    Numbers of a sequence are none: nobody can say which one a new record shall have.
    """
    singles = [(field.name,) for field in entity.fields.values() if field.unique]
    groups = [*singles, *entity.unique_together]
    return [ID, *(names for names in groups if all(entity.fields[name].writable for name in names))]


def value_of_key(entity: Entity, key: Key, values: Mapping[str, Any]) -> Value:
    """What values say of a key.

    Raises:
        ValidationFailed: a part of it is missing or null, which is the same as no other; or it is no id.
    """
    problems = [
        {"field": name, "rule": "required", "message": say("must have a value, since the record is looked for by it")}
        for name in key
        if values.get(name) is None
    ]
    if key == ID and not problems and (problem := _id_problem(values["id"])) is not None:
        problems = [problem]
    if problems:
        raise invalid(entity, problems)
    if key == ID:
        return (str(UUID(values["id"])),)
    given = canonical(entity, {name: values[name] for name in key})
    return tuple(
        _compared(entity, entity.fields[name], value)
        for name in key
        for value in to_columns(entity, {name: given[name]}).values()
    )


def _compared(entity: Entity, field: Field, value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))  # as it is stored
    return fold(value) if isinstance(value, str) and _folds(entity, field) else value


def _id_problem(given: Any) -> Problem | None:
    try:
        known = UUID(given)
    except (ValueError, AttributeError, TypeError):
        return {"field": "id", "rule": "format", "message": say("is not an id (UUID)")}
    if known.version != 7:
        return {"field": "id", "rule": "format", "message": say("is not an id of this platform (UUID of version 7)")}
    return None


def find(
    connection: Connection, scope: Scope, caller: Caller, entity: Entity, key: Key, values: Sequence[Value]
) -> dict[Value, str]:
    """Value → id of the records that have these values and that the caller can see, held until the transaction ends.

    They are held in the order of their ids. Whoever has got another value meanwhile is not among them.
    """
    access = caller.access
    if not access.may(entity.name, Action.READ) or not all(access.readable_in_full(entity.name, name) for name in key):
        return {}
    key_of_query = ("find", scope.dialect.name, entity.name, access.shape, key)
    query = scope.tables.statements.get(key_of_query, lambda: _query(scope, entity, key))
    ids: dict[Value, str] = {}
    wanted = sorted(values, key=repr)
    for some in (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)):
        sought = [value[0] for value in some] if len(some[0]) == 1 else some
        for id_, *value in connection.execute(query, {**context(caller), _SOUGHT: sought}):
            ids[tuple(value)] = str(id_)
    return ids


def _query(scope: Scope, entity: Entity, key: Key) -> Select[Any]:
    """Id and key of the records that the caller can see with one of the values of a key."""
    found = scan(scope, entity)
    columns = [
        func.lower(found.column(field, name)) if _folds(entity, field) else found.column(field, name)
        for field in (entity[name] for name in key)
        for name in field.columns
    ]
    one = columns[0] if len(columns) == 1 else tuple_(*columns)
    rule = [] if found.rule is None else [found.rule]
    query = select(found.source.c.id, *columns).where(one.in_(bindparam(_SOUGHT, expanding=True)), *rule)
    # Whoever waits here for another's change sees what that has left: conditions are looked at once more.
    return query.order_by(found.source.c.id).with_for_update(of=found.source, key_share=True)


def _folds(entity: Entity, field: Field) -> bool:
    """Whether letters are the same in either case: an e-mail address is one user's, however it is written."""
    return entity.name == USER and field.name == EMAIL


def hold_ids(connection: Connection, ids: Sequence[str]) -> None:
    """Before records are created with ids that their makers have chosen: let nobody else take these meanwhile.

    Until the transaction ends. The database only sees to it that an id is unique in one entity.
    """
    if not ids or connection.dialect.name != "postgresql":  # SQLite lets one write at a time
        return
    # In one order for everybody; who takes many at a time waits for others like it, and they for it.
    numbers = sorted({UUID(each).int % _NUMBERS for each in ids})
    wanted = [_ALL, *numbers] if len(numbers) > _FEW else numbers
    asked = text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK}, n) FROM unnest(CAST(:numbers AS integer[])) AS n")
    connection.execute(asked, {"numbers": wanted}).all()


def ids_taken(connection: Connection, tables: Tables, ids: Sequence[str]) -> Iterator[str]:
    """Which of these ids no new record can have: some record has it or has had it, of whatever entity.

    Ids are unique among all of them, and whoever got the id of a record that was deleted would get its history, or, if
    it was merged into another, be taken for that.
    """
    dialect = connection.dialect
    statements = tables.statements.get(("ids taken", dialect.name), lambda: _taken_in(tables.model, dialect))
    for some in (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)):
        for each in statements:
            yield from (str(id_) for (id_,) in each.rows(connection, {MANY: some}))


def _taken_in(model: Model, dialect: Dialect) -> list[DriverStatement]:
    names = [name for each in model for name in former_names(each)]
    columns = [table(naming.table(each.name), column("id", Id())).c.id for each in model]
    queries = [select(each).where(among(each, dialect)) for each in (*columns, CHANGE.c.record_id)]
    # By their keys, of which the entity is the first part: they may be large.
    queries += [
        select(t.c.record_id).where(or_(*(t.c.entity == name for name in names)), among(t.c.record_id, dialect))
        for t in (TRASH, MERGE)
    ]
    parts = (queries[start : start + 50] for start in range(0, len(queries), 50))
    return [DriverStatement(union_all(*part), dialect) for part in parts]


def taken(entity: Entity, key: Key) -> Problem:
    """The problem that another record has the value of a key."""
    names = say(" and ").join(key)
    message = say("there is another {entity} with the same {fields}", entity=noun(entity), fields=names)
    return {"field": key[0], "rule": "unique", "message": message}
