"""Two tenants of one server at the same time, by every way that there is: each sees its own only."""

import asyncio
import datetime as dt
import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from starlette.routing import Mount, Route

from tests.attack.tenant_pair import (
    EMAIL,
    PASSWORD,
    REP,
    Estate,
    Tenant,
    settled,
)
from tests.attack.tenant_strands import STRANDS, sign_in
from tests.postgres import PostgresServer
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.storage.engines import Database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def estate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("tenants")
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/main.db"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        yield settled(url, folder)


async def test_both_at_once_by_every_way(estate: Estate) -> None:
    await drive(estate, 1)


@pytest.mark.slow
async def test_both_again_and_again(estate: Estate) -> None:
    await drive(estate, 8)  # more would meet the limit on wrong attempts of an address


async def drive(estate: Estate, rounds: int) -> None:
    async with estate.served() as pair:
        for _ in range(rounds):
            await asyncio.gather(*(strand(each) for each in pair.tenants for strand in STRANDS))
        for tenant in pair.tenants:
            for route in pair.routes:
                assert isinstance(route, Route | Mount)
                assert any(map(route.path_regex.match, tenant.paths)), f"no strand asks for {route.path}"
            fields = await tenant.data(
                "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"
            )
            names = {each["name"] for root in fields["__schema"].values() for each in root["fields"]}
            assert names <= tenant.asked.keys(), f"no strand asks for {names - tenant.asked.keys()}"
            # what could have been the other's was there, as the tenant's own
            assert len(tenant.heard) > 25, tenant.heard
        one, other = pair.tenants
        for tenant, stranger in ((one, other), (other, one)):
            await refused_elsewhere(tenant, stranger)
        await ids_lead_nowhere(one, other)
        kept = {each.word: await asyncio.to_thread(each.everything) for each in pair.tenants}
    for tenant in pair.tenants:
        assert kept[tenant.word].count(tenant.word) > 20
        assert tenant.strange not in kept[tenant.word]


async def refused_elsewhere(tenant: Tenant, stranger: Tenant) -> None:
    """Nothing by which somebody is known at one tenant is of any use at the other, while both are asked."""
    session = await sign_in(tenant, EMAIL, PASSWORD)
    before = await stranger.data("{ accounts { totalCount } users { totalCount } notes { totalCount } }")

    async def at_home() -> None:
        for token in (tenant.token, tenant.rep, tenant.service, session):
            answer = await tenant.send("POST", "/graphql", token, json={"query": "{ __typename }"})
            assert answer.status_code == 200

    async def elsewhere() -> None:
        known = (tenant.token, tenant.rep, tenant.service, session)
        for token, (document, variables) in zip(itertools.cycle(known), tenant.asked.values(), strict=False):
            body = {"query": document, "variables": variables}
            assert (await stranger.send("POST", "/graphql", token, json=body)).status_code == 401
        for token in known:
            for method, path in (("POST", "/files"), ("GET", "/files/x"), ("POST", "/auth/logout")):
                assert (await stranger.send(method, path, token)).status_code == 401
        for name in ("xrm_session", f"xrm_session_{tenant.name}", f"xrm_session_{stranger.name}"):
            headers = {"Cookie": f"{name}={session}", "X-XRM-CSRF": "1"}
            answer = await stranger.send("POST", "/graphql", json={"query": "{ me { id } }"}, headers=headers)
            assert answer.status_code == 401

    await asyncio.gather(at_home(), elsewhere(), at_home())
    link = await asyncio.to_thread(reset_link, tenant)
    body = {"token": link, "password": "a good password of its own"}
    assert (await stranger.send("POST", "/auth/password", json=body)).status_code == 404
    assert (await tenant.send("POST", "/auth/password", json={**body, "password": PASSWORD})).status_code == 200
    after = await stranger.data("{ accounts { totalCount } users { totalCount } notes { totalCount } }")
    assert after == before


def reset_link(tenant: Tenant) -> str:
    with closing(Database(tenant.settings.database_url)) as database, database.begin() as connection:
        return create_link(connection, REP, Purpose.RESET, dt.timedelta(hours=1))


async def ids_lead_nowhere(one: Tenant, other: Tenant) -> None:
    """Ids of records, tokens, sessions, files and users, and places in lists."""
    make = "mutation ($n: String!) { createAccount(input: {name: $n}) { id } }"
    id_ = (await one.data(make, n=f"{one.word} own"))["createAccount"]["id"]
    headers = {"Content-Type": "text/plain"}
    sent = await one.send("POST", "/files", one.token, content=b"x", headers=headers, params={"name": "x.txt"})
    file = sent.json()["id"]
    session = await sign_in(one, EMAIL, PASSWORD)
    token = (await one.data('mutation { createToken(label: "x") { details { id } } }', session))["createToken"][
        "details"
    ]
    held = (await one.data("{ me { sessions { id } } }", session))["me"]["sessions"][0]
    page = "query ($after: String) { accounts(first: 1, after: $after) { pageInfo { endCursor } nodes { name } } }"
    cursor = (await one.data(page))["accounts"]["pageInfo"]["endCursor"]

    theirs = await sign_in(other, EMAIL, PASSWORD)
    found = await other.data(
        """query ($id: ID!) { account(id: $id) { name } node(id: $id) { id } nodes(ids: [$id]) { id }
        accounts(where: {id: {eq: $id}}) { totalCount } }""",
        id=id_,
    )
    assert found == {"account": None, "node": None, "nodes": [None], "accounts": {"totalCount": 0}}
    for document in (
        "mutation ($id: ID!) { deleteAccount(id: $id) { id } }",
        'mutation ($id: ID!) { updateAccount(id: $id, input: {name: "x"}) { id } }',
        f'mutation ($id: ID!) {{ shareAccount(id: $id, with: {{user: "{REP}"}}, level: READ) {{ id }} }}',
    ):
        answer = await other.ask(document, id=id_)
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    document = "mutation ($id: ID!, $file: ID) { updateAccount(id: $id, input: {paperId: $file}) { id } }"
    own = (await other.data("{ accounts(first: 1) { nodes { id } } }"))["accounts"]["nodes"][0]["id"]
    assert "errors" in await other.ask(document, id=own, file=file)
    assert (await other.send("GET", f"/files/{file}", other.token)).status_code == 404
    for name, each in (("endSession", held["id"]), ("revokeToken", token["id"])):
        answer = await other.ask(f"mutation ($id: ID!) {{ {name}(id: $id) }}", theirs, id=each)
        assert answer.get("data", {}).get(name) is not True, answer
    answer = await other.send(
        "POST", "/graphql", other.token, json={"query": "{ __typename }"}, headers={"X-View-As": id_}
    )
    assert answer.status_code == 403
    # a cursor is a place in an order and no secret: it shows records of whoever asks
    await other.ask(page, after=cursor)
    assert (await one.data("query ($id: ID!) { account(id: $id) { name } }", id=id_))["account"]
