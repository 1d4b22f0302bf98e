"""Sealing: entries that are committed get their positions, and a batch of them its hash.

A number that is taken before a commit is no place to read from: a reader that has seen 2 would never see a 1 that is
committed later. Positions are given afterwards, by one server at a time, to what can be seen: from one on, without a
gap.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from xrm_core.changes.commitments import Stored, chain_of, root_of
from xrm_core.changes.keys import ChainKeys
from xrm_core.metadata.clock import instant_text
from xrm_core.storage.advisory import is_alone
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH, unsealed
from xrm_core.storage.engines import Database

MOST = 1_000
"""Entries of a batch."""

_IN_A_ROW = 16
"""Entries between which nobody else is let in: some tenths of a millisecond."""

_ADVISORY_LOCK = 0x78726D06  # «xrm» 6
_TIMEOUT = 30.0
_PLACED = update(CHANGE).where(CHANGE.c.id == bindparam("of")).values(position=bindparam("place"))
_GIVEN = (
    func.unnest(bindparam("ids", type_=ARRAY(BigInteger())))
    .table_valued("id", with_ordinality="place")
    .render_derived()
)
_ALL_PLACED = (
    update(CHANGE)
    .where(CHANGE.c.id == _GIVEN.c.id)
    .values(position=bindparam("before", type_=BigInteger()) + _GIVEN.c.place)
)


def seal(database: Database, keys: ChainKeys) -> int:
    """Seal one batch of what is not sealed yet; answers how many entries it has. Blocking.

    0: there was nothing to do, or another server is at it (PostgreSQL).

    Raises:
        DatabaseUnavailable, Busy, Timeout: nothing was done.
    """
    with database.read(_TIMEOUT) as connection:  # on SQLite, looking must not keep writers waiting
        if connection.scalar(select(CHANGE.c.id).where(unsealed(connection)).limit(1)) is None:
            return 0
    with database.begin(_TIMEOUT) as connection:
        return seal_in(connection, keys) if alone(connection) else 0


def seal_all(database: Database, keys: ChainKeys, stop: Callable[[], bool] = lambda: False) -> int:
    """Seal everything that is committed now; answers how many entries that were. As :func:`seal`.

    ``stop`` is asked before each batch; True: leave the rest for another time.
    """
    total = 0
    while not stop() and (count := seal(database, keys)):
        total += count
    return total


def alone(connection: Connection) -> bool:
    """Whether nobody else is sealing, held until the transaction ends."""
    return is_alone(connection, _ADVISORY_LOCK)


def seal_in(connection: Connection, keys: ChainKeys) -> int:
    """Seal one batch; the caller is :func:`alone`."""
    rows = connection.execute(select(CHANGE).where(unsealed(connection)).order_by(CHANGE.c.id).limit(MOST)).all()
    if not rows:
        return 0
    before = connection.execute(select(CHANGE_BATCH).order_by(CHANGE_BATCH.c.number.desc()).limit(1)).first()
    number, first, chain = (1, 1, b"") if before is None else (before.number + 1, before.last + 1, before.chain)
    _place(connection, [row.id for row in rows], first)
    sealed_at, last = instant_text(dt.datetime.now(dt.UTC)), first + len(rows) - 1
    root = root_of(_leaving_room(stored(row, first + index) for index, row in enumerate(rows)))
    chain = chain_of(chain, number, first, last, sealed_at, root)
    batch = {"number": number, "first": first, "last": last, "sealed_at": sealed_at, "root": root, "chain": chain}
    connection.execute(insert(CHANGE_BATCH), [{**batch, "mac": keys.mac(chain), "removed": False}])
    return len(rows)


def _place(connection: Connection, ids: Sequence[int], first: int) -> None:
    """Give entries their positions."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALL_PLACED, {"ids": ids, "before": first - 1})
    else:
        connection.execute(_PLACED, [{"of": id_, "place": place} for place, id_ in enumerate(ids, first)])


def _leaving_room(entries: Iterator[Stored]) -> Iterator[Stored]:
    """Each of some entries, with room for other threads every now and then: those that answer requests go first.

    Not between each and the next: to give Python's lock away and to get it back takes both longer than an entry does.
    """
    for number, each in enumerate(entries):
        if number % _IN_A_ROW == 0:
            time.sleep(0)
        yield each


def stored(row: Row[Any], position: int | None = None) -> Stored:
    """A row of the log as an entry; ``position``: the one that it is getting."""
    return Stored(
        row.position if position is None else position,
        row.at,
        row.entity,
        str(row.record_id),
        row.operation,
        row.version,
        None if row.actor is None else str(row.actor),
        row.causes,
        row.fields,
        None if row.salt is None else bytes(row.salt),
        row.erased,
    )


def entries(connection: Connection, first: int, last: int) -> Iterator[Stored]:
    """The entries from one position to another, in their order."""
    query = select(CHANGE).where(CHANGE.c.position.between(first, last)).order_by(CHANGE.c.position)
    return (stored(row) for row in connection.execute(query))
