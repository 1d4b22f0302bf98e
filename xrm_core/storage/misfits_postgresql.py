"""Values of which nothing comes in the new model, written after the plan has found none: seen in time at the switch.

A prepared column says of each record whether it has such a value, kept in step like the converted ones; an index over
the few records where it is true makes the look at the switch a matter of a moment.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Boolean, Column, Connection, Index, MetaData, Table, exists, false, func, select

from xrm_core import naming
from xrm_core.storage.conversions import keeps_values
from xrm_core.storage.fill_postgresql import Refill
from xrm_core.storage.plan import Plan
from xrm_core.storage.table_pair import TablePair

_NAME = "_misfit_{}"  # no field begins with an underscore


class NoLongerFits(Exception):
    """Somebody wrote a value that cannot be converted, after the plan was made."""


def watched(pair: TablePair, plan: Plan) -> Refill:
    """Column → condition, for the conversions of a table in which no value may be lost.

    Those of which the plan says that values are lost have been consented to.
    """
    own = (operation for operation in plan.operations if operation.entity == pair.pair.new.name)
    lossy = {operation.field for operation in own if operation.risk == "lossy"}
    fields = {column: name for name, field in pair.pair.new.fields.items() for column in field.columns}
    whole = {name for name, kept in pair.pair.fields.items() if keeps_values(kept.old, kept.new)}
    return {
        _NAME.format(conversion.targets[0]): func.coalesce(conversion.misfit(dict(pair.old.c), "postgresql"), false())
        for conversion in pair.pair.conversions
        if not {fields.get(target) for target in conversion.targets} & (lossy | whole)
    }


def columns(names: Iterable[str]) -> Iterator[Column[bool]]:
    """The prepared columns of these names."""
    return (Column(naming.prepared(name), Boolean) for name in names)


def indexes(table: str, names: Iterable[str]) -> Iterator[Index]:
    """The index of each of them, on the present table."""
    for column in columns(names):
        staged = Table(table, MetaData(), Column("id"), column)
        name = naming.prepared(f"ix_{table}{column.name.removeprefix(naming.PREPARED)}")
        yield Index(name, staged.c.id, postgresql_where=column)


def refuse(connection: Connection, table: str, names: Iterable[str]) -> None:
    """Look for misfits in a table that is locked.

    Raises:
        NoLongerFits: there is one.
    """
    for column in columns(names):
        staged = Table(table, MetaData(), Column("id"), column)
        if connection.scalar(select(exists(select(staged.c.id).where(column)))):
            raise NoLongerFits
