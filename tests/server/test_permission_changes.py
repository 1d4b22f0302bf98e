"""Seeing, planning and changing permissions through GraphQL, and what running servers make of a change."""

import asyncio
import datetime as dt
import json
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, func, select, update

from tests.server.live_kit import POLICIES, ROLES, Client, Installation, install
from xrm_core.graphql.quick_writes import QuickWrites
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import POLICY_SET
from xrm_core.storage.system import AUTH_EVENT, TOKEN, USER_ROLE

SEEN = """{ permissions { version appliedBy note roles { name inherits } rules { name condition }
    policies { role entity action fields rule effect } files { name text } } }"""
PLAN = """query ($files: [PermissionFileInput!]!) { planPermissions(files: $files) {
    version beyond differences { subject change role text } } }"""
APPLY = """mutation ($files: [PermissionFileInput!]!, $version: Int!, $note: String) {
    applyPermissions(files: $files, version: $version, note: $note) { version differences { text } } }"""
CREATE = 'mutation { createProduct(input: {name: "Chair"}) { name } }'
NAMES = "{ products { nodes { name } } }"
KEEPER = "buyer,xrm_permissions,*,*,,allow\n"


def both(policies: str, roles: object = ROLES) -> list[dict[str, str]]:
    """The two files, as GraphQL takes them."""
    texts = {"roles.json": json.dumps(roles), "policies.csv": policies}
    return [{"name": name, "text": text} for name, text in texts.items()]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Installation:
    return install(database_url, tmp_path)


async def test_permissions_are_seen_planned_and_changed(shop: Installation) -> None:
    more = POLICIES + "buyer,product,read,rank,,allow\n"
    async with shop.server() as server, shop.server() as other:
        ada = (await server.ask('{ users(where: {name: {eq: "ada"}}) { nodes { id } } }'))["users"]["nodes"][0]["id"]
        seen = (await server.ask(SEEN))["permissions"]
        assert (seen["version"], seen["appliedBy"]) == (1, None)
        assert seen["roles"] == [{"name": "admin", "inherits": []}, {"name": "buyer", "inherits": []}]
        assert seen["policies"][1] == {
            **{"role": "buyer", "entity": "product", "action": "read"},
            **{"fields": "name price", "rule": "", "effect": "allow"},
        }
        assert {file["name"]: file["text"] for file in seen["files"]}["policies.csv"] == POLICIES

        plan = (await server.ask(PLAN, files=both(more)))["planPermissions"]
        text = "buyer gains read on product: rank."
        assert {"subject": "right", "change": "gains", "role": "buyer", "text": text} in plan["differences"]
        assert (plan["version"], plan["beyond"]) == (1, [])
        ranks = "{ products { nodes { rank } } }"
        assert await server.code(ranks, shop.buyer) == "BAD_QUERY"  # planning changes nothing

        done = await server.ask(APPLY, files=both(more), version=1, note="ranks for buyers")

        # here at once, and elsewhere within a second
        assert done["applyPermissions"]["version"] == 2
        assert await server.ask(ranks, shop.buyer) == {"products": {"nodes": []}}
        began = time.monotonic()
        while "errors" in await other.answer(ranks, shop.buyer):
            assert time.monotonic() - began < 1
            await asyncio.sleep(0.02)
        seen = (await server.ask(SEEN))["permissions"]
        assert (seen["version"], seen["appliedBy"], seen["note"]) == (2, ada, "ranks for buyers")

        # who has seen another version does nothing
        assert await server.code(APPLY, files=both(POLICIES), version=1) == "VERSION_CONFLICT"
    with closing(Database(shop.settings.database_url)) as database, database.read() as connection:
        mine = select(AUTH_EVENT).where(AUTH_EVENT.c.event == "permissions_changed").order_by(AUTH_EVENT.c.id)
        [_first, kept] = connection.execute(mine).all()
    assert (kept.user_id, kept.subject, json.loads(kept.details)) == (ada, "2", {"note": "ranks for buyers"})


