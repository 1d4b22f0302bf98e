"""Running servers on a pack of files that changes: shops with products, and users."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import insert

from tests.server.lifespan import alive
from xrm_core.auth import tokens
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import system
from xrm_core.permissions.in_force import apply_set
from xrm_core.plugins import Plugins
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble_applied, read_model
from xrm_core.server.policy_changes import policies_along
from xrm_core.settings import Settings, load_settings
from xrm_core.storage.applied import current_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan
from xrm_core.storage.schema_files import schema_files
from xrm_core.storage.system import USER_ROLE

TEXT = {"type": "string", "maxLength": 100}
ENTITIES: dict[str, dict[str, Any]] = {
    "user": {"name": TEXT},
    "shop": {"name": TEXT, "city": TEXT},
    "product": {
        "name": TEXT,
        "rank": {"type": "integer"},
        "price": {"type": "number", "x-type": "decimal", "x-precision": 10, "x-scale": 2},
        "shop": {"x-relation": {"to": "shop", "inverse": "products", "on_delete": "set_null"}},
    },
}
ROLES = {"roles": {"admin": {}, "buyer": {}}, "rules": {}}
POLICIES = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\nbuyer,product,read,name price,,allow\n"


@dataclass
class Pack:
    """A folder of entity files and policies."""

    folder: Path
    entities: dict[str, dict[str, Any]] = field(default_factory=lambda: json.loads(json.dumps(ENTITIES)))
    required: dict[str, list[str]] = field(default_factory=dict)
    policies: str = POLICIES

    def write(self) -> Path:
        """Write all files anew."""
        (self.folder / "permissions").mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.json"):
            old.unlink()
        for name, properties in self.entities.items():
            file = {"x-entity": name, "type": "object", "properties": properties}
            file |= {"required": self.required[name]} if name in self.required else {}
            (self.folder / f"{name}.json").write_text(json.dumps(file))
        for name, text in (("roles.json", json.dumps(ROLES)), ("policies.csv", self.policies)):
            file = self.folder / "permissions" / name
            if not file.exists() or file.read_text() != text:  # a server must not find it half written
                file.write_text(text)
        return self.folder


@dataclass
class Installation:
    """A pack and a database that has it, with the user ada."""

    pack: Pack
    settings: Settings
    token: str = ""
    buyer: str = ""

    def apply(self, *accept: str) -> None:
        """Give the database the pack as it is now: «xrm schema apply --permissions», in a process of its own."""
        self.pack.write()
        with closing(Database(self.settings.database_url)) as database:
            model = self._model(database)
            along = policies_along(self.settings, database, model, take_packs=True)
            apply(database, model, accept, along=along)

    def change_policies(self, policies: str = "") -> int:
        """Put the pack's policies in force, or others: «xrm permissions apply». Answers the number of the version."""
        self.pack.policies = policies or self.pack.policies
        files = {"roles.json": json.dumps(ROLES), "policies.csv": self.pack.policies}
        with closing(Database(self.settings.database_url)) as database:
            return apply_set(database, files).number

    def apply_nothing(self) -> None:
        """Check that the files, with those that the database keeps, are what is applied."""
        with closing(Database(self.settings.database_url)) as database, database.read() as connection:
            assert plan(connection, current_model(connection), self._model(database)).is_empty

    def _model(self, database: Database) -> Model:
        with database.read() as connection:
            return read_model(self.settings, Plugins(), schema_files(connection).texts)

    @asynccontextmanager
    async def server(self) -> AsyncIterator["Client"]:
        """A running server and a client of it."""
        app = create_app(await asyncio.to_thread(assemble_applied, self.settings))
        async with (
            alive(app),
            AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as http,
        ):
            yield Client(http, self.token)


@dataclass
class Client:
    """Asks a server."""

    http: AsyncClient
    token: str

    async def answer(self, query: str, token: str = "", path: str = "/graphql", **variables: Any) -> Any:
        """The whole answer."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        answer = await self.http.post(path, json={"query": query, "variables": variables}, headers=headers)
        return answer.json()

    async def ask(self, query: str, token: str = "", path: str = "/graphql", **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = await self.answer(query, token, path, **variables)
        assert "errors" not in answer, (query, answer)
        return answer["data"]

    async def code(self, query: str, token: str = "", path: str = "/graphql", **variables: Any) -> str:
        """The code of an answer's first error."""
        answer = await self.answer(query, token, path, **variables)
        return str(answer["errors"][0]["extensions"]["code"])


def install(database_url: str, folder: Path) -> Installation:
    """The pack in an empty database; ada is admin, bob buys."""
    pack = Pack(folder / "pack")
    settings = load_settings(database_url=database_url, schemas=pack.write(), data_dir=folder / "data")
    installation = Installation(pack, settings)
    installation.apply()
    installation.token, installation.buyer = people(settings)
    return installation


def people(settings: Settings, database: Database | None = None) -> tuple[str, str]:
    """Make ada (admin) and bob (buyer); answers their tokens."""
    platform = assemble_applied(settings)
    target = database or platform.database
    try:
        with target.begin() as connection:
            caller = system(platform.model, "test")
            made = []
            for name, role in (("ada", "admin"), ("bob", "buyer")):
                user = platform.records.create(connection, caller, "user", {"name": name})
                connection.execute(insert(USER_ROLE).values(user_id=user, role=role))
                made.append(tokens.create_token(connection, user, "test"))
        return made[0], made[1]
    finally:
        platform.database.close()
