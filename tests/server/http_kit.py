"""A server of GraphQL with its records, and a client that may do everything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.records.kit import CUSTOMERS, Pack, World, build
from xrm_core.auth import tokens
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database

GRAPHQL_RESPONSE = "application/graphql-response+json"


class Client:
    """An HTTP client with the token of an admin."""

    def __init__(self, http: TestClient, world: World, token: str) -> None:
        self.http, self.database, self.records = http, world.database, world.records
        self.world = world
        self.token = token

    def post(self, body: Any, **headers: str) -> Any:
        """POST a body (text as it is, anything else as JSON)."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return self.http.post("/graphql", content=content, headers={**given, **headers})

    def ask(self, query: str, **variables: Any) -> Any:
        """Answer to a query."""
        return self.post({"query": query, "variables": variables}).json()


@contextmanager
def serving(
    database: Database, folder: Path, pack: Pack = CUSTOMERS, plugin: object | None = None, **settings: Any
) -> Iterator[Client]:
    """The client of a server with these settings; «anna» is an admin, «ben» may see his own customers."""
    world = build(database, folder, plugin, pack)
    with world.database.begin() as connection:
        tokens.set_roles(connection, world.users["anna"], ["admin"])
        token = tokens.create_token(connection, world.users["anna"], "test")
    url = database.url.render_as_string(False)
    chosen = load_settings(**{"database_url": url, "max_body_bytes": 10_000, **settings})
    plugins = world.records.plugins
    platform = Platform(chosen, plugins, world.model, world.records.tables, database, world.records, world.authority)
    with TestClient(create_app(platform)) as http:
        yield Client(http, world, token)


def code(answer: Any) -> str:
    """The code of the one error of an answer."""
    [error] = answer.json()["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])
