"""A running server follows the model that is applied to its database: no restart, no failed request."""

import asyncio
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.server.live_kit import POLICIES, TEXT, Client, Installation, install
from xrm_core.plugins import Plugins
from xrm_core.server import site
from xrm_core.server.assembly import read_model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

PRODUCTS = "{ products(orderBy: [{rank: ASC}], where: {rank: {lt: 9}}) { nodes { name price rank } } }"
CREATE = 'mutation { createProduct(input: {name: "Chair", price: "12.50", rank: 3}) { name price } }'
SECONDS = 10


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Installation:
    return install(database_url, tmp_path)


async def eventually(client: Client, query: str, token: str = "") -> Any:
    """The data of a query that is not valid before the server has a new model."""
    deadline = time.monotonic() + SECONDS
    while "errors" in (answer := await client.answer(query, token)):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.05)
    return answer["data"]


async def test_two_servers_take_a_new_field_and_a_new_entity(shop: Installation) -> None:
    async with shop.server() as one, shop.server() as two:
        # given both have answered before
        assert await one.ask(CREATE) == {"createProduct": {"name": "Chair", "price": "12.50"}}
        for server in (one, two):
            assert await server.code("{ products { nodes { colour } } }") == "BAD_QUERY"

        # when
        shop.pack.entities["product"]["colour"] = {**TEXT, "default": "red"}
        shop.pack.entities["supplier"] = {"name": TEXT}
        await asyncio.to_thread(shop.apply)

        # then
        for server in (one, two):
            data = await eventually(server, "{ products { nodes { name colour } } suppliers { totalCount } }")
            assert data == {"products": {"nodes": [{"name": "Chair", "colour": "red"}]}, "suppliers": {"totalCount": 0}}
            assert (await server.http.get("/health/ready")).json() == {"status": "ready"}


