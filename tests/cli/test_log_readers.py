"""``xrm log readers``, ``dead``, ``retry`` and ``forget``."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from tests.events.kit import Notebook
from xrm_core.changes import reading
from xrm_core.events import cursors, waiting
from xrm_core.storage.engines import Database


@pytest.fixture
def reader(xrm: Xrm, applied: Path, tmp_path: Path) -> str:
    """A reader that has given up what it was to hear of a user."""
    xrm("user", "create", "--email", "ada@example.com", "--last-name", "Lovelace", "--role", "clerk")
    xrm("log", "seal")
    with closing(Database(f"sqlite:///{next(tmp_path.rglob('*.db'))}")) as database, database.begin() as connection:
        [entry] = reading.after(connection, 0, 10)
        cursors.begin(connection, ["plugin:fleet"], 0)
        waiting.put_failed(connection, "plugin:fleet", entry, "ValueError", None)
    return Notebook("plugin:fleet").name


def test_readers_and_what_they_gave_up_are_listed(reader: str, xrm: Xrm):
    found = json.loads(xrm("log", "readers", "--json").out)
    assert (found["name"], found["lag_entries"], found["waiting"], found["dead"]) == (reader, 1, 0, 1)
    assert 0 <= found["lag_seconds"] < 60
    assert "lag_seconds" in xrm("log", "readers").out
    dead = json.loads(xrm("log", "dead", "--json").out)
    assert (dead["reader"], dead["position"], dead["entity"], dead["error"]) == (reader, 1, "user", "ValueError")
    assert xrm("log", "dead", "--reader", "plugin:other").out == ""


def test_they_are_let_try_again(reader: str, xrm: Xrm):
    assert xrm("log", "retry", reader, "--position", "7").out == "0 entries are tried again by a worker.\n"
    assert xrm("log", "retry", reader).out == "1 entries are tried again by a worker.\n"
    assert json.loads(xrm("log", "readers", "--json").out)["waiting"] == 1
    xrm("log", "retry", "plugin:other").failed("NOT_FOUND")


def test_they_are_forgotten(reader: str, xrm: Xrm):
    assert xrm("log", "forget", reader).out == "The reader plugin:fleet is forgotten.\n"
    assert xrm("log", "readers").out == ""
    xrm("log", "forget", reader).failed("NOT_FOUND")
