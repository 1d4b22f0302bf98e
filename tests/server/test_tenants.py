"""Tenants on a running server: by path and by host, apart from each other, each with its own model."""

import asyncio
import datetime as dt
import socket
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from tests.server.live_kit import POLICIES, TEXT, Client, Installation, install, people
from xrm_core.errors import NotFound, SettingsError
from xrm_core.plugins import Plugins
from xrm_core.server.tenant_moves import create_tenant, remove_tenant, tenant_url
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import POLICY_SET
from xrm_core.storage.system import TENANT
from xrm_core.storage.tenants import State, TenantExists, check_name, register, set_state, tenants

NAMES = "{ products(orderBy: [{name: ASC}]) { totalCount nodes { name } } }"
CREATE = "mutation ($name: String) { createProduct(input: {name: $name}) { id name } }"
SECONDS = 10


@dataclass
class Estate:
    """The main database and the tenants acme and blue, each with its own ada and bob."""

    main: Installation
    tokens: dict[str, str]

    def make(self, name: str, *hosts: str, at: str | None = None) -> None:
        """One more tenant."""
        create_tenant(self.main.settings, Plugins(), name, hosts, at)
        self.tokens[name], self.tokens[f"{name}/buyer"] = people(self.settings(name))

    def settings(self, name: str) -> Any:
        """Settings for which the tenant's database is the main one."""
        return self.main.settings.model_copy(update={"database_url": tenant_url(self.main.settings, name)})

    def installed(self, name: str) -> Installation:
        """The tenant as an installation, to apply models to it."""
        return replace(self.main, settings=self.settings(name))


@pytest.fixture
def estate(database_url: str, tmp_path: Path) -> Estate:
    found = Estate(install(database_url, tmp_path), {})
    found.tokens["main"] = found.main.token
    found.make("acme", "acme.example.com")
    found.make("blue")
    return found


@pytest.fixture
async def server(estate: Estate) -> AsyncIterator[Client]:
    async with estate.main.server() as client:
        yield client


async def status(client: Client, path: str, token: str, host: str = "localhost") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Host": host}
    answer = await client.http.post(path, json={"query": NAMES}, headers=headers)
    return answer.status_code, answer.json()


async def test_tenants_are_apart(estate: Estate, server: Client) -> None:
    paths = {"main": "/graphql", "acme": "/t/acme/graphql", "blue": "/t/blue/graphql"}
    for name, path in paths.items():
        await server.ask(CREATE, estate.tokens[name], path, name=f"of {name}")

    for name, path in paths.items():
        # each sees its own
        products = (await server.ask(NAMES, estate.tokens[name], path))["products"]
        assert products == {"totalCount": 1, "nodes": [{"name": f"of {name}"}]}
        # and no token is good for another
        for other in paths.keys() - {name}:
            assert (await status(server, path, estate.tokens[other]))[0] == 401


async def test_an_idempotency_key_belongs_to_one_tenant(estate: Estate, server: Client) -> None:
    made: dict[str, set[str]] = {}
    for name, path in {"acme": "/t/acme/graphql", "blue": "/t/blue/graphql"}.items():
        headers = {"Authorization": f"Bearer {estate.tokens[name]}", "Idempotency-Key": "k"}
        body = {"query": CREATE, "variables": {"name": f"of {name}"}}
        answers = [await server.http.post(path, json=body, headers=headers) for _ in range(2)]
        made[name] = {each.json()["data"]["createProduct"]["id"] for each in answers}
    assert [len(ids) for ids in made.values()] == [1, 1]
    assert made["acme"].isdisjoint(made["blue"])


async def test_ids_of_another_tenant_lead_nowhere(estate: Estate, server: Client) -> None:
    made = await server.ask(CREATE, estate.tokens["blue"], "/t/blue/graphql", name="secret of blue")
    id_ = made["createProduct"]["id"]
    acme = (estate.tokens["acme"], "/t/acme/graphql")
    for query in (
        "query ($id: ID!) { product(id: $id) { name } products { nodes { name } } productsAggregate { count } }",
        "query ($id: ID!) { product(id: $id) { name } __schema { types { name } } }",
        "query ($id: ID!) { products(where: {id: {eq: $id}}) { nodes { name } totalCount } }",
    ):
        answer = await server.answer(query, *acme, id=id_)
        assert "secret" not in str(answer), answer
        assert answer["data"].get("product") is None
    for change in ("deleteProduct(id: $id)", 'updateProduct(id: $id, input: {name: "mine"})'):
        assert await server.code(f"mutation ($id: ID!) {{ {change} {{ name }} }}", *acme, id=id_) == "NOT_FOUND"
    products = (await server.ask(NAMES, estate.tokens["blue"], "/t/blue/graphql"))["products"]
    assert products["nodes"] == [{"name": "secret of blue"}]


