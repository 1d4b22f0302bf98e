"""An answer of GraphQL → a table: groups with their figures, or records, each a row of text."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any


def table(data: Mapping[str, Any]) -> tuple[list[str], list[list[str | None]]]:
    """Columns, and rows of as many values.

    A column is a path: ``key.owner.lastName``, ``sum.amount``. Lists within a row are counted, not shown; but
    figures of a list without groups are columns, too: ``opportunitiesAggregate.count``.

    Args:
        data: of one root field or several with the same columns; rows follow each other in their order.
    """
    records = [dict(_flat(each)) for field in data.values() for each in _records(field)]
    columns = list(dict.fromkeys(name for record in records for name in record))
    return columns, [[record.get(name) for name in columns] for record in records]


def _records(field: Any) -> list[Any]:
    if isinstance(field, Mapping) and isinstance(field.get("nodes"), list):
        return list(field["nodes"])
    return list(field) if isinstance(field, list) else [field]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str | None]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and len(value) == 1 and path.endswith("Aggregate"):
        yield from _flat(value[0], path)
    elif isinstance(value, list):
        texts = all(isinstance(each, str) for each in value)
        yield path, " ".join(value) if texts else str(len(value))
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif isinstance(value, float):
        yield path, _number(value)
    else:
        yield path, None if value is None else str(value)


def _number(value: float) -> str:
    """An average, say: databases write whole ones as 50 or as 50.0."""
    whole = value.is_integer()
    return str(int(value)) if whole else f"{Decimal(repr(value)):f}"
