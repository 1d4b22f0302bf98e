"""The log of some records from its end backwards, in pieces: however often they were changed, only so much at once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, or_, select

from xrm_core.changes.opening import opened_rows
from xrm_core.storage.change_tables import CHANGE

MOST = 2_000
"""Entries in a piece, of all records together."""

_COLUMNS = CHANGE.c.id, CHANGE.c.position, CHANGE.c.record_id, CHANGE.c.operation, CHANGE.c.fields, CHANGE.c.erased
_OF_ONE = 200  # of a record in its first piece; whoever has more waits for a piece of their own


class Seen(NamedTuple):
    """What is looked at of an entry; none of ``fields`` that was asked for is closed."""

    id: int
    position: int | None
    record_id: Any
    operation: str
    fields: str
    erased: str | None


@dataclass
class Trail:
    """What the log has of a record since some place: ``left`` entries, older than the one with the id ``older_than``.

    ``first`` is the operation of the oldest of them.
    """

    record_id: str
    first: str
    left: int
    older_than: int | None = None


@dataclass(frozen=True)
class Backwards:
    """Reads the entries after a place; what is not sealed yet is after every place.

    Args:
        connection: of one snapshot.
        base: the place.
        opens: the fields whose values are looked at; None: all. What is closed of others stays so: it takes no key
            store to see that they have changed.
    """

    connection: Connection
    base: int
    opens: frozenset[str] | None = None

    def trails(self, ids: Collection[str]) -> dict[str, Trail]:
        """Those of the records that have entries."""
        since = CHANGE.c.record_id.in_(ids), self._since()
        counted = select(CHANGE.c.record_id, func.count().label("number"), func.min(CHANGE.c.id).label("id"))
        some = counted.where(*since).group_by(CHANGE.c.record_id).subquery()
        rows = self.connection.execute(
            select(some.c.record_id, CHANGE.c.operation, some.c.number).join(CHANGE, CHANGE.c.id == some.c.id)
        )
        return {str(row.record_id): Trail(str(row.record_id), row.operation, row.number) for row in rows}

    def piece(self, trails: Mapping[str, Trail]) -> dict[str, Sequence[Any]]:
        """The next entries of some of the records, the newest first; they are the trails' no more.

        At least one record has some, each of these all that it has, or so many as fit.
        """
        together: list[Trail] = []
        number = 0
        for trail in trails.values():
            if trail.older_than is None and trail.left <= _OF_ONE and number + trail.left <= MOST:
                together.append(trail)
                number += trail.left
        if together:
            return self._whole(together)
        trail = next(iter(trails.values()))
        size = _OF_ONE if trail.older_than is None else MOST
        query = select(*_COLUMNS).where(CHANGE.c.record_id == trail.record_id, self._since())
        if trail.older_than is not None:
            query = query.where(CHANGE.c.id < trail.older_than)
        rows = self._read(query.order_by(CHANGE.c.id.desc()).limit(size))
        trail.left = trail.left - len(rows) if rows else 0
        trail.older_than = rows[-1].id if rows else trail.older_than
        return {trail.record_id: rows}

    def down_to(self, record_id: str, id_: int) -> Iterator[Sequence[Any]]:
        """The entries of a record from its newest to that with an id, in pieces."""
        query = select(*_COLUMNS).where(CHANGE.c.record_id == record_id, CHANGE.c.id >= id_, self._since())
        query = query.order_by(CHANGE.c.id.desc()).limit(MOST)
        rows = self._read(query)
        while rows:
            yield rows
            rows = self._read(query.where(CHANGE.c.id < rows[-1].id)) if len(rows) == MOST else []

    def _whole(self, trails: Sequence[Trail]) -> dict[str, Sequence[Any]]:
        found: dict[str, list[Any]] = {trail.record_id: [] for trail in trails}
        query = select(*_COLUMNS).where(CHANGE.c.record_id.in_(found), self._since())
        for row in self._read(query.order_by(CHANGE.c.id.desc())):
            found[str(row.record_id)].append(row)
        for trail in trails:
            trail.left = 0
        return dict(found)

    def _read(self, query: Select[Any]) -> list[Seen]:
        return [Seen(*row) for row in opened_rows(self.connection, self.connection.execute(query), self.opens)]

    def _since(self) -> Any:
        return or_(CHANGE.c.position > self.base, CHANGE.c.position.is_(None))
