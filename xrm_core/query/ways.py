"""Ways from the records of a scan to others that the caller may see: what :mod:`xrm_core.query.implied` builds on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import All, Predicate, Related
from xrm_core.permissions.policy import Action
from xrm_core.query.implied import Facts, Way, facts_of
from xrm_core.query.scan import Condition, Row, Scan, Scope


@dataclass(frozen=True)
class Belonging:
    """Ties records to the one above to which they refer, which the caller may see."""

    condition: Callable[[Scan], Condition]
    way: Way


def belonging(scope: Scope, entity: Entity, row: Row, inverse: str) -> Belonging:
    """That records refer to a row of an entity, by the inverse that they make there."""
    found = entity.inverses[inverse]
    field = scope.model[found.entity][found.field]
    column, owner = field.column_to(entity.name), row.source.c.id
    return Belonging(lambda scan: scan.column(field, column) == owner, way_back(scope, entity, inverse))


def way_back(scope: Scope, entity: Entity, inverse: str) -> Way:
    """From the records of an inverse to the one to which they refer, which the caller may see."""
    return Way(entity.inverses[inverse].field, entity.name, _facts(scope, entity.name))


def ways_above(scope: Scope, entity: Entity, row: Row, related: Related) -> Sequence[Way]:
    """From records that are looked for in a condition on a row back to it, if its own rule stands beside that."""
    return [way_back(scope, entity, related.name)] if isinstance(row, Scan) and related.name in entity.inverses else []


def ways_asked(scope: Scope, entity: Entity, where: Predicate) -> Sequence[Way]:
    """From each record that a caller's filter finds to those that it names by to-one relations."""
    match where:
        case All(parts):
            return [way for each in parts for way in ways_asked(scope, entity, each)]
        case Related(name, target, "is") if name in entity.fields:
            return [Way(name, target, _facts(scope, target))]
    return []


def _facts(scope: Scope, entity: str) -> Facts:
    permission = scope.access.get(entity, Action.READ)
    return Facts() if permission is None else facts_of(permission.rule)
