"""What the log keeps of one change of one record."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

Causes = tuple[tuple[str, str], ...]
"""What has led to a change, the first cause first: kind and name of each, ``("request", id)``, ``("hook", plugin)``."""


class Operation(StrEnum):
    """What was done with a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


class Change(NamedTuple):
    """A change of a record.

    ``version`` is the record's after it; of a deleted one, the next. ``actor`` is the id of the user or token who is
    named as its author (None: the platform). ``fields`` has, in JSON types, the values of a record created or
    restored (all that are not empty) or deleted (as it was), or the pair ``[old, new]`` of each field that has changed.
    """

    entity: str
    record_id: str
    operation: Operation
    version: int
    actor: str | None
    causes: Causes
    fields: Mapping[str, Any]


def text(value: Any) -> str:
    """JSON as the log keeps it: one text for one value."""
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is list or kind is tuple:  # most are short, and to begin with an encoder takes longer than they do
        return f"[{','.join(map(text, value))}]"
    return "null" if value is None else _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_quoted = json.encoder.encode_basestring
