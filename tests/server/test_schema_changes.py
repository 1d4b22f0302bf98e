"""Planning and applying schema changes of the tenant layer through GraphQL."""

import asyncio
import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from structlog.testing import capture_logs

from tests.server.live_kit import POLICIES, TEXT, Client, Installation, install
from xrm_core.storage.apply import undo
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN, USER_ROLE

PLAN = """query ($files: [SchemaFileInput!], $remove: [String!]) { planSchemaChange(files: $files, remove: $remove) {
    key operations { op key entity field risk rows text remedy samples { id value } } } }"""
APPLY = """mutation ($files: [SchemaFileInput!], $remove: [String!], $accept: [String!], $key: String!) {
    applySchemaChange(files: $files, remove: $remove, accept: $accept, key: $key) { key operations { key } } }"""
FILES = "{ schemaFiles { name text layer } }"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Installation:
    return install(database_url, tmp_path)


def entity(name: str, /, **properties: Any) -> dict[str, str]:
    """A file, as GraphQL takes it."""
    body = {"x-entity": name, "type": "object", "properties": properties or {"name": TEXT}}
    return {"name": f"{name}.json", "text": json.dumps(body)}


async def plan(client: Client, *files: dict[str, str], remove: list[str] | None = None) -> Any:
    return (await client.ask(PLAN, files=list(files), remove=remove or []))["planSchemaChange"]


async def change(client: Client, *files: dict[str, str], **more: Any) -> Any:
    seen = await plan(client, *files, remove=more.get("remove"))
    return await client.ask(APPLY, files=list(files), key=seen["key"], **more)


async def test_a_new_entity_is_planned_applied_and_there_at_once(shop: Installation) -> None:
    async with shop.server() as server, shop.server() as other:
        seen = await plan(server, entity("supplier"))
        assert [operation["key"] for operation in seen["operations"]] == ["create_entity:supplier"]
        assert await server.code("{ suppliers { totalCount } }") == "BAD_QUERY"  # planning changes nothing

        done = await server.ask(APPLY, files=[entity("supplier")], key=seen["key"])

        assert done["applySchemaChange"]["operations"] == [{"key": "create_entity:supplier"}]
        assert await server.ask("{ suppliers { totalCount } }") == {"suppliers": {"totalCount": 0}}
        for _ in range(100):
            if "errors" not in await other.answer("{ suppliers { totalCount } }"):
                break
            await asyncio.sleep(0.05)
        assert await other.ask("{ suppliers { totalCount } }") == {"suppliers": {"totalCount": 0}}
        files = (await server.ask(FILES))["schemaFiles"]
        assert [(file["name"], file["layer"]) for file in files][-1] == ("supplier.json", "tenant")
        assert {"product.json", "shop.json", "user.json"} <= {file["name"] for file in files}
        assert str(shop.pack.folder) not in json.dumps(files)

    # and the command line knows it
    shop.apply_nothing()


@pytest.mark.usefixtures("remembers")
@pytest.mark.parametrize("lost", ["role", "token"])
async def test_who_is_only_remembered_with_the_right_changes_nothing(shop: Installation, lost: str) -> None:
    async with shop.server() as server:
        seen = await plan(server, entity("supplier"))
        with closing(Database(shop.settings.database_url)) as database, database.begin() as connection:
            taking = {"role": delete(USER_ROLE), "token": update(TOKEN).values(revoked_at=dt.datetime.now(dt.UTC))}
            connection.execute(taking[lost])
        code = await server.code(APPLY, files=[entity("supplier")], key=seen["key"])
        assert code == {"role": "FORBIDDEN", "token": "UNAUTHENTICATED"}[lost]
    shop.apply_nothing()


async def test_the_log_says_who_has_changed_what(shop: Installation) -> None:
    async with shop.server() as server:
        ada = (await server.ask('{ users(where: {name: {eq: "ada"}}) { nodes { id } } }'))["users"]["nodes"][0]["id"]
        with capture_logs() as lines:
            await change(server, entity("supplier"))
    [line] = [line for line in lines if line["event"] == "schema_change_applied"]
    assert (line["user"], line["operations"]) == (ada, ["create_entity:supplier"])


