"""``xrm tenant``, and ``--tenant`` at the other commands."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import CLOSED_POSTGRES, Server, Xrm

ADA = ("--email", "ada@example.com", "--role", "clerk")


def test_a_tenant_has_users_records_and_a_model_of_its_own(applied: Path, xrm: Xrm, tmp_path: Path):
    # given
    assert "acme" in xrm("tenant", "create", "acme", "--host", "acme.example.com").out
    assert xrm("schema", "plan", "--tenant", "acme").code == 0
    assert xrm("user", "create", *ADA, "--tenant", "acme").code == 0
    token = xrm("token", "create", "ada@example.com", "--tenant", "acme").out.strip()
    (tmp_path / "books.csv").write_text("title\nDune\n")
    assert xrm("import", "book", tmp_path / "books.csv", "--tenant", "acme").code == 0

    # then the main database knows nothing of it
    assert xrm("user", "list").out == ""
    assert "ada@example.com" in xrm("user", "list", "--tenant", "acme").out
    [listed] = json.loads(xrm("tenant", "list", "--json").out)
    assert (listed["name"], listed["state"], listed["hosts"]) == ("acme", "active", ["acme.example.com"])

    # and a server answers for it
    database = f"sqlite:///{tmp_path / 'xrm-data' / 'xrm.db'}"
    server = Server(tmp_path, "--schemas", applied, "--database", database)
    try:
        main = server.graphql(token, "{books{totalCount}}")[0]
        server.url += "t/nobody/"
        nobody = server.graphql(token, "{books{totalCount}}")[0]
    finally:
        server.stop()
    assert (main, nobody) == (401, 404)


def test_a_tenant_moves_in_a_bundle(applied: Path, xrm: Xrm, tmp_path: Path):
    xrm("tenant", "create", "acme")
    xrm("user", "create", *ADA, "--tenant", "acme")
    assert "1 records" in xrm("tenant", "export", "acme", tmp_path / "acme.zip").out
    [event] = xrm("log", "events", "--tenant", "acme", "--event", "export", "--format", "json").out.splitlines()
    assert (json.loads(event)["subject"], json.loads(event)["details"]) == ("acme", {"file": "acme.zip"})

    assert xrm("tenant", "import", "copy", tmp_path / "acme.zip").code == 0

    assert "ada@example.com" in xrm("user", "list", "--tenant", "copy").out
    xrm("tenant", "export", "acme", tmp_path / "acme.zip").failed("SETTINGS_INVALID")  # it is there already
    xrm("tenant", "import", "acme", tmp_path / "acme.zip").failed("TENANT_EXISTS")
    (tmp_path / "bad.zip").write_bytes((tmp_path / "acme.zip").read_bytes()[:-50])
    xrm("tenant", "import", "other", tmp_path / "bad.zip").failed("BUNDLE_INVALID")
    assert [each["name"] for each in json.loads(xrm("tenant", "list", "--json").out)] == ["acme", "copy"]
    assert not (tmp_path / "xrm-data" / "tenants" / "other.db").exists()


def test_removing_a_tenant_wants_to_be_confirmed(applied: Path, xrm: Xrm, tmp_path: Path):
    xrm("tenant", "create", "acme")
    file = tmp_path / "xrm-data" / "tenants" / "acme.db"
    for words in ((), ("--confirm", "other")):
        assert "--confirm acme" in xrm("tenant", "remove", "acme", *words).failed("SETTINGS_INVALID")
    assert file.exists()

    assert xrm("tenant", "remove", "acme", "--confirm", "acme").code == 0

    assert not file.exists()
    xrm("user", "list", "--tenant", "acme").failed("NOT_FOUND")
    xrm("tenant", "remove", "acme", "--confirm", "acme").failed("NOT_FOUND")


def test_states_and_hosts(applied: Path, xrm: Xrm, tmp_path: Path):
    xrm("tenant", "create", "acme", "--host", "a.example.com")
    assert xrm("tenant", "set", "acme", "--state", "readonly", "--host", "b.example.com").code == 0
    assert "readonly" in xrm("tenant", "list").out
    assert "b.example.com" in xrm("tenant", "list").out
    assert "a.example.com" not in xrm("tenant", "list").out
    xrm("tenant", "set", "acme", "--state", "asleep").failed("SETTINGS_INVALID")
    xrm("tenant", "set", "nobody", "--state", "active").failed("NOT_FOUND")
    with closing(sqlite3.connect(tmp_path / "xrm-data" / "xrm.db")) as connection:
        assert connection.execute("SELECT state FROM xrm_tenant").fetchall() == [("readonly",)]


def test_passwords_of_databases_are_not_shown(applied: Path, xrm: Xrm):
    found = xrm("tenant", "create", "acme", "--at", CLOSED_POSTGRES).failed("DATABASE_UNAVAILABLE")
    assert "s3cret" not in found
    assert xrm("tenant", "list").out == ""


@pytest.mark.parametrize(
    "place", ["sqlite:///~/other.db", "sqlite+pysqlite:///other.db", "sqlite:///./sub/../other.db"]
)
def test_a_database_that_is_there_is_nobodys_tenant(
    place: str, applied: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "other.db").write_bytes(b"precious")

    xrm("tenant", "create", "acme", "--at", place).failed("TENANT_EXISTS")

    assert (tmp_path / "other.db").read_bytes() == b"precious"
    assert xrm("tenant", "list").out == ""


def test_the_place_of_a_tenant_is_the_same_from_every_folder(
    applied: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert xrm("tenant", "create", "acme", "--at", "sqlite:///elsewhere/acme.db").code == 0
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")

    found = xrm("schema", "plan", "--tenant", "acme", "--schemas", applied, "--database", _main(tmp_path))

    assert found.code == 0
    assert not any((tmp_path / "other").iterdir())
    # and nobody else gets the place, even before the file is there
    (tmp_path / "elsewhere" / "acme.db").rename(tmp_path / "away.db")
    again = ("tenant", "create", "blue", "--at", f"sqlite:///{tmp_path}/elsewhere/acme.db")
    xrm(*again, "--schemas", applied, "--database", _main(tmp_path)).failed("TENANT_EXISTS")


def test_a_tenant_that_was_half_made_is_not_put_into_service(applied: Path, xrm: Xrm, tmp_path: Path):
    xrm("tenant", "create", "acme")
    with closing(sqlite3.connect(tmp_path / "xrm-data" / "xrm.db")) as connection, connection:
        connection.execute("UPDATE xrm_tenant SET state = 'making'")

    said = xrm("tenant", "set", "acme", "--state", "active").failed("SETTINGS_INVALID")

    assert "xrm tenant remove acme --confirm acme" in said
    assert "making" in xrm("tenant", "list").out


def _main(folder: Path) -> str:
    return f"sqlite:///{folder / 'xrm-data' / 'xrm.db'}"
