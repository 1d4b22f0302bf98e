"""``xrm webhooks``."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from xrm_core.changes.reading import after
from xrm_core.events import webhook_deliveries
from xrm_core.events.webhook_posting import Sent
from xrm_core.storage.engines import Database

URL = "https://erp.example.com/hooks"


@pytest.fixture
def made(xrm: Xrm, applied: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Id and secret of a webhook."""
    monkeypatch.setenv("XRM_SECRET_KEY", "a key of thirty-two characters...")
    words = ["ERP", "--url", URL, "--entity", "user", "--role", "clerk", "--operation", "create"]
    id_, secret = xrm("webhooks", "create", *words, "--filter", '{"email": {"isNull": false}}').out.split()
    return id_, secret


def test_a_webhook_is_made_and_listed(made: tuple[str, str], xrm: Xrm):
    found = json.loads(xrm("webhooks", "list", "--json").out)

    assert made[1].startswith("whsec_")
    assert (found["id"], found["name"], found["url"], found["state"]) == (made[0], "ERP", URL, "active")
    filter_ = {"email": {"isNull": False}}
    assert found["subjects"] == [{"entity": "user", "operations": ["create"], "filter": filter_, "fields": None}]
    assert made[1] not in xrm("webhooks", "list").out


@pytest.mark.parametrize("filter_", ["{", "[]", '{"nothing": {"eq": 1}}'])
def test_a_wrong_one_is_refused(made: tuple[str, str], xrm: Xrm, filter_: str):
    words = ["ERP", "--url", URL, "--entity", "user", "--role", "clerk"]
    xrm("webhooks", "create", *words, "--filter", filter_).failed("WEBHOOK_INVALID")


def test_without_a_key_there_is_none(made: tuple[str, str], xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XRM_SECRET_KEY", "")
    words = ["ERP", "--url", URL, "--entity", "user", "--role", "clerk"]
    xrm("webhooks", "create", *words).failed("SECRET_KEY_NEEDED")


def test_it_is_paused_resumed_rotated_and_deleted(made: tuple[str, str], xrm: Xrm):
    id_, secret = made
    assert xrm("webhooks", "pause", id_).out == "It is paused.\n"
    assert json.loads(xrm("webhooks", "list", "--json").out)["reason"] == "BY_HAND"
    assert xrm("webhooks", "resume", id_).out == "It goes on.\n"
    assert json.loads(xrm("webhooks", "list", "--json").out)["state"] == "active"
    assert xrm("webhooks", "rotate", id_).out.strip() not in ("", secret)
    assert xrm("webhooks", "delete", id_).out == "It is removed.\n"
    xrm("webhooks", "pause", id_).failed("NOT_FOUND")


def test_it_is_changed_and_tested(made: tuple[str, str], xrm: Xrm):
    subject = '{"entity": "user", "operations": ["update"], "fields": ["email"]}'
    xrm("webhooks", "update", made[0], "--name", "CRM", "--subject", subject)
    found = json.loads(xrm("webhooks", "list", "--json").out)
    assert (found["name"], found["url"], found["role"]) == ("CRM", URL, "clerk")
    assert found["subjects"] == [{"entity": "user", "operations": ["update"], "filter": None, "fields": ["email"]}]
    for wrong in (["--subject", "[]"], ["--subject", '{"entity": 1}'], ["--field", "email"]):
        xrm("webhooks", "update", made[0], *wrong).failed("WEBHOOK_INVALID")
    xrm("webhooks", "update", made[0], "--subject", subject, "--entity", "user").failed("WEBHOOK_INVALID")
    assert xrm("webhooks", "test", made[0]).out.startswith("test_")
    assert json.loads(xrm("jobs", "list", "--json").out)["name"] == "webhook_test"
    events = [json.loads(line) for line in xrm("log", "events", "--format", "json").out.splitlines()]
    assert [each["event"] for each in events[:2]] == ["webhook_changed", "webhook_created"]


def test_deliveries_are_shown_and_replayed(made: tuple[str, str], xrm: Xrm, tmp_path: Path):
    xrm("user", "create", "--email", "ada@example.com", "--last-name", "Lovelace", "--role", "clerk")
    xrm("log", "seal")
    with closing(Database(f"sqlite:///{next(tmp_path.rglob('*.db'))}")) as database, database.begin() as connection:
        entry = after(connection, 0, 100)[-1]
        webhook_deliveries.note(connection, made[0], "evt_1", entry.position, 1, Sent(500, "REFUSED", 0.25))
    found = json.loads(xrm("webhooks", "deliveries", made[0], "--failed", "--json").out)
    assert (found["status"], found["error"], found["milliseconds"]) == (500, "REFUSED", 250)
    assert "REFUSED" in xrm("webhooks", "deliveries", made[0]).out
    assert xrm("webhooks", "replay", made[0], "--since", "1h").out == "1 changes are gone through again by a worker.\n"


def test_another_secret_key_takes_its_secrets_along(made: tuple[str, str], xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    new = "another key of thirty-two characters"
    monkeypatch.setenv("XRM_SECRET_KEY", f"{new},a key of thirty-two characters...")
    xrm("webhooks", "rotate", made[0])
    assert xrm("secrets", "rotate").code == 0
    monkeypatch.setenv("XRM_SECRET_KEY", new)
    assert xrm("secrets", "rotate").code == 0
