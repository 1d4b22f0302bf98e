"""What the log of a world says, in short."""

import json
from typing import Any

from sqlalchemy import select

from tests.records.kit import World
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.verifying import Verified, verify
from xrm_core.storage.change_tables import CHANGE

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


def verified(world: World, key: str = KEY, expected: str | None = None) -> Verified:
    """The outcome of a check of the whole log."""
    with world.database.read() as connection:
        return verify(connection, ChainKeys(key), expected)
