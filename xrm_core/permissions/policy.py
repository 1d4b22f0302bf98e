"""Policies as typed rows with closed sets of words, and how they are read from the texts of policy files.

Casbin itself fails open on bad rows (an effect ``Deny`` counts as allow, a malformed line vanishes), so nothing
reaches it that is not one of these values. All mistakes are reported at once and the whole set is refused.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from xrm_core import naming
from xrm_core.errors import BadQuery, PolicyInvalid
from xrm_core.metadata.model import Entity, Labels, Model
from xrm_core.metadata.predicate import EVERYTHING, Predicate, parse, whole
from xrm_core.metadata.types import TEXTUAL
from xrm_core.permissions.policy_files import POLICIES, ROLES, digest, is_text, merged, texts_of
from xrm_core.permissions.role_limits import NO_LIMITS, RoleLimits
from xrm_core.permissions.role_limits import mistakes as limit_mistakes


class Action(StrEnum):
    """What can be done with records of an entity."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SHARE = "share"
    HISTORY = "history"
    PURGE = "purge"
    RUN = "run"
    """Nothing that is done with records as such, but an action that a plugin has, and the only thing done with it."""


OF_RECORDS: tuple[Action, ...] = tuple(action for action in Action if action is not Action.RUN)
"""What can be done with records of whatever entity."""


OF_ENTITIES = frozenset({Action.SHARE, Action.HISTORY, Action.PURGE})
"""Actions with records that stand for themselves, not with links and relationships of others."""

SCHEMA = "xrm_schema"
"""The permission object for the model itself: ``read`` shows its files and plans changes, ``update`` applies them."""


PERMISSIONS = "xrm_permissions"
"""The permission object for the policies themselves: ``read`` shows them and plans changes, ``update`` applies them."""

ALL = "*"
"""Every entity, also those that are to come."""

VIEW_AS = "xrm_view_as"
"""The permission object for seeing things as other users do, who may see no more than oneself."""

LOG = "xrm_log"
"""The permission object for the events of all accounts."""

PROVISIONING = "xrm_scim"
"""The permission object for users and groups by SCIM: a service with it sees them by ``read``, changes them by
``update``."""

USERS = "xrm_users"
"""The permission object for accounts: ``read`` shows how all users sign in and what roles they have, ``update`` invites
them and changes that."""

JOBS = "xrm_jobs"
"""The permission object for jobs: ``read`` shows those of everybody, ``update`` cancels and retries them."""

WEBHOOKS = "xrm_webhooks"
"""The permission object for webhooks: ``read`` shows them and what was sent, ``update`` makes and changes them."""

MESSAGES = "xrm_messages"
"""The permission object for the outbox: ``read`` shows its messages, ``update`` cancels them and sends them again."""

WORKFLOWS = "xrm_workflows"
"""The permission object for workflows: ``read`` shows them and their runs, ``update`` cancels and retries runs."""

SEALED = "xrm_sealed"
"""The permission object for sealed values: ``read`` opens them, on records and in fields that one may read. No policy
for all objects gives it: who administers everything opens nothing by that.
"""

NAMED_ONLY = frozenset({SEALED})
"""Objects that a policy has to name."""

OBJECTS: Mapping[str, tuple[Action, ...]] = {
    SCHEMA: (Action.READ, Action.UPDATE),
    PERMISSIONS: (Action.READ, Action.UPDATE),
    VIEW_AS: (Action.READ,),
    LOG: (Action.READ,),
    PROVISIONING: (Action.READ, Action.UPDATE),
    USERS: (Action.READ, Action.UPDATE),
    JOBS: (Action.READ, Action.UPDATE),
    WEBHOOKS: (Action.READ, Action.UPDATE),
    MESSAGES: (Action.READ, Action.UPDATE),
    WORKFLOWS: (Action.READ, Action.UPDATE),
    SEALED: (Action.READ,),
}
"""What policies can name that is no entity: without fields and rows. With the actions that it has."""


ANY_ACTION = "*.*"
"""The permission object for actions of plugins that no policy names."""

_ACTION_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


def is_action(name: str | None) -> bool:
    """Whether a permission object is an action of a plugin: ``plugin.action``.

    It need not be there: with a plugin that is switched off for a while, no policy becomes a mistake. A misspelt one
    gives nothing.
    """
    return name is not None and (name == ANY_ACTION or _ACTION_NAME.fullmatch(name) is not None)


def is_object(name: str | None) -> bool:
    """Whether something that policies name is no entity."""
    return name in OBJECTS or is_action(name)


