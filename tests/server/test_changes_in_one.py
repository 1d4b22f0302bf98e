"""Changes over HTTP on PostgreSQL that one statement makes, and those that take more."""

import datetime as dt
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.postgres import PostgresServer
from tests.records.kit import Pack
from tests.server.http_kit import Client, code, serving
from xrm_core.auth import tokens
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.reading import logged
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import verify
from xrm_core.graphql.executor import Executor
from xrm_core.storage.engines import Database
from xrm_core.storage.pq_writer import Writing
from xrm_core.storage.system import SHARE

TYPES = {
    "title": {"type": "string", "maxLength": 40},
    "remark": {"type": "string", "x-type": "long_text"},
    "email": {"type": "string", "format": "email"},
    "phone": {"type": "string", "x-type": "phone"},
    "web": {"type": "string", "format": "uri"},
    "state": {"type": "string", "enum": ["open", "done"]},
    "pieces": {"type": "integer", "minimum": 0},
    "cells": {"type": "integer", "x-type": "big_integer"},
    "price": {"type": "number", "x-type": "decimal", "x-precision": 10, "x-scale": 2},
    "urgent": {"type": "boolean"},
    "due": {"type": "string", "format": "date"},
}
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "site": {"properties": {"name": {"type": "string"}, "staff": {"type": "integer"}}},
    "job": {
        "required": ["title"],
        "properties": {
            "title": {"type": "string", "maxLength": 12, "minLength": 2},
            "count": {"type": "integer", "minimum": 0, "exclusiveMaximum": 1000},
            "share": {"type": "number", "x-type": "decimal", "x-precision": 5, "x-scale": 3, "maximum": 1.5},
            "remark": {"type": "string", "x-type": "long_text"},
            "place": {"x-relation": {"to": "site", "inverse": "jobs", "on_delete": "set_null"}},
        },
    },
    "order": {"properties": {name: of for name, of in TYPES.items() if name not in ("email", "web")}},
    "entry": {"properties": TYPES},
}
RULES = {"small": {"place": {"staff": {"lt": 100}}}, "shared": {"$shared": "update"}}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
rep,site,read,*,,allow
rep,job,read,*,,allow
rep,job,update,*,small,allow
clerk,site,read,*,,allow
clerk,job,read,*,small,allow
clerk,job,update,*,,allow
guest,job,read,*,,allow
guest,job,update,*,shared,allow
"""
UPDATE = "mutation ($id: ID!, $input: UpdateJobInput!) { updateJob(id: $id, input: $input) { title version } }"


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        pytest.skip("only PostgreSQL has the quick way")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    pack = Pack(FILES, {"roles": {"admin": {}, "rep": {}, "clerk": {}, "guest": {}}, "rules": RULES}, POLICIES)
    with server.database() as url, serving(Database(url), tmp_path_factory.mktemp("in_one"), pack) as found:
        yield found


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How changes were made: «two» for each that looked at its record first, «executed» for each by the executor."""
    found: list[str] = []
    ask, run = Writing.ask, Executor.run

    async def asked(self: Writing, calls: Any) -> Any:
        found.append("two")
        return await ask(self, calls)

    def executed(self: Executor, *arguments: Any) -> Any:
        found.append("executed")
        return run(self, *arguments)

    monkeypatch.setattr(Writing, "ask", asked)
    monkeypatch.setattr(Executor, "run", executed)
    return found


def made(client: Client, entity: str, **values: Any) -> str:
    """The id of a new record."""
    type_ = entity.capitalize()
    query = f"mutation ($input: Create{type_}Input!) {{ create{type_}(input: $input) {{ id }} }}"
    answer = client.ask(query, input=values)
    assert "errors" not in answer, answer
    return str(answer["data"][f"create{type_}"]["id"])


def job(client: Client, **values: Any) -> str:
    return made(client, "job", **{"title": "Paint", "count": 3, "share": "0.250", **values})


def changed(client: Client, id_: str, **values: Any) -> Any:
    return client.post({"query": UPDATE, "variables": {"id": id_, "input": values}})


def trail(client: Client, id_: str) -> list[tuple[int, Any]]:
    """Version and fields of what the log has of a record, the oldest first."""
    with client.database.read() as connection:
        return [(each.version, dict(each.fields)) for each in logged(connection, record_id=id_)][::-1]


BEFORE = {
    **{"title": 'Söme "quotes" \\ and\ttabs', "remark": "ein\nzwei", "email": "a@example.org", "phone": "+49 731 1"},
    **{"web": "https://example.org/%C3%A4", "state": "open", "pieces": 4, "cells": 2**40, "price": "12.30"},
    **{"urgent": True, "due": "2024-02-29"},
}
AFTER = {
    **{"title": "😀 \u2028 </script>", "remark": "", "email": "b@example.org", "phone": "+49 731 2"},
    **{"web": "https://example.org/?a=%20", "state": "done", "pieces": 0, "cells": -(2**62), "price": "-0.5"},
    **{"urgent": False, "due": "0001-01-01"},
}


