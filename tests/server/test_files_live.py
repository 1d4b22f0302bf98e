"""Files on servers that run: of tenants, through changes of the model, and cleaned up while the server runs."""

import asyncio
import datetime as dt
import io
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.server.live_kit import Client, Installation, install, people
from xrm_core.auth.authenticator import Authenticator
from xrm_core.errors import ModelOutOfDate
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.server.assembly import assemble_applied
from xrm_core.server.tenant_moves import create_tenant, tenant_url
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE

SECONDS = 10
CREATE = 'mutation ($id: ID!) { createProduct(input: {name: "Chair", photoId: $id}) { photo { url } } }'


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Installation:
    found = install(database_url, tmp_path)
    found.pack.entities["product"]["photo"] = {"x-type": "file"}
    found.apply()
    return found


async def upload(client: Client, path: str, token: str, host: str = "localhost", *, form: bool = False) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Host": host}
    body: dict[str, Any] = {"files": {"file": ("a.txt", b"text")}} if form else {"content": b"text"}
    answer = await client.http.post(path, headers=headers, **body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["url"]
    return answer.json()


async def test_addresses_of_files_are_those_of_the_tenant(shop: Installation) -> None:
    create_tenant(shop.settings, Plugins(), "acme", ["acme.example.com"])
    url = tenant_url(shop.settings, "acme")
    token = (await asyncio.to_thread(people, shop.settings.model_copy(update={"database_url": url})))[0]
    ways = [("/t/acme", "localhost", token), ("", "acme.example.com", token), ("", "localhost", shop.token)]
    async with shop.server() as server:
        for base, host, who in ways:
            file = await upload(server, f"{base}/files", who, host)
            assert file["url"] == f"{base}/files/{file['id']}"

            headers = {"Authorization": f"Bearer {who}", "Host": host}
            body: dict[str, Any] = {"query": CREATE, "variables": {"id": file["id"]}}
            made = (await server.http.post(f"{base}/graphql", json=body, headers=headers)).json()
            assert made["data"]["createProduct"]["photo"]["url"] == file["url"]
            # the statement is the same for all of them, the address is not
            read = {"query": "{ products { nodes { photo { url } } } }"}
            found = (await server.http.post(f"{base}/graphql", json=read, headers=headers)).json()
            assert found["data"]["products"]["nodes"][-1]["photo"]["url"] == file["url"]
            content = await server.http.get(file["url"], headers=headers)
            assert (content.status_code, content.content) == (200, b"text")


@pytest.mark.parametrize("form", [False, True])
async def test_an_upload_that_meets_another_model_is_stored(shop: Installation, form: bool) -> None:
    async with shop.server() as server:
        await upload(server, "/files", shop.token)
        properties = shop.pack.entities["product"]
        properties["picture"] = {**properties.pop("photo"), "x-renamed-from": "photo"}
        await asyncio.to_thread(shop.apply)

        # at once
        file = await upload(server, "/files", shop.token, form=form)

        query = "mutation ($id: ID!) { createProduct(input: {pictureId: $id}) { picture { size } } }"
        assert await server.ask(query, id=file["id"]) == {"createProduct": {"picture": {"size": 4}}}


async def test_an_upload_is_begun_on_one_model(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, waits = Authenticator.user, [2.0, 0.0]

    async def slowly(self: Authenticator, *arguments: Any) -> Any:
        found = await look_up(self, *arguments)
        await asyncio.sleep(waits.pop(0))
        return found

    async with shop.server() as server:
        # given an upload whose sender is looked up while the server takes another model
        await upload(server, "/files", shop.token)
        properties = shop.pack.entities["product"]
        properties["picture"] = {**properties.pop("photo"), "x-renamed-from": "photo"}
        await asyncio.to_thread(shop.apply)
        monkeypatch.setattr(Authenticator, "known", lambda *_: None)
        monkeypatch.setattr(Authenticator, "user", slowly)
        # then it is stored all the same
        await upload(server, "/files", shop.token)
        assert waits == []


def test_who_does_not_know_the_model_cleans_nothing(shop: Installation) -> None:
    before = assemble_applied(shop.settings)
    with closing(before.database) as database:
        with database.begin() as connection:
            before.records.files.store(connection, system(before.model, "test"), "a.txt", None, io.BytesIO(b"text"))
        shop.pack.entities["shop"]["plan"] = {"x-type": "file"}
        shop.apply()
        age(database)
        with pytest.raises(ModelOutOfDate):
            before.records.files.clean(database)


async def test_uploads_that_hang_are_ended_and_hold_up_no_other_tenant(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xrm_core.server.upload_limits.MAX_UPLOADS", 1)
    monkeypatch.setattr("xrm_core.server.upload_limits.SILENT_SECONDS", 1.0)
    shop = install(sqlite_url, tmp_path)
    shop.pack.entities["product"]["photo"] = {"x-type": "file"}
    shop.apply()
    create_tenant(shop.settings, Plugins(), "acme")
    url = tenant_url(shop.settings, "acme")
    token = (await asyncio.to_thread(people, shop.settings.model_copy(update={"database_url": url})))[0]
    never = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield b"begun"
        await never.wait()

    async with shop.server() as server:
        headers = {"Authorization": f"Bearer {shop.token}"}
        hung = asyncio.create_task(server.http.post("/files", headers=headers, content=hanging()))
        await asyncio.sleep(0.3)
        assert (await server.http.post("/files", headers=headers, content=b"x")).status_code == 503
        await upload(server, "/t/acme/files", token)

        answer = await hung
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
        await upload(server, "/files", shop.token)


async def test_a_server_cleans_up_while_it_runs(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.server.app.FIRST_CLEAN_SECONDS", 0.1)
    monkeypatch.setattr("xrm_core.server.app.CLEAN_SECONDS", 0.2)
    create_tenant(shop.settings, Plugins(), "acme")
    url = tenant_url(shop.settings, "acme")
    token = (await asyncio.to_thread(people, shop.settings.model_copy(update={"database_url": url})))[0]
    async with shop.server() as server:
        loose = [(await upload(server, "/t/acme/files", token))["url"]]
        loose.append((await upload(server, "/files", shop.token))["url"])
        for each in (url, shop.settings.database_url):
            with closing(Database(each)) as database:
                await asyncio.to_thread(age, database)

        for path, who in zip(loose, (token, shop.token), strict=True):
            deadline = time.monotonic() + SECONDS
            while (await server.http.get(path, headers={"Authorization": f"Bearer {who}"})).status_code != 404:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)


def age(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(update(FILE).values(created_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=25)))