def done_with(name: str) -> tuple[Action, ...]:
    """What can be done with an object that is no entity."""
    return (Action.RUN,) if is_action(name) else OBJECTS[name]


class Effect(StrEnum):
    """Whether a policy gives or takes; the others give to read, but only what a mask leaves of a text."""

    ALLOW = "allow"
    DENY = "deny"
    LAST_4 = "last_4"
    INITIAL = "initial"
    HASH = "hash"


MASKS = (Effect.LAST_4, Effect.INITIAL, Effect.HASH)
"""Effects that mask; of several that hold on a record, the first of these."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role; it has all that the roles in ``inherits`` have."""

    name: str
    labels: Labels
    description: str
    inherits: tuple[str, ...] = ()
    limits: RoleLimits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Policy:
    """One row. ``entity``, ``action`` None mean any; ``fields`` None means all; ``rule`` None means all rows.

    ``place`` says where it stands, as file and line; it makes no difference between policies.
    """

    role: str
    entity: str | None
    action: Action | None
    fields: frozenset[str] | None
    rule: str | None
    effect: Effect
    place: str = field(default="", compare=False)

    def applies(self, entity: Entity, action: Action) -> bool:
        """Whether it is about this action on this entity.

        A policy for all entities is about those with a file; only these are shared. It is about relationships, too, if
        it has no rule and names no fields. One that denies fields whatever the record denies them on everything that
        has them.
        """
        if self.action not in (None, action) or (action in OF_ENTITIES and entity.kind != "entity"):
            return False
        if self.entity is not None:
            return self.entity == entity.name
        if entity.kind == "entity":
            return True
        if self.rule is not None:
            return False
        return self.effect is Effect.DENY if self.fields is not None else entity.kind == "relationship"


def named_actions(policies: Iterable[Policy]) -> list[str]:
    """The actions of plugins that policies name."""
    return sorted({each.entity for each in policies if each.entity is not None and is_action(each.entity)})


def maskable(entity: Entity, name: str) -> bool:
    """Whether values of a field can be masked: it is text, and stored."""
    found = entity.field(name)
    return found is not None and found.type in TEXTUAL and not found.virtual


@dataclass(frozen=True)
class PolicySet:
    """Roles, named row rules and policies. ``files`` are their texts, ``version`` is a digest of these."""

    roles: Mapping[str, Role]
    rules: Mapping[str, Any]
    policies: tuple[Policy, ...]
    version: str
    files: Mapping[str, str] = field(default_factory=dict)

    def rule(self, model: Model, entity: Entity, name: str | None) -> Predicate:
        """The named row rule as it reads on an entity."""
        return EVERYTHING if name is None else whole(parse(model, entity, self.rules[name], name))

    def rule_text(self, name: str) -> str:
        """The condition of a rule without its name: equal for equal conditions."""
        return json.dumps(self.rules[name], sort_keys=True)


_HEADER = ["role", "entity", "action", "fields", "rule", "effect"]


def load(folders: Sequence[Path], model: Model) -> PolicySet:
    """Read ``roles.json`` and ``policies.csv`` of the packs' permissions folders, the lowest pack first.

    A pack on top of another may leave out either file or the whole folder. It adds roles, rules and policies; a name
    that a pack below has given already must mean the same.

    Raises:
        PolicyInvalid: with every mistake, each with file and line.
    """
    return parse_texts(texts_of(folders, ROLES), texts_of(folders, POLICIES), model)


def parse_files(files: Mapping[str, str], model: Model) -> PolicySet:
    """The same of texts by the names of the two files, as a database keeps them.

    Raises:
        PolicyInvalid: with every mistake, each with file and line.
    """
    wrong = [f"{name[:60]!r} is no file of a policy set." for name in files if name not in (ROLES, POLICIES)]
    wrong += [f"{name} is missing." for name in (ROLES, POLICIES) if name not in files]
    wrong += [f"{name[:60]!r} is not UTF-8 text without NUL." for name, text in files.items() if not is_text(text)]
    if wrong:
        raise _invalid(wrong)
    return parse_texts({ROLES: files[ROLES]}, {POLICIES: files[POLICIES]}, model)


