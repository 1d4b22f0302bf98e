"""The command line as a whole: help, errors, exit codes."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import CORE_PACK, REPOSITORY, Xrm
from xrm_core.cli import failures
from xrm_core.cli.main import app
from xrm_core.server import assembly


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """All commands of the tree: words → command."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_commands_that_scripts_rely_on_are_there():
    schema = {f"schema {name}" for name in ("check", "plan", "apply", "print")}
    accounts = {"user create", "user roles", "user list", "token create", "token list", "token revoke"}
    assert {"serve", "import", "plugins list", "doctor"} | schema | accounts <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_takes_schemas_and_database_and_explains_itself(words: str, xrm: Xrm):
    options = {option for parameter in COMMANDS[words].params for option in parameter.opts}
    assert {"--schemas", "--database"} <= options

    shown = xrm(*words.split(), "--help")

    assert shown.code == 0
    assert "--schemas" in shown.out


def test_help_needs_nothing_heavy():
    heavy = ["sqlalchemy", "strawberry", "graphql", "alembic", "starlette", "uvicorn", "pydantic", "casbin"]
    heavy += ["jsonschema", "structlog", "rich.progress"]
    program = f"import sys, xrm_core.cli.main; print(*sorted(set({heavy}) & set(sys.modules)))"

    run = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert run.stdout.split() == []


def test_a_server_that_applies_nothing_does_without_alembic():
    program = "import sys, xrm_core.cli.server_process, xrm_core.cli.worker; print('alembic' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["False"]


@pytest.mark.parametrize("words", [["no-such-command"], ["schema", "check", "--no-such-option"], ["import", "book"]])
def test_wrong_usage_ends_with_2(words: list[str], xrm: Xrm):
    found = xrm(*words)

    assert found.code == 2
    assert found.out == ""
    assert "Usage: xrm" in found.err
    assert "Traceback" not in found.err


