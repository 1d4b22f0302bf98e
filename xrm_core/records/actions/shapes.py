"""Dataclasses of plugins as shapes: what may be given to an action, and what it may answer.

A field is a ``str``, ``int``, ``float``, ``bool``, ``Decimal``, ``date``, ``datetime``, an ``Enum``, Strawberry's
``ID``, another dataclass, a list of one of these, or one of these ``| None``. One with a default may be left out.
"""

import dataclasses
import datetime as dt
import enum
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import strawberry

from xrm_core import naming
from xrm_core.errors import BadRequest
from xrm_core.translation import say

PLAIN = (str, int, float, bool, Decimal, dt.date, dt.datetime, strawberry.ID)
_NO_WORDS = ("true", "false", "null")
_MOST = 5  # levels of dataclasses in each other


class ValueInvalid(BadRequest):
    """What was given to an action is not of its form."""


@dataclass(frozen=True, slots=True)
class RecordOf:
    """Marks a text in the answer of a query field as the id of a record: ``Annotated[str, RecordOf("customer")]``.

    Clients ask for fields of the record there, and get those that they may see; null, if they may not see the record.
    """

    entity: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: ``of`` is one of :data:`PLAIN`, an enum, a :class:`Shape`, a record, or the kind of a list's items."""

    of: Any
    nullable: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a shape; ``key`` is its name outside."""

    name: str
    key: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A dataclass."""

    made_of: type
    parts: tuple[Part, ...]


def shape_of(given: type, depth: int = 0, *, records: bool = False) -> Shape:
    """The shape of a dataclass. Raises TypeError: it has a field of a type that is not possible here.

    ``records``: ids in it may be marked as those of records.
    """
    if depth == _MOST:
        raise TypeError(f"{given.__name__} nests too deep")
    hints = get_type_hints(given, include_extras=True)
    parts = tuple(
        Part(
            each.name,
            naming.camel(each.name),
            kind_of(hints[each.name], f"{given.__name__}.{each.name}", depth, records=records),
            each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING,
        )
        for each in dataclasses.fields(given)
    )
    if not parts:
        raise TypeError(f"{given.__name__} has no fields")
    for part in parts:
        if not naming.NAME.fullmatch(part.name):
            raise TypeError(f"{given.__name__}.{part.name} has a name that is none (a-z, 0-9, _)")
        if [each.key for each in parts].count(part.key) > 1:
            raise TypeError(f"{given.__name__} has several fields that are called {part.key} outside")
    return Shape(given, parts)