async def test_without_the_right_there_are_no_such_fields(shop: Installation) -> None:
    shop.change_policies(POLICIES + "buyer,xrm_permissions,read,*,,allow\n")
    async with shop.server() as server:
        await server.ask(PLAN, shop.buyer, files=both(POLICIES))
        assert await server.code(APPLY, shop.buyer, files=both(POLICIES), version=2) == "BAD_QUERY"
    shop.change_policies(POLICIES)
    async with shop.server() as server:
        assert await server.code(SEEN, shop.buyer) == "BAD_QUERY"
        types = await server.ask("{ __schema { types { name } } }", shop.buyer)
        assert not [each for each in types["__schema"]["types"] if each["name"].startswith("Permission")]


async def test_nobody_gives_more_than_they_hold(shop: Installation) -> None:
    shop.change_policies(POLICIES + KEEPER)
    async with shop.server() as server:
        for rows in ("buyer,*,*,*,,allow\n", "buyer,user,read,name,,allow\n", "buyer,product,read,rank,,allow\n"):
            wanted = {"files": both(POLICIES + KEEPER + rows)}
            assert (await server.ask(PLAN, shop.buyer, **wanted))["planPermissions"]["beyond"]
            answer = await server.answer(APPLY, shop.buyer, **wanted, version=2)
            assert answer["errors"][0]["extensions"]["code"] == "PERMISSIONS_REFUSED"
        # what they hold they may give, and take
        roles = {"roles": {**ROLES["roles"], "guest": {}}, "rules": {}}
        rows = POLICIES + KEEPER + "guest,product,read,name,,allow\n"
        await server.ask(APPLY, shop.buyer, files=both(rows, roles), version=2)


BAD: list[list[dict[str, str]]] = [
    both(POLICIES + "buyer,product,read,*,,Deny\n"),
    both(POLICIES + "buyer,nothing,read,*,,allow\n"),
    both(POLICIES)[:1],
    [*both(POLICIES), {"name": "../../etc/passwd", "text": ""}],
    both(POLICIES + "\0"),
    both("role,entity,action,fields,rule,effect\n" + "x" * 200_000),
]


async def test_bad_files_are_refused_with_what_is_wrong(shop: Installation) -> None:
    async with shop.server() as server:
        for files in BAD:
            for query, more in ((PLAN, {}), (APPLY, {"version": 1})):
                answer = await server.answer(query, files=files, **more)
                [error] = answer["errors"]
                assert error["extensions"]["code"] in ("POLICY_INVALID", "BAD_REQUEST"), error
        twice = [*both(POLICIES), *both(POLICIES)]
        assert await server.code(PLAN, files=twice) == "BAD_QUERY"
        assert await server.code(APPLY, files=both(POLICIES), version=2**31) == "BAD_QUERY"
        assert (await server.ask(SEEN))["permissions"]["version"] == 1


