"""Values of steps: constants, paths of the record, days and moments, ids of what was created. Nothing is executed.

``{"$path": "customer.owner"}`` is a value of the record, or of one to which relations to one lead;
``{"$today": "P14D"}`` the day in two weeks, ``{"$now": "PT1H"}`` the moment in an hour; ``{"$created": "task"}`` the id
of the record that an earlier step has made. Anything else is what it is.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core import naming
from xrm_core.metadata.clock import duration_seconds, moment_text
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.structure import nearest
from xrm_core.metadata.types import FieldType

PATH, TODAY, NOW, CREATED = "$path", "$today", "$now", "$created"
WORDS = (PATH, TODAY, NOW, CREATED)
_MOST_STEPS = 5
_ID = "id"


class PathWrong(ValueError):
    """A path leads nowhere; the text says why."""


def word_of(value: Any) -> tuple[str, Any] | None:
    """The word and what it is given, if a value is one of these, and no constant."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(word, given)] = value.items()
        if word in WORDS:
            return word, given
    return None


def words_in(value: Any, pointer: str) -> Iterator[tuple[str, str, Any]]:
    """Pointer, word and what it is given, of each in a value; also what begins with a $ and is none."""
    if (found := word_of(value)) is not None:
        yield pointer, *found
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if str(name).startswith("$"):
                yield f"{pointer}/{name}", str(name), None
            yield from words_in(part, f"{pointer}/{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from words_in(part, f"{pointer}/{number}")


def end_of(model: Model, entity: Entity, path: Any) -> tuple[Entity, Field]:
    """The entity and the field at which a path ends.

    Raises:
        PathWrong: it leads nowhere.
    """
    names = path.split(".") if isinstance(path, str) else []
    if not 0 < len(names) <= _MOST_STEPS:
        raise PathWrong(f"a path has 1 to {_MOST_STEPS} names, with dots between them")
    for name in names[:-1]:
        found = _field(entity, name)
        if found.relation is None or found.relation.polymorphic:
            raise PathWrong(f"{entity.name}.{name} is no relation to one entity")
        entity = model[found.relation.targets[0]]
    last = _field(entity, names[-1])
    if last.type is FieldType.FILE or (last.relation is not None and last.relation.polymorphic):
        raise PathWrong(f"{entity.name}.{last.name} is a file, or a relation to several entities")
    if last.sealing is not None:
        raise PathWrong(f"{entity.name}.{last.name} is sealed")
    return entity, last


def target_of(model: Model, entity: Entity, path: Any) -> Entity:
    """The entity to which a path of relations leads. Raises PathWrong."""
    _, last = end_of(model, entity, path)
    if last.relation is None:
        raise PathWrong(f"{last.name} is no relation")
    return model[last.relation.targets[0]]


def _field(entity: Entity, name: str) -> Field:
    found = entity.field(name)
    if found is None:
        known = [each.name for each in entity.all_fields()]
        raise PathWrong(f"{entity.name} has no field {name}. {nearest(name, known)}".strip())
    return found


def document(model: Model, entity: Entity, paths: Sequence[str]) -> str:
    """The query for the values of paths: one statement, whatever they are."""
    tree: dict[str, Any] = {_ID: None}
    for path in paths:
        here, names = tree, path.split(".")
        for name in names[:-1]:
            here = _down(here, name)
        _, last = end_of(model, entity, path)
        if last.relation is not None:
            _down(here, names[-1])[_ID] = None
        elif last.type is FieldType.MONEY:
            _down(here, names[-1]).update({"amount": None, "currency": None})
        else:
            here[names[-1]] = None
    plural = naming.camel(entity.plural)
    return f"query ($id: ID!) {{ {plural}(where: {{id: {{eq: $id}}}}, first: 1) {{ nodes {_selected(tree)} }} }}"


def _down(tree: dict[str, Any], name: str) -> dict[str, Any]:
    if tree.get(name) is None:
        tree[name] = {}
    found: dict[str, Any] = tree[name]
    return found


def _selected(tree: Mapping[str, Any]) -> str:
    parts = (naming.camel(name) + ("" if below is None else f" {_selected(below)}") for name, below in tree.items())
    return "{ " + " ".join(parts) + " }"


@dataclass(frozen=True)
class Facts:
    """What the words in values stand for, at one step of one run.

    Args:
        model: of the entities.
        entity: of the record.
        record: what the query for the paths has answered; empty: the record is not there, or not to be seen.
        now: the moment of the step.
        zone: that says which day it is.
        created: ids of records by the names of the steps that have made them.
    """

    model: Model
    entity: Entity
    record: Mapping[str, Any]
    now: dt.datetime
    zone: str
    created: Mapping[str, str] = field(default_factory=dict)

    def value(self, given: Any) -> Any:
        """A value of a step, with what its words stand for."""
        found = word_of(given)
        if found is None:
            if isinstance(given, Mapping):
                return {name: self.value(part) for name, part in given.items()}
            return [self.value(part) for part in given] if isinstance(given, list) else given
        word, argument = found
        if word == PATH:
            return self.at(argument)
        if word == CREATED:
            return self.created.get(argument)
        moment = self.now + dt.timedelta(seconds=seconds_of(argument))
        if word == TODAY:
            return moment.astimezone(ZoneInfo(self.zone)).date().isoformat()
        return moment_text(moment.isoformat())

    def at(self, path: str) -> Any:
        """The value at a path; None: there is none, or it is not to be seen."""
        here: Any = self.record
        for name in path.split("."):
            here = here.get(naming.camel(name)) if isinstance(here, Mapping) else None
        _, last = end_of(self.model, self.entity, path)
        if last.relation is not None:
            return None if here is None else here.get(_ID)
        return int(here) if last.type is FieldType.BIG_INTEGER and here is not None else here


def seconds_of(text: str) -> int:
    """A duration, which may begin with a minus, in seconds. Raises ValueError."""
    seconds = duration_seconds(text.removeprefix("-"))
    return -seconds if text.startswith("-") else seconds
