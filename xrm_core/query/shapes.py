"""A predicate without its values: what was made for one is good for all that differ in values alone."""

from dataclasses import replace
from typing import Any

from xrm_core.metadata.predicate import (
    FLAGS,
    All,
    Any_,
    Compare,
    Literal_,
    Not,
    OfFile,
    Param,
    Predicate,
    Related,
    Search,
    Whole,
)

_PREFIX = "value_"


def without_values(predicate: Predicate) -> tuple[Predicate, dict[str, Any]]:
    """The predicate with parameters in the place of its values, and these by name.

    What makes another statement stays: whether a value is empty, and what flags say.
    """
    values: dict[str, Any] = {}
    return _without(predicate, values), values


def _without(predicate: Predicate, values: dict[str, Any]) -> Predicate:
    match predicate:
        case All(parts):
            return All(tuple(_without(each, values) for each in parts))
        case Any_(parts):
            return Any_(tuple(_without(each, values) for each in parts))
        case Not() | Related() | OfFile() | Whole():
            return replace(predicate, part=_without(predicate.part, values))
        case Compare(value=Literal_(value)) if value is not None and predicate.op not in FLAGS:
            return replace(predicate, value=_named(value, values))
        case Search(Literal_(value)):
            return Search(_named(value, values))
        case _:
            return predicate


def _named(value: Any, values: dict[str, Any]) -> Param:
    name = f"{_PREFIX}{len(values)}"
    values[name] = value
    return Param(name)