async def test_a_host_name_is_a_way_to_its_tenant_only(estate: Estate, server: Client) -> None:
    await server.ask(CREATE, estate.tokens["acme"], "/t/acme/graphql", name="of acme")
    for host in ("acme.example.com", "ACME.example.com:8000"):
        code, answer = await status(server, "/graphql", estate.tokens["acme"], host)
        assert (code, answer["data"]["products"]["totalCount"]) == (200, 1)
    assert (await status(server, "/t/blue/graphql", estate.tokens["blue"], "acme.example.com"))[0] == 404
    assert (await status(server, "/graphql", estate.tokens["acme"], "other.example.com"))[0] == 401


async def test_unknown_tenants_are_one_and_the_same_404(estate: Estate, server: Client) -> None:
    nowhere = await status(server, "/nowhere", "")
    for path in ("/t/acme/nowhere", "/t/acme/graphql%0a", "/t/", "/t//graphql"):
        assert (await server.http.get(path)).status_code == 404, path
    for path, right in (("/t/acme", "/t/acme/"), ("/t/acme/graphql/", "/t/acme/graphql")):
        answer = await server.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (307, f"http://localhost{right}")
    for name in ("nobody", "ACME", "acme%2F", "%2e%2e", "acme;x", "t_acme", "main", "public"):
        for token in ("", estate.tokens["main"], estate.tokens["acme"]):
            assert await status(server, f"/t/{name}/graphql", token) == nowhere


async def test_each_follows_its_own_model(estate: Estate, server: Client) -> None:
    await server.ask(NAMES, estate.tokens["acme"], "/t/acme/graphql")
    estate.main.pack.entities["product"]["colour"] = TEXT
    await asyncio.to_thread(estate.installed("acme").apply)

    query = "{ products { nodes { colour } } }"
    deadline = time.monotonic() + SECONDS
    while "errors" in (answer := await server.answer(query, estate.tokens["acme"], "/t/acme/graphql")):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.05)
    for name, path in (("main", "/graphql"), ("blue", "/t/blue/graphql")):
        assert await server.code(query, estate.tokens[name], path) == "BAD_QUERY"


async def test_a_state_that_refuses_writes(estate: Estate, server: Client) -> None:
    async def told(expected: str | None) -> None:
        """Wait until this is what becomes of a write."""
        deadline = time.monotonic() + SECONDS
        while await error_of(server, estate.tokens["acme"], "/t/acme/graphql") != expected:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    await told(None)
    for state in (State.READONLY, State.MOVING):
        await put(estate, "acme", state)
        await told("TENANT_READONLY")
        assert await server.ask(NAMES, estate.tokens["acme"], "/t/acme/graphql")
        await server.ask(CREATE, estate.tokens["blue"], "/t/blue/graphql", name="yes")
        await put(estate, "acme", State.ACTIVE)
        await told(None)


async def error_of(client: Client, token: str, path: str) -> str | None:
    """The code of what is wrong with a write; None if it is done."""
    answer = await client.answer(CREATE, token, path, name="some")
    return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else None


async def put(estate: Estate, name: str, state: State) -> None:
    def work() -> None:
        with closing(Database(estate.main.settings.database_url)) as main:
            set_state(main, name, state)

    await asyncio.to_thread(work)


async def test_few_are_kept_open_and_all_are_answered(estate: Estate, tmp_path: Path) -> None:
    estate.make("cyan")
    estate.main.settings = estate.main.settings.model_copy(update={"max_tenants": 1})
    async with estate.main.server() as client:
        for _ in range(3):
            asked = [client.ask(NAMES, estate.tokens[each], f"/t/{each}/graphql") for each in ("acme", "blue", "cyan")]
            for data in await asyncio.gather(*asked):
                assert data["products"]["totalCount"] == 0


async def test_a_removed_tenant_is_gone(estate: Estate, server: Client) -> None:
    await server.ask(NAMES, estate.tokens["acme"], "/t/acme/graphql")
    await asyncio.to_thread(remove_tenant, estate.main.settings, "acme")
    deadline = time.monotonic() + SECONDS
    while (await status(server, "/t/acme/graphql", estate.tokens["acme"]))[0] != 404:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    await server.ask(NAMES, estate.tokens["blue"], "/t/blue/graphql")
    with pytest.raises(NotFound):
        tenant_url(estate.main.settings, "acme")
    # nothing remains, and the name is free again
    estate.make("acme")


