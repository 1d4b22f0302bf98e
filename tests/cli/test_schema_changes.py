"""``xrm schema status`` and ``xrm schema abort``."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.cli.conftest import BOOK, TEXT, USER, Xrm, write_pack
from xrm_core.storage.engines import Database


class Stopped(BaseException):
    """Instead of a kill."""


@pytest.fixture
def stopped(postgres_url: str, pack: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    """An applier was stopped before the switch to a model with one more field."""
    monkeypatch.setenv("XRM_DATABASE_URL", postgres_url)
    assert xrm("schema", "apply").code == 0
    write_pack(pack, user=USER, book={**BOOK, "shelf": TEXT})

    def stop(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("LOCK"):
            raise Stopped

    def opened(self: Database, url: str, **more: Any) -> None:
        init(self, url, **more)
        event.listen(self.engine, "before_cursor_execute", stop)

    init = Database.__init__
    with monkeypatch.context() as patched:
        patched.setattr(Database, "__init__", opened)
        with pytest.raises(Stopped):
            xrm("schema", "apply")


@pytest.mark.usefixtures("stopped")
def test_a_change_is_told_and_goes_on(xrm: Xrm):
    found = xrm("schema", "status")

    assert found.code == 2
    assert "Add the field book.shelf" in found.out
    assert "«xrm schema apply» with the same files goes on; «xrm schema abort» gives it up." in found.out
    told = json.loads(xrm("schema", "status", "--json").out)
    assert (told["phase"], told["worked_on"]) == ("prepare", False)
    assert xrm("schema", "check", "--database").failed("MODEL_OUT_OF_DATE")

    assert xrm("schema", "apply").code == 0

    assert xrm("schema", "status").out == "No change is under way.\n"
    assert xrm("schema", "check", "--database").code == 0


@pytest.mark.usefixtures("stopped")
def test_a_change_is_given_up(xrm: Xrm):
    assert xrm("schema", "abort").out == "The change is off.\n"

    assert xrm("schema", "status").code == 0
    assert xrm("schema", "plan").code == 2
    assert xrm("schema", "abort").out == "No change is under way.\n"


def test_there_is_none_on_a_new_database(applied: Path, xrm: Xrm):
    assert json.loads(xrm("schema", "status", "--json").out) is None
    assert xrm("schema", "abort").code == 0
