"""The one predicate language: what a ``where``, a row rule, a segment or a retention rule says.

Here are its words (frozen values) and :func:`parse`, which reads the JSON form with snake_case names used in files::

    {"owner": {"id": {"eq": "$user"}}, "or": [{"status": {"in": ["active", "lead"]}}, {"rating": {"isNull": true}}]}

Names joined in one object are ANDed. A relation is entered by its name; a to-many one by ``some``, ``none`` or
``every``. The logic is two-valued: a comparison with an empty field is false, ``ne`` and ``not`` of it are true.
It is compiled to SQL in one place, :mod:`xrm_core.query.predicates`, and never evaluated in Python.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from xrm_core.errors import BadQuery, FieldSealed
from xrm_core.metadata.clock import duration_seconds, time_text
from xrm_core.metadata.file_entity import FILE, FILTERED
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.types import ORDERED, SPANS, TEXTUAL, FieldType


class Op(StrEnum):
    """Comparison operators, by their name in the API."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "notIn"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    CONTAINS = "contains"
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    NUMBER = "number"
    HAS = "has"
    HAS_ANY = "hasAny"
    HAS_ALL = "hasAll"
    IS_EMPTY = "isEmpty"
    IS_NULL = "isNull"


_EQUALITY = (Op.EQ, Op.NE, Op.IN, Op.NOT_IN)
_ORDER = (Op.LT, Op.LTE, Op.GT, Op.GTE)
_SET = (Op.HAS, Op.HAS_ANY, Op.HAS_ALL, Op.IS_EMPTY)
LISTS = frozenset({Op.IN, Op.NOT_IN, Op.HAS_ANY, Op.HAS_ALL})
"""Operators that compare with a list."""

FLAGS = frozenset({Op.IS_EMPTY, Op.IS_NULL})
"""Operators that are true or false themselves."""

_TEXT = (Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH)


def operators(field: Field) -> tuple[Op, ...]:
    """The operators that a scalar field has, in the order of the documentation."""
    if field.operators:
        return tuple(op for op in _of_storage(field) if op in field.operators)
    return _of_storage(field)


def _of_storage(field: Field) -> tuple[Op, ...]:
    if field.type is FieldType.SET:
        return (*_SET, Op.IS_NULL)
    if field.type in (FieldType.JSON, FieldType.FILE):
        return (Op.IS_NULL,)
    found: tuple[Op, ...] = _EQUALITY
    if field.type in ORDERED:
        found += _ORDER
    if field.type in TEXTUAL:
        found += _TEXT
    if field.type is FieldType.PHONE:
        found += (Op.NUMBER,)
    return (*found, Op.IS_NULL)


@dataclass(frozen=True, slots=True)
class Literal_:  # noqa: N801 - Literal is typing's
    """A value that stands in the predicate itself: a JSON value of the field's type (a tuple of them for ``in``)."""

    value: Any


@dataclass(frozen=True, slots=True)
class Param:
    """A value that arrives when the statement runs, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Context:
    """A value of the request: ``user`` and ``team`` are ids of the caller and of the caller's team, ``teams`` those of
    that team and of all below it, ``now`` the moment, ``today`` the day.

    One of the caller that is unknown at run time means that the predicate is false.
    """

    name: str


Operand = Literal_ | Param | Context
SEARCH_WORDS, SEARCH_LENGTH = 20, 500
"""Of a text that is searched for; its length is in characters."""

_CONTEXT: Mapping[str, tuple[str, Mapping[FieldType, str]]] = {
    "$user": ("can be compared with an id", {FieldType.UUID: "user"}),
    "$team": ("can be compared with an id", {FieldType.UUID: "team"}),
    "$teams": ("stands behind in or notIn of an id", {FieldType.UUID: "teams"}),
    "$now": ("can be compared with a moment or a day", {FieldType.DATETIME: "now", FieldType.DATE: "today"}),
}
"""Words for values of the request, where they may stand, and what they are for a field of a type."""

_OF_CALLER = frozenset({"user", "team", "teams"})
"""Those that may be unknown."""


Ignoring = Literal["CASE", "CASE_AND_ACCENTS"]
IGNORING: tuple[Ignoring, ...] = ("CASE", "CASE_AND_ACCENTS")
"""What comparisons of text may leave out of account."""

BLIND = frozenset({*_EQUALITY, *_TEXT})
"""Operators that can."""


Level = Literal["read", "update"]
LEVELS: tuple[Level, ...] = ("read", "update")
"""What a record may be shared for; the higher one holds for the lower, too."""

SHARED = "$shared"
"""The word for :class:`Shared` in a row rule."""


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value`` on the entity itself. Text may be compared ``ignoring`` what is the same to people."""

    field: str
    op: Op
    value: Operand
    ignoring: Ignoring | None = None


