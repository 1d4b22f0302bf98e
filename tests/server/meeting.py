"""Two who write at the same moment: one in a transaction that is open, another one who waits for it already."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from tests.server.door_world import DoorWorld

PATIENCE = 20.0
"""Seconds after which something counts as hanging."""

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def first(world: DoorWorld) -> Iterator[Connection]:
    """A write transaction of an administrator, open until the block ends."""
    with world.client.database.begin() as connection:
        yield connection


def second(world: DoorWorld, query: str, user: str = "anna") -> Future[Any]:
    """Somebody who writes meanwhile, and waits already when this returns: on SQLite, for the turn; else, for a lock."""
    found: Future[Any] = Future()

    def ask() -> None:
        try:
            found.set_result(world.ask(user, query))
        except BaseException as error:  # told by who asks for the result
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    if world.client.database.is_sqlite:
        time.sleep(0.05)
        assert not found.done(), found.result()
        return found
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with world.client.database.read() as connection:
            if connection.scalar(text(_WAITING)):
                return found
        time.sleep(0.01)
    raise AssertionError(f"It does not wait: {found}")


def update(world: DoorWorld, connection: Connection, entity: str, id_: str, **changes: Any) -> None:
    world.client.records.update(connection, world.client.world.caller("admin"), entity, id_, changes)


def delete(world: DoorWorld, connection: Connection, entity: str, id_: str) -> None:
    world.client.records.delete(connection, world.client.world.caller("admin"), entity, id_)


def create(world: DoorWorld, connection: Connection, entity: str, **values: Any) -> str:
    return world.client.records.create(connection, world.client.world.caller("admin"), entity, values)


def code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def stored(world: DoorWorld, entity: str, id_: str) -> Any:
    return next((row for row in world.rows(entity) if row["id"] == id_), None)
