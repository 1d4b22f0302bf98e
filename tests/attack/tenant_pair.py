"""Two tenants of one server with the same model, the same ids, addresses and passwords: only their words differ.

What they share in the server (what follows from a model, from rights, from a document) would so give one the other's
words, were it not told apart by tenant. In each, every text has the tenant's own word, its canary.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import inspect, update
from starlette.routing import BaseRoute

from tests.auth.authenticator import ORIGIN
from tests.graphql.kit import uid
from tests.server.lifespan import alive
from xrm_core.auth import stored_passwords
from xrm_core.auth.passwords import Passwords
from xrm_core.auth.tokens import TokenLimits, create_token, set_roles
from xrm_core.jobs.enqueue import enqueue
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble_applied, read_model
from xrm_core.server.policy_changes import policies_along
from xrm_core.server.tenant_moves import create_tenant, tenant_url
from xrm_core.settings import Settings, load_settings
from xrm_core.storage import file_store
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.job_tables import JOB

NAMES = ("acme", "blue")
HOST = "blue.example.com"
PASSWORD = "correct horse battery"
EMAIL, REP_EMAIL = "ada@example.com", "bob@example.com"
ADMIN, REP, ACCOUNT, CONTACT, NOTE, FILE = (uid(number) for number in (11, 13, 14, 15, 22, 31))
TEXT = {"type": "string", "maxLength": 100}
ENTITIES: dict[str, dict[str, Any]] = {
    "user": {
        "properties": {
            "name": TEXT,
            "email": {**TEXT, "format": "email", "x-unique": True},
            "active": {"type": "boolean"},
        }
    },
    "account": {
        "x-ownership": "user",
        "x-log-reads": True,
        "properties": {
            "name": {**TEXT, "x-search": True},
            "code": {**TEXT, "x-unique": True},
            "ticket": {"type": "string", "x-sequence": {"format": "T-{0000}"}},
            "paper": {"x-type": "file"},
            "friends": {"x-relation": {"to": "contact", "many": True, "inverse": "friends_of"}},
        },
    },
    "contact": {"properties": {"name": {**TEXT, "x-search": True}}},
    "note": {
        "properties": {
            "text": TEXT,
            "about": {"x-relation": {"to": ["account", "contact"], "inverse": "notes", "on_delete": "set_null"}},
        }
    },
}
ROLES = {
    "roles": {"admin": {}, "rep": {}},
    "rules": {"own": {"owner": {"id": {"eq": "$user"}}}, "shared": {"$shared": "read"}},
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,user,read,name,,allow
rep,account,read,*,own,allow
rep,account,read,name,shared,allow
rep,account,read,code,,hash
rep,contact,read,name,,allow
"""


@dataclass
class Tenant:
    """One of the two, as its people reach it."""

    name: str
    settings: Settings
    http: AsyncClient
    token: str
    rep: str
    service: str
    directory: str
    other: "Tenant" = field(init=False, repr=False)
    heard: set[str] = field(default_factory=set, init=False)
    """Root fields and paths whose answers had the tenant's own word."""
    asked: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict, init=False)
    """Root field → a document with variables that was answered without an error."""
    paths: set[str] = field(default_factory=set, init=False)
    """All that was asked for by HTTP."""

    @property
    def word(self) -> str:
        """The canary."""
        return f"zq{self.name}"

    @property
    def strange(self) -> str:
        """The canary of the other tenant."""
        return f"zq{NAMES[self.name == NAMES[0]]}"

    async def send(self, method: str, path: str, token: str | None = None, **more: Any) -> Response:
        """A request to this tenant; no answer has the other's word in any byte."""
        prefix, host = ("/t/acme", "localhost") if self.name == NAMES[0] else ("", HOST)
        headers = {"Host": host, **more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.http.cookies.clear()
        answer = await self.http.request(method, prefix + path, headers=headers, **more)
        sent = answer.content.lower() + repr(answer.headers).lower().encode()
        assert self.strange.encode() not in sent, (method, path, more, answer.text)
        assert b"INTERNAL_ERROR" not in answer.content, (path, more)
        self.paths.add(path.partition("?")[0])
        if self.word.encode() in sent:
            self.heard.add(path)
        return answer

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The whole answer to a document, as the admin if nobody else is named."""
        body = {"query": query, "variables": variables}
        answer = (await self.send("POST", "/graphql", token or self.token, json=body)).json()
        for name, value in (answer.get("data") or {}).items():
            if "errors" not in answer:
                self.asked[name] = (query, variables)
            if self.word in repr(value):
                self.heard.add(name)
        return answer

    async def data(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = await self.ask(query, token, **variables)
        assert "errors" not in answer, (query, answer)
        return answer["data"]

    def stop_job(self) -> None:
        """Leave the tenant's job as it was at the beginning."""
        with closing(Database(self.settings.database_url)) as database, database.begin() as connection:
            connection.execute(update(JOB).values(stopped(self.word)))

    def everything(self) -> str:
        """All that the tenant's database has, in all its tables."""
        with closing(Database(self.settings.database_url)) as database, database.read() as connection:
            quote = connection.dialect.identifier_preparer.quote
            names = inspect(connection).get_table_names()
            rows = [connection.exec_driver_sql(f"SELECT * FROM {quote(name)}").all() for name in names]
        assert len(rows) > 20
        return repr(rows)


def stopped(word: str) -> dict[str, str]:
    """What there is to say of a tenant's job: that somebody has cancelled it."""
    return {"state": "cancelled", "message": f"{word} retired"}


@dataclass(frozen=True)
class Pair:
    """The two tenants on one server, and the addresses that the server has."""

    tenants: tuple[Tenant, Tenant]
    routes: list[BaseRoute]


@dataclass(frozen=True)
class Estate:
    """Both tenants in their databases, before anybody serves them, with tokens
    by tenant: admin, rep, service, directory.
    """

    settings: Settings
    tokens: dict[str, tuple[str, str, str, str]]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Pair]:
        """A server of them."""
        app: Any = create_app(await asyncio.to_thread(assemble_applied, self.settings))
        async with (
            alive(app),
            AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as one,
            AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as two,
        ):
            found = [
                Tenant(name, _at(self.settings, name), http, *self.tokens[name])
                for name, http in zip(NAMES, (one, two), strict=True)
            ]
            found[0].other, found[1].other = found[1], found[0]
            yield Pair((found[0], found[1]), app.app._app.routes)