async def test_a_write_that_was_authorised_before_is_asked_again_under_the_new_policies(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause between the check and the write: a right that was taken away meanwhile is gone."""
    shop.change_policies(POLICIES + "buyer,product,create,name,,allow\n")
    ways = {"without": POLICIES, "with": POLICIES + "buyer,product,create,name rank,,allow\n"}
    async with shop.server() as server:
        assert await server.ask(CREATE, shop.buyer) == {"createProduct": {"name": "Chair"}}
        paused: list[str] = []

        def pause(_connection: object) -> None:
            # of the request: the server itself begins transactions, too
            if paused and threading.current_thread().name.startswith("xrm-write"):
                shop.change_policies(ways[paused.pop()])

        async def pause_and_answer(quick: QuickWrites, *arguments: Any) -> Any:
            if paused:
                shop.change_policies(ways[paused.pop()])
            return await answer(quick, *arguments)

        answer = QuickWrites.answer
        monkeypatch.setattr(QuickWrites, "answer", pause_and_answer)  # simple changes do not come to a thread
        event.listen(Engine, "begin", pause)
        try:
            paused.append("with")
            assert await server.ask(CREATE, shop.buyer) == {"createProduct": {"name": "Chair"}}  # done, once
            paused.append("without")
            assert await server.code(CREATE, shop.buyer) == "BAD_QUERY"  # there is no such mutation any more
        finally:
            event.remove(Engine, "begin", pause)
        assert len((await server.ask(NAMES))["products"]["nodes"]) == 2


async def test_policies_cannot_be_changed_by_who_has_lost_the_right(shop: Installation) -> None:
    shop.change_policies(POLICIES + KEEPER)
    async with shop.server() as server:
        await server.ask(SEEN, shop.buyer)
        shop.change_policies(POLICIES)
        # at once, before the server has looked; the number is easily guessed
        assert await server.code(APPLY, shop.buyer, files=both(POLICIES + KEEPER), version=3) == "BAD_QUERY"
        assert (await server.ask(SEEN))["permissions"]["version"] == 3


LOST = {
    "the role": (delete(USER_ROLE), "FORBIDDEN"),
    "the token": (update(TOKEN).values(revoked_at=dt.datetime.now(dt.UTC)), "UNAUTHENTICATED"),
    "time": (update(TOKEN).values(expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)), "UNAUTHENTICATED"),
}


@pytest.mark.usefixtures("remembers")
@pytest.mark.parametrize("lost", LOST)
async def test_nor_by_who_is_only_remembered_with_it(shop: Installation, lost: str) -> None:
    """A server remembers for two seconds who asks: policies would be in force for good."""
    shop.change_policies(POLICIES + KEEPER)
    taking, code = LOST[lost]
    async with shop.server() as server:
        await server.ask(SEEN, shop.buyer)
        with closing(Database(shop.settings.database_url)) as database, database.begin() as connection:
            connection.execute(taking)
        assert await server.code(APPLY, shop.buyer, files=both(POLICIES), version=2) == code
        with closing(Database(shop.settings.database_url)) as database, database.read() as connection:
            assert connection.scalar(select(func.max(POLICY_SET.c.id))) == 2


async def test_nobody_may_do_anything_while_there_are_no_policies(shop: Installation) -> None:
    async with shop.server() as server:
        await server.ask(NAMES)
        database = Database(shop.settings.database_url)
        with closing(database):
            with database.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {POLICY_SET.name} RENAME TO elsewhere")
            assert (await server.http.get("/health/ready")).status_code == 503
            for query in (NAMES, CREATE):
                assert await server.code(query) == "PERMISSIONS_UNAVAILABLE"
            answer = await server.http.post("/files", headers={"Authorization": f"Bearer {server.token}"})
            assert answer.json()["errors"][0]["extensions"]["code"] == "PERMISSIONS_UNAVAILABLE"
            with database.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {POLICY_SET.name}")
            assert (await server.http.get("/health/ready")).status_code == 200
        await server.ask(NAMES)


HALVES = [
    "admin,*,*,*,,allow\nbuyer,product,read,name,,allow\n",
    "admin,*,*,*,,allow\nbuyer,product,read,rank,,allow\n",
]


async def test_no_request_mixes_two_policy_sets(shop: Installation) -> None:
    """Two servers under load while policies change: each answer is one of the two, and all come."""
    head = POLICIES.splitlines(keepends=True)[0]
    expected = {"{ products { nodes { name } } }": 0, "{ products { nodes { rank } } }": 1}
    found: set[tuple[str, bool]] = set()
    wrong: list[Any] = []
    done = asyncio.Event()

    async def read(client: Client, query: str) -> None:
        while not done.is_set():
            answer = await client.answer(query, shop.buyer)
            refused = "errors" in answer
            if refused and answer["errors"][0]["extensions"]["code"] != "BAD_QUERY":
                wrong.append(answer)
            found.add((query, refused))
            await asyncio.sleep(0.01)  # the changes are made by threads of this very process

    async def read_both(client: Client) -> None:
        while not done.is_set():
            answer = await client.answer("{ products { nodes { name rank } } }", shop.buyer)
            if "errors" not in answer:
                wrong.append(answer)
            await asyncio.sleep(0.01)

    async def write(client: Client) -> None:
        while not done.is_set():
            answer = await client.answer(CREATE)
            if "errors" in answer:
                wrong.append(answer)
            await asyncio.sleep(0.05)

    async with shop.server() as one, shop.server() as two:
        work = [read(client, query) for client in (one, two) for query in expected]
        work += [read_both(client) for client in (one, two)]
        tasks = [asyncio.create_task(each) for each in (*work, write(one))]
        for number in range(10):
            await asyncio.to_thread(shop.change_policies, head + HALVES[number % 2])
            await asyncio.sleep(0.15)
        done.set()
        await asyncio.gather(*tasks)

    assert wrong == []
    assert found == {(query, refused) for query in expected for refused in (True, False)}
