"""Limits of roles: what a query of one may cost, and how far it may go. What a role leaves open, settings decide."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

MAX_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class RoleLimits:
    """What ``limits`` of a role says; None: nothing.

    Args:
        cost: points that a query may cost.
        page_size: records that may be asked for on one page.
        depth: levels that a document may nest.
        timeout: seconds that a statement may take.
    """

    cost: int | None = None
    page_size: int | None = None
    depth: int | None = None
    timeout: float | None = None


NO_LIMITS = RoleLimits()
NAMES = tuple(each.name for each in fields(RoleLimits))


@dataclass(frozen=True, slots=True)
class Decided:
    """The same limits when none is left open any more."""

    cost: int
    page_size: int
    depth: int
    timeout: float


def mistakes(body: Any) -> Iterator[str]:
    """What is wrong with ``limits`` of a role as it stands in a file."""
    if not isinstance(body, dict):
        yield f"limits must be an object with some of {', '.join(NAMES)}"
        return
    for name, value in body.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name not in NAMES:
            yield f"limits has no {name!r}; it has {', '.join(NAMES)}"
        elif name == "timeout":
            if not number or not 0 < value <= MAX_SECONDS:
                yield f"limits.timeout must be a number of seconds, more than 0 and at most {MAX_SECONDS}"
        elif not number or isinstance(value, float) or value < 1:
            yield f"limits.{name} must be a whole number, at least 1"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of a set of roles: the values that they have for each, None for a role that leaves it open."""

    values: Mapping[str, frozenset[Any]] = field(default_factory=lambda: MappingProxyType({}))

    def within(self, usual: Decided) -> Decided:
        """For each limit the largest of the roles; what a role leaves open is as usual."""
        return Decided(**{name: self._largest(name, getattr(usual, name)) for name in NAMES})

    def _largest(self, name: str, usual: Any) -> Any:
        return max((usual if value is None else value for value in self.values.get(name, ())), default=usual)


def allowance(
    limits: Mapping[str, RoleLimits], parents: Mapping[str, Iterable[str]], roles: Sequence[str]
) -> Allowance:
    """The limits of roles together. A role that leaves one open has it from those that it inherits, if there are any.

    Args:
        limits: of all roles, by name.
        parents: the roles that each inherits; no role inherits itself.
        roles: those that are asked about.
    """

    def values(role: str, name: str) -> Iterator[Any]:
        own, above = getattr(limits[role], name), tuple(parents[role])
        if own is not None or not above:
            yield own
        else:
            for parent in above:
                yield from values(parent, name)

    return Allowance({name: frozenset(value for role in roles for value in values(role, name)) for name in NAMES})
