"""Attacks on changes over HTTP that one statement makes on PostgreSQL, past the executor: what it would refuse stays
refused, and what others do at the same moment makes no difference.
"""

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, text, update

from tests.attack.test_values import INFINITE, NOT_A_NUMBER, REFUSED, STORED
from tests.postgres import PostgresServer
from tests.records.kit import Pack
from tests.server.http_kit import Client, code, serving
from xrm_core.auth import authenticator, tokens
from xrm_core.auth.sessions import Lifetimes, create_session, end_session
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.reading import logged
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import verify
from xrm_core.graphql.executor import Executor
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN

FIELDS = {
    "name": {"type": "string", "maxLength": 200, "minLength": 1},
    "note": {"type": "string", "x-type": "long_text"},
    "employees": {"type": "integer"},
    "units": {"type": "integer", "x-type": "big_integer"},
    "revenue": {"type": "number", "x-type": "decimal", "x-precision": 15, "x-scale": 2},
    "foundedOn": {"type": "string", "format": "date"},
    "state": {"type": "string", "enum": ["open", "done"]},
    "urgent": {"type": "boolean"},
}
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}, "active": {"type": "boolean"}}},
    "firm": {"properties": {"founded_on" if name == "foundedOn" else name: of for name, of in FIELDS.items()}},
}
POLICIES = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n"
UPDATE = "mutation ($id: ID!, $input: UpdateFirmInput!) { updateFirm(id: $id, input: $input) { name note version } }"
MORE: dict[str, list[Any]] = {"state": ["OPEN", "open\0", "", "x" * 5000, 1], "urgent": ["true", 1, "t"]}
"""Refused beside the values of ``test_values.py``."""

