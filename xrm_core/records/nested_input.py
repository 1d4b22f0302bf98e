"""How records are written that are to be created together with another, in place of the values of its relations.

- a relation to one: ``owner: {create: {…}}``; of several entities ``regarding: {customer: {create: {…}}}``;
- its inverse: ``contacts: {create: [{…}, {…}]}``;
- many to many: ``members: {create: [{record: {…}, role: …}]}``, beside ``add``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xrm_core.errors import QueryTooLarge
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.records.wording import Problem
from xrm_core.translation import say

CREATE = "create"
RECORD = "record"

MOST = 10_000
"""Records that are created by one call, with all that stands in them."""

MOST_DEEP = 5
"""Levels of records below the one that is asked for."""


PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of most values, in which nothing can stand: to know that takes less time than to look."""


def is_nested(value: Any) -> bool:
    """Whether records stand in a value that are to be created."""
    return isinstance(value, Mapping) and value.get(CREATE) is not None


def has_nested(kind: Entity, values: Mapping[str, Any]) -> bool:
    """Whether records stand in the values of a record that are to be created with it."""
    return any(
        name in kind.inverses
        or (name in kind.links and is_nested(value))
        or (name in kind.fields and any(given is not None for _, given in _targets(kind.fields[name], value)))
        for name, value in values.items()
        if (type(value) not in PLAIN and isinstance(value, Mapping)) or name in kind.inverses
    )


def created_in(field: Field, target: str, value: Any) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    """The record of an entity that is to be created for a relation, and its place in the value; else None."""
    if not field.reference.polymorphic:
        return (CREATE,), value[CREATE] if is_nested(value) else None
    inside = value.get(target) if isinstance(value, Mapping) else None
    return (target, CREATE), inside[CREATE] if is_nested(inside) else None  # type: ignore[index]


def _targets(field: Field, value: Any) -> Iterator[tuple[str, Any]]:
    for target in field.relation.targets if field.relation is not None else ():
        yield target, created_in(field, target, value)[1]


def parts(kind: Entity, values: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str, Any]]:
    """What is to be created with a record: place in its values, entity, the field there that refers to the record
    (empty: none does), and its values as they were given.
    """
    for name, value in values.items():
        if name in kind.fields:
            field = kind.fields[name]
            for target in field.relation.targets if field.relation is not None else ():
                path, given = created_in(field, target, value)
                if given is not None:
                    yield (name, *path), target, "", given
        elif name in kind.inverses and is_nested(value):
            inverse = kind.inverses[name]
            for place, given in enumerate(_list(value[CREATE])):
                yield (name, CREATE, place), inverse.entity, inverse.field, given
        elif name in kind.links and is_nested(value):
            for place, given in enumerate(_list(value[CREATE])):
                record = given.get(RECORD) if isinstance(given, Mapping) else None
                yield (name, CREATE, place, RECORD), kind.links[name].target, "", record


def require_few(model: Model, kind: Entity, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise QueryTooLarge if these are more than :data:`MOST` with all that stands in them, or too deep."""
    count, level = 0, [(kind, values) for values in rows]
    for depth in range(MOST_DEEP + 2):
        count += len(level)
        if count > MOST or (level and depth > MOST_DEEP):
            raise QueryTooLarge(
                say(
                    "At most {limit} records are created at once, and at most {depth} levels below each.",
                    limit=MOST,
                    depth=MOST_DEEP,
                ),
                hint=say("Split them into several requests."),
            )
        level = [
            (model[entity], given)
            for parent, values in level
            for _, entity, _, given in parts(parent, values)
            if isinstance(given, Mapping)
        ]


def malformed(kind: Entity, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the form in which records are given that are to be created with this one."""
    for name, value in values.items():
        if name in kind.inverses and value is not None:
            if not (is_nested(value) and set(value) == {CREATE} and _all_are(value[CREATE], Mapping)):
                yield _problem(name, say("must be an object with create, a list of records"))
        elif name in kind.links and is_nested(value):
            records = [each.get(RECORD) for each in _list(value[CREATE]) if isinstance(each, Mapping)]
            if not _all_are(value[CREATE], Mapping) or not _all_are(records, Mapping):
                yield _problem(name, say("each of create must have a record"))
        elif name in kind.fields and kind.fields[name].relation is not None:
            wanted = [given for _, given in _targets(kind.fields[name], value) if given is not None]
            if not _all_are(wanted, Mapping) or len(wanted) > 1:
                yield _problem(name, say("must have one record to create"))


def _problem(name: str, message: str) -> Problem:
    return {"field": name, "rule": "create", "message": message}


def _all_are(value: Any, type_: type) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, type_) for each in value)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
