"""How much of a row rule can be told of a record as it was: what depends on nothing but its own values."""

from collections.abc import Iterator
from dataclasses import dataclass

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import (
    EVERYTHING,
    NOTHING,
    All,
    Any_,
    Compare,
    Context,
    Linked,
    Literal_,
    Not,
    Op,
    Predicate,
    Related,
    Whole,
    context_names,
)
from xrm_core.permissions.caller import User

CONSTANT = ("id", "created_at", "created_by")
"""System fields that no change of a record changes."""

_TIME = frozenset({"now", "today"})


@dataclass(frozen=True, slots=True)
class Decided:
    """A predicate over a record's own values that holds only where a rule does. ``exact``: wherever it does.

    ``fields`` are the fields that it needs.
    """

    predicate: Predicate
    exact: bool
    fields: frozenset[str]


def decided(entity: Entity, rule: Predicate, caller: User) -> Decided:
    """What of a row rule can be told of former values.

    Other records, shares and the time are left out as if they allowed nothing: a record that only they made visible
    counts as never seen, so that nobody hears of one that they could not see.
    """
    found, exact = _reduced(entity, rule, caller, NOTHING)
    return Decided(found, exact, frozenset(_fields(entity, found)))


def _reduced(entity: Entity, rule: Predicate, caller: User, unknown: Predicate) -> tuple[Predicate, bool]:
    match rule:
        case All(parts) | Any_(parts):
            each = [_reduced(entity, part, caller, unknown) for part in parts]
            return type(rule)(tuple(part for part, _ in each)), all(exact for _, exact in each)
        case Not(part):
            other = EVERYTHING if unknown == NOTHING else NOTHING
            found, exact = _reduced(entity, part, caller, other)
            return Not(found), exact
        case Whole(part):
            known = {"user": caller.id, "team": caller.team, "teams": caller.teams}
            if not all(known[name] for name in context_names(part)):
                return NOTHING, True  # what the rule says of it as a whole
            return _reduced(entity, part, caller, unknown)
        case _:
            return (rule, True) if _is_own(entity, rule) else (unknown, False)


def _is_own(entity: Entity, part: Predicate) -> bool:
    match part:
        case Compare(field=name, value=value):
            timeless = not (isinstance(value, Context) and value.name in _TIME)
            return timeless and _is_kept(entity, name)
        case Linked(name=name):
            return _is_kept(entity, name)
        case Related(name=name, how="is", part=inner):
            return _is_kept(entity, name) and (inner == EVERYTHING or _is_id(inner))
    return False


def _is_id(part: Predicate) -> bool:
    """Whether a condition on a related record is about its id, which stands in the relation itself."""
    inner = part.part if isinstance(part, Whole) else part
    if not isinstance(inner, Compare) or inner.field != "id" or inner.op is not Op.EQ:
        return False
    return not (isinstance(inner.value, Literal_) and inner.value.value is None)


def _is_kept(entity: Entity, name: str) -> bool:
    """Whether the log has the former values of a field."""
    field = entity[name]
    return field.holder in CONSTANT or (field.holder in entity.fields and not field.virtual and not field.system)


def _fields(entity: Entity, part: Predicate) -> Iterator[str]:
    match part:
        case All(parts) | Any_(parts):
            for each in parts:
                yield from _fields(entity, each)
        case Not(inner) | Whole(inner):
            yield from _fields(entity, inner)
        case Compare(field=name) | Linked(name=name) | Related(name=name):
            yield entity[name].holder
