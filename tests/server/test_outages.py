"""The database is away, cut off or full: whoever writes is told so, what was acknowledged stays, and when it is back
everything goes on by itself.
"""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.cli.conftest import Server
from tests.server.door_world import DoorWorld, door_world
from tests.server.live_kit import Installation, install
from tests.server.own_postgres import OwnPostgres, own_postgres
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system

CREATE = 'mutation { createCompany(input: {name: "A"}) { id } }'
RECOVERY_SECONDS = 90
"""In which everything has to work again; on an idle machine it is one or two, but there may be much else to do."""


@pytest.fixture(scope="module")
def own(request: pytest.FixtureRequest) -> Iterator[OwnPostgres]:
    request.getfixturevalue("postgres_server")  # skips where PostgreSQL is off
    with own_postgres() as found:
        yield found


@pytest.fixture
def world(own: OwnPostgres, tmp_path: Path) -> Iterator[DoorWorld]:
    with own.database() as url, closing(Database(url)) as database, door_world(database, tmp_path) as found:
        yield found


def post(world: DoorWorld, query: str) -> Any:
    """Status, the header Retry-After, and the answer."""
    headers = {"Accept": "application/graphql-response+json"}
    answer = world.client.post({"query": query}, **headers)
    return answer.status_code, answer.headers.get("retry-after"), answer.json()


def again(world: DoorWorld, query: str) -> list[str]:
    """Ask until it is answered well; the codes of what was answered before."""
    codes: list[str] = []
    until = time.monotonic() + RECOVERY_SECONDS
    while "errors" in (answer := world.ask("anna", query)):
        assert time.monotonic() < until, answer
        codes.append(answer["errors"][0]["extensions"]["code"])
        time.sleep(0.05)
    return codes


@pytest.mark.slow
def test_connections_that_were_cut_are_made_again(own: OwnPostgres, world: DoorWorld) -> None:
    name = world.client.database.url.database or ""
    for query in (CREATE, "{ companies { totalCount } }", "{ me { roles } }"):
        again(world, query)
        own.cut(name)
        codes = again(world, query)
        assert set(codes) <= {"DATABASE_UNAVAILABLE"}
        assert len(codes) < 5
    total = world.ask("anna", "{ companies { totalCount } }")["data"]["companies"]["totalCount"]
    assert total == len(world.rows("company")) == 2


@pytest.mark.slow
def test_a_database_that_is_away_is_told_and_found_again_when_it_is_back(own: OwnPostgres, world: DoorWorld) -> None:
    again(world, CREATE)
    own.kill()
    for query in (CREATE, "{ companies { totalCount } }"):
        for _ in range(3):
            status, after, answer = post(world, query)
            assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "DATABASE_UNAVAILABLE")
            assert int(after or 0) > 0
            assert not any(word in json.dumps(answer) for word in ("psycopg", "SELECT", "INSERT", "Traceback", "xrm@"))
    own.start()
    for query in (CREATE, "{ companies { totalCount } }"):
        assert set(again(world, query)) <= {"DATABASE_UNAVAILABLE"}
    assert len(world.rows("company")) == 2
    assert world.client.http.get("/health/ready").status_code == 200