@dataclass(frozen=True, slots=True)
class All:
    """True if each part is; ``All(())`` is true."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - Any is typing's
    """True if one part is; ``Any_(())`` is false."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the part is not."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Related:
    """A condition on related records.

    ``name`` is a relation field, an inverse or a link of the entity; ``target`` the entity on the other side; ``how``
    is ``is`` for to-one relations (polymorphic ones once per target), ``some``/``none``/``every`` for the others.
    """

    name: str
    target: str
    how: Literal["is", "some", "none", "every"]
    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Linked:
    """True if the to-one relation (polymorphic: to any target) is empty (``null``) or is not."""

    name: str
    null: bool


@dataclass(frozen=True, slots=True)
class OfFile:
    """A condition on the file in a field: ``part`` is about :data:`~xrm_core.metadata.file_entity.FILE`."""

    field: str
    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Search:
    """Every word of a text occurs in one of the entity's ``x-search`` fields."""

    text: Operand


@dataclass(frozen=True, slots=True)
class Whole:
    """A rule out of a file, which is false as a whole if a value of the caller that it names is unknown, also under a
    ``not`` in it. Rules that are joined with it are not concerned.
    """

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Shared:
    """The record is shared now with the caller, the caller's team or a role, at this level or a higher one."""

    level: Level


Predicate = Compare | All | Any_ | Not | Related | Linked | OfFile | Search | Whole | Shared
EVERYTHING = All(())
NOTHING = Any_(())


def whole(predicate: Predicate) -> Predicate:
    """The predicate as one rule of its own."""
    return Whole(predicate) if context_names(predicate) else predicate


def context_names(predicate: Predicate) -> frozenset[str]:
    """The values of the caller that a predicate names; those of a :class:`Whole` in it are its own affair. The time is
    none of them: it is always known.
    """
    match predicate:
        case All(parts) | Any_(parts):
            return frozenset().union(*map(context_names, parts))
        case Not(part) | Related(part=part) | OfFile(part=part):
            return context_names(part)
        case Compare(value=Context(name)):
            return frozenset({name}) & _OF_CALLER
        case _:
            return frozenset()


