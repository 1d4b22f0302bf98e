"""What a query costs, in points, known before it runs. The table of weights for clients is in ``docs/costs.md``.

A point is a record of the answer. A scan reads records that the answer does not have: that of an entity with 30 000
records takes about as long as 1 000 records of an answer, and weighs as many.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

from xrm_core.errors import QueryTooLarge
from xrm_core.graphql.arguments import Arguments, Getter
from xrm_core.metadata.predicate import Literal_, Param

SCAN, SCAN_INSIDE = 1000, 10
"""A scan of a whole entity, and of what is related to one record."""

CHANGE = 10
"""A mutation, beside the record that it answers with."""

FEED = 10
"""The feed of changes, and each change that it tells beside its record."""

WRITTEN = 1
"""A record that a mutation of many writes."""

ACCOUNT = 50
"""What a user asks of their own account, or changes in it."""

SHARES = 10
"""The shares of a record."""

CHANGES = 2
"""An entry of the history of a record."""

AS_OF = 50
"""A record as it was."""

LOOKUPS = 10
"""Look-ups of an id in an entity that weigh as much as a record."""


def look_up(entities: int) -> int:
    """A record by an id that may be one of so many entities."""
    return 1 + entities // LOOKUPS


Path = tuple[str, ...]
"""Response keys from the root to a field."""

Size = Literal_ | Param | Getter


class CostTooHigh(QueryTooLarge):
    """A query costs more than the role of its caller may spend; ``cost`` is told to who asks what it costs."""

    def __init__(self, requested: int, limit: int, fields: Mapping[Path, int]) -> None:
        path = max(fields, key=lambda each: fields[each])
        super().__init__(
            f"The query costs {requested} points, and your limit is {limit}. "
            f"{fields[path]} of them are for {'.'.join(path)}.",
            hint="Page sizes multiply down the tree: ask there for a smaller page (first), or for less in each record.",
            details={"cost": requested, "limit": limit, "path": list(path)},
        )
        self.cost = told(requested, limit, fields)


def told(requested: int, limit: int, fields: Mapping[Path, int]) -> dict[str, Any]:
    """``extensions.cost`` of an answer: the whole, the limit, and what each field has of it, the dearest first."""
    parts = sorted(fields.items(), key=lambda each: (-each[1], each[0]))
    return {
        "requested": requested,
        "limit": limit,
        "fields": [{"path": list(path), "points": points} for path, points in parts],
    }


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    points: int
    sizes: tuple[Getter, ...]

    def of(self, variables: Mapping[str, Any]) -> int:
        points: int = prod((size(variables) for size in self.sizes), start=self.points)
        return points


@dataclass
class Costs:
    """Adds up the cost of one plan while the plan is made. Sizes out of variables are known at each run only.

    Args:
        arguments: has the values of parameters.
    """

    arguments: Arguments
    _path: Path = ()
    _above: tuple[Size, ...] | None = None
    _fixed: int = 0
    _parts: list[_Part] = field(default_factory=list)
    _varying: list[_Part] = field(default_factory=list)

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """What is added in here belongs to the field of this response key."""
        outside = self._path
        self._path = (*outside, key)
        try:
            yield
        finally:
            self._path = outside

    @contextmanager
    def inside(self, *sizes: Size) -> Iterator[None]:
        """What is added in here is asked for each record of a page of this size; without a size: of one record."""
        outside = self._above
        self._above = (*(outside or ()), *sizes)
        try:
            yield
        finally:
            self._above = outside

    def add(self, points: int, *sizes: Size) -> None:
        """So many points, multiplied by sizes and by those of the pages around."""
        getters: list[Getter] = []
        for size in (*(self._above or ()), *sizes):
            if isinstance(size, Literal_):
                points *= size.value
            else:
                getters.append(self.arguments.getters[size.name] if isinstance(size, Param) else size)
        if points:
            part = _Part(self._path, points, tuple(getters))
            self._parts.append(part)
            if getters:
                self._varying.append(part)
            else:
                self._fixed += points

    def scans(self, count: int) -> None:
        """So many scans of the list of the field."""
        self.add(count * (SCAN if self._above is None else SCAN_INSIDE))

    def total(self, variables: Mapping[str, Any]) -> int:
        """What a request costs at most, in points."""
        if not self._varying:
            return self._fixed
        return self._fixed + sum(part.of(variables) for part in self._varying)

    def fields(self, variables: Mapping[str, Any]) -> dict[Path, int]:
        """What each field has of it, the fields below it not counted; those that cost nothing are left out."""
        found: Counter[Path] = Counter()
        for part in self._parts:
            found[part.path] += part.of(variables)
        return {path: points for path, points in found.items() if points}