def kind_of(hint: Any, at: str, depth: int = 0, *, records: bool = False) -> Kind:
    """The kind of a type that Python writes. Raises TypeError, which names ``at``: it is not possible here.

    ``records`` is as in :func:`shape_of`.
    """
    if get_origin(hint) is Annotated:
        marks = [each for each in get_args(hint)[1:] if isinstance(each, RecordOf)]
        if marks and not records:
            raise TypeError(f"{at} is a record, which only answers of query fields have")
        if marks and get_args(hint)[0] is not str:
            raise TypeError(f"{at} is a record, and no text with its id")
        return Kind(marks[0]) if marks else kind_of(get_args(hint)[0], at, depth, records=records)
    if get_origin(hint) in (Union, types.UnionType):
        rest = [each for each in get_args(hint) if each is not type(None)]
        if len(rest) != 1 or len(get_args(hint)) != 2:
            raise TypeError(f"{at} may be of several types")
        return dataclasses.replace(kind_of(rest[0], at, depth, records=records), nullable=True)
    if get_origin(hint) is list:
        return Kind(kind_of(get_args(hint)[0], at, depth, records=records), many=True)
    if hint in PLAIN:
        return Kind(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        for each in hint:
            if not naming.ENUM_VALUE.fullmatch(each.name) or each.name in _NO_WORDS:
                raise TypeError(f"{at} has the value {each.name}, which cannot be a word of GraphQL")
        return Kind(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return Kind(shape_of(hint, depth + 1, records=records))
    raise TypeError(f"{at} is of a type that is not possible here: {hint!r}")


def made(shape: Shape, given: Any, at: str = "input") -> Any:
    """The dataclass out of values as GraphQL or JSON have them.

    Raises:
        ValueInvalid: something is missing, too much, or not what it should be.
    """
    if not isinstance(given, Mapping):
        raise ValueInvalid(say("{place} must be an object.", place=at))
    known = {part.key: part for part in shape.parts}
    for key in given:
        if key not in known:
            raise ValueInvalid(say("{place} has no field {field}.", place=at, field=str(key)[:60]))
    values: dict[str, Any] = {}
    for key, part in known.items():
        place = f"{at}.{key}"
        if key not in given or (given[key] is None and not part.kind.nullable and not part.required):
            if part.required:
                raise ValueInvalid(say("{place} is missing.", place=place))
        else:
            values[part.name] = _value(part.kind, given[key], place)
    try:
        return shape.made_of(**values)
    except ValueError as error:  # of the dataclass itself
        raise ValueInvalid(say("{place} is not possible: {reason}", place=at, reason=str(error)[:200])) from None


def _value(kind: Kind, given: Any, at: str) -> Any:
    if given is None:
        if kind.nullable:
            return None
        raise ValueInvalid(say("{place} must not be null.", place=at))
    if kind.many:
        if not isinstance(given, list):
            raise ValueInvalid(say("{place} must be a list.", place=at))
        return [_value(kind.of, each, f"{at}.{number}") for number, each in enumerate(given)]
    if isinstance(kind.of, Shape):
        return made(kind.of, given, at)
    try:
        return _plain(kind.of, given)
    except (ValueError, TypeError, KeyError, InvalidOperation):
        raise ValueInvalid(say("{place} has a value that it cannot have.", place=at)) from None


def _plain(of: Any, given: Any) -> Any:
    if isinstance(of, type) and issubclass(of, enum.Enum):
        return of[given]
    if of is Decimal:
        found = Decimal(str(given)) if not isinstance(given, bool) else Decimal("NaN")
        if not found.is_finite():
            raise ValueError("no number")
        return found
    if of in (dt.date, dt.datetime):
        if not isinstance(given, str):
            raise TypeError("no text")
        found_at = of.fromisoformat(given)
        if of is dt.datetime and found_at.tzinfo is None:
            raise ValueError("no zone")
        return found_at
    if of is float and isinstance(given, int) and not isinstance(given, bool):
        return float(given)
    if of is float and isinstance(given, float) and not math.isfinite(given):
        raise ValueError("no number")
    wanted = str if of is strawberry.ID else of
    if type(given) is not wanted:
        raise TypeError("another type")
    return given


def told(shape: Shape, value: Any) -> dict[str, Any]:
    """What an action has answered, as JSON has it. Raises TypeError: it is not of the shape."""
    if not isinstance(value, shape.made_of):
        raise TypeError(f"the answer must be a {shape.made_of.__name__}, not {type(value).__name__}")
    return {part.key: told_as(part.kind, getattr(value, part.name), part.name) for part in shape.parts}


def told_as(kind: Kind, value: Any, name: str) -> Any:
    """The same of a value of a kind; ``name`` is what an error calls it."""
    if value is None:
        if kind.nullable:
            return None
        raise TypeError(f"{name} of the answer is None")
    if kind.many:
        return [told_as(kind.of, each, name) for each in value]
    if isinstance(kind.of, Shape):
        return told(kind.of, value)
    if not _fits(kind.of, value):
        raise TypeError(f"{name} of the answer is a {type(value).__name__}")
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, dt.date) else value


def _fits(of: Any, value: Any) -> bool:
    """Whether a value is of a plain type; Python takes truth values for numbers, and moments for dates."""
    if of in (int, float):
        return isinstance(value, (int, float) if of is float else int) and not isinstance(value, bool)
    if of is dt.date:
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return isinstance(value, str if of is strawberry.ID or isinstance(of, RecordOf) else of)