async def test_a_plan_shows_the_data_it_would_lose_and_needs_consent(shop: Installation) -> None:
    async with shop.server() as server:
        await change(server, entity("supplier", name=TEXT, town=TEXT))
        await server.ask('mutation { createSupplier(input: {name: "A", town: "Ulm"}) { id } }')

        seen = await plan(server, entity("supplier", name=TEXT))
        [operation] = seen["operations"]
        assert (operation["key"], operation["risk"], operation["rows"]) == ("drop_field:supplier.town", "lossy", 1)
        assert [sample["value"] for sample in operation["samples"]] == ["Ulm"]
        arguments = {"files": [entity("supplier", name=TEXT)], "key": seen["key"]}
        assert await server.code(APPLY, **arguments) == "SCHEMA_CHANGE_REFUSED"

        await server.ask(APPLY, accept=["drop_field:supplier.town"], **arguments)
        assert await server.code("{ suppliers { nodes { town } } }") == "BAD_QUERY"


async def test_samples_are_for_those_who_may_read_them(shop: Installation) -> None:
    async with shop.server() as server:
        await change(server, entity("supplier", name=TEXT, town=TEXT))
        await server.ask('mutation { createSupplier(input: {name: "A", town: "Ulm"}) { id } }')
    shop.change_policies(shop.pack.policies + "buyer,xrm_schema,*,*,,allow\nbuyer,supplier,read,name,,allow\n")
    async with shop.server() as server:
        # while no policy stands in the way of the change
        shop.change_policies(POLICIES + "buyer,xrm_schema,*,*,,allow\nbuyer,*,read,name,,allow\n")
        answer = await server.ask(PLAN, shop.buyer, files=[entity("supplier", title=TEXT)])
    samples = {each["key"]: each["samples"] for each in answer["planSchemaChange"]["operations"]}
    assert samples["drop_field:supplier.town"] == []
    assert [sample["value"] for sample in samples["drop_field:supplier.name"]] == ["A"]


async def test_without_the_right_there_are_no_such_fields(shop: Installation) -> None:
    async with shop.server() as server:
        for query in (PLAN, FILES):
            assert await server.code(query, shop.buyer) == "BAD_QUERY"
        assert await server.code(APPLY, shop.buyer, key="x") == "BAD_QUERY"
        types = await server.ask("{ __schema { types { name } } }", shop.buyer)
        assert not [each for each in types["__schema"]["types"] if each["name"].startswith("Schema")]


async def test_who_may_only_look_cannot_apply(shop: Installation) -> None:
    shop.change_policies(shop.pack.policies + "buyer,xrm_schema,read,*,,allow\n")
    async with shop.server() as server:
        await server.ask(PLAN, shop.buyer, files=[entity("supplier")])
        assert await server.code(APPLY, shop.buyer, key="x") == "BAD_QUERY"


WRONG_FILES: list[list[dict[str, str]]] = [
    [{"name": "../supplier.json", "text": "{}"}],
    [{"name": "/etc/passwd", "text": "{}"}],
    [{"name": "pack.json", "text": "{}"}],
    [{"name": "a.json", "text": "{"}],
    [{"name": "a.json", "text": '{"x-entity": "a", "type": "object", "properties": {"b": {"type": "nothing"}}}'}],
    [entity("shop")],
    [entity("supplier", shop={"x-relation": {"to": "nowhere", "inverse": "suppliers"}})],
    [{"name": "big.json", "text": " " * 600_000}],
]


