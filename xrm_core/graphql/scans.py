"""How often filters, orders and figures scan a list: what of their work no index can be counted on for.

Plain comparisons count nothing: an index can answer them, and ``xrm query explain`` says which one is missing.
"""

from collections.abc import Iterable

from xrm_core.metadata.file_entity import FILE
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.predicate import All, Any_, Compare, Not, OfFile, Op, Predicate, Related, Search, Whole
from xrm_core.query.figures_request import GroupKey
from xrm_core.query.request import Order

SLOW = 10
"""Scans that weigh as much as one that rewrites the text of each record, or looks up others for each."""

_READS_TEXT = frozenset({Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH})


def scans_of(model: Model, entity: Entity, predicate: Predicate) -> int:
    """The scans of a filter of a client."""
    match predicate:
        case All(parts) | Any_(parts):
            return sum(scans_of(model, entity, part) for part in parts)
        case Not(part) | Whole(part):
            return scans_of(model, entity, part)
        case Compare(name, op, _, ignoring):
            slow = ignoring is not None or op is Op.NUMBER
            own = SLOW if slow else 1 if op in _READS_TEXT else 0
            return own + SLOW * rollups(entity, entity[name])
        case Search():
            return 1
        case OfFile(_, part):
            return 1 + scans_of(model, FILE, part)
        case Related(_, target, how, part):
            return (1 if how == "is" else SLOW) + scans_of(model, model[target], part)
    return 0


def scans_of_keys(model: Model, entity: Entity, keys: Iterable[Order | GroupKey]) -> int:
    """The scans of an order, or of what is grouped by."""
    count = 0
    for key in keys:
        owner = entity
        for name in key.path:
            owner = model[owner[name].reference.targets[0]]
        folded = isinstance(key, Order) and key.folded
        count += SLOW * (len(key.path) + folded + rollups(owner, owner[key.field]))
    return count


def rollups(entity: Entity, field: Field) -> int:
    """How many roll-ups have to be worked out for a field of a record: those of a computed one, too."""
    if field.computed is not None:
        return sum(rollups(entity, entity[name]) for name in set(entity.expressions[field.name].fields()))
    return int(field.rollup is not None)