def in_graphql(values: dict[str, Any]) -> dict[str, Any]:
    """With big integers as texts."""
    return {name: str(value) if name == "cells" else value for name, value in values.items()}


@pytest.mark.parametrize(
    ("entity", "names"), [*(("order", [each]) for each in FILES["order"]["properties"]), ("entry", list(TYPES))]
)
def test_the_log_has_what_the_executor_would_have_kept(
    client: Client, ways: list[str], entity: str, names: list[str]
) -> None:
    # given two records
    given = in_graphql({name: BEFORE[name] for name in FILES[entity]["properties"]})
    one, other = (made(client, entity, **given) for _ in range(2))
    values, type_ = in_graphql({name: AFTER[name] for name in names}), entity.capitalize()
    change = f"update{type_}(id: $id, input: $input) {{ version }}"
    query = f"mutation ($id: ID!, $input: Update{type_}Input!) {{ {change} }}"
    # when one is changed by one statement, and the other by the executor
    ways.clear()
    assert client.ask(query, id=one, input=values) == {"data": {f"update{type_}": {"version": 2}}}
    assert ways == []
    client.ask(f"{query[:-1]} other: {change} }}", id=other, input=values)
    # then the log says the same of both
    assert trail(client, one)[1] == trail(client, other)[1]
    assert set(trail(client, one)[1][1]) == set(names)


def test_what_is_as_it_was_is_no_difference(client: Client, ways: list[str]) -> None:
    id_ = job(client, remark=None)
    ways.clear()
    assert changed(client, id_, title="Paint", share="0.25", remark="now").json()["data"]["updateJob"]["version"] == 2
    assert changed(client, id_, title="Paint").json()["data"]["updateJob"]["version"] == 3
    assert ways == []
    assert trail(client, id_)[1:] == [(2, {"remark": [None, "now"]}), (3, {})]


def test_the_chain_of_such_entries_holds(client: Client) -> None:
    id_ = job(client)
    changed(client, id_, title="Plaster")
    keys = ChainKeys("")
    seal_all(client.database, keys)
    with client.database.read() as connection:
        found = verify(connection, keys)
    assert (found.findings, found.unsealed) == ((), 0)
    assert found.entries > 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "far too long for it"}, "title"),
        ({"title": "x"}, "title"),
        ({"count": -1}, "count"),
        ({"count": 1000}, "count"),
        ({"share": "1.501"}, "share"),
    ],
)
def test_a_whole_record_has_to_be_what_its_file_says(
    client: Client, ways: list[str], wrong: dict[str, Any], field: str
) -> None:
    # given a record that has come to be against a limit which was not always there
    id_ = job(client)
    table = client.records.tables["job"]
    with client.database.begin() as connection:
        connection.execute(update(table).where(table.c.id == id_).values(wrong))
    # when another of its fields is changed
    answer = changed(client, id_, remark="new")
    # then that is not done, and said by the executor
    assert code(answer) == "VALIDATION_FAILED"
    assert field in answer.text
    assert ways[-1] == "executed"
    assert len(trail(client, id_)) == 1
    # and it can be mended by one statement
    ways.clear()
    assert "errors" not in changed(client, id_, title="Right", count=1, share="1").json()
    assert ways == []


@pytest.mark.parametrize(
    ("values", "way"),
    [({"title": "Other"}, []), ({"remark": None}, ["two"]), ({"placeId": None}, ["two"])],
)
def test_who_writes_more_than_values_takes_two_round_trips(
    client: Client, ways: list[str], values: dict[str, Any], way: list[str]
) -> None:
    id_ = job(client, remark="some", placeId=made(client, "site", name="A"))
    ways.clear()
    assert "errors" not in changed(client, id_, **values).json()
    assert ways == way


def test_a_version_that_is_not_the_newest_changes_nothing(client: Client, ways: list[str]) -> None:
    id_ = job(client)
    query = UPDATE.replace("(id: $id,", "(id: $id, version: 1,")
    ways.clear()
    assert client.ask(query, id=id_, input={"title": "First"})["data"]["updateJob"] == {"title": "First", "version": 2}
    assert ways == []
    answer = client.post({"query": query, "variables": {"id": id_, "input": {"title": "Second"}}})
    assert code(answer) == "VERSION_CONFLICT"
    assert [version for version, _ in trail(client, id_)] == [1, 2]


