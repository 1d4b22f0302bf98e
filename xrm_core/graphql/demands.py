"""What a document demands: conditions, pages, steps and cursors, held to limits before anything is asked.

What stands in the document is checked when its plan is made; what comes out of variables, at each run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xrm_core.errors import BadQuery, QueryTooLarge
from xrm_core.graphql.arguments import Arguments, Getter, Tree
from xrm_core.graphql.costs import SCAN, Costs, CostTooHigh, look_up, told
from xrm_core.metadata.clock import is_zone
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import Literal_, Param
from xrm_core.permissions.role_limits import Decided
from xrm_core.query.figures_request import UTC
from xrm_core.query.order import decode
from xrm_core.query.request import Cursor, Order

MAX_CONDITIONS = 800
"""Comparisons and groups of them in all filters of a document: compiling them takes time."""


@dataclass(frozen=True)
class Limits:
    """Sizes of pages in records, of one that is not said and of the largest; how far a network may reach, in steps.

    ``cost`` is what a document may cost in all, in points.
    """

    default_page: int = 50
    largest_page: int = 1000
    cost: int = 250_000
    steps: int = 5

    def of(self, role: Decided) -> "Limits":
        """These limits as they are for a role."""
        usual = min(self.default_page, role.page_size)
        return replace(self, default_page=usual, largest_page=role.page_size, cost=role.cost)


@dataclass(frozen=True)
class CursorUse:
    """A cursor in a plan: where it comes from, and which of its values were empty when the plan was made."""

    getter: Getter
    model: Model
    entity: Entity
    order: tuple[Order, ...]
    names: tuple[str, ...]
    nulls: tuple[bool, ...]

    def values(self, text: str) -> tuple[Any, ...]:
        """The values in a cursor; BadCursor if it does not fit."""
        return decode(text, self.model, self.entity, self.order)


@dataclass
class Demands:
    """The demands of one plan.

    Args:
        variables: those of the request for which the plan is made.
        arguments: reads arguments; makes parameters.
        limits: what is not to be exceeded.
    """

    variables: Mapping[str, Any]
    arguments: Arguments
    limits: Limits
    cursors: list[CursorUse] = field(default_factory=list)
    _conditions: int = 0
    _sizes: list[Getter] = field(default_factory=list)
    _ids: list[Getter] = field(default_factory=list)
    _steps: list[Getter] = field(default_factory=list)
    _zones: list[Getter] = field(default_factory=list)
    costs: Costs = field(init=False)

    def __post_init__(self) -> None:
        self.costs = Costs(self.arguments)

    def conditions(self, count: int) -> None:
        """Add the conditions of a filter; QueryTooLarge if there are too many in all."""
        self._conditions += count
        if self._conditions > MAX_CONDITIONS:
            raise QueryTooLarge(
                "The filters of the document have too many conditions.",
                hint="Values of one field go into a list (in, notIn); split the document into several requests.",
            )

    def page_size(self, tree: Tree) -> Literal_ | Param:
        """The size of a page; None is the usual size."""
        size: Literal_ | Param = Literal_(self.limits.default_page) if tree is None else tree
        self._sizes.append(self._getter(size))
        return size

    def ids(self, tree: Literal_ | Param, entities: int) -> Literal_ | Param:
        """How many records a list of ids asks for, each of which is looked up in so many entities."""
        given = self._getter(tree)
        count = Literal_(len(tree.value)) if isinstance(tree, Literal_) else self.arguments.late(_length(given))
        self._ids.append(self._getter(count))
        self.costs.add(look_up(entities), count)
        return count

    def search(self, entities: Literal_ | Param) -> None:
        """The work of a search through these entities: a scan of each."""
        given = self._getter(entities)
        self.costs.add(SCAN, lambda variables: len(set(given(variables))))

    def steps(self, tree: Tree) -> Literal_ | Param:
        """How far a network reaches; None is two steps, or one if no more are allowed."""
        steps: Literal_ | Param = Literal_(min(2, self.limits.steps)) if tree is None else tree
        self._steps.append(self._getter(steps))
        return steps

    def zone(self, tree: Tree) -> Literal_ | Param:
        """A time zone; None is UTC."""
        if tree is None:
            return UTC
        found: Literal_ | Param = tree
        self._zones.append(self._getter(found))
        return found

    def walk(self, size: Literal_ | Param, steps: Literal_ | Param) -> None:
        """The work of a network: each step looks at as many records as it may answer with, and at no fewer than a usual
        page has, since it does not know before which of them are the nearest.
        """
        usual, most = self.limits.default_page, self._getter(size)
        self.costs.add(1, lambda variables: max(usual, most(variables)), steps)

    def cursor(self, model: Model, entity: Entity, order: Sequence[Order], tree: Tree) -> Cursor:
        """A cursor; its values are bound at run time, which of them are empty shapes the SQL."""
        getter = self._getter(tree)
        values = decode(getter(self.variables), model, entity, order)
        parameters = [self.arguments.late(_nothing) for _ in values]
        nulls = tuple(value is None for value in values)
        names = tuple(each.name for each in parameters)
        self.cursors.append(CursorUse(getter, model, entity, tuple(order), names, nulls))
        return Cursor(tuple(parameters), nulls)

    def check(self, variables: Mapping[str, Any]) -> None:
        """Hold the sizes and the cost of a request to the limits, and look whether there are such time zones.

        Raises:
            BadQuery: there is none of that name.
            BadQuery, QueryTooLarge: a page is too large.
            CostTooHigh: all of it together costs too much.
        """
        for getter in self._sizes:
            self._check_size(getter(variables))
        for getter in self._ids:
            self._check_ids(getter(variables))
        for getter in self._steps:
            self._check_steps(getter(variables))
        for getter in self._zones:
            self._check_zone(getter(variables))
        requested = self.costs.total(variables)
        if requested > self.limits.cost:
            raise CostTooHigh(requested, self.limits.cost, self.costs.fields(variables))

    def cost(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """``extensions.cost`` of the answer to a request."""
        return told(self.costs.total(variables), self.limits.cost, self.costs.fields(variables))

    def _check_size(self, size: int) -> None:
        largest = self.limits.largest_page
        if size < 0:
            raise BadQuery(f"A page size of {size} makes no sense.", hint=f"Ask for 0 to {largest} records.")
        if size > largest:
            raise QueryTooLarge(
                f"A page has at most {largest} records, not {size}.",
                hint="Read the list page by page with pageInfo.endCursor and after.",
            )

    def _check_ids(self, count: int) -> None:
        largest = self.limits.largest_page
        if count > largest:
            raise QueryTooLarge(
                f"At most {largest} records are read by their ids at once, not {count}.",
                hint="Ask for them in several requests.",
            )

    def _check_zone(self, name: str) -> None:
        if not is_zone(name):
            raise BadQuery(f"There is no time zone {name!r}.", hint="For example Europe/Berlin, or UTC.")

    def _check_steps(self, steps: int) -> None:
        most = self.limits.steps
        if steps < 0:
            raise BadQuery(f"A network of {steps} steps makes no sense.", hint=f"Ask for 0 to {most} steps.")
        if steps > most:
            raise QueryTooLarge(
                f"A network reaches at most {most} steps far, not {steps}.",
                hint="Ask for the network of one of the records that you found.",
                details={"limit": most},
            )

    def _getter(self, tree: Literal_ | Param) -> Getter:
        if isinstance(tree, Param):
            return self.arguments.getters[tree.name]
        value = tree.value
        return lambda _variables: value


def _nothing(_variables: Any) -> None:
    return None


def _length(getter: Getter) -> Getter:
    return lambda variables: len(getter(variables))
