"""The demo of each pack that has one: who signs in, which records there are, which queries show them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from xrm_core.demo import association, machine_builder
from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.draw import Record
from xrm_core.demo.example import Example
from xrm_core.demo.examples import EXAMPLES
from xrm_core.demo.records import counts, links, patches, records

SIZE = 20_000
"""Records of the core pack's demo, unless another size is asked for."""


@dataclass(frozen=True, slots=True)
class DemoPack:
    """Demo data of a pack.

    Args:
        name: of the pack, as its ``pack.json`` says.
        users: role → id of the user who has it; their tokens are printed.
        counts: how many records there are, by entity in the order of loading.
        records: (entity, its records) in an order in which every reference exists already.
        patches: (entity, id, fields) of the changes to make once all records are there.
        examples: queries for the page.
    """

    name: str
    users: Mapping[str, str]
    counts: Mapping[str, int]
    records: Callable[[], Iterator[tuple[str, list[Record]]]]
    patches: Callable[[], Iterator[tuple[str, str, Record]]]
    examples: tuple[Example, ...]

    @property
    def size(self) -> int:
        """How many records in all."""
        return sum(self.counts.values())


def core_demo(size: int = SIZE) -> DemoPack:
    """The demo of the core pack, with so many records in all.

    Raises:
        SettingsError: too few.
    """
    return DemoPack(
        "core", DEMO_USERS, counts(size), partial(_core_records, size), partial(patches, size=size), EXAMPLES
    )


def _core_records(size: int) -> Iterator[tuple[str, list[Record]]]:
    """The records, and the links between them, which do not count for the size."""
    made: dict[str, list[Record]] = {}
    for entity, rows in records(size=size):
        made[entity] = rows
        yield entity, rows
    yield from links(made)


def demo_of(packs: Iterable[str]) -> DemoPack:
    """The demo of the highest of these packs that has one: the names of the layers, the lowest first."""
    for name in reversed(list(packs)):
        if name in _DEMOS:
            return _DEMOS[name]()
    return core_demo()


def _association() -> DemoPack:
    return DemoPack(
        "association",
        association.users(),
        association.counts(),
        association.records,
        association.patches,
        association.EXAMPLES,
    )


def _machine_builder() -> DemoPack:
    return DemoPack(
        "machine_builder",
        machine_builder.users(),
        machine_builder.counts(),
        machine_builder.records,
        machine_builder.patches,
        machine_builder.EXAMPLES,
    )


def _machine_builder_base() -> DemoPack:
    """The same without quotes, and examples that ask for none."""
    counts = {entity: count for entity, count in machine_builder.counts().items() if entity not in _QUOTES}
    examples = tuple(each for each in machine_builder.EXAMPLES if "uote" not in each.query)

    def records() -> Iterator[tuple[str, list[Record]]]:
        return ((entity, rows) for entity, rows in machine_builder.records() if entity not in _QUOTES)

    return DemoPack("machine_builder_base", machine_builder.users(), counts, records, machine_builder.patches, examples)


_QUOTES = ("quote", "quote_item")


_DEMOS: Mapping[str, Callable[[], DemoPack]] = {
    "core": core_demo,
    "association": _association,
    "machine_builder": _machine_builder,
    "machine_builder_base": _machine_builder_base,
}
