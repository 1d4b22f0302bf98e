"""Which rows are about records that are there already, by a key: these are changed, the others become new records."""

from collections.abc import Sequence

from sqlalchemy import Connection

from xrm_core.errors import ImportFailed, ValidationFailed
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.records.door import Records
from xrm_core.records.importing.candidates import Candidate
from xrm_core.records.importing.mapping import Column
from xrm_core.records.keys import ID, Key, Value, find, keys_of, value_of_key


def known_key(entity: Entity, names: Sequence[str], columns: Sequence[Column]) -> Key:
    """The key of these fields.

    Raises:
        ImportFailed: there is none, or no column fills one of them.
    """
    usable = [key for key in keys_of(entity) if key != ID]  # ids are no columns of a file
    if tuple(names) not in usable:
        known = "; ".join(",".join(key) for key in usable) or "none"
        raise ImportFailed(
            f"The {entity.name} has no key {','.join(names)!r}.",
            hint=f"Keys are unique fields, alone or together: {known}.",
        )
    filled = {column.field.name for column in columns}
    missing = [name for name in names if name not in filled]
    if missing:
        raise ImportFailed(
            f"No column fills {' and '.join(missing)}, by which records are looked for.", hint="Map one by --map."
        )
    return tuple(names)


class There:
    """Finds records by a key.

    Args:
        records: the door.
        connection: in the transaction of the import.
        caller: who imports.
        entity: of the rows.
        key: by what they are known.
        columns: field → column.
    """

    def __init__(
        self,
        records: Records,
        connection: Connection,
        caller: Caller,
        entity: Entity,
        key: Key,
        columns: dict[str, str],
    ) -> None:
        self._records = records
        self._connection = connection
        self._caller = caller
        self._entity = entity
        self._key = key
        self._columns = columns

    def find(self, candidates: Sequence[Candidate]) -> None:
        """Give rows the ids of their records; rows without a key are blamed."""
        values: dict[Candidate, Value] = {}
        for each in candidates:
            try:
                value = value_of_key(self._entity, self._key, each.record)
            except ValidationFailed as error:
                if not each.problems:
                    name = error.problems[0]["field"]
                    each.blame(self._columns.get(name, name), "required", error.problems[0]["message"])
                continue
            values[each] = value
        scope = self._records.scope(self._connection, self._caller)
        call = (self._connection, scope, self._caller, self._entity, self._key)
        there = find(*call, list(values.values())) if values else {}
        for each, value in values.items():
            if value in there:
                each.id, each.there = there[value], True
