"""What can be said of records that are to be created together before any of them is: form, rights, values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from xrm_core.errors import XrmError
from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.records.defaults import SYSTEM_NAMES, defaults
from xrm_core.records.links import owned
from xrm_core.records.nested_errors import Path, at, together
from xrm_core.records.nested_input import malformed, parts
from xrm_core.records.refusals import refuse
from xrm_core.records.rights import check_fields
from xrm_core.records.stored import canonical

if TYPE_CHECKING:
    from xrm_core.records.door import Records


def survey(records: "Records", caller: Caller, kind: Entity, rows: Sequence[Mapping[str, Any]]) -> None:
    """Look at records with all that is nested in them.

    Raises:
        Forbidden: the caller may not create one of them, whatever the values of others.
        ValidationFailed: with all problems of the first of the rows that has any.
    """
    found = _Survey(records, caller)
    for values in rows:
        found.errors.clear()
        found.look(kind, values, (), {})
        if found.errors:
            raise together(found.errors)


class _Survey:
    def __init__(self, records: "Records", caller: Caller) -> None:
        self._records = records
        self._caller = caller
        self.errors: list[XrmError] = []

    def look(self, kind: Entity, values: Mapping[str, Any], path: Path, back: Mapping[str, Any]) -> None:
        """Look at a record. ``back``: its relation to the record in which it stands, if it has one."""
        nested = list(parts(kind, values))
        given = {name: value for name, value in values.items() if name not in kind.inverses}
        for place, entity, _, _ in nested:
            name = str(place[0])
            if name in kind.fields:  # as if it were there already
                one = stand_in(kind.fields[name], entity)
                given[name] = {**given[name], **one} if isinstance(one, Mapping) else one
        given |= back
        try:
            check_fields(self._caller, kind, Action.CREATE, owned(kind, given))
        except XrmError as error:
            raise at(error, path) from None
        fields = {name: value for name, value in given.items() if name not in kind.links and name not in SYSTEM_NAMES}
        record = canonical(kind, {**defaults(kind, self._caller), **fields})
        try:
            refuse([*malformed(kind, values), *self._records.validator.problems(kind, record)], kind, self._caller)
        except XrmError as error:
            self.errors.append(at(error, path))
        for place, entity, field, each in nested:
            child = self._records.model[entity]
            if isinstance(each, Mapping):
                to_this = {field: stand_in(child.fields[field], kind.name)} if field else {}
                self.look(child, each, (*path, *place), to_this)


def stand_in(field: Field, target: str) -> Any:
    """A value for a relation to a record of an entity that is not there yet."""
    id_ = str(uuid7())
    return {target: id_} if field.reference.polymorphic else id_
