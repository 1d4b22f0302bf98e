"""``xrm log changes``, ``seal``, ``verify`` and ``clear --changes``."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.cli.conftest import Xrm
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database

KEY = "a key of thirty-two characters..."


@pytest.fixture
def ada(xrm: Xrm, applied: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of a user, the only record of the database."""
    monkeypatch.setenv("XRM_SECRET_KEY", KEY)
    words = ["--email", "ada@example.com", "--last-name", "Lovelace", "--role", "clerk"]
    return xrm("user", "create", *words).out.strip()


def test_changes_are_listed_by_record_and_author(ada: str, xrm: Xrm):
    [line] = xrm("log", "changes", "--record", f"user:{ada}", "--format", "json").out.splitlines()
    change = json.loads(line)

    assert (change["entity"], change["record_id"], change["operation"]) == ("user", ada, "create")
    assert change["fields"]["email"] == "ada@example.com"
    assert change["causes"][0].startswith("platform ")
    assert xrm("log", "changes", "--user", "ada@example.com", "--format", "json").out == ""
    assert "ada@example.com" in xrm("log", "changes", "--since", "1h").out
    xrm("log", "changes", "--record", "nothing").failed("SETTINGS_INVALID")


def test_the_log_is_sealed_and_verified(ada: str, xrm: Xrm):
    assert "1 changes are not sealed yet" in xrm("log", "verify").out
    assert xrm("log", "seal").out == "1 changes sealed.\n"
    found = json.loads(xrm("log", "verify", "--json").out)

    assert (found["batches"], found["entries"], found["unsealed"], found["unsigned"]) == (1, 1, 0, 0)
    assert xrm("log", "verify", "--expect", found["head"]).code == 0
    xrm("log", "verify", "--expect", f"1:{'0' * 64}").failed("CHANGE_LOG_BROKEN")
    xrm("log", "verify", "--expect", "1").failed("SETTINGS_INVALID")


def test_batches_without_a_signature_are_told_to_who_has_a_key(
    ada: str, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XRM_SECRET_KEY")
    assert xrm("log", "seal").code == 0
    assert "1 batches have no signature" in xrm("log", "verify").out
    monkeypatch.setenv("XRM_SECRET_KEY", KEY)
    outcome = xrm("log", "verify")
    outcome.failed("CHANGE_LOG_BROKEN")
    assert "--unsigned-to 1\n" in outcome.out
    assert xrm("log", "verify", "--unsigned-to", "1").code == 0


def test_whoever_meddles_is_found_out(ada: str, xrm: Xrm, tmp_path: Path):
    xrm("log", "seal")
    with closing(Database(f"sqlite:///{next(tmp_path.rglob('*.db'))}")) as database, database.begin() as connection:
        connection.execute(update(CHANGE).values(fields='{"email":"eve@example.com"}'))

    outcome = xrm("log", "verify")
    outcome.failed("CHANGE_LOG_BROKEN")
    assert "batch 1: one of its entries was changed\n" in outcome.out


def test_young_changes_cannot_be_cleared(ada: str, xrm: Xrm):
    xrm("log", "clear", "--changes", "--before", "1d").failed("SETTINGS_INVALID")
    assert (
        xrm("log", "clear", "--changes", "--before", "40d", "--dry-run").out == "changes: 0 lines would be removed.\n"
    )
    assert xrm("log", "clear", "--changes", "--before", "40d").out == "changes: 0 lines removed.\n"