async def test_a_write_that_meets_another_model_is_done_on_that_model(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask(CREATE)
        shop.pack.entities["product"]["colour"] = TEXT
        await asyncio.to_thread(shop.apply)

        # when, at once
        answer = await server.ask(CREATE)

        # then it was done, once, and the server has the model
        assert answer == {"createProduct": {"name": "Chair", "price": "12.50"}}
        assert await server.ask("{ products(where: {colour: {isNull: true}}) { totalCount } }") == {
            "products": {"totalCount": 2}
        }


async def test_a_write_that_only_the_new_tables_refuse_is_done_on_the_new_model(
    postgres_url: str, tmp_path: Path
) -> None:
    # given a model that is applied between a write's look at the model and its first statement, and whose tables do not
    # take that statement: the colour must not be empty, and only the new model knows what it is by default
    shop = install(postgres_url, tmp_path)
    shop.pack.entities["product"]["colour"] = {**TEXT, "default": "red"}
    shop.pack.required["product"] = ["colour"]
    refused: list[str] = []

    def apply_first(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO product") and not refused:
            refused.append(statement)
            shop.apply()

    event.listen(Engine, "before_cursor_execute", apply_first)
    try:
        async with shop.server() as server:
            # when, then it was done, once, on the new model
            assert await server.ask(CREATE) == {"createProduct": {"name": "Chair", "price": "12.50"}}
            assert "colour" not in refused[0]
            assert await server.ask("{ products { nodes { name colour } } }") == {
                "products": {"nodes": [{"name": "Chair", "colour": "red"}]}
            }
    finally:
        event.remove(Engine, "before_cursor_execute", apply_first)


async def test_a_read_of_what_is_not_there_any_more_is_answered_by_the_new_schema(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask("{ shops { nodes { name city } } }")
        del shop.pack.entities["shop"]["city"]
        await asyncio.to_thread(shop.apply, "drop_field:shop.city")

        assert await server.code("{ shops { nodes { name city } } }") == "BAD_QUERY"
        assert await server.ask("{ shops { nodes { name } } }") == {"shops": {"nodes": []}}


async def test_a_renamed_field_is_known_by_its_new_name_only(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask('mutation { createShop(input: {name: "North", city: "Kiel"}) { id } }')
        shop.pack.entities["shop"]["town"] = {**shop.pack.entities["shop"].pop("city"), "x-renamed-from": "city"}
        await asyncio.to_thread(shop.apply)

        assert await server.code("{ shops { nodes { city } } }") == "BAD_QUERY"
        assert await server.ask("{ shops { nodes { town } } }") == {"shops": {"nodes": [{"town": "Kiel"}]}}


async def test_a_decimal_is_never_read_with_another_scale(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask(CREATE)
        await server.ask("{ products { nodes { price } } }")
        shop.pack.entities["product"]["price"]["x-scale"] = 4
        await asyncio.to_thread(shop.apply)

        # at once, before the server has looked by itself
        answer = await server.ask("{ products { nodes { price } } }")
        assert answer["products"]["nodes"][0]["price"] in ("12.50", "12.5000")


async def test_an_index_made_by_hand_disturbs_nobody(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask(PRODUCTS)
        with closing(Database(shop.settings.database_url)) as database, database.begin() as connection:
            connection.exec_driver_sql("CREATE INDEX by_hand ON product (name)")
        for _ in range(2):
            assert await server.ask(PRODUCTS) == {"products": {"nodes": []}}


async def test_rights_follow_the_model(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask("{ products { totalCount } }", shop.buyer)
        shop.pack.entities["product"]["colour"] = TEXT
        shop.pack.entities["product"]["margin"] = TEXT
        shop.pack.policies += "buyer,product,read,colour,,allow\n"
        await asyncio.to_thread(shop.apply)

        await eventually(server, "{ products { nodes { name colour } } }", shop.buyer)
        assert await server.code("{ products { nodes { margin } } }", shop.buyer) == "BAD_QUERY"


async def test_where_policies_do_not_fit_the_model_nobody_may_do_anything(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask(CREATE)
        # given policies about a field that is dropped by somebody who has gone around the check
        shop.change_policies(shop.pack.policies + "buyer,shop,read,city,,allow\n")
        del shop.pack.entities["shop"]["city"]
        shop.pack.write()
        with closing(Database(shop.settings.database_url)) as database:
            await asyncio.to_thread(apply, database, read_model(shop.settings, Plugins()), ["drop_field:shop.city"])

        # then nothing is answered, and a probe is told
        ready = await server.http.get("/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "code": "POLICY_INVALID"})
        for query in (PRODUCTS, CREATE):
            assert await server.code(query) == "PERMISSIONS_UNAVAILABLE"
        # until there are policies that do
        shop.change_policies(POLICIES)
        assert (await server.http.get("/health/ready")).status_code == 200
        assert await server.ask("{ products { nodes { name } } }") == {"products": {"nodes": [{"name": "Chair"}]}}


async def test_a_write_waits_for_whoever_holds_the_file(sqlite_url: str, tmp_path: Path) -> None:
    """Another process changes a large table: on SQLite, that holds the database longer than a moment."""
    async with install(sqlite_url, tmp_path).server() as server:
        with closing(Database(sqlite_url)) as database:
            held, let_go = threading.Event(), threading.Event()

            def hold() -> None:
                with database.begin():
                    held.set()
                    let_go.wait(30)

            holding = asyncio.create_task(asyncio.to_thread(hold))
            await asyncio.to_thread(held.wait, 30)
            writing = asyncio.create_task(server.ask(CREATE))
            try:
                await asyncio.sleep(6)
                assert await server.ask(PRODUCTS) == {"products": {"nodes": []}}
            finally:
                let_go.set()
            assert await writing == {"createProduct": {"name": "Chair", "price": "12.50"}}
            await holding


async def test_drift_is_an_internal_error_and_no_endless_search(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask(PRODUCTS)
        with closing(Database(shop.settings.database_url)) as database, database.begin() as connection:
            connection.exec_driver_sql('ALTER TABLE product RENAME COLUMN price TO "cost"')

        assert await server.code(PRODUCTS) == "INTERNAL_ERROR"


async def test_no_request_fails_while_models_are_applied(shop: Installation) -> None:
    """Readers and writers on two servers, and six changes one after the other, one of them of a type."""
    failed: list[Any] = []
    done = asyncio.Event()
    counts = {"reads": 0, "writes": 0}

    async def go_on(client: Client, query: str, kind: str) -> None:
        while not done.is_set():
            answer = await client.answer(query)
            counts[kind] += 1
            if "errors" in answer:
                failed.append(answer)
            await asyncio.sleep(0.01)  # so that the changes come through, too

    async with shop.server() as one, shop.server() as two:
        work = [go_on(server, PRODUCTS, "reads") for server in (one, one, two, two)]
        work += [go_on(server, CREATE, "writes") for server in (one, two)]
        tasks = [asyncio.create_task(each) for each in work]
        for number in range(6):
            shop.pack.entities["product"][f"extra_{number}"] = TEXT
            if number == 2:
                shop.pack.entities["product"]["rank"] = shop.pack.entities["product"]["price"]
            if number % 3 == 0:
                shop.pack.entities[f"thing_{number}"] = {"name": TEXT}
            await asyncio.to_thread(shop.apply)
        for server in (one, two):
            await eventually(server, "{ products(first: 1) { nodes { extra5 } } }")
        done.set()
        await asyncio.gather(*tasks)
        stored = (await one.ask("{ products { totalCount } }"))["products"]["totalCount"]

    assert failed == []
    assert counts["reads"] > 20
    assert counts["writes"] == stored > 0


async def test_a_server_counts_for_sqlite_and_answers_meanwhile(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(site, "STATISTICS_SECONDS", 0.1)
    shop = install(sqlite_url, tmp_path)
    counted = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"
    async with shop.server() as server:
        assert await server.ask(CREATE)
        deadline = time.monotonic() + SECONDS
        with closing(Database(sqlite_url)) as database:
            while True:
                assert len((await server.ask(PRODUCTS))["products"]["nodes"]) == 1
                with database.read() as connection:
                    if connection.exec_driver_sql(counted).scalar():
                        break
                assert time.monotonic() < deadline
        for _ in range(20):  # with connections that were opened anew
            assert len((await server.ask(PRODUCTS))["products"]["nodes"]) == 1
            await asyncio.sleep(0.02)
    shop.apply_nothing()
