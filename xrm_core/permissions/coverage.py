"""Whether one may see all that another may: who looks at things as somebody else sees no more than they hold."""

from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import EVERYTHING, All, Any_, Compare, Context, Linked, Not, OfFile, Predicate, Related
from xrm_core.permissions.access import Access, Masks, Permission
from xrm_core.permissions.policy import OBJECTS, Action


def covers_reads(model: Model, own: Access, other: Access) -> bool:
    """Whether ``own`` allows to read whatever ``other`` allows to read, whoever the two users are.

    Rules that ask who the caller is hold on other records for each of them: such a rule covers nothing. What cannot
    be told counts as not covered.
    """
    names = (*(entity.name for entity in model), *OBJECTS)
    wanted = ((name, other.get(name, Action.READ)) for name in names)
    return all(theirs is None or _covers(own.get(name, Action.READ), theirs) for name, theirs in wanted)


def _covers(own: Permission | None, theirs: Permission) -> bool:
    if own is None or not _same(own.rule, theirs.rule) or not set(theirs.openable) <= set(own.openable):
        return False
    for name, rule in theirs.field_rules.items():
        if name not in own.field_rules:
            return False
        held = own.field_rules[name]
        if held is None:
            continue
        if rule is None or not _same(held, rule):
            return False
        if not _shows_masked(own.masks.get(name, ()), theirs.masks.get(name, ())):
            return False
    return True


def _shows_masked(held: Masks, wanted: Masks) -> bool:
    return not wanted or (held == wanted and all(_holds_for_all(rule) for _, rule in wanted))


def _same(held: Predicate, wanted: Predicate) -> bool:
    return held == EVERYTHING or (held == wanted and _holds_for_all(held))


def _holds_for_all(rule: Predicate) -> bool:
    """Whether a rule holds on the same records whoever asks."""
    match rule:
        case All(parts) | Any_(parts):
            return all(map(_holds_for_all, parts))
        case Not(part) | Related(part=part) | OfFile(part=part):
            return _holds_for_all(part)
        case Compare(value=value):
            return not isinstance(value, Context)
        case Linked():
            return True
    return False
