"""Random models with random records on each database, to be asked."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query import random_records
from tests.query.random_models import Drawn
from tests.query.two_ways import Ways
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

RANDOM = DocumentLimits(aliases=10_000, fields=100_000)
"""Random documents have an alias at nearly every field."""

Open = Callable[[Drawn], AbstractContextManager[tuple[dict[str, Ways], dict[str, list[Any]]]]]
"""Opens a model: gives each database by its name, whose role may read everything, and values to ask for by type."""


def opener(server: PostgresServer | None, folders: pytest.TempPathFactory) -> Open:
    """Opens models on SQLite, and on PostgreSQL if there is a server."""

    @contextmanager
    def opened(of: Drawn) -> Iterator[tuple[dict[str, Ways], dict[str, list[Any]]]]:
        rows = random_records.records(of.model, random.Random(of.seed))
        users = [row for entity, row in rows if entity == "user"] or [{"id": uid(1)}]
        caller = users[0]["id"], users[0].get("team")
        with ExitStack() as stack:
            urls = {"sqlite": f"sqlite:///{folders.mktemp('model') / 'world.db'}"}
            if server is not None:
                urls["postgresql"] = stack.enter_context(server.database())
            ways = {name: Ways(world(of, url, rows, stack), *caller) for name, url in urls.items()}
            ids = [row["id"] for _, row in rows]
            yield ways, {"ID": ids, "String": random_records.texts(rows)}

    return opened


def world(of: Drawn, url: str, rows: list[tuple[str, random_records.Record]], stack: ExitStack) -> World:
    """The model on an empty database, with these records; ``stack`` closes it."""
    database = Database(url)
    apply(database, of.model)
    database.close()
    found = World(of.model, kit.policies(of.model, ["role,*,read,*,,allow"], {}), url, {}, documents=RANDOM)
    stack.callback(found.close)
    with found.database.begin() as connection:
        random_records.store(found.records, connection, rows)
    return found