def parse_texts(roles_texts: Mapping[str, str], policies_texts: Mapping[str, str], model: Model) -> PolicySet:
    """The set of texts by the names of their files, those of the lowest pack first.

    Raises:
        PolicyInvalid: with every mistake, each with file and line.
    """
    problems: list[str] = []
    roles, rules, origins = _joined(roles_texts, problems)
    used: set[str] = set()
    policies = [
        policy
        for file, text in policies_texts.items()
        for policy in _policies(text, file, roles, rules, model, problems, used)
    ]
    unused = {name: rule for name, rule in rules.items() if name not in used}
    problems.extend(f"{origins[name]}: {mistake}" for name, mistake in _misfits(unused, model))
    if problems:
        raise _invalid(problems)
    files = merged(list(roles_texts.values()), list(policies_texts.values()))
    return PolicySet(roles, rules, tuple(policies), digest(files), files)


def _invalid(problems: list[str]) -> PolicyInvalid:
    return PolicyInvalid(
        f"{len(problems)} problem(s) in the policies:\n" + "\n".join(problems),
        hint="Nothing of this set is used until all are mended.",
        details={"problems": problems},
    )


def _joined(texts: Mapping[str, str], problems: list[str]) -> tuple[dict[str, Role], dict[str, Any], dict[str, str]]:
    """Roles and rules of all packs, and the file that each rule is from."""
    roles: dict[str, Role] = {}
    rules: dict[str, Any] = {}
    places: dict[tuple[str, str], str] = {}
    for file, text in texts.items():
        try:
            document = json.loads(text, object_pairs_hook=_no_doubles)
        except (ValueError, RecursionError) as error:
            raise PolicyInvalid(f"{file}: not valid JSON: {error}.") from error
        more_roles, more_rules = _read(document, file, problems)
        for noun, known, more in (("role", roles, more_roles), ("rule", rules, more_rules)):
            for name, body in more.items():
                first = places.setdefault((noun, name), file)
                if first != file and known[name] != body:
                    problems.append(f"{file}: {noun} {name!r} is defined already, and otherwise, in {first}.")
                known[name] = body
    for role in roles.values():
        file = places["role", role.name]
        problems.extend(
            f"{file}: role {role.name!r} inherits {parent!r}, which is not a role."
            for parent in role.inherits
            if parent not in roles
        )
        if role.name in _ancestors(roles, role.name):
            problems.append(f"{file}: role {role.name!r} inherits itself.")
    return roles, rules, {name: file for (noun, name), file in places.items() if noun == "rule"}


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _read(document: Any, file: str, problems: list[str]) -> tuple[dict[str, Role], dict[str, Any]]:
    if not isinstance(document, dict) or not isinstance(document.get("roles"), dict):
        problems.append(f"{file}: must be an object with «roles».")
        return {}, {}
    problems.extend(f"{file}: unknown key {key!r}." for key in document if key not in ("roles", "rules"))
    roles: dict[str, Role] = {}
    for name, body in document["roles"].items():
        if not naming.NAME.fullmatch(name):
            problems.append(f"{file}: role {name!r} is not a name (a-z, 0-9, _).")
        elif not _is_role(body):
            problems.append(
                f"{file}: role {name!r} must be an object with labels (of texts), description (a text), inherits "
                "(a list of roles) and limits."
            )
        else:
            wrong = list(limit_mistakes(body.get("limits", {})))
            problems.extend(f"{file}: role {name!r}: {mistake}." for mistake in wrong)
            limits = NO_LIMITS if wrong else RoleLimits(**body.get("limits", {}))
            inherits = tuple(body.get("inherits", ()))
            roles[name] = Role(name, body.get("labels", {}), body.get("description", ""), inherits, limits)
    rules = document.get("rules", {})
    if not isinstance(rules, dict):
        problems.append(f"{file}: «rules» must be an object of predicates.")
        return roles, {}
    problems.extend(
        f"{file}: rule {name!r} is empty, so it would hold for every record; leave the column «rule» empty for that."
        for name, rule in rules.items()
        if rule == {}
    )
    return roles, rules


def _is_role(body: Any) -> bool:
    if not isinstance(body, dict) or set(body) - {"labels", "description", "inherits", "limits"}:
        return False
    labels, inherits = body.get("labels", {}), body.get("inherits", [])
    return (
        isinstance(labels, dict)
        and all(isinstance(text, str) for text in labels.values())
        and isinstance(body.get("description", ""), str)
        and isinstance(inherits, list)
        and all(isinstance(parent, str) for parent in inherits)
    )


def with_inherited(roles: Mapping[str, Role], names: Iterable[str]) -> frozenset[str]:
    """These roles, as far as they are known, and all that they inherit."""
    known = [name for name in names if name in roles]
    return frozenset(known).union(*(_ancestors(roles, name) for name in known))