def parse(model: Model, entity: Entity, tree: Any, where: str = "") -> Predicate:
    """Read the JSON form. Raises :class:`~xrm_core.errors.BadQuery` that names the place of the first mistake."""
    if not isinstance(tree, Mapping):
        raise BadQuery(f"{where or 'The predicate'} must be an object, not {type(tree).__name__}.")
    parts: list[Predicate] = []
    for name, value in tree.items():
        at = f"{where}/{name}"
        if name in ("and", "or"):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise BadQuery(f"{at} must be a list of predicates.")
            items = tuple(parse(model, entity, item, f"{at}/{i}") for i, item in enumerate(value))
            parts.append(All(items) if name == "and" else Any_(items))
        elif name == "not":
            parts.append(Not(parse(model, entity, value, at)))
        elif name == "search":
            parts.append(_parse_search(entity, value, at))
        elif name == SHARED:
            if value not in LEVELS or entity.kind != "entity":
                raise BadQuery(f"{at}: records that have an entity file are shared for {' or '.join(LEVELS)}.")
            parts.append(Shared(LEVELS[LEVELS.index(value)]))
        elif (inverse := entity.inverses.get(name)) is not None:
            parts.extend(_parse_inverse(model, name, inverse.entity, value, at))
        elif (link := entity.links.get(name)) is not None:
            parts.extend(_parse_inverse(model, name, link.target, value, at))
        elif (found := entity.field(name)) is not None:
            parts.extend(_parse_field(model, found, value, at))
        else:
            raise BadQuery(f"{at}: the entity {entity.name} has no field or relation {name!r}.")
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _parse_inverse(model: Model, name: str, target: str, value: Any, at: str) -> list[Predicate]:
    if not isinstance(value, Mapping) or not value or set(value) - {"some", "none", "every"}:
        raise BadQuery(f"{at} must be an object with some, none or every.")
    return [Related(name, target, how, parse(model, model[target], part, f"{at}/{how}")) for how, part in value.items()]


def _parse_field(model: Model, field: Field, value: Any, at: str) -> list[Predicate]:
    if not isinstance(value, Mapping):
        raise BadQuery(f"{at} must be an object of operators.")
    if field.sealing is not None:
        raise FieldSealed(
            f"{at}: the values of {field.name} are sealed, so that no filter can look at them.",
            hint="Equal values are found by a blind index, if the field has one.",
        )
    if field.type is FieldType.FILE:
        return list(_parse_file(model, field, value, at))
    if field.parts:
        return list(_parse_parts(field, value, at))
    if field.relation is None:
        rest = dict(value)
        ignoring = _parse_ignoring(field, rest, at)
        found = (_parse_compare(field, op, operand, f"{at}/{op}") for op, operand in rest.items())
        return [replace(each, ignoring=ignoring) if ignoring else each for each in found]
    parts: list[Predicate] = []
    rest = dict(value)
    if "isNull" in rest:
        parts.append(Linked(field.name, _flag(rest.pop("isNull"), f"{at}/isNull")))
    if field.relation.polymorphic:
        for target, part in rest.items():
            if target not in field.relation.targets:
                raise BadQuery(f"{at}/{target}: {field.name} does not refer to {target!r}.")
            parts.append(Related(field.name, target, "is", parse(model, model[target], part, f"{at}/{target}")))
    elif rest or not parts:
        target = field.relation.targets[0]
        parts.append(Related(field.name, target, "is", parse(model, model[target], rest, at)))
    return parts


def _parse_ignoring(field: Field, value: dict[str, Any], at: str) -> Ignoring | None:
    """Take ``ignoring`` out of the operators of a field."""
    found = value.pop("ignoring", None)
    if found is None:
        return None
    if field.type not in TEXTUAL or found not in IGNORING:
        raise BadQuery(f"{at}/ignoring: text can be compared ignoring {' or '.join(IGNORING)}.")
    for op in value:
        if op in list(Op) and op not in BLIND:
            raise BadQuery(f"{at}/{op}: ignoring is for {', '.join(sorted(BLIND))}.")
    return IGNORING[IGNORING.index(found)]


def _parse_parts(field: Field, value: Mapping[str, Any], at: str) -> Iterator[Predicate]:
    for name, part in value.items():
        if name == Op.IS_NULL:
            yield Compare(next(iter(field.parts.values())).name, Op.IS_NULL, Literal_(_flag(part, f"{at}/{name}")))
        elif name not in field.parts or not isinstance(part, Mapping):
            raise BadQuery(f"{at}/{name}: {field.name} has isNull and objects {', '.join(field.parts)}.")
        else:
            yield from (
                _parse_compare(field.parts[name], op, operand, f"{at}/{name}/{op}") for op, operand in part.items()
            )


