"""Records that are created together with another: ``{name, contacts: {create: [{…}]}, owner: {create: {…}}}``.

Each of them goes through the same door as if it were alone, with its own rights, validation, hooks and log entry. What
a relation refers to is created before the record, what refers to the record after it, and before it is asked whether
the record is one that the caller may create: row rules may be about both. What can be said beforehand is said of all of
them at once, before anything is written.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import XrmError
from xrm_core.metadata.model import Entity, Link
from xrm_core.permissions.caller import Caller
from xrm_core.records.bulk import in_parts
from xrm_core.records.creating import New, prepare, store
from xrm_core.records.nested_errors import Path, at, together
from xrm_core.records.nested_input import CREATE, RECORD, created_in, is_nested, require_few
from xrm_core.records.nested_survey import survey

if TYPE_CHECKING:
    from xrm_core.records.door import Records


@dataclass(frozen=True, slots=True)
class _Item:
    """A record that is to be created; ``path`` is its place below the one that was asked for."""

    path: Path
    values: Mapping[str, Any]


def create_nested(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    rows: Sequence[Mapping[str, Any]],
    now: dt.datetime,
) -> list[str]:
    """Create records with all that is nested in them; answers the ids of the records themselves.

    Raises:
        QueryTooLarge: they are too many, or nested too deep.
        Forbidden, ValidationFailed, RefusedByPlugin: what was written is to be taken back. The fields of problems are
            paths from the record (``contacts.create.1.email``); other errors have theirs in ``details.path``.
    """
    require_few(records.model, kind, rows)
    survey(records, caller, kind, rows)
    return _Level(records, connection, caller, now).create(kind, [_Item((), values) for values in rows])


class _PlaceKnownError(Exception):
    """What is wrong below some records has its place already. To look for it among halves of those, too, would take a
    multiple of the time at each level.
    """

    def __init__(self, error: XrmError) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True, slots=True)
class _Level:
    records: "Records"
    connection: Connection
    caller: Caller
    now: dt.datetime

    def create(self, kind: Entity, items: Sequence[_Item]) -> list[str]:
        """Create records of one entity, with all that is nested in them, and answer their ids in the same order."""
        if not items:
            return []
        rows = [dict(item.values) for item in items]
        below = [{name: _created(row.pop(name)) for name in kind.inverses.keys() & row.keys()} for row in rows]
        self._targets(kind, items, rows)
        for link in kind.links.values():
            self._linked(link, items, rows)
        ready, wrong = prepare(self.records, self.connection, self.caller, kind, rows, self.now)
        if wrong:
            raise together(at(error, items[place].path) for place, error in sorted(wrong.items()))
        errors: list[XrmError] = []

        def work(some: Sequence[New]) -> None:
            call = (self.records, self.connection, self.caller, kind, some, self.now)
            store(*call, along=lambda: along(some))

        def along(some: Sequence[New]) -> None:
            try:
                self._below(kind, items, below, some)
            except XrmError as error:
                raise _PlaceKnownError(error) from error

        try:
            in_parts(
                self.connection,
                ready,
                work,
                lambda new, error: errors.append(at(error, items[new.index].path)),
                skip=False,
            )
        except _PlaceKnownError as found:
            errors.append(found.error)
        if errors:
            raise together(errors)
        return [new.record["id"] for new in ready]

    def _targets(self, kind: Entity, items: Sequence[_Item], rows: list[dict[str, Any]]) -> None:
        """Create what relations to one record refer to, and put its id in its place."""
        for field in kind.fields.values():
            if field.relation is None:
                continue
            for target in field.relation.targets:
                wanted: list[_Item] = []
                places: list[dict[str, Any]] = []
                for item, row in zip(items, rows, strict=True):
                    path, given = created_in(field, target, row.get(field.name))
                    if given is not None:
                        wanted.append(_Item((*item.path, field.name, *path), given))
                        places.append(row)
                ids = self.create(self.records.model[target], wanted)
                for row, id_ in zip(places, ids, strict=True):
                    row[field.name] = {**row[field.name], target: id_} if field.relation.polymorphic else id_

    def _linked(self, link: Link, items: Sequence[_Item], rows: list[dict[str, Any]]) -> None:
        """Create records that are to be linked, and let them be linked like others."""
        wanted: list[_Item] = []
        places: list[tuple[dict[str, Any], Mapping[str, Any]]] = []
        for item, row in zip(items, rows, strict=True):
            if not is_nested(row.get(link.name)):
                continue
            change = row[link.name] = dict(row[link.name])
            change["add"] = list(change.get("add") or ())
            for place, each in enumerate(change.pop(CREATE)):
                wanted.append(_Item((*item.path, link.name, CREATE, place, RECORD), each[RECORD]))
                places.append((change, {name: value for name, value in each.items() if name != RECORD}))
        for (change, attributes), id_ in zip(places, self.create(self.records.model[link.target], wanted), strict=True):
            change["add"].append({**attributes, "id": id_})

    def _below(
        self, kind: Entity, items: Sequence[_Item], below: Sequence[Mapping[str, Any]], stored: Sequence[New]
    ) -> None:
        """Create what refers to records that were just stored."""
        for inverse in kind.inverses.values():
            child = self.records.model[inverse.entity]
            polymorphic = child[inverse.field].reference.polymorphic
            self.create(
                child,
                [
                    _Item(
                        (*items[new.index].path, inverse.name, CREATE, place),
                        {**values, inverse.field: {kind.name: new.record["id"]} if polymorphic else new.record["id"]},
                    )
                    for new in stored
                    for place, values in enumerate(below[new.index].get(inverse.name, ()))
                ],
            )


def _created(value: Any) -> Sequence[Mapping[str, Any]]:
    return value[CREATE] if is_nested(value) else ()
