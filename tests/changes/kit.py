"""What the log of a world says, in short."""

import datetime as dt
import json
from typing import Any

from sqlalchemy import select, update

from tests.records.kit import World
from xrm_core.changes.commitments import chain_of
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.verifying import Verified, verify
from xrm_core.metadata.clock import instant_text
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH
from xrm_core.storage.engines import Database

KEY = "k" * 40


def log_of(world: World, *records: str) -> list[Any]:
    """The rows of the log, in their order; those of some records, or all."""
    query = select(CHANGE).order_by(CHANGE.c.id)
    if records:
        query = query.where(CHANGE.c.record_id.in_(records))
    with world.database.read() as connection:
        return list(connection.execute(query))


def told(world: World, *records: str) -> list[tuple[str, str, int, Any]]:
    """Entity, operation, version and fields of each entry."""
    return [(row.entity, row.operation, row.version, json.loads(row.fields)) for row in log_of(world, *records)]


def verified(world: World, key: str = KEY, expected: str | None = None, unsigned_to: int = 0) -> Verified:
    """The outcome of a check of the whole log."""
    with world.database.read() as connection:
        return verify(connection, ChainKeys(key), expected, unsigned_to)


def a_year_ago(database: Database, *numbers: int, keys: ChainKeys | None = None) -> None:
    """Make batches, or all, such as if they had been sealed then, by a server with these keys."""
    keys, chain, then = keys or ChainKeys(KEY), b"", instant_text(dt.datetime.now(dt.UTC) - dt.timedelta(days=365))
    with database.begin() as connection:
        for batch in connection.execute(select(CHANGE_BATCH).order_by(CHANGE_BATCH.c.number)).all():
            at = then if not numbers or batch.number in numbers else batch.sealed_at
            chain = chain_of(chain, batch.number, batch.first, batch.last, at, bytes(batch.root))
            mine = update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == batch.number)
            connection.execute(mine.values(sealed_at=at, chain=chain, mac=keys.mac(chain)))
