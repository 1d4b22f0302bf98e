"""Many records at once: created, changed, moved to the trash.

All that holds for one record holds for each of them: rights, validation, hooks, log. Either all is done or nothing
(``skip`` False), or what is wrong is left out and told. What only the database finds is found by halves: a part that
fails is taken back, and its halves are tried by themselves.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection

from xrm_core.errors import QueryTooLarge, XrmError
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.records.creating import New, prepare, store
from xrm_core.records.deleting import remove
from xrm_core.records.nested_input import has_nested, require_few
from xrm_core.records.restoring import restore as bring_back
from xrm_core.records.updating import alike, change_alike
from xrm_core.records.wording import plural
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

MOST = 10_000
"""Records of one call."""

TOLD = 100
"""Errors after which one that does all or nothing looks for no more."""

Item = TypeVar("Item")


class BulkRefused(XrmError):
    """Some of many records could not be written, so none was; ``details.errors`` has index, id and error of each."""

    code = "BULK_REFUSED"
    http_status = 422


@dataclass(slots=True)
class Outcome:
    """What was done: the ids in the order of what was given (None: left out), and what is wrong, by its place there."""

    ids: list[str | None]
    errors: dict[int, XrmError] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many records were written."""
        return sum(id_ is not None for id_ in self.ids)


def create(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    skip: bool,
) -> Outcome:
    """Create records; see :meth:`xrm_core.records.door.Records.create_bulk`."""
    kind, now = records.model[entity], dt.datetime.now(dt.UTC)
    require_fits(kind, len(rows))
    if any(has_nested(kind, values) for values in rows):
        return _create_nested(records, connection, caller, kind, rows, skip=skip)
    ready, wrong = prepare(records, connection, caller, kind, rows, now)
    outcome = Outcome([None] * len(rows), wrong)

    def work(some: Sequence[New]) -> None:
        store(records, connection, caller, kind, some, now)
        for each in some:
            outcome.ids[each.index] = each.record["id"]

    if skip or not wrong:
        in_parts(connection, ready, work, lambda each, error: wrong.update({each.index: error}), skip=skip)
    return finished(kind, outcome, skip=skip)


def _create_nested(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    rows: Sequence[Mapping[str, Any]],
    *,
    skip: bool,
) -> Outcome:
    """As :func:`create` for records in which others stand: one that is wrong takes with it what stands in it."""
    require_few(records.model, kind, rows)
    outcome = Outcome([None] * len(rows))

    def work(some: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        ids = records.create_many(connection, caller, kind.name, [values for _, values in some])
        for (index, _), id_ in zip(some, ids, strict=True):
            outcome.ids[index] = id_

    errors = outcome.errors
    in_parts(connection, list(enumerate(rows)), work, lambda each, error: errors.update({each[0]: error}), skip=skip)
    return finished(kind, outcome, skip=skip)


def update(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    ids: Sequence[str],
    changes: Mapping[str, Any],
    *,
    skip: bool,
) -> Outcome:
    """Change records; see :meth:`xrm_core.records.door.Records.update_bulk`."""
    kind = records.model[entity]

    def work(some: Sequence[str]) -> None:
        if alike(kind, changes):
            change_alike(records, connection, caller, kind, some, changes)
            return
        for id_ in some:
            records.update(connection, caller, entity, id_, changes)

    return _of_ids(connection, kind, ids, work, skip=skip)


def delete(
    records: "Records", connection: Connection, caller: Caller, entity: str, ids: Sequence[str], *, skip: bool
) -> Outcome:
    """Move records to the trash; see :meth:`xrm_core.records.door.Records.delete_bulk`."""

    def work(some: Sequence[str]) -> None:
        remove(records, connection, caller, entity, some)

    return _of_ids(connection, records.model[entity], ids, work, skip=skip)


def restore(
    records: "Records", connection: Connection, caller: Caller, entity: str, ids: Sequence[str], *, skip: bool
) -> Outcome:
    """Bring records back; see :meth:`xrm_core.records.door.Records.restore_bulk`."""

    def work(some: Sequence[str]) -> None:
        bring_back(records, connection, caller, entity, some)

    return _of_ids(connection, records.model[entity], ids, work, skip=skip)


def purge(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    ids: Sequence[str],
    *,
    skip: bool,
    address: str | None,
) -> Outcome:
    """End records in the trash; see :meth:`xrm_core.records.door.Records.purge_bulk`."""

    def work(some: Sequence[str]) -> None:
        records.purge(connection, caller, entity, some, address)

    return _of_ids(connection, records.model[entity], ids, work, skip=skip)


def _of_ids(
    connection: Connection, kind: Entity, ids: Sequence[str], work: Callable[[Sequence[str]], None], *, skip: bool
) -> Outcome:
    require_fits(kind, len(ids))
    places = {id_: place for place, id_ in enumerate(ids)}
    outcome = Outcome([None] * len(ids))

    def done(some: Sequence[str]) -> None:
        work(some)
        for id_ in some:
            outcome.ids[places[id_]] = id_

    in_parts(connection, ids, done, lambda id_, error: outcome.errors.update({places[id_]: error}), skip=skip)
    return finished(kind, outcome, skip=skip)


def require_fits(kind: Entity, count: int) -> None:
    """Raise QueryTooLarge if these are too many for one call."""
    if count > MOST:
        raise QueryTooLarge(
            say("At most {limit} {entities} are written at once.", limit=MOST, entities=plural(kind)),
            hint=say("Split them into several requests."),
        )


def in_parts(
    connection: Connection,
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], None],
    failed: Callable[[Item, XrmError], Any],
    *,
    skip: bool,
) -> None:
    """Do something with all items in one go; if it fails, take it back and do it with each half, down to who is wrong.

    One with which somebody else was a moment earlier is tried once more, as a document is: what is told of it is so.
    Without ``skip`` it ends after :data:`TOLD` of them.
    """
    waiting, count = [(items, True)], 0
    while waiting and (skip or count < TOLD):
        part, first = waiting.pop()
        if not part:
            continue
        try:
            with connection.begin_nested():
                work(part)
        except XrmError as error:
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [(part[middle:], True), (part[:middle], True)]
            elif error.overtaken and first:
                waiting.append((part, False))
            else:
                failed(part[0], error)
                count += 1


def finished(kind: Entity, outcome: Outcome, *, skip: bool) -> Outcome:
    """The outcome, or BulkRefused if nothing is to be done since something is wrong."""
    if skip or not outcome.errors:
        return outcome
    errors = [told(index, error) for index, error in sorted(outcome.errors.items())[:TOLD]]
    first = next(iter(sorted(outcome.errors.items())))
    raise BulkRefused(
        say(
            "Nothing was done, since not all of these {entities} can be written. The one at {index}: {message}",
            entities=plural(kind),
            index=first[0],
            message=first[1].message,
        ),
        hint=say("Mend them, or leave out by onError: SKIP what is wrong."),
        details={"errors": errors},
    )


def told(index: int, error: XrmError) -> dict[str, Any]:
    """An error of one of many, in JSON."""
    return {"index": index, **error.to_json()}
