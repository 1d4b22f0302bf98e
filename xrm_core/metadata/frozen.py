"""JSON values that cannot be changed, and back again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_PLAIN = frozenset({str, int, bool, float, type(None)})
"""Most values are of these, and to ask whether one is a mapping takes longer."""


def freeze(value: Any) -> Any:
    """The JSON value with read-only mappings and tuples, all the way down."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(part) for key, part in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(part) for part in value)
    return value


def thaw(value: Any) -> Any:
    """The same value with plain dicts and lists, as libraries want it (e.g. ``Entity.json_schema`` for a validator)."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {key: thaw(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(part) for part in value]
    return value