def _ancestors(roles: Mapping[str, Role], name: str) -> set[str]:
    found: set[str] = set()
    pending = list(roles[name].inherits)
    while pending:
        parent = pending.pop()
        if parent not in found and parent in roles:
            found.add(parent)
            pending.extend(roles[parent].inherits)
    return found


def _policies(
    text: str,
    file: str,
    roles: Mapping[str, Role],
    rules: Mapping[str, Any],
    model: Model,
    problems: list[str],
    used: set[str],
) -> Iterator[Policy]:
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        if next(reader, None) != _HEADER:
            problems.append(f"{file}:1: the header must be {','.join(_HEADER)}.")
            return
        for row in reader:
            if not row:
                continue
            used.update(row[4:5])
            at = f"{file}:{reader.line_num}"
            mistakes = list(_mistakes(row, roles, rules, model))
            problems.extend(f"{at}: {mistake}" for mistake in mistakes)
            if not mistakes:
                role, entity, action, fields, rule, effect = row
                yield Policy(
                    role,
                    None if entity == "*" else entity,
                    None if action == "*" else Action(action),
                    None if fields == "*" else frozenset(fields.split()),
                    rule or None,
                    Effect(effect),
                    at,
                )
    except csv.Error as error:
        problems.append(f"{file}:{reader.line_num}: {error}.")


def _mistakes(row: list[str], roles: Mapping[str, Role], rules: Mapping[str, Any], model: Model) -> Iterator[str]:
    if len(row) != len(_HEADER):
        yield f"{len(row)} columns instead of {len(_HEADER)}."
        return
    role, entity, action, fields, rule, effect = row
    if role not in roles:
        yield f"role {role!r} is not in roles.json."
    if effect not in set(Effect):
        yield f"effect {effect!r} is not one of {', '.join(Effect)}."
    if is_object(entity) and entity != ANY_ACTION:
        if action not in ("*", *done_with(entity)):
            yield f"action {action!r} means nothing for {entity}; it has {', '.join(done_with(entity))} and *."
        if fields != "*" or rule:
            yield f"{entity} has neither fields nor rows: write * for fields, and leave the rule empty."
        if effect in MASKS:
            yield f"{effect} means nothing for {entity}; write allow or deny."
        return
    if entity != "*" and entity not in model:
        yield f"there is no entity {entity!r}."
    if action == Action.RUN and entity == "*":
        if fields != "*" or rule or effect in MASKS:
            yield "run is about actions of plugins: write * for fields, no rule, and allow or deny."
        return
    if action != "*" and action not in OF_RECORDS:
        yield f"action {action!r} is not one of {', '.join(OF_RECORDS)} or *."
    if effect == Effect.DENY and action in ("*", Action.READ) and "id" in fields.split():
        yield "id cannot be denied: a record that may be read can be named; deny the record by a rule instead."
    if rule and rule not in rules:
        yield f"rule {rule!r} is not in roles.json."
    concerned = [model[entity]] if entity in model else []
    if entity == "*":
        concerned = [each for each in model if each.kind == "entity"]
    if fields != "*":
        if not fields.split():
            yield "fields is empty; write * or names separated by spaces."
        for name in fields.split():
            if not any(name in each.grantable() for each in concerned):
                yield f"there is no field {name!r} on {entity!r}."
            elif effect in MASKS and not all(maskable(each, name) for each in concerned if name in each.grantable()):
                yield f"field {name!r} is not a text that is stored; {effect} masks nothing else."
    if effect in MASKS and (action != Action.READ or fields == "*"):
        yield f"{effect} masks fields that are read: write read as the action, and name the fields."
    if rule in rules:
        for each in concerned:
            try:
                parse(model, each, rules[rule], rule)
            except (BadQuery, RecursionError) as error:
                yield f"rule {rule!r} does not fit the entity {each.name!r}: {error}"


def _misfits(rules: Mapping[str, Any], model: Model) -> Iterator[tuple[str, str]]:
    """Names of rules that fit no entity; each with the first mistake on the entity on which it comes furthest."""
    for name, rule in rules.items():
        mistakes: list[str] = []
        for entity in model:
            try:
                parse(model, entity, rule, name)
            except (BadQuery, RecursionError) as error:
                mistakes.append(f"rule {name!r} fits no entity; on {entity.name!r}: {error}")
            else:
                break
        else:
            # The deeper the place (own/owner/id/eq), the more of the rule was understood.
            yield from ((name, mistake) for mistake in sorted(mistakes, key=lambda found: -found.count("/"))[:1])