def _parse_search(entity: Entity, value: Any, at: str) -> Search:
    if not any(field.searched for field in entity.fields.values()):
        raise BadQuery(f"{at}: the entity {entity.name} has no field with x-search.")
    if not isinstance(value, str):
        raise BadQuery(f"{at} must be a text.")
    if len(value) > SEARCH_LENGTH or len(value.split()) > SEARCH_WORDS:
        raise BadQuery(f"{at} has at most {SEARCH_LENGTH} characters and {SEARCH_WORDS} words.")
    return Search(Literal_(value))


def _parse_file(model: Model, field: Field, value: Mapping[str, Any], at: str) -> Iterator[Predicate]:
    for name, part in value.items():
        if name == Op.IS_NULL:
            yield _parse_compare(field, name, part, f"{at}/{name}")
        elif name in FILTERED:
            yield OfFile(field.name, parse(model, FILE, {name: part}, at))
        else:
            raise BadQuery(f"{at}/{name}: of a file can be asked {', '.join(FILTERED)} and isNull.")


def _parse_compare(field: Field, name: str, value: Any, at: str) -> Compare:
    if name not in operators(field):
        allowed = ", ".join(operators(field))
        raise BadQuery(f"{at}: {field.name} has no operator {name!r}; it has {allowed}.")
    op = Op(name)
    if op in FLAGS:
        return Compare(field.name, op, Literal_(_flag(value, at)))
    if isinstance(value, str) and value.startswith("$"):
        return Compare(field.name, op, _context(field, op, value, at))
    if op in LISTS:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise BadQuery(f"{at} must be a list.")
        for each in value:
            _check_value(field, each, at)
        return Compare(field.name, op, Literal_(tuple(value)))
    if value is not None or op not in (Op.EQ, Op.NE):
        _check_value(field, value, at)
    return Compare(field.name, op, Literal_(value))


def _context(field: Field, op: Op, word: str, at: str) -> Context:
    place, names = _CONTEXT.get(word, ("", {}))
    name = names.get(field.type)
    if name is None or (name == "teams") is not (op in LISTS):
        known = f"it {place}" if place else f"there are {', '.join(_CONTEXT)}"
        raise BadQuery(f"{at}: {word} is not known here; {known}.")
    return Context(name)


def _check_value(field: Field, value: Any, at: str) -> None:
    """Refuse what no record of the field can have: the database could not even compare with it."""
    try:
        match field.type:
            case FieldType.INTEGER | FieldType.BIG_INTEGER:
                least, greatest = SPANS[field.type]
                fits = type(value) is int and least <= value <= greatest
            case FieldType.DECIMAL:
                fits = type(value) is not bool and Decimal(str(value)).is_finite()
            case FieldType.BOOLEAN:
                fits = isinstance(value, bool)
            case FieldType.ENUM | FieldType.SET:
                fits = value in field.enum
            case FieldType.DATE:
                fits = dt.date.fromisoformat(value) is not None
            case FieldType.DATETIME:
                fits = dt.datetime.fromisoformat(value).tzinfo is not None
            case FieldType.TIME:
                fits = bool(time_text(value))
            case FieldType.DURATION:
                fits = duration_seconds(value) >= 0
            case FieldType.UUID:
                fits = UUID(value) is not None
            case _:
                fits = isinstance(value, str)
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        fits = False
    if not fits:
        raise BadQuery(f"{at}: {value!r} is not a value of {field.name} ({field.type}).")


def _flag(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise BadQuery(f"{at} must be true or false.")
    return value


def shared_entities(entity: str, predicate: Predicate) -> Iterator[str]:
    """The entities of whose records a predicate on one says that they are shared."""
    match predicate:
        case All(parts) | Any_(parts):
            for part in parts:
                yield from shared_entities(entity, part)
        case Not(part) | Whole(part):
            yield from shared_entities(entity, part)
        case Related(target=target, part=part):
            yield from shared_entities(target, part)
        case Shared():
            yield entity
