"""What the selection of a page has need of: fields of its records, and what is JSON out of other tables."""

from collections.abc import Iterable, Iterator
from typing import Any

from xrm_core.query.request import (
    AsOf,
    Edges,
    Figures,
    FileValue,
    History,
    Item,
    Label,
    MoneyValue,
    Network,
    Nodes,
    Relationships,
    Shares,
    ToMany,
    ToOne,
    Value,
)

Nested = FileValue | ToOne | ToMany | Figures | Relationships | Network | Shares | History | AsOf
"""What of a record is JSON out of other tables."""


def nested(parts: Iterable[Any]) -> Iterator[Nested]:
    """What of the records of a page is JSON out of other tables."""
    for part in parts:
        selections = [part.selection] if isinstance(part, Nodes) else []
        selections += [edge.selection for edge in part.parts] if isinstance(part, Edges) else []
        for selection in selections:
            yield from (item for item in selection if isinstance(item, Nested))


def needed(parts: Iterable[Any]) -> Iterator[str]:
    """Fields of the record that the JSON of a page is made of."""
    for part in parts:
        if isinstance(part, Nodes):
            yield from _fields(part.selection)
        elif isinstance(part, Edges):
            for edge in part.parts:
                yield from _fields(edge.selection if edge.part == "node" else ())


def _fields(selection: Iterable[Item]) -> Iterator[str]:
    for item in selection:
        if isinstance(item, Value | FileValue | MoneyValue):
            yield item.field
        elif isinstance(item, ToOne):
            yield item.relation
        elif isinstance(item, Label):
            yield from ("type", "direction")
