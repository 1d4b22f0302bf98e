"""An engine on the world of writes, and a client that follows what changes there."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.records.kit import World
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import seal_all
from xrm_core.graphql.engine import Engine, Request
from xrm_core.storage.pq_reader import PostgresReader
from xrm_core.storage.readers import Reader
from xrm_core.storage.sqlite_reader import SqliteReader

T = TypeVar("T")

NAMES = "{ ... on Customer { name } ... on Note { text } }"
FEED = f"""query ($after: String, $first: Int, $entities: [FollowedEntity!]) {{
    changes(after: $after, first: $first, entities: $entities) {{
        cursor hasMore reload incomplete
        changes {{ operation entity id node {NAMES} }}
    }}
}}"""
CLERKS = FEED.replace(NAMES, "{ ... on Customer { city } }")


class Following:
    """Asks one engine; what it asks for is sealed first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._runner = asyncio.Runner()
        self.reader: Reader = (
            SqliteReader(world.database, 20) if world.database.is_sqlite else PostgresReader(world.database, 20)
        )
        self.engine = Engine(world.records, world.database, self.reader)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop to which the reader belongs."""
        return self._runner.run(work)

    def seal(self) -> None:
        """Give positions to what was written."""
        seal_all(self.world.database, ChainKeys(""))

    def body(self, role: str, document: str, user: str = "anna", **variables: Any) -> Any:
        """The whole answer."""
        self.seal()
        request = Request(document, variables)
        return json.loads(self.run(self.engine.execute(request, self.world.caller(role, user))).body)

    def feed(self, role: str, after: str | None = None, user: str = "anna", **variables: Any) -> Any:
        """A page of the feed."""
        body = self.body(role, CLERKS if role == "clerk" else FEED, user, after=after, **variables)
        assert "errors" not in body, body
        return body["data"]["changes"]

    def start(self, role: str, user: str = "anna") -> str:
        """A cursor to begin with."""
        return str(self.feed(role, user=user)["cursor"])

    def pages(self, role: str, after: str, first: int, between: Callable[[], None] = lambda: None) -> list[Any]:
        """The changes of all pages, with something done after each."""
        found = []
        while True:
            page = self.feed(role, after, first=first)
            assert len(page["changes"]) <= first
            found += page["changes"]
            after = page["cursor"]
            if not page["hasMore"]:
                return found
            between()

    def close(self) -> None:
        """Give everything back."""
        self.run(self.reader.close())
        self.engine.close()
        self._runner.close()


def short(changes: Any) -> list[tuple[str, str, Any]]:
    """Operation, id and record of each change."""
    return [(each["operation"], each["id"], each["node"]) for each in changes]
