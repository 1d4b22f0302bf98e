"""What ``xrm permissions explain`` prints."""

import json
from collections.abc import Iterable, Iterator, Sequence

from xrm_core.cli.account_lists import aligned
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import Action, Effect, Policy, PolicySet
from xrm_core.permissions.reasons import Extent, FieldReason, Reasons, may_object
from xrm_core.records.verdicts import Verdict


def as_lines(
    policies: PolicySet, why: Reasons, checked: Verdict | None, who: str, record: str | None, field: str | None
) -> Iterator[str]:
    """The answer as lines of text: what is decided first, then why."""
    yield f"{who} may {why.action} {_extent(why)} {why.entity.plural}."
    if why.joins:
        yield "Only where both records that it joins can be read."
    if why.follows is not None:
        owner, relation, action = why.follows
        yield f"No policy of these roles names {why.entity.name}: who may {action} {owner}.{relation} has the right."
        yield f"See: xrm permissions explain {who} {action} {owner} --field {relation}"
    shown = [each for each in why.fields if field in (None, each.name)]
    about = {id(policy) for each in shown for policy in (*each.given, *each.masked, *each.withheld)}
    relevant = [field is None or id(policy) in about for policy in why.policies]
    if why.follows is None or why.policies:
        yield ""
        yield "Policies:" if any(relevant) else "No policy is about it, so it is forbidden."
        yield from _policies(policies, why, checked, relevant)
    yield from _fields(why, shown)
    if checked is not None:
        yield from _record(why, checked, record, field)


def object_lines(authority: Authority, who: str, roles: frozenset[str], action: Action, name: str) -> Iterator[str]:
    """The answer about something that has neither fields nor rows."""
    may = may_object(authority.access(roles), name, action)
    yield f"{who} may {'' if may else 'not '}{action} {name}."
    found = [
        each
        for each in authority.policies_of(roles)
        if each.entity in (None, name) and each.action in (None, action) and each.fields is None and each.rule is None
    ]
    yield ""
    yield "Policies:" if found else "No policy is about it, so it is forbidden."
    yield from aligned(("", each.place, each.role, each.effect.value) for each in found)


def fields_text(policy: Policy) -> str:
    """The column «fields» of a policy."""
    return "*" if policy.fields is None else " ".join(sorted(policy.fields))


def _extent(why: Reasons) -> str:
    if why.permission is None:
        return "no"
    limited = any(each.rule is not None for each in why.rows(Effect.DENY))
    whole = any(each.rule is None for each in why.rows(Effect.ALLOW)) or why.follows is not None
    return "some" if limited or not whole or why.joins else "all"


def _policies(policies: PolicySet, why: Reasons, checked: Verdict | None, relevant: Sequence[bool]) -> Iterator[str]:
    holds = ["" for _ in why.policies] if checked is None else [_true(each) for each in checked.rules]
    rows = []
    for policy, held, shown in zip(why.policies, holds, relevant, strict=True):
        if shown:
            rule = "" if policy.rule is None else f"where {policy.rule}: {json.dumps(policies.rules[policy.rule])}"
            rows.append((held, policy.place, policy.role, policy.effect.value, fields_text(policy), rule))
    if rows:
        yield from (f"  {line}" for line in aligned(rows))


def _fields(why: Reasons, shown: Sequence[FieldReason]) -> Iterator[str]:
    if why.action in (Action.DELETE, Action.SHARE, Action.PURGE) or not shown or why.permission is None:
        return
    yield ""
    yield "Fields:"
    extents = {Extent.ALL: "on all of these records", Extent.SOME: "on some of them", Extent.MASKED: "only masked"}
    for extent, words in extents.items():
        names = [each.name for each in shown if each.extent is extent]
        if names:
            yield f"  {words}: {' '.join(names)}"
    never: dict[str, list[str]] = {}
    for each in shown:
        if each.extent is Extent.NONE:
            never.setdefault(_why_not(each), []).append(each.name)
    yield from (f"  never, {why_not}: {' '.join(names)}" for why_not, names in never.items())


def _why_not(field: FieldReason) -> str:
    if not field.given:
        return "no policy gives it"
    if field.hidden_parts:
        return f"made of {', '.join(field.hidden_parts)}"
    places = [each.place for each in field.withheld]
    return f"denied by {', '.join(places)}" if places else "it is not among what follows from the policies"


def _record(why: Reasons, checked: Verdict, record: str | None, field: str | None) -> Iterator[str]:
    yield ""
    if field is not None and checked.allowed:
        shown = "yes" if field in checked.fields else "masked" if field in checked.masked else "no"
        yield f"The field {field} of the record {record}: {shown}."
        return
    yield f"The record {record}: {'yes' if checked.allowed else 'no'}."
    if checked.allowed and why.action not in (Action.DELETE, Action.SHARE, Action.PURGE):
        yield f"  with the fields {_names(checked.fields)}"
        if checked.masked:
            yield f"  and, masked, {_names(checked.masked)}"
    if checked.allowed and why.action is Action.UPDATE:
        yield "  as it is now; the rules must hold after the change, too"


def _names(names: Iterable[str]) -> str:
    return " ".join(names) or "(none)"


def _true(holds: bool) -> str:
    return "true" if holds else "false"
