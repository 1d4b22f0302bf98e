"""The records of a file of tests, stored in an empty database, and their ids."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from uuid_utils import uuid7

from xrm_core.errors import PermissionTestsInvalid, ValidationFailed, XrmError
from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.caller import system
from xrm_core.records.door import Records
from xrm_core.records.permission_tests.tests import Example, PermissionTests

_PEOPLE = ("created_by", "updated_by")


class ExampleRecords:
    """Ids of the records of a file by their names.

    Args:
        tests: the file.
    """

    def __init__(self, tests: PermissionTests) -> None:
        self._examples = tests.records
        self.ids = {name: str(uuid7()) for name in tests.records}

    def store(self, door: Records, connection: Connection) -> None:
        """Store them all, in any order: what refers to a record that comes later is given that reference afterwards.

        Raises:
            PermissionTestsInvalid: a record cannot be stored as it is.
        """
        caller = system(door.model, "permission tests", sets_system_fields=True)
        pending = dict(self._examples)
        late: list[tuple[Example, dict[str, Any]]] = []
        stored: set[str] = set()
        while pending:
            ready = [each for each in pending.values() if not self._named(each) & pending.keys() - {each.name}]
            # In a circle, somebody has to begin: who can do without for now.
            for example in ready or [min(pending.values(), key=self._needs)]:
                values = self.resolved(example.entity, example.values)
                waits = {name: value for name, value in values.items() if self._waits(example, name, stored)}
                first = {name: value for name, value in values.items() if name not in waits}
                try:
                    door.create(connection, caller, example.entity.name, {**first, "id": self.ids[example.name]})
                except XrmError as error:
                    raise self._refused(example, error) from None
                late += [(example, waits)] if waits else []
                stored.add(example.name)
                del pending[example.name]
        for example, waits in late:
            try:
                door.update(connection, caller, example.entity.name, self.ids[example.name], waits)
            except XrmError as error:
                raise self._refused(example, error) from None

    def resolved(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values with ids in place of names of records. A name that is no record's stays: it is no id either."""
        return {name: self._id(entity[name], value) for name, value in values.items()}

    def _id(self, field: Field, value: Any) -> Any:
        if not isinstance(value, str) or (field.relation is None and field.name not in _PEOPLE):
            return value
        id_ = self.ids.get(value, value)
        if field.relation is None or not field.relation.polymorphic:
            return id_
        return {self._examples[value].entity.name: id_} if value in self._examples else value

    def _named(self, example: Example) -> set[str]:
        """The records that an example refers to."""
        found = set()
        for name, value in example.values.items():
            if isinstance(value, str) and example.entity[name].relation is not None:
                found.add(value)
        return found

    def _needs(self, example: Example) -> int:
        return sum(example.entity[name].required for name in example.values if self._waits(example, name, set()))

    def _waits(self, example: Example, name: str, stored: set[str]) -> bool:
        value = example.values[name]
        refers = isinstance(value, str) and example.entity[name].relation is not None
        return refers and value in self._examples and value not in stored

    @staticmethod
    def _refused(example: Example, error: XrmError) -> PermissionTestsInvalid:
        reason = f"The record cannot be stored: {error.message}"
        return PermissionTestsInvalid([example.place.problem(reason, "Correct its values.")])


def is_about_rights(error: XrmError) -> bool:
    """Whether a write was refused for what the caller may do, not for what it is."""
    if isinstance(error, ValidationFailed):
        return all(each["rule"] in ("relation", "hidden") for each in error.problems)
    return error.code in ("FORBIDDEN", "NOT_FOUND")
