"""``xrm journal``: what a restore has taken back is listed, shown and left out, and old entries go."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Xrm
from xrm_core.api import keep_beyond_restore
from xrm_core.storage.engines import Database

Restore = Callable[[str], None]


@pytest.fixture
def data(applied: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with a journal."""
    folder = tmp_path / "xrm-data"
    monkeypatch.setenv("XRM_DATABASE_URL", f"sqlite:///{folder / 'xrm.db'}")
    monkeypatch.setenv("XRM_SECRET_KEY", "a key of the tests 0123456789 abcdef")
    monkeypatch.setenv("XRM_KEY_STORE_URL", f"sqlite:///{folder / 'keys' / 'sealed.db'}")
    return folder


@pytest.fixture
def restore(data: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Restore:
    """Brings a backup back elsewhere, beside the same key store."""

    def bring_back(name: str) -> None:
        other = tmp_path / f"data of {name}"
        monkeypatch.setenv("XRM_DATA_DIR", str(other))
        monkeypatch.setenv("XRM_DATABASE_URL", f"sqlite:///{other / 'xrm.db'}")
        assert xrm("restore", name).code == 0

    return bring_back


def keep(data: Path, xrm: Xrm, *numbers: int) -> None:
    with closing(Database(f"sqlite:///{data / 'xrm.db'}")) as database:
        for number in numbers:
            with database.begin() as connection:
                keep_beyond_restore(connection, "sample.erased", {"number": number})
    done(xrm, "write_journal")


def done(xrm: Xrm, job: str) -> str:
    ran = xrm("jobs", "run", job, "--here", "--payload", "{}")
    assert ran.code == 0, ran
    return ran.out


def listed(xrm: Xrm, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in xrm("journal", "list", "--json", *words).out.splitlines()]


def doctor(xrm: Xrm) -> str:
    report = json.loads(xrm("doctor", "--json").out)
    [state] = [each["state"] for each in report["findings"] if each["check"] == "database: journal"]
    return str(state)


def test_what_was_taken_back_is_shown_and_left_out(data: Path, xrm: Xrm, restore: Restore) -> None:
    # given an entry that a backup has, and one that it has not
    keep(data, xrm, 1)
    assert xrm("backup", "saved").code == 0
    keep(data, xrm, 2)
    assert [each["state"] for each in listed(xrm)] == ["done", "done"]

    # when it is restored
    restore("saved")

    # then it is known which one was lost
    [lost] = listed(xrm, "--state", "lost")
    assert json.loads(xrm("journal", "show", lost["id"]).out)["content"] == {"number": 2}
    assert xrm("journal", "list").out.endswith("1 done, 0 waiting, 1 lost, 0 skipped\n")
    assert doctor(xrm) == "failed"
    # and it is left out with a reason, once
    xrm("journal", "skip", lost["id"], "--because", " ").failed("SETTINGS_INVALID")
    assert xrm("journal", "skip", lost["id"], "--because", "Erased by hand.").code == 0
    assert [(each["state"], each["because"]) for each in listed(xrm)] == [
        ("skipped", "Erased by hand."),
        ("done", None),
    ]
    assert json.loads(xrm("journal", "show", lost["id"]).out)["content"] == {"number": 2}
    assert doctor(xrm) == "ok"
    xrm("journal", "skip", lost["id"], "--because", "Again.").failed("NOT_FOUND")
    xrm("journal", "show", "nothing").failed("NOT_FOUND")
    xrm("journal", "list", "--state", "gone").failed("SETTINGS_INVALID")


def test_old_entries_go_and_data_that_are_older_than_the_journal_are_known(
    data: Path, xrm: Xrm, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given three entries, of which two are old, and backups of before and after the second
    keep(data, xrm, 1)
    assert xrm("backup", "older").code == 0
    keep(data, xrm, 2)
    assert xrm("backup", "newer").code == 0
    keep(data, xrm, 3)
    _, second, first = (each["id"] for each in listed(xrm))
    with closing(Database(f"sqlite:///{data / 'xrm.db'}")) as database, database.begin() as connection:
        old = "UPDATE xrm_journal_entry SET kept_at = '2001-01-01T00:00:00+00:00' WHERE id IN (?, ?)"
        connection.exec_driver_sql(old, (first, second))
    assert '{"removed": 0}' in done(xrm, "journal_retention")  # kept for ever, unless somebody says otherwise

    # when they go
    monkeypatch.setenv("XRM_JOURNAL_DAYS", "30")
    assert '{"removed": 2}' in done(xrm, "journal_retention")
    assert '{"removed": 0}' in done(xrm, "journal_retention")

    # then nothing here is taken for lost
    assert [each["state"] for each in listed(xrm)] == ["done", "done"]
    assert doctor(xrm) == "ok"
    # nor in what knows the newest that went, but in what is older than that
    restore("newer")
    assert [each["kind"] for each in listed(xrm, "--state", "lost")] == ["sample.erased"]
    restore("older")
    assert [each["kind"] for each in listed(xrm, "--state", "lost")] == ["sample.erased", "pruned"]
    assert xrm("journal", "skip", second, "--because", "Looked through by hand.").code == 0
    assert [each["kind"] for each in listed(xrm, "--state", "lost")] == ["sample.erased"]
