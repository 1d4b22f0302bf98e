"""What has to hold when a transaction commits, asked by a statement that fails if it does not: others may stand behind
it in the same round trip, the commit among them, before anybody has looked at what it found.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, and_, case, literal_column, select
from sqlalchemy.sql import ColumnElement

from xrm_core.storage.driver_statements import Call, DriverStatement
from xrm_core.storage.kept_statements import KeptStatements

_ONE: ColumnElement[int] = literal_column("1")
_NONE: ColumnElement[int] = literal_column("0")


@dataclass(slots=True)
class Requirement:
    """A condition of SQL.

    ``key`` is equal for equal ones; ``make`` makes it, with binds of names that no other has beside it; ``values`` are
    those of its binds.
    """

    key: Hashable
    make: Callable[[], ColumnElement[bool]]
    values: Mapping[str, Any]


def requiring(
    requirements: Sequence[Requirement], kept: KeptStatements, dialect: Dialect, values: dict[str, Any]
) -> Call:
    """What fails unless all of some requirements hold.

    Args:
        requirements: over the tables of one model.
        kept: the statements of that model.
        dialect: of the database.
        values: those of the caller, to which theirs are added.
    """

    def make() -> DriverStatement:
        holds = and_(*(each.make() for each in requirements))
        return DriverStatement(select(_ONE.op("/")(case((holds, _ONE), else_=_NONE))), dialect)

    statement = kept.get(("required", dialect.name, *(each.key for each in requirements)), make)
    for each in requirements:
        values.update(each.values)
    return statement.call(values)
