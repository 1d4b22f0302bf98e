"""What can be asked of figures: over the records of an entity, in groups or all of them. No SQL in here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xrm_core.metadata.predicate import EVERYTHING, Literal_, Operand, Predicate
from xrm_core.query.request import TypeName

Function = Literal["sum", "avg", "min", "max", "countDistinct"]
UTC = Literal_("UTC")
DatePart = Literal["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A value to group by; ``path`` leads to it through to-one relations. ``part``: the first day or moment of it."""

    path: tuple[str, ...]
    field: str
    part: DatePart | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a group: a function over a field, or the number of records."""

    function: Function | Literal["count"]
    field: str = ""


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """Sort groups by a key or a figure. Empty values sort as the largest."""

    by: GroupKey | Figure
    descending: bool = False


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A group key in the answer: a value, or an object of them for a relation on the way."""

    key: str
    group: GroupKey | None = None
    parts: tuple["KeyPart | TypeName", ...] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """The ``key`` object of a group."""

    key: str
    parts: tuple[KeyPart | TypeName, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """Number of records of the group."""

    key: str


@dataclass(frozen=True, slots=True)
class Over:
    """The group keys that a total adds up over, as a list of ``names``; empty for a group."""

    key: str
    names: Mapping[GroupKey, str]


@dataclass(frozen=True, slots=True)
class Measures:
    """One function over several fields; ``parts`` are pairs (key, field)."""

    key: str
    function: Function
    parts: tuple[tuple[str, str] | TypeName, ...]


AggregatePart = Keys | Count | Over | Measures | TypeName
Totals = Literal["ROLLUP", "CUBE"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Figures over the records of one entity, one row for each group (one row in all without groups).

    ``having`` is about :func:`xrm_core.query.figures_view.view`. ``order`` comes before that of the keys. ``totals``
    are rows more: of all but the last key, but the last two, …, of all (``ROLLUP``), or of each set of keys (``CUBE``).
    ``zone`` is the time zone whose days, weeks, … moments are grouped by.
    """

    entity: str
    where: Predicate
    groups: tuple[GroupKey, ...]
    parts: tuple[AggregatePart, ...]
    limit: Operand
    having: Predicate = EVERYTHING
    order: tuple[GroupOrder, ...] = ()
    totals: Totals | None = None
    zone: Operand = UTC
    where_link: Predicate = EVERYTHING
