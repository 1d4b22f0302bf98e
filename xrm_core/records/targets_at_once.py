"""Whether a caller can see the records to which a write sets relations, asked in the round trip of the write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query.context import ContextValues
from xrm_core.query.scan import Scope
from xrm_core.records.reach import reach_of
from xrm_core.records.rights import readable_required
from xrm_core.records.stored import targets_of
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.requirements import Requirement, requiring


@dataclass(frozen=True, slots=True)
class Seen:
    """That targets can be seen: statements that fail before anything is written, and what may as well hold after."""

    before: list[Call]
    after: list[Requirement]


def seen_at_once(scope: Scope, caller: User, kind: Entity, given: Mapping[str, Any], id_: str) -> Seen | None:
    """That the caller can see each record to which relations are set by a write of ``id_``; None: they cannot.

    What the write itself would bring into their sight is asked before it: else whoever sees the customers about whom
    they have a note would see any, by writing one.
    """
    targets = dict.fromkeys(_targets(kind, given))
    if not all(caller.access.may(target, Action.READ) for target, _ in targets):
        return None
    before: list[Requirement] = []
    after: list[Requirement] = []
    for number, (target, its) in enumerate(targets):
        first = its == id_ or _looks_further(scope, scope.model[target])
        (before if first else after).append(readable_required(scope, scope.model[target], its, number))
    kept = scope.tables.statements
    asked = [requiring(before, kept, scope.dialect, ContextValues(caller))] if before else []
    return Seen(asked, after)


def _looks_further(scope: Scope, entity: Entity) -> bool:
    """Whether what can be seen of an entity depends on other records."""
    granted = scope.access.get(entity.name, Action.READ)
    rule = None if granted is None else granted.rule
    if rule is None or rule == EVERYTHING:
        return False
    key = ("looks further", entity.name, scope.access.shape)
    found: bool = scope.tables.statements.get(key, lambda: bool(reach_of(scope.model, entity, [rule]).steps))
    return found


def _targets(kind: Entity, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in _RELATIONS(kind):
        value = given.get(field.name)
        if value is not None:
            yield from targets_of(field, value)


_RELATIONS = WorkedOut(lambda kind: [field for field in kind.fields.values() if field.relation is not None])