Change = Callable[[Client, Connection], None]


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        pytest.skip("only PostgreSQL has the quick way")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    pack = Pack(FILES, {"roles": {"admin": {}}, "rules": {}}, POLICIES)
    with server.database() as url, serving(Database(url), tmp_path_factory.mktemp("quick"), pack) as found:
        yield found


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each document that came to the executor."""
    found, run = list[None](), Executor.run

    def noting(self: Executor, *arguments: Any) -> Any:
        found.append(None)
        return run(self, *arguments)

    monkeypatch.setattr(Executor, "run", noting)
    return found


def firm(client: Client) -> str:
    answer = client.ask('mutation { createFirm(input: {name: "A", note: "known"}) { id } }')
    return str(answer["data"]["createFirm"]["id"])


def change(client: Client, id_: str, **values: Any) -> Any:
    return client.post({"query": UPDATE, "variables": {"id": id_, "input": values}})


def trail(client: Client, id_: str) -> list[tuple[int, Any]]:
    """Version and fields of what the log has of a record, the oldest first."""
    with client.database.read() as connection:
        return [(each.version, dict(each.fields)) for each in logged(connection, record_id=id_)][::-1]


def versions(client: Client, id_: str) -> list[int]:
    return [version for version, _ in trail(client, id_)]


def test_values_past_the_ends_are_refused_and_change_nothing(client: Client) -> None:
    id_ = firm(client)
    for name in FIELDS:
        for value in [*REFUSED.get(name, []), *MORE.get(name, [])]:
            answer = change(client, id_, **{name: value})
            # A lone surrogate, or what is no JSON, does not even come to the document.
            assert code(answer) in ("VALIDATION_FAILED", "BAD_QUERY", "BAD_REQUEST"), (name, value, answer.text)
    for wrong in ("x\0", "\ud800", "' OR 1=1 --", "9" * 5000, 7, INFINITE, NOT_A_NUMBER):
        answer = client.post({"query": UPDATE, "variables": {"id": wrong, "input": {"name": "B"}}})
        assert code(answer) in ("NOT_FOUND", "BAD_QUERY", "BAD_REQUEST"), (wrong, answer.text)
    assert versions(client, id_) == [1]


def test_values_at_the_ends_are_stored_and_logged_as_by_the_executor(client: Client, executed: list[None]) -> None:
    for name in FIELDS.keys() & STORED.keys():
        shown = f"updateFirm(id: $id, input: $input) {{ {name} }}"
        query = f"mutation ($id: ID!, $input: UpdateFirmInput!) {{ {shown} }}"
        ways = [(firm(client), query), (firm(client), f"{query[:-1]} other: __typename }}")]
        for value, expected in STORED[name]:
            for id_, way in ways:
                assert client.ask(way, id=id_, input={name: value})["data"]["updateFirm"] == {name: expected}
        assert len(executed) == len(STORED[name])
        executed.clear()
        one, other = (trail(client, id_) for id_, _ in ways)
        assert one[1:] == other[1:]


def test_of_keys_that_stand_twice_the_last_one_counts_everywhere(client: Client, executed: list[None]) -> None:
    one, other = firm(client), firm(client)
    executed.clear()
    given = f'"id": "{one}", "id": "{other}", "input": {{"name": "B", "name": "C"}}'
    body = f'{{"query": "{UPDATE}", "variables": {{{given}}}}}'
    assert client.post(body).json() == {"data": {"updateFirm": {"name": "C", "note": "known", "version": 2}}}
    assert (versions(client, one), versions(client, other), executed) == ([1], [1, 2], [])


def test_nothing_to_change_is_the_same_either_way(client: Client) -> None:
    id_ = firm(client)
    assert change(client, id_).json()["data"]["updateFirm"]["version"] == 2
    both = "mutation ($id: ID!) { updateFirm(id: $id, input: {}) { version } other: __typename }"
    assert client.ask(both, id=id_)["data"]["updateFirm"]["version"] == 3


def revoke(client: Client, connection: Connection) -> None:
    connection.execute(update(TOKEN).values(revoked_at="2020-01-01T00:00:00+00:00"))


def let_expire(client: Client, connection: Connection) -> None:
    connection.execute(update(TOKEN).values(expires_at="2020-01-01T00:00:00+00:00"))


def deactivate(client: Client, connection: Connection) -> None:
    users = client.records.tables["user"]
    connection.execute(update(users).where(users.c.id == client.world.users["anna"]).values(active=False))


def take_role(client: Client, connection: Connection) -> None:
    tokens.set_roles(connection, client.world.users["anna"], [])


@pytest.mark.parametrize("take_away", [revoke, let_expire, deactivate, take_role])
def test_who_is_only_remembered_changes_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, take_away: Change
) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 300.0)
    # given somebody who has just changed a record, by what is prepared by now
    id_ = firm(client)
    for name in "ABC":
        assert change(client, id_, name=name).status_code == 200
    # when another server takes away what they were let in with, for a moment
    with client.database.begin() as connection:
        take_away(client, connection)
    try:
        answer = change(client, id_, name="D")
    finally:
        with client.database.begin() as connection:
            connection.execute(update(TOKEN).values(revoked_at=None, expires_at=None))
            users = client.records.tables["user"]
            connection.execute(update(users).values(active=True))
            tokens.set_roles(connection, client.world.users["anna"], ["admin"])
    # then the next change is none
    assert code(answer) == ("FORBIDDEN" if take_away is take_role else "UNAUTHENTICATED")
    assert versions(client, id_) == [1, 2, 3, 4]


def test_nor_does_who_is_remembered_by_a_session_that_has_ended(
    client: Client, monkeypatch: pytest.MonkeyPatch, executed: list[None]
) -> None:
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 300.0)
    # given two sessions of one user, by which a record is changed
    id_, anna, hour = firm(client), client.world.users["anna"], dt.timedelta(hours=1)
    with client.database.begin() as connection:
        (mine, one), (other, _) = (
            create_session(connection, anna, Lifetimes(hour, hour), cookie=False, device="test", address=None)
            for _ in range(2)
        )
    asked = {"query": UPDATE, "variables": {"id": id_, "input": {"name": "B"}}}
    executed.clear()
    for token in (mine, other):
        assert client.post(asked, Authorization=f"Bearer {token}").status_code == 200
    assert executed == []
    # when another server ends one of them
    with client.database.begin() as connection:
        assert end_session(connection, anna, one.id)
    # then it changes nothing any more, and the other does
    assert code(client.post(asked, Authorization=f"Bearer {mine}")) == "UNAUTHENTICATED"
    assert client.post(asked, Authorization=f"Bearer {other}").status_code == 200
    assert versions(client, id_) == [1, 2, 3, 4]


def test_who_is_cut_off_while_they_wait_changes_it_once(client: Client) -> None:
    # given a record that somebody holds
    id_, table = firm(client), client.records.tables["firm"]
    change(client, id_, name="B")
    with ThreadPoolExecutor(1) as threads, client.database.begin() as connection:
        connection.execute(update(table).where(table.c.id == id_).values(note="held"))
        # when the server cuts each connection that waits for it, at whichever way
        waiting, cut = threads.submit(change, client, id_, name="C"), 0
        while not cut:
            assert not waiting.done()
            waits = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            with client.database.begin() as apart:
                cut = apart.scalar(text(f"{waits} AND wait_event_type = 'Lock'")) or 0
        connection.commit()
        answer = waiting.result()
    # then it is changed once, or not at all and they are told
    if answer.status_code == 200:
        assert answer.json()["data"]["updateFirm"] == {"name": "C", "note": "held", "version": 3}
    else:
        assert code(answer) == "DATABASE_UNAVAILABLE"
    assert versions(client, id_) in ([1, 2, 3], [1, 2])
    assert len(versions(client, id_)) == (3 if answer.status_code == 200 else 2)


def test_tables_that_were_changed_under_what_is_prepared_are_written_all_the_same(client: Client) -> None:
    id_ = firm(client)
    for name in "ABC":
        change(client, id_, name=name)
    for ddl in ("ADD COLUMN odd text", "ALTER COLUMN note TYPE varchar(10000)", "DROP COLUMN odd"):
        with client.database.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE firm {ddl}")
        assert "errors" not in change(client, id_, name="D", note="n").json()
        assert "errors" not in change(client, id_, name="E").json()
    with client.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE firm ALTER COLUMN note TYPE text")
    assert versions(client, id_) == list(range(1, 11))


def test_what_is_sealed_while_many_write_is_whole(client: Client, executed: list[None]) -> None:
    # given a log that is sealed all the while
    ids, keys, ended = [firm(client) for _ in range(4)], ChainKeys(""), threading.Event()
    executed.clear()

    def seal() -> int:
        times = 0
        while times == 0 or not ended.is_set():
            seal_all(client.database, keys)
            times += 1
        return times

    # when many change records, some of them the same ones
    with ThreadPoolExecutor(9) as threads:
        sealing = threads.submit(seal)
        try:
            answers = list(threads.map(lambda n: change(client, ids[n % 4], employees=n).json(), range(80)))
        finally:
            ended.set()
        assert sealing.result() > 0
    # then each change is in the log once, and the chain holds
    assert not [each for each in answers if "errors" in each]
    assert [versions(client, each) for each in ids] == [list(range(1, 22))] * 4
    seal_all(client.database, keys)
    with client.database.read() as connection:
        found = verify(connection, keys)
    assert (found.findings, found.unsealed) == ((), 0)
