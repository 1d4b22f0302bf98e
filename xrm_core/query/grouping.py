"""Which sets of keys totals are made of, and how a row says over which keys it adds up: PostgreSQL's ``GROUPING``."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from xrm_core.query.figures_request import Totals


def sets(kind: Totals, labels: Sequence[str]) -> Iterator[frozenset[str]]:
    """Each set of keys of ``ROLLUP`` or ``CUBE``, all keys first, none last."""
    for count in range(len(labels), -1, -1):
        chosen = combinations(labels, count) if kind == "CUBE" else (labels[:count],)
        yield from (frozenset(each) for each in chosen)


def bit(labels: Sequence[str], label: str) -> int:
    """The bit of a key in the number that says which keys a row adds up over; that of the last key is 1."""
    return int(2 ** (len(labels) - 1 - labels.index(label)))