def test_those_who_change_a_record_at_the_same_time_come_one_after_the_other(client: Client, ways: list[str]) -> None:
    id_, turns = job(client), 60
    ways.clear()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: changed(client, id_, count=n).json(), range(100, 100 + turns)))
    # then each has its own version
    assert sorted(each["data"]["updateJob"]["version"] for each in answers) == list(range(2, turns + 2))
    assert len(ways) < turns  # who has waited for long may have gone another way
    # and each found what the one before it has left, not before that
    entries = trail(client, id_)
    assert [version for version, _ in entries] == list(range(1, turns + 2))
    values = [3, *(fields["count"][1] for _, fields in entries[1:])]
    assert [fields["count"][0] for _, fields in entries[1:]] == values[:-1]
    with client.database.read() as connection:
        moments = [each.at for each in logged(connection, record_id=id_)][::-1]
        table = client.records.tables["job"]
        stored = connection.execute(select(table).where(table.c.id == id_)).one()
    assert moments == sorted(moments)
    assert (stored.version, stored.updated_at, stored.count) == (turns + 1, moments[-1], values[-1])


@pytest.mark.parametrize("becomes", ["large", "gone"])
def test_what_a_rule_looks_at_is_as_it_is_when_the_change_is_made(client: Client, becomes: str) -> None:
    # given somebody who may change the jobs at small sites, and such a job
    token = of_ben(client, "rep")
    place = made(client, "site", name="A", staff=5)
    id_ = job(client, placeId=place)
    sites, jobs = client.records.tables["site"], client.records.tables["job"]
    asked = {"query": UPDATE, "variables": {"id": id_, "input": {"title": "Mine"}}}

    def change() -> Any:
        return client.post(asked, Authorization=f"Bearer {token}")

    assert change().json()["data"]["updateJob"] == {"title": "Mine", "version": 2}
    # when the site grows, or goes, while they change it, and they wait for that
    with ThreadPoolExecutor(1) as threads, client.database.begin() as connection:
        if becomes == "large":
            connection.execute(update(sites).where(sites.c.id == place).values(staff=500))
        else:
            connection.execute(update(jobs).where(jobs.c.id == id_).values(place_id=None))
            connection.execute(sites.delete().where(sites.c.id == place))
        waiting = threads.submit(change)
        while not _waits(client.database):
            assert not waiting.done()
        connection.commit()
        # then it is none of theirs
        assert code(waiting.result()) == "FORBIDDEN"
    assert [version for version, _ in trail(client, id_)] == [1, 2]


@pytest.mark.parametrize("role", ["clerk", "guest"])
def test_who_loses_a_record_sees_nothing_of_what_it_became_with_that(client: Client, role: str) -> None:
    # given somebody who sees the jobs at small sites, or may change those that are shared with them, and such a job
    token = of_ben(client, role)
    place = made(client, "site", name="A", staff=5)
    id_ = job(client, placeId=place, remark="known")
    with client.database.begin() as connection:
        grantee = f"user:{client.world.users['ben']}"
        share = {"entity": "job", "record_id": id_, "grantee": grantee, "level": "update"}
        connection.execute(insert(SHARE).values(**share, shared_at=dt.datetime.now(dt.UTC)))
    sites, jobs = client.records.tables["site"], client.records.tables["job"]
    query = UPDATE.replace("{ title version }", "{ title remark }")
    asked = {"query": query, "variables": {"id": id_, "input": {"title": "Mine"}}}

    def change() -> Any:
        return client.post(asked, Authorization=f"Bearer {token}")

    assert change().json() == {"data": {"updateJob": {"title": "Mine", "remark": "known"}}}
    # when one transaction takes it away from them and writes into it, and they wait for that
    with ThreadPoolExecutor(1) as threads, client.database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == id_).values(remark="secret"))
        connection.execute(update(sites).where(sites.c.id == place).values(staff=500))
        connection.execute(SHARE.delete())
        waiting = threads.submit(change)
        while not _waits(client.database):
            assert not waiting.done()
        connection.commit()
        answer = waiting.result()
    # then they are not shown what it became, nor have they changed what is not theirs
    if role == "guest":
        assert code(answer) == "FORBIDDEN"
        assert [version for version, _ in trail(client, id_)] == [1, 2]
    else:
        assert "secret" not in answer.text


def of_ben(client: Client, role: str) -> str:
    """A token of somebody with this role."""
    with client.database.begin() as connection:
        tokens.set_roles(connection, client.world.users["ben"], [role])
        return tokens.create_token(connection, client.world.users["ben"], "test")


def _waits(database: Database) -> bool:
    """Whether a statement waits for what another transaction holds."""
    with database.read() as connection:
        locks = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.exec_driver_sql(locks).scalar())