def settled(url: str, folder: Path) -> Estate:
    """Main database and both tenants with what is in them."""
    pack = folder / "pack"
    (pack / "permissions").mkdir(parents=True)
    for name, body in ENTITIES.items():
        (pack / f"{name}.json").write_text(json.dumps({"x-entity": name, "type": "object", **body}))
    (pack / "permissions" / "roles.json").write_text(json.dumps(ROLES))
    (pack / "permissions" / "policies.csv").write_text(POLICIES)
    documents = folder / "documents.json"
    documents.write_text(json.dumps({"names": "query Names { accounts { nodes { id name code } } }"}))
    providers = {
        name: {"issuer": "https://127.0.0.1:1/", "client_id": "x", "url": "http://localhost", "tenant": name}
        for name in NAMES
    }
    (folder / "oidc.json").write_text(json.dumps({"providers": providers}))
    settings = load_settings(
        database_url=url,
        schemas=pack,
        data_dir=folder / "data",
        documents=documents,
        oidc=folder / "oidc.json",
        passkey_origins=ORIGIN,
        secret_key="a key of the tests 0123456789 abcdef",
        password_memory=8,
        password_passes=1,
    )
    with closing(Database(url)) as database:
        model = read_model(settings, Plugins())
        apply(database, model, along=policies_along(settings, database, model))
    create_tenant(settings, Plugins(), "acme")
    create_tenant(settings, Plugins(), "blue", [HOST])
    return Estate(settings, {name: _filled(_at(settings, name), f"zq{name}") for name in NAMES})


def _at(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"database_url": tenant_url(settings, name)})


def _filled(settings: Settings, word: str) -> tuple[str, str, str, str]:
    platform = assemble_applied(settings)
    people = {ADMIN: (EMAIL, "admin"), REP: (REP_EMAIL, "rep")}
    with closing(platform.database), platform.database.begin() as connection:
        caller = system(platform.model, "test", sets_system_fields=True)

        def create(entity: str, id_: str, **values: Any) -> None:
            platform.records.create(connection, caller, entity, {"id": id_, **values})

        content = f"{word} on paper".encode()
        file = StoredFile(FILE, f"{word}.txt", "text/plain", len(content), hashlib.sha256(content).hexdigest())
        file_store.add(connection, file, BytesIO(content), None)
        for id_, (email, role) in people.items():
            create("user", id_, name=f"{word} {role}", email=email, active=True)
            set_roles(connection, id_, [role])
            stored_passwords.set_password(connection, id_, Passwords(8, 1).hash(PASSWORD))
        create("contact", CONTACT, name=f"{word} Kim")
        create(
            "account", ACCOUNT, name=f"{word} Ltd", code=f"{word} 1", owner=REP, paper=FILE, friends={"set": [CONTACT]}
        )
        create("note", NOTE, text=f"{word} note", about={"account": ACCOUNT})
        job = enqueue(connection, "fleet.retire", {"vehicle": word})
        connection.execute(update(JOB).where(JOB.c.id == job).values(stopped(word)))
        service = create_token(connection, None, f"{word} service", limits=TokenLimits(roles=["rep"]))
        grants = TokenLimits(roles=["admin"], grants={"xrm_scim": ["read", "update"]})
        directory = create_token(connection, None, f"{word} directory", limits=grants)
        return create_token(connection, ADMIN, word), create_token(connection, REP, word), service, directory
