"""``xrm tenant``, and ``--tenant`` at the other commands."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

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
