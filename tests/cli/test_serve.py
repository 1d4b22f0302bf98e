"""``xrm serve``, with and without ``--demo``."""

import signal
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import (
    BOOK,
    CLOSED_POSTGRES,
    CORE_PACK,
    TEXT,
    USER,
    Server,
    Xrm,
    copy_database,
    write_pack,
)
from xrm_core.cli import server_process
from xrm_core.demo import DEMO_USERS, counts, loading
from xrm_core.demo.packs import core_demo
from xrm_core.errors import SettingsError
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.server.assembly import assemble_applied
from xrm_core.settings import Settings
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.schema_files import save_schema_files
from xrm_core.storage.tables import Tables

COUNT = "{customers{totalCount}}"


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def all_rows(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in names if not name.startswith("sqlite_stat")]  # a server counts whenever it likes
        return {table: sorted(connection.execute(f'SELECT * FROM "{table}"'), key=repr) for table in tables}


def test_the_demo_serves_its_roles_what_they_may_see(demo: Server):
    answers = {role: demo.graphql(token, COUNT) for role, token in demo.tokens().items()}

    assert {role: status for role, (status, _) in answers.items()} == dict.fromkeys(DEMO_USERS, 200)
    totals = {role: answer["data"]["customers"]["totalCount"] for role, (_, answer) in answers.items()}
    assert totals["admin"] == totals["guest"] == counts()["customer"]
    assert 0 < totals["sales_rep"] < totals["admin"]
    status, answer = demo.graphql("xrm_wrong", COUNT)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert demo.get("health/ready") == b'{"status":"ready"}'


def test_the_demo_has_all_records_and_teams_with_leads(demo: Server):
    with closing(sqlite3.connect(demo.data / "xrm.db")) as connection:
        found = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in counts()}
        teams = connection.execute("SELECT count(*) FROM team WHERE lead_id IS NULL").fetchone()
        users = dict(connection.execute("SELECT role, user_id FROM xrm_user_role"))

    assert {**found, "activity": 0} == {**counts(), "activity": 0}
    assert abs(found["activity"] - counts()["activity"]) <= 1  # the examples create one and delete one
    assert teams == (0,)
    assert users == DEMO_USERS


def test_tokens_are_for_the_owners_eyes(demo: Server):
    assert stat.S_IMODE((demo.data / "demo-tokens.json").stat().st_mode) == 0o600
    assert list(demo.tokens()) == ["admin", "sales_rep", "guest"]
    assert [path.name for path in demo.data.iterdir() if path.name.startswith(".")] == []


def test_a_second_start_keeps_the_records_and_makes_new_tokens(demo: Server, tmp_path: Path):
    # given a database that has the demo, a token that somebody made beside it, and one that expires with the start
    copy_database(demo, tmp_path / "data" / "xrm.db")
    before = all_rows(tmp_path / "data" / "xrm.db")

    # when
    second = Server(tmp_path, "--demo", "--schemas", CORE_PACK)
    try:
        status, answer = second.graphql(second.tokens()["admin"], COUNT)
        old_status, _ = second.graphql(demo.tokens()["admin"], COUNT)
    finally:
        code = second.stop(signal.SIGTERM)

    # then
    assert (status, answer["data"]["customers"]["totalCount"]) == (200, counts()["customer"])
    assert old_status == 401
    assert code == 0
    after = all_rows(tmp_path / "data" / "xrm.db")
    assert len(after["xrm_token"]) == len(DEMO_USERS)
    events = [row for row in after["xrm_auth_event"] if row not in before["xrm_auth_event"]]
    assert [event for _, _, event, *_ in events] == ["token_created"] * len(DEMO_USERS)
    notices = [row for row in after["xrm_notice"] if row not in before["xrm_notice"]]  # to those whose tokens they are
    assert [kind for _, _, kind, *_ in notices] == ["token_created"] * len(DEMO_USERS)
    changed = {"xrm_token": [], "xrm_auth_event": before["xrm_auth_event"], "xrm_notice": before["xrm_notice"]}
    assert {**after, **changed} == {**before, **changed}
    assert "Loading" not in (tmp_path / "stderr").read_text()


def test_a_demo_with_a_tenant_layer_starts_again(demo: Server, tmp_path: Path, xrm: Xrm):
    # given what «applySchemaChange» leaves in a demo
    copy_database(demo, tmp_path / "data" / "xrm.db")
    url = f"sqlite:///{tmp_path / 'data' / 'xrm.db'}"
    vehicle = '{"x-entity": "vehicle", "type": "object", "properties": {"plate": {"type": "string"}}}'
    with closing(Database(url)) as database, database.begin() as connection:
        save_schema_files(connection, {"vehicle.json": vehicle}, (), None)
    assert xrm("schema", "apply", "--schemas", CORE_PACK, "--database", url).code == 0

    again = Server(tmp_path, "--demo", "--schemas", CORE_PACK)
    try:
        answer = again.graphql(again.tokens()["admin"], "{ vehicles { totalCount } }")
    finally:
        again.stop()

    assert answer == (200, {"data": {"vehicles": {"totalCount": 0}}})