async def test_of_a_tenant_that_cannot_be_opened_strangers_learn_nothing(estate: Estate) -> None:
    # given a tenant whose policies are damaged
    with closing(Database(tenant_url(estate.main.settings, "acme"))) as database, database.begin() as connection:
        connection.execute(update(POLICY_SET).values(files='{"roles.json": "city"}'))
    async with estate.main.server() as server:
        for path in ("graphql", "health/ready", "files/x"):
            answer = await server.http.get(f"/t/acme/{path}")
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["extensions"]["code"] == "TENANT_UNAVAILABLE"
            for secret in ("polic", "city", str(estate.main.pack.folder)):
                assert secret not in answer.text
        # then the others are served, and it is as soon as it is mended
        await server.ask(NAMES, estate.tokens["blue"], "/t/blue/graphql")
        estate.installed("acme").change_policies(POLICIES)
        deadline = time.monotonic() + SECONDS
        while (await status(server, "/t/acme/graphql", estate.tokens["acme"]))[0] != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    "database_url", [pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"], indirect=True
)  # the silent ones are PostgreSQL's either way, and take five seconds
async def test_database_servers_that_are_silent_hold_up_nobody_else(estate: Estate) -> None:
    # given a port that takes connections and says nothing, and more tenants there than a small machine has threads
    with socket.create_server(("127.0.0.1", 0)) as silent, closing(Database(estate.main.settings.database_url)) as main:
        with main.begin() as connection:
            for number in range(40):
                at = f"postgresql://x@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=5"
                row = {"name": f"away{number}", "state": "active", "database_url": at, "schema_name": "t_away"}
                connection.execute(insert(TENANT).values(**row, created_at=dt.datetime.now(dt.UTC)))
        async with estate.main.server() as server:
            away = [asyncio.create_task(status(server, f"/t/away{number}/graphql", "")) for number in range(40)]
            await asyncio.sleep(0.5)
            assert not any(each.done() for each in away)

            begun = time.monotonic()
            await server.ask(NAMES, estate.tokens["blue"], "/t/blue/graphql")

            assert time.monotonic() - begun < 3
            assert {answer[0] for answer in await asyncio.gather(*away)} == {503}


@pytest.mark.parametrize(
    "name", ["", "Acme", "9lives", "a-b", "a b", "a/b", "../x", "a" * 41, "main", "public", 'a"b', "a;drop", "ä", "a\0"]
)
def test_names_that_a_tenant_cannot_have(name: str) -> None:
    with pytest.raises(SettingsError):
        check_name(name)


def test_names_hosts_and_places_are_taken_once(estate: Estate) -> None:
    settings = estate.main.settings
    with pytest.raises(TenantExists):
        create_tenant(settings, Plugins(), "acme")
    with pytest.raises(TenantExists):
        create_tenant(settings, Plugins(), "other", ["ACME.example.com."])
    with pytest.raises(SettingsError):
        create_tenant(settings, Plugins(), "other", ["http://x/"])
    with pytest.raises(SettingsError):
        create_tenant(settings, Plugins(), "../x")
    assert known(estate.main) == ["acme", "blue"]


def test_a_tenant_that_cannot_be_made_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    main = install(database_url, tmp_path)
    with pytest.raises(SettingsError):
        create_tenant(main.settings, Plugins(), "acme", at="mysql://x/y")
    assert known(main) == []


async def test_a_tenant_that_was_half_made_is_not_served_and_can_be_cleared_away(estate: Estate) -> None:
    # given a command that was killed between the first step and the last
    with closing(Database(estate.main.settings.database_url)) as main:
        register(main, estate.main.settings.data_dir, "half", ["half.example.com"])
    async with estate.main.server() as server:
        nowhere = await status(server, "/nowhere", "")
        assert await status(server, "/t/half/graphql", "") == nowhere
        with pytest.raises(TenantExists):
            estate.make("half")

        await asyncio.to_thread(remove_tenant, estate.main.settings, "half")
        estate.make("half", "half.example.com")


def test_a_tenant_in_a_file_beside_any_main_database(database_url: str, tmp_path: Path) -> None:
    main = install(database_url, tmp_path)
    create_tenant(main.settings, Plugins(), "acme", at=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert (tmp_path / "elsewhere.db").exists()
    remove_tenant(main.settings, "acme")
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_tenant_in_a_file_is_the_same_from_everywhere(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = install(database_url, tmp_path)
    for name, at in (("acme", "sqlite:///here.db"), ("blue", "sqlite:///~/there.db")):
        home = tmp_path / name
        home.mkdir()
        monkeypatch.chdir(home)
        monkeypatch.setenv("HOME", str(home))
        create_tenant(main.settings, Plugins(), name, at=at)
        assert [file.name for file in home.glob("*.db")] == [at.rpartition("/")[2]]
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert Path(tenant_url(main.settings, name).removeprefix("sqlite:///")).parent == home


def known(main: Installation) -> list[str]:
    with closing(Database(main.settings.database_url)) as database, database.read() as connection:
        return [each.name for each in tenants(connection, main.settings.data_dir)]
