"""Looking at records in the transaction of a write, as functions of plugins do: whoever may see them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Integer, bindparam, literal_column, select, union

from xrm_core.metadata.predicate import parse
from xrm_core.permissions.caller import System
from xrm_core.query.context import ContextValues
from xrm_core.query.predicates import compile_rule, unguarded
from xrm_core.query.scan import Scope
from xrm_core.query.shapes import without_values
from xrm_core.query.trash import former_names
from xrm_core.records import merged
from xrm_core.records.rights import ONE
from xrm_core.records.stored import Record, record_maker
from xrm_core.records.trash import record_of
from xrm_core.storage.columns import is_id
from xrm_core.storage.driver_statements import DriverStatement
from xrm_core.storage.trash_tables import TRASH
from xrm_core.storage.vault_tables import KEPT, VAULT

if TYPE_CHECKING:
    from xrm_core.records.door import Records

MOST = 1_000
"""Records that are found at once."""

_AFTER = "after"

_ASIDE = union(select(TRASH.c.entity), select(VAULT.c.entity).where(VAULT.c.kind != KEPT))
_KEPT = select(VAULT.c.entity).where(VAULT.c.kind == KEPT).distinct()


def read(records: "Records", connection: Connection, entity: str, id_: str) -> Record | None:
    """A record as it is stored now; None: there is none. Raises KeyError: there is no such entity."""
    kind, table = records.model[entity], records.tables[entity]
    if not is_id(id_):  # what clients give to actions may be anything
        return None

    def make() -> tuple[DriverStatement, Callable[[Sequence[Any]], Record]]:
        mine = table.c.id == bindparam(ONE, type_=table.c.id.type)
        return DriverStatement(select(table).where(mine), connection.dialect), record_maker(kind, table.c.keys())

    query, made = records.tables.statements.get(("looked at", connection.dialect.name, entity), make)
    found = query.first(connection, {ONE: id_})
    return None if found is None else made(found)


def hold(records: "Records", connection: Connection, entity: str, id_: str) -> None:
    """Let nobody else change a record before the transaction ends; whoever has it is waited for.

    Others may still store records that refer to it: two of them who then both hold it take turns, and do not end each
    other.
    """
    if connection.dialect.name == "sqlite" or not is_id(id_):  # on SQLite there is one writer at a time
        return
    table = records.tables[entity]

    def make() -> DriverStatement:
        mine = select(table.c.id).where(table.c.id == bindparam(ONE, type_=table.c.id.type))
        return DriverStatement(mine.with_for_update(key_share=True), connection.dialect)

    records.tables.statements.get(("held by plugins", entity), make).first(connection, {ONE: id_})


def find(
    records: "Records", connection: Connection, entity: str, where: Mapping[str, Any], limit: int, after: str = ""
) -> list[Record]:
    """Records for which a filter in the words of entity files holds, the oldest first, at most :data:`MOST`.

    ``after`` is the id of the last one that is known already.

    Raises:
        KeyError: there is no such entity.
        BadQuery: the filter does not fit it.
        ValueError: fewer than one, or more than that, are asked for.
    """
    if not 0 < limit <= MOST:
        raise ValueError(limit)
    kind, table = records.model[entity], records.tables[entity]
    caller = System(records.full_access, "plugin")
    shape, values = without_values(parse(records.model, kind, where))

    def make() -> tuple[DriverStatement, Callable[[Sequence[Any]], Record]]:
        scope = Scope(records.model, records.tables, caller.access, connection.dialect)
        condition = compile_rule(scope, kind, unguarded(scope, kind, table), shape)
        query = select(table).where(condition).order_by(table.c.id).limit(literal_column(str(limit), Integer()))
        query = query.where(table.c.id > bindparam(_AFTER, type_=table.c.id.type)) if after else query
        return DriverStatement(query, connection.dialect), record_maker(kind, table.c.keys())

    key = "found by plugins", connection.dialect.name, entity, shape, limit, bool(after)
    query, made = records.tables.statements.get(key, make)
    given = ContextValues(caller)
    given.update(values, **{_AFTER: after})
    return [made(row) for row in query.rows(connection, given)]


def deleted(records: "Records", connection: Connection, entity: str, after: str, limit: int) -> list[Record]:
    """Records of an entity that are in the trash, those among them that went along with others; in order of their ids.

    Raises:
        KeyError: there is no such entity.
        ValueError: fewer than one, or more than :data:`MOST`, are asked for.
    """
    if not 0 < limit <= MOST:
        raise ValueError(limit)
    kind = records.model[entity]
    mine = select(TRASH.c.record).where(TRASH.c.entity.in_(former_names(kind)))
    if after:
        mine = mine.where(TRASH.c.record_id > after)
    rows = connection.execute(mine.order_by(TRASH.c.record_id).limit(limit))
    return [record_of(kind, row.record)[0] for row in rows]


def set_aside(records: "Records", connection: Connection) -> frozenset[str]:
    """The entities of which something is in the trash or in the vault, by the names that they have now."""
    return _named(records, connection, _ASIDE)


def kept_aside(records: "Records", connection: Connection) -> frozenset[str]:
    """The entities of which values lie in the vault that nobody looks for, by the names that they have now."""
    return _named(records, connection, _KEPT)


def _named(records: "Records", connection: Connection, found: Any) -> frozenset[str]:
    then = frozenset(connection.scalars(found))
    return frozenset(kind.name for kind in records.model if not then.isdisjoint(former_names(kind)))


def same_by_merges(records: "Records", connection: Connection, entity: str, id_: str) -> list[str]:
    """See :func:`~xrm_core.records.merged.same_as`. Raises KeyError: there is no such entity."""
    return merged.same_as(connection, records.model[entity], id_) if is_id(id_) else []