@pytest.fixture
def small(own: OwnPostgres, tmp_path: Path) -> Iterator[tuple[DoorWorld, Path]]:
    """A world whose database lies on a disk of its own, of 48 MB; and where the disk is."""
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted by root; that a full one is told is also shown by test_full_database.py")
    disk = own.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=777", "none", str(disk)], check=True)
    try:
        place = disk / "database"
        place.mkdir(mode=0o700)
        shutil.chown(place, own.folder.owner())
        own.server.execute(f"CREATE TABLESPACE small LOCATION '{place}'", "CREATE DATABASE small TABLESPACE small")
        with closing(Database(own.server.url("small"))) as database:
            upgrade_system(database)
            with door_world(database, tmp_path) as world:
                yield world, disk
    finally:
        own.server.execute("DROP DATABASE IF EXISTS small WITH (FORCE)", "DROP TABLESPACE IF EXISTS small")
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_under_postgresql_is_told_and_writing_goes_on_when_there_is_room(
    small: tuple[DoorWorld, Path],
) -> None:
    world, disk = small
    rows = ", ".join(['{name: "A"}'] * 500)
    many = f"mutation {{ createCompanies(input: [{rows}]) {{ count }} }}"
    done = 0

    def write() -> Any:
        nonlocal done
        status, after, answer = post(world, many)
        if status == 200:
            done += 500
        return status, after, answer

    # given a disk on which something else takes the last of the room
    assert write()[0] == 200
    with suppress(OSError), (disk / "other").open("wb", buffering=0) as other:
        while True:
            other.write(bytes(4096))
    # when somebody writes until there is no room
    answers = [write() for _ in range(20)]
    # then they are told to try again, nothing of it was done, and what is there can be read
    refused = [each for each in answers if each[0] != 200]
    assert len(refused) > 3
    for status, after, answer in refused:
        assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "DATABASE_UNAVAILABLE")
        assert int(after or 0) > 0
        assert not any(word in json.dumps(answer) for word in ("psycopg", "INSERT", "extend", str(disk)))
    assert world.ask("anna", "{ companies { totalCount } }")["data"]["companies"]["totalCount"] == done
    # and when there is room, they write as before
    (disk / "other").unlink()
    again(world, many)
    numbers = sorted(int(row["number"].removeprefix("C-")) for row in world.rows("company"))
    assert numbers == list(range(1, done + 501))
    with world.client.database.read() as connection:
        entries = select(func.count()).select_from(CHANGE).where(CHANGE.c.entity == "company")
        assert connection.scalar(entries) == done + 500


@pytest.fixture
def shop(tmp_path: Path) -> Installation:
    return install(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path)


@pytest.mark.slow
def test_a_disk_that_is_full_is_told_and_writing_goes_on_when_there_is_room(shop: Installation, tmp_path: Path) -> None:
    """The limit for files stands in for it: SQLite is refused each write behind it, as on a full disk."""
    server = Server(tmp_path, "--schemas", shop.pack.folder, "--database", shop.settings.database_url)
    try:
        number = 0

        def create() -> tuple[int, Any]:
            nonlocal number
            number += 1
            name = f"{number:04d}" + "x" * 90
            return server.graphql(shop.token, f'mutation {{ createProduct(input: {{name: "{name}"}}) {{ id name }} }}')

        stored = [create()[1]["data"]["createProduct"]["name"] for _ in range(3)]
        journal = (tmp_path / "shop.db-wal").stat().st_size
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (journal + 40_000, most))
        refused = []
        for _ in range(60):
            status, answer = create()
            if "errors" not in answer:
                stored.append(answer["data"]["createProduct"]["name"])
                continue
            refused.append((status, answer["errors"][0]["extensions"]["code"]))
            assert not any(word in json.dumps(answer) for word in ("sqlite", "INSERT", "Traceback", str(tmp_path)))
            asked = "{ products(first: 1000) { nodes { name } } }"
            status, answer = server.graphql(shop.token, asked)
            assert status == 200
            assert [each["name"] for each in answer["data"]["products"]["nodes"]] == stored
            if len(refused) == 5:
                break
        assert refused == [(503, "DATABASE_UNAVAILABLE")] * 5
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
        until = time.monotonic() + RECOVERY_SECONDS
        while "errors" in (answer := create()[1]):
            assert time.monotonic() < until, answer
            time.sleep(0.1)
        stored.append(answer["data"]["createProduct"]["name"])
    finally:
        server.stop()
    with closing(sqlite3.connect(tmp_path / "shop.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert [name for (name,) in file.execute("SELECT name FROM product ORDER BY id")] == stored
        entries = file.execute("SELECT count(*) FROM xrm_change WHERE entity = 'product'").fetchone()
    assert entries == (len(stored),)
