"""What a change of policies would do, in words: to the set, and to what each role may do."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.permissions.access import Permission
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import ANY_ACTION, OBJECTS, OF_RECORDS, Action, Policy, PolicySet, Role, named_actions

_MANY = 6

Change = Literal["gains", "loses", "changes"]


@dataclass(frozen=True)
class Difference:
    """One difference. ``subject`` is ``role``, ``rule`` or ``policy`` for the set, ``right`` for what a role may do."""

    subject: Literal["role", "rule", "policy", "right"]
    change: Change
    role: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """All values by name."""
        return asdict(self)


def differences(model: Model, before: PolicySet | None, after: PolicySet) -> list[Difference]:
    """All that is different between two policy sets on a model; ``before`` None: there was none."""
    old = before or PolicySet({}, {}, (), "")
    return [
        *_of_roles(old.roles, after.roles),
        *_of_rules(old.rules, after.rules),
        *_of_policies(old, after),
        *_of_rights(model, old, after),
    ]


def line(policy: Policy) -> str:
    """A policy as it stands in its file."""
    fields = "*" if policy.fields is None else " ".join(sorted(policy.fields))
    parts = policy.role, policy.entity or "*", policy.action or "*", fields, policy.rule or "", policy.effect
    return ",".join(parts)


def _of_roles(old: Mapping[str, Role], new: Mapping[str, Role]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Difference("role", "gains", name, f"The role {name} is new.")
        elif name not in new:
            text = f"The role {name} goes: who has it can do nothing by it any more."
            yield Difference("role", "loses", name, text)
        elif old[name] != new[name]:
            parts = [part for part in ("labels", "description", "inherits", "limits") if _differs(old, new, name, part)]
            yield Difference("role", "changes", name, f"The role {name} has other {', '.join(parts)}.")


def _differs(old: Mapping[str, Role], new: Mapping[str, Role], name: str, part: str) -> bool:
    return bool(getattr(old[name], part) != getattr(new[name], part))


def _of_rules(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Difference("rule", "gains", "", f"The rule {name} is new.")
        elif name not in new:
            yield Difference("rule", "loses", "", f"The rule {name} goes.")
        elif old[name] != new[name]:
            yield Difference("rule", "changes", "", f"The rule {name} has another condition.")


def _of_policies(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    before, after = dict.fromkeys(old.policies), dict.fromkeys(new.policies)
    for policy in before:
        if policy not in after:
            yield Difference("policy", "loses", policy.role, f"- {line(policy)}")
    for policy in after:
        if policy not in before:
            yield Difference("policy", "gains", policy.role, f"+ {line(policy)}")


def _of_rights(model: Model, old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    one, other = Authority(model, old), Authority(model, new)
    for role in sorted({*old.roles, *new.roles}):
        before, after = one.access(frozenset({role})), other.access(frozenset({role}))
        for entity in (*(entity.name for entity in model), *OBJECTS):
            for action in OF_RECORDS:
                had, has = before.get(entity, action), after.get(entity, action)
                for change, text in _of_permission(had, has):
                    yield Difference("right", change, role, f"{role} {change} {action} on {entity}{text}.")
        for name in sorted({*named_actions((*old.policies, *new.policies)), ANY_ACTION}):
            ran, runs = before.may_run(name), after.may_run(name)
            if ran != runs:
                whose = "all other actions of plugins" if name == ANY_ACTION else name
                change = "gains" if runs else "loses"
                yield Difference("right", change, role, f"{role} {change} {Action.RUN} on {whose}.")


def _of_permission(had: Permission | None, has: Permission | None) -> Iterator[tuple[Change, str]]:
    if had is None or has is None:
        if has is not None:
            yield "gains", _extent(has)
        elif had is not None:
            yield "loses", _extent(had)
        return
    if gained := sorted(set(has.fields) - set(had.fields)):
        yield "gains", f": {_listed(gained)}"
    if lost := sorted(set(had.fields) - set(has.fields)):
        yield "loses", f": {_listed(lost)}"
    if had.rule != has.rule:
        yield "changes", ", which is for other records now"
    both = sorted(set(had.fields) & set(has.fields))
    if moved := [name for name in both if had.field_rules[name] != has.field_rules[name]]:
        yield "changes", f", where other records show {_listed(moved)} now"
    if masked := [name for name in both if had.masks.get(name) != has.masks.get(name)]:
        yield "changes", f", where {_listed(masked)} has another mask now"


def _extent(permission: Permission) -> str:
    records = "" if permission.rule == EVERYTHING else ", some records"
    return f"{records}: {_listed(sorted(permission.fields))}" if permission.fields else records


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY + 1 else ""
    return ", ".join(names[:_MANY] if more else names) + more