async def test_a_model_that_the_policies_do_not_fit_is_not_applied(shop: Installation) -> None:
    async with shop.server() as server:
        await change(server, entity("supplier"))
        seen = await plan(server, remove=["supplier.json"])
        # given buyers may see what only the tenant's layer has, and may change the schema, but not see policies
        more = "buyer,supplier,read,name,,allow\nbuyer,xrm_schema,*,*,,allow\n"
        shop.change_policies(shop.pack.policies + more)

        gone = {"remove": ["supplier.json"], "accept": ["drop_entity:supplier"]}
        for token in ("", shop.buyer):
            for query, arguments in ((PLAN, {}), (APPLY, {"key": seen["key"]})):
                answer = await server.answer(
                    query, token, **arguments, **(gone if arguments else {"remove": gone["remove"]})
                )
                assert answer["errors"][0]["extensions"]["code"] == "SCHEMA_CHANGE_REFUSED"
                # who may see the policies is told which
                assert ("policies.csv:4: there is no entity 'supplier'." in str(answer)) == (not token)
        await server.ask('mutation { createSupplier(input: {name: "A"}) { id } }')  # the server is as it was


async def test_wrong_files_are_told_with_all_problems(shop: Installation) -> None:
    async with shop.server() as server:
        for files in WRONG_FILES:
            answer = await server.answer(PLAN, files=files)
            [error] = answer["errors"]
            assert error["extensions"]["code"] == "SCHEMA_FILES_INVALID"
            for problem in error["extensions"]["details"]["problems"]:
                assert all(problem[name] for name in ("file", "line", "reason", "remedy"))
            assert str(shop.pack.folder) not in json.dumps(answer)
            assert "errors" in await server.answer(APPLY, files=files, key="x")
        assert (await server.http.get("/health/ready")).status_code == 200


async def test_what_is_applied_is_what_was_seen(shop: Installation) -> None:
    async with shop.server() as server:
        seen = await plan(server, entity("supplier"))
        # another file
        assert await server.code(APPLY, files=[entity("maker")], key=seen["key"]) == "SCHEMA_CHANGE_REFUSED"
        # somebody else was faster
        await change(server, entity("maker"))
        assert await server.code(APPLY, files=[entity("supplier")], key=seen["key"]) == "SCHEMA_CHANGE_REFUSED"
        assert await server.code("{ suppliers { totalCount } }") == "BAD_QUERY"


async def test_lower_layers_are_out_of_reach(shop: Installation) -> None:
    async with shop.server() as server:
        assert await server.code(PLAN, remove=["shop.json"]) == "SCHEMA_FILES_INVALID"
        # changes of the pack that nobody applied do not slip in with a tenant's
        del shop.pack.entities["shop"]["city"]
        shop.pack.write()
        assert await server.code(PLAN, files=[entity("supplier")]) == "SCHEMA_CHANGE_REFUSED"


async def test_fields_about_the_schema_stand_alone(shop: Installation) -> None:
    async with shop.server() as server:
        assert await server.code("{ schemaFiles { name } shops { totalCount } }") == "BAD_QUERY"
        twice = APPLY.replace("key operations { key }", "key").replace(
            "{\n", "{ b: applySchemaChange(key: $key) { key }\n"
        )
        assert await server.code(twice, key="x") == "BAD_QUERY"
        twins = [entity("supplier"), entity("supplier")]
        assert await server.code(PLAN, files=twins) == "BAD_QUERY"


async def test_undo_brings_back_the_files_too(shop: Installation) -> None:
    def back(*, redo: bool) -> None:
        with closing(Database(shop.settings.database_url)) as database:
            undo(database, [] if redo else ["drop_field:supplier.town"], redo=redo)

    async with shop.server() as server:
        await change(server, entity("supplier", name=TEXT))
        await change(server, entity("supplier", name=TEXT, town=TEXT))
        for redo, fields in ((False, ["name"]), (True, ["name", "town"])):
            await asyncio.to_thread(back, redo=redo)
            files = {file["name"]: file["text"] for file in (await server.ask(FILES))["schemaFiles"]}
            assert list(json.loads(files["supplier.json"])["properties"]) == fields
            assert (await plan(server))["operations"] == []