def test_a_server_without_the_demo(applied: Path, xrm: Xrm, tmp_path: Path):
    # given a user with a token, in a pack of one's own
    database = f"sqlite:///{tmp_path / 'xrm-data' / 'xrm.db'}"
    xrm("user", "create", "--email", "ada@example.com", "--role", "clerk")
    token = xrm("token", "create", "ada@example.com").out.strip()

    # when
    server = Server(tmp_path, "--schemas", applied, "--database", database)
    try:
        answer = server.graphql(token, "{users{nodes{email}}}")
        page = server.get("graphiql/config.json")
    finally:
        code = server.stop(signal.SIGINT)

    # then
    assert answer == (200, {"data": {"users": {"nodes": [{"email": "ada@example.com"}]}}})
    assert page == b'{"demo":false,"roles":[],"examples":[]}'
    assert code == 0
    assert (tmp_path / "stderr").read_text() == ""
    assert not (tmp_path / "data" / "demo-tokens.json").exists()


def test_files_that_are_not_applied_are_told_in_the_log(pack: Path, xrm: Xrm, capsys: pytest.CaptureFixture[str]):
    xrm("schema", "apply")
    platform = assemble_applied(Settings())
    try:
        server_process.tell_unapplied(platform)
        said = ["".join(capsys.readouterr())]
        with (pack / "permissions" / "policies.csv").open("a") as file:
            file.write("reader,book,read,summary,,allow\n")
        server_process.tell_unapplied(platform)
        assert "policy_files_not_in_force" in "".join(capsys.readouterr())
        write_pack(pack, user=USER, book={**BOOK, "colour": TEXT})
        server_process.tell_unapplied(platform)
        said.append("".join(capsys.readouterr()))
        (pack / "book.json").write_text("{")
        server_process.tell_unapplied(platform)
        said.append("".join(capsys.readouterr()))
    finally:
        platform.database.close()

    assert ["not_applied" in text or "cannot_be_applied" in text for text in said] == [False, True, True]
    assert "policy_files_not_in_force" not in said[0]


def test_a_port_in_use(taken_port: int, xrm: Xrm, applied: Path):
    assert str(taken_port) in xrm("serve", "--port", str(taken_port)).failed("PORT_IN_USE")


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_no_use(host: str, xrm: Xrm, applied: Path):
    xrm("serve", "--host", host, "--port", "0").failed("SETTINGS_INVALID")


def test_a_port_that_does_not_exist(xrm: Xrm, applied: Path):
    assert "XRM_PORT" in xrm("serve", "--port", "70000").failed("SETTINGS_INVALID")


def test_no_model_and_no_database(pack: Path, xrm: Xrm):
    assert "xrm schema apply" in xrm("serve", "--port", "0").failed("MODEL_OUT_OF_DATE")
    xrm("serve", "--port", "0", "--database", CLOSED_POSTGRES).failed("DATABASE_UNAVAILABLE")
    xrm("serve", "--demo", "--schemas", CORE_PACK, "--port", "0", "--database", CLOSED_POSTGRES).failed(
        "DATABASE_UNAVAILABLE"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_the_demo_is_for_this_machine_only(host: str, xrm: Xrm):
    xrm("serve", "--demo", "--host", host, "--schemas", CORE_PACK).failed("SETTINGS_INVALID")

    assert not Path("xrm-data").exists()


def test_the_demo_needs_the_core_pack(pack: Path, xrm: Xrm):
    assert "core pack" in xrm("serve", "--demo", "--port", "0").failed("SETTINGS_INVALID")

    assert not Path("xrm-data/demo-tokens.json").exists()


def test_the_demo_leaves_other_data_alone(xrm: Xrm):
    # given a database with the core pack's tables and one record
    assert xrm("schema", "apply", "--schemas", CORE_PACK).code == 0
    words = ["--email", "ada@example.com", "--last-name", "Lovelace", "--role", "admin", "--schemas", CORE_PACK]
    assert xrm("user", "create", *words).code == 0
    before = all_rows(Path("xrm-data/xrm.db"))

    # when
    found = xrm("serve", "--demo", "--port", "0", "--schemas", CORE_PACK)

    # then
    assert "not the demo's" in found.failed("SETTINGS_INVALID")
    assert all_rows(Path("xrm-data/xrm.db")) == before


def test_the_demo_loads_on_both_databases(database: Database):
    # given the core pack in an empty database
    model = load(pack_layers(CORE_PACK))
    apply(database, model)
    told: list[tuple[int, int]] = []
    door = Records(model, Tables(model), Plugins())

    # when
    with database.begin() as connection:
        assert not loading.is_loaded(connection)
        loading.load_demo(door, connection, lambda done, total: told.append((done, total)), core_demo(500))
        first = loading.new_tokens(connection)
        second = loading.new_tokens(connection)

    # then
    assert told[-1] == (500, 500)
    assert told == sorted(told)
    assert set(first) == set(second) == set(DEMO_USERS)
    assert not set(first.values()) & set(second.values())
    with database.read() as connection:
        assert loading.is_loaded(connection)
        tokens = connection.exec_driver_sql("SELECT count(*) FROM xrm_token").scalar()
    assert tokens == len(DEMO_USERS)


def test_the_demo_needs_its_roles():
    with pytest.raises(SettingsError, match="sales_rep"):
        loading.check_pack(load(pack_layers(CORE_PACK)), ["admin", "guest"])