def test_settings_that_cannot_be_used_are_named(xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_MAX_DEPTH", "deep")

    said = xrm("schema", "check", "--schemas", CORE_PACK).failed("SETTINGS_INVALID")

    assert "XRM_MAX_DEPTH" in said
    assert "hint: " in said


def test_a_folder_that_does_not_exist(xrm: Xrm):
    assert "no-such-folder" in xrm("schema", "check", "--schemas", "no-such-folder").failed("SETTINGS_INVALID")


@pytest.mark.parametrize("url", ["mysql://localhost/x", "no url", "sqlite:////dev/null/x.db", "sqlite:////proc"])
def test_a_database_that_cannot_be_used(url: str, xrm: Xrm):
    found = xrm("schema", "plan", "--schemas", CORE_PACK, "--database", url)

    found.failed("DATABASE_UNAVAILABLE" if url.startswith("sqlite") else "SETTINGS_INVALID")


def test_a_file_that_is_no_database(xrm: Xrm, tmp_path: Any):
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, " * 100)

    xrm("schema", "plan", "--schemas", CORE_PACK, "--database", "sqlite:///letter.db").failed("DATABASE_UNAVAILABLE")


@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_foresaw_is_neutral_unless_debugged(debug: bool, xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    # given a mistake of ours
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the password is s3cret")

    monkeypatch.setattr(assembly, "load_plugins", broken)
    if debug:
        monkeypatch.setenv("XRM_DEBUG", "1")

    # when
    found = xrm("plugins", "list")

    # then
    assert found.code == 1
    assert "error INTERNAL_ERROR: Something went wrong" in found.err
    assert "request id " in found.err
    assert ("Traceback" in found.err) is debug
    assert ("s3cret" in found.err) is debug


def test_an_interrupted_command_is_quiet(xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(assembly, "load_plugins", interrupted)

    found = xrm("plugins", "list")

    assert (found.code, found.out, found.err) == (130, "", "")


@pytest.mark.parametrize("words", [["schema", "print"], ["schema", "check"], ["schema", "plan", "--json"]])
def test_a_full_device_is_told(words: list[str]):
    with Path("/dev/full").open("w") as full:
        run = process(*words, "--schemas", str(CORE_PACK), stdout=full)
        _, said = run.communicate(timeout=60)

    assert run.returncode == 1
    assert "error SETTINGS_INVALID: The answer cannot be written to standard output: No space left" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_reader_who_has_had_enough_is_no_failure_to_talk_about():
    reading, writing = os.pipe()
    os.close(reading)
    run = process("schema", "print", "--schemas", str(CORE_PACK), stdout=writing)
    os.close(writing)
    _, said = run.communicate(timeout=60)

    assert (run.returncode, said) == (1, "")


def test_an_error_of_a_file_is_not_taken_for_one_of_the_answer():
    assert failures.is_about_output(OSError(errno.ENOSPC, "No space left on device"))
    assert not failures.is_about_output(OSError(errno.ENOSPC, "No space left on device", "/var/report.csv"))
    assert not failures.is_about_output(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))


def process(*words: str, stdout: Any) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    program = [sys.executable, "-m", "xrm_core.cli.main", *words]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(program, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_new_data_folder_is_for_its_owner_only(umask: int, pack: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_DATA_DIR", "deep/data")
    before = os.umask(umask)
    try:
        assert xrm("schema", "apply").code == 0
    finally:
        os.umask(before)

    assert Path("deep/data/xrm.db").exists()
    assert stat.S_IMODE(Path("deep/data").stat().st_mode) == 0o700


def test_a_data_folder_that_is_there_keeps_its_mode(pack: Path, xrm: Xrm):
    Path("xrm-data").mkdir()
    Path("xrm-data").chmod(0o750)

    assert xrm("schema", "apply").code == 0

    assert stat.S_IMODE(Path("xrm-data").stat().st_mode) == 0o750


def test_no_data_folder_is_made_for_a_database_elsewhere(pack: Path, xrm: Xrm):
    assert xrm("schema", "apply", "--database", "sqlite:///other/xrm.db").code == 0

    assert Path("other/xrm.db").exists()
    assert not Path("xrm-data").exists()


def test_messages_cannot_play_tricks_on_the_terminal(xrm: Xrm):
    said = xrm("import", "book", "\x1b[2Jrows.csv", "--schemas", CORE_PACK, "--map", "\x1b[31m").failed("IMPORT_FAILED")

    assert "\x1b" not in said


MAKE_A_DATABASE = {"serve", "schema plan", "schema apply", "tenant create", "tenant import", "restore"}
NEED_NO_DATABASE = {"schema check", "schema print", "schema layers", "plugins list", "plugins check", "plugins new"}
NEED_NO_DATABASE |= {"permissions matrix", "permissions test", "doctor"}
WEBHOOK = ["01a2170d-fdba-726c-8456-14ba50d381ce"]
ARGUMENTS = {
    "webhooks create": ["ERP", "--url", "https://example.com/", "--entity", "book", "--role", "clerk"],
    "webhooks replay": [*WEBHOOK, "--since", "1h"],
    **{f"webhooks {word}": WEBHOOK for word in ("delete", "deliveries", "pause", "resume", "rotate", "test", "update")},
    "import": ["book", "books.csv"],
    "query explain": ["query.graphql", "--role", "clerk"],
    "permissions explain": ["ada@example.com", "read", "book"],
    "permissions pull": ["pulled"],
    "schema pull": ["pulled"],
    "user create": ["--email", "ada@example.com", "--role", "clerk"],
    "tenant set": ["acme", "--state", "active"],
    "tenant remove": ["acme", "--confirm", "acme"],
    "tenant export": ["acme", "acme.zip"],
    **{f"user {word}": ["ada@example.com"] for word in ("roles", "invite", "reset", "password", "totp")},
    **{f"user {word}": ["ada@example.com"] for word in ("sessions", "logout", "link", "unlink", "passkeys")},
    "backup": ["saved"],
    "log clear": ["--reads", "--before", "90d"],
    **{f"jobs {word}": ["019aba4e-0000-7000-8000-000000000003"] for word in ("show", "cancel", "retry")},
    "jobs run": ["job_retention"],
    "journal show": ["019aba4e-0000-7000-8000-000000000003"],
    "journal skip": ["019aba4e-0000-7000-8000-000000000003", "--because", "It is gone."],
    "files release": ["019aba4e-0000-7000-8000-000000000003"],
    **{f"workflows {word}": ["019aba4e-0000-7000-8000-000000000003"] for word in ("cancel", "retry")},
    **{f"messages {word}": ["019aba4e-0000-7000-8000-000000000003"] for word in ("show", "cancel", "retry")},
    **{f"log {word}": ["plugin fleet"] for word in ("forget", "retry")},
    "scim roles": ["Sales"],
    "actions run": ["fleet.inspect"],
    **{f"plugins {word}": ["fleet"] for word in ("disable", "enable", "remove")},
    "token create": ["ada@example.com"],
    "token revoke": ["019aba4e-0000-7000-8000-000000000003"],
}


WORK_ON_ONE = sorted({*COMMANDS, "schema check --with-database"} - MAKE_A_DATABASE - NEED_NO_DATABASE)
CASES: list[tuple[str, tuple[str, ...]]] = [(words, ()) for words in WORK_ON_ONE]
CASES += [(words, ("--tenant", "acme")) for words in WORK_ON_ONE if not words.startswith(("tenant", "backup"))]


@pytest.mark.parametrize(("words", "tenant"), CASES)
def test_a_mistyped_file_is_not_taken_for_an_empty_database(words: str, tenant: tuple[str, ...], pack: Path, xrm: Xrm):
    said = xrm(*words.split(), *ARGUMENTS.get(words, ()), "--database", "sqlite:///mistyped.db", *tenant)

    assert "There is no database file mistyped.db yet." in said.failed("MODEL_OUT_OF_DATE")
    assert said.out == ""
    assert not Path("mistyped.db").exists()


def test_a_server_does_not_make_a_database(pack: Path, xrm: Xrm):
    xrm("serve", "--port", "0", "--database", "sqlite:///mistyped.db").failed("MODEL_OUT_OF_DATE")

    assert not Path("mistyped.db").exists()


@pytest.mark.parametrize("words", ["user list", "schema plan", "schema apply", "schema history"])
def test_the_lost_file_of_a_tenant_is_not_made_anew(words: str, applied: Path, xrm: Xrm):
    xrm("tenant", "create", "acme")
    file = Path("xrm-data/tenants/acme.db")
    file.unlink()

    assert "acme" in xrm(*words.split(), "--tenant", "acme").failed("DATABASE_UNAVAILABLE")

    assert not file.exists()
