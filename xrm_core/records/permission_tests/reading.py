"""``permissions/tests.json`` → :class:`~.tests.PermissionTests`; all names are checked against model and roles."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from xrm_core.errors import PermissionTestsInvalid, Problem
from xrm_core.metadata.lines import Document, read, step
from xrm_core.metadata.model import USER, Entity, Model
from xrm_core.metadata.reading import text_of
from xrm_core.metadata.structure import check, nearest
from xrm_core.permissions.policy import OF_RECORDS, Action
from xrm_core.records.permission_tests.tests import Example, PermissionTest, PermissionTests, Place, Step

TESTS_FILE = "tests.json"


def read_tests(file: Path, model: Model, roles: Collection[str]) -> PermissionTests:
    """Read the tests of a pack.

    Args:
        file: where they are.
        model: whose entities and fields they name.
        roles: those that there are.

    Raises:
        PermissionTestsInvalid: with every mistake, each with its line.
    """
    problems: list[Problem] = []
    text = text_of(file, problems)
    document = None if text is None else read(str(file), text, problems)
    if document is not None:
        problems += check(document, "permission_tests")
    if document is None or problems:
        raise PermissionTestsInvalid(problems)
    reader = _Reader(document, model, roles)
    found = PermissionTests(reader.records, tuple(reader.tests()))
    if reader.problems:
        raise PermissionTestsInvalid(reader.problems)
    return found


class _Reader:
    def __init__(self, document: Document, model: Model, roles: Collection[str]) -> None:
        self._document = document
        self._model = model
        self._roles = roles
        self.problems: list[Problem] = []
        self.records: dict[str, Example] = {}
        for example in self._examples():
            if example.name in self.records:
                self._wrong(
                    example.place.pointer, f'Another record is called "{example.name}".', "Give it another name."
                )
            self.records[example.name] = example

    def tests(self) -> Iterator[PermissionTest]:
        """The tests; what is wrong in them is noted."""
        for number, body in enumerate(self._document.value["tests"]):
            at = f"/tests/{number}"
            for place, role in enumerate(body["roles"]):
                self._known(f"{at}/roles/{place}", role, self._roles, "role")
            user = body.get("user")
            if user is not None and (self._record(f"{at}/user", user) or USER) != USER:
                self._wrong(f"{at}/user", f'"{user}" is no record of the entity {USER}.', "Name one that is.")
            yield PermissionTest(
                body["name"],
                frozenset(body["roles"]),
                user,
                dict(self._sees(f"{at}/sees", body.get("sees", {}))),
                tuple(self._steps(f"{at}/may", body.get("may", ()))),
                tuple(self._steps(f"{at}/may_not", body.get("may_not", ()))),
                Place(self._document, at),
            )

    def _examples(self) -> Iterator[Example]:
        for entity, records in self._document.value.get("records", {}).items():
            at = step("/records", entity)
            if not self._known(at, entity, self._entities(), "entity"):
                continue
            for name, values in records.items():
                here = step(at, name)
                self._fields(here, self._model[entity], values)
                yield Example(name, self._model[entity], values, Place(self._document, here))

    def _entities(self) -> list[str]:
        return [entity.name for entity in self._model]

    def _sees(self, at: str, body: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
        for entity, names in body.items():
            here = step(at, entity)
            if self._known(here, entity, self._entities(), "entity"):
                for place, name in enumerate(names):
                    of = self._record(f"{here}/{place}", name)
                    if of not in (None, entity):
                        self._wrong(f"{here}/{place}", f'"{name}" is a record of {of}.', f"Name one of {entity}.")
                yield entity, frozenset(names)

    def _steps(self, at: str, bodies: Any) -> Iterator[Step]:
        for number, body in enumerate(bodies):
            here = f"{at}/{number}"
            actions = [action for action in OF_RECORDS if action in body]
            if len(actions) != 1:
                self._wrong(here, "A step is one of read, create, update and delete.", "Make a step of each.")
                continue
            found = self._step(here, actions[0], body)
            if found is not None:
                yield found

    def _step(self, at: str, action: Action, body: Mapping[str, Any]) -> Step | None:
        place, named = step(at, action), body[action]
        if action is Action.CREATE:
            entity = named if self._known(place, named, self._entities(), "entity") else None
        else:
            entity = self._record(place, named)
        if entity is None:
            return None
        kind, values, fields = self._model[entity], body.get("values"), tuple(body.get("fields", ()))
        if action is Action.CREATE and values is None:
            self._wrong(at, "It does not say what is created.", 'Add "values", which may be empty: {}.')
        if values is not None and action not in (Action.CREATE, Action.UPDATE):
            self._wrong(step(at, "values"), f"{action} writes no values.", "Remove it.")
        if "fields" in body and (action not in (Action.READ, Action.UPDATE) or values is not None):
            remedy = "Remove it; it goes with read, and with update if there are no values."
            self._wrong(step(at, "fields"), "Fields mean nothing here.", remedy)
        self._fields(step(at, "values"), kind, values or {})
        for number, name in enumerate(fields):
            self._known(f"{at}/fields/{number}", name, list(kind.grantable()), f"field of {entity}")
        return Step(action, kind, None if action is Action.CREATE else named, fields, values, Place(self._document, at))

    def _fields(self, at: str, kind: Entity, values: Mapping[str, Any]) -> None:
        names = [field.name for field in kind.all_fields()]
        for name in values:
            self._known(step(at, name), name, names, f"field of {kind.name}")

    def _record(self, at: str, name: str) -> str | None:
        """The entity of a record of the file; None, and a problem, if there is no such record."""
        return self.records[name].entity.name if self._known(at, name, self.records, "record") else None

    def _known(self, at: str, name: str, known: Collection[str], noun: str) -> bool:
        if name in known:
            return True
        self._wrong(at, f'There is no {noun} "{name}".', f"{nearest(name, known)}There are: {', '.join(known)}.")
        return False

    def _wrong(self, at: str, reason: str, remedy: str) -> None:
        self.problems.append(self._document.problem(at, reason, remedy))
