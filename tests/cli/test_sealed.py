"""Sealed values from the command line: imported, looked at by the doctor, in no backup, under another secret key."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.cli.conftest import Xrm
from xrm_core.api import keep_beyond_restore
from xrm_core.permissions.caller import system
from xrm_core.sealed.tables import KEY
from xrm_core.server.assembly import assemble_applied
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database

FIRST, SECOND = "a key of the tests 0123456789 abcdef", "another key of the tests 9876543210 xyz"
PLOT = "Der Gärtner ist der Mörder"


@pytest.fixture
def data(pack: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one record that has a sealed value."""
    book = json.loads((pack / "book.json").read_text())
    book["properties"]["plot"] = {"type": "string", "x-sealed": {}}
    (pack / "book.json").write_text(json.dumps(book))
    (tmp_path / "xrm-data").mkdir(mode=0o700)
    monkeypatch.setenv("XRM_DATABASE_URL", f"sqlite:///{tmp_path / 'xrm-data' / 'xrm.db'}")
    monkeypatch.setenv("XRM_SECRET_KEY", FIRST)
    assert xrm("schema", "apply").code == 0
    (tmp_path / "books.csv").write_text(f"title,plot\nKrimi,{PLOT}\n")
    imported = xrm("import", "book", "books.csv")
    assert imported.code == 0, imported
    return tmp_path / "xrm-data"


def plots() -> list[str | None]:
    """What stands in the sealed fields of all books."""
    platform = assemble_applied(load_settings())
    with closing(platform.database), platform.database.begin() as connection:
        caller = system(platform.model, "test")
        ids = connection.scalars(select(platform.records.tables["book"].c.id)).all()
        return [platform.records.open_sealed(connection, caller, "book", str(id_))["plot"].text for id_ in ids]


def sealed(xrm: Xrm) -> list[Any]:
    """What the doctor says of sealed values."""
    report = json.loads(xrm("doctor", "--json").out)
    return [each["state"] for each in report["findings"] if each["check"] == "database: sealed values"]


def test_it_is_imported_and_in_no_file_in_clear_nor_its_key_in_a_backup(data: Path, xrm: Xrm) -> None:
    # given
    with closing(Database(f"sqlite:///{data / 'keys' / 'sealed.db'}")) as keys, keys.read() as connection:
        wrapped = connection.scalar(select(KEY.c.wrapped)) or ""

    # when
    saved = xrm("backup", "saved")

    # then
    assert saved.code == 0, saved
    assert plots() == [PLOT]
    assert wrapped
    backup = b"".join(each.read_bytes() for each in Path("saved").rglob("*") if each.is_file())
    assert b"Krimi" in backup
    assert wrapped.encode() not in backup
    for needle in (PLOT.encode(), "Gärtner".encode()):
        assert needle not in backup
        assert not any(needle in each.read_bytes() for each in data.rglob("*") if each.is_file())


def test_the_doctor_says_whether_the_keys_are_at_hand(
    data: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sealed(xrm) == ["ok"]
    monkeypatch.setenv("XRM_KEY_STORE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert sealed(xrm) == ["failed"]
    assert not (tmp_path / "other.db").exists()
    monkeypatch.delenv("XRM_KEY_STORE_URL")
    monkeypatch.setenv("XRM_SECRET_KEY", SECOND)
    assert sealed(xrm) == ["failed"]
    assert data.is_dir()


def test_another_secret_key_takes_over(data: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setenv("XRM_SECRET_KEY", f"{SECOND},{FIRST}")

    # when
    rotated = xrm("secrets", "rotate")

    # then
    assert rotated.code == 0, rotated
    assert "key store: 1 encrypted anew, 0 had the first key already." in rotated.out
    monkeypatch.setenv("XRM_SECRET_KEY", SECOND)
    assert plots() == [PLOT]
    assert sealed(xrm) == ["ok"]
    assert data.is_dir()


def test_a_backup_of_the_time_before_does_not_bring_back_what_was_destroyed(
    data: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    assert xrm("backup", "saved").code == 0
    platform = assemble_applied(load_settings())
    with closing(platform.database), platform.database.begin() as connection:
        [id_] = connection.scalars(select(platform.records.tables["book"].c.id)).all()
    monkeypatch.setenv("XRM_KEY_STORE_URL", f"sqlite:///{data / 'keys' / 'sealed.db'}")
    monkeypatch.setenv("XRM_DATA_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("XRM_DATABASE_URL", f"sqlite:///{tmp_path / 'other' / 'xrm.db'}")
    assert xrm("restore", "saved").code == 0
    assert plots() == [PLOT]

    # when
    done = xrm("jobs", "run", "destroy_keys", "--here", "--payload", json.dumps({"subject": id_, "classes": None}))

    # then also in what was restored before, and in what will be
    assert done.code == 0, done
    assert plots() == [None]
    monkeypatch.setenv("XRM_DATABASE_URL", f"sqlite:///{data / 'xrm.db'}")
    assert plots() == [None]


def test_a_job_that_does_not_say_whose_keys_destroys_none(data: Path, xrm: Xrm) -> None:
    assert data.is_dir()
    assert xrm("jobs", "run", "destroy_keys", "--here", "--payload", "{}").code == 1
    assert plots() == [PLOT]


def test_what_a_restore_has_taken_back_is_told_by_it_and_by_the_doctor(
    data: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a database with a journal, a backup, and something after it that a restore must not take back
    def keep(number: int) -> None:
        platform = assemble_applied(load_settings())
        with closing(platform.database), platform.database.begin() as connection:
            keep_beyond_restore(connection, "sample.erased", {"number": number})

    def journal() -> list[Any]:
        report = json.loads(xrm("doctor", "--json").out)
        return [each["state"] for each in report["findings"] if each["check"] == "database: journal"]

    assert journal() == []  # nothing has to be kept so
    keep(1)
    assert journal() == ["warning"]  # a worker has still to write it
    assert xrm("jobs", "run", "write_journal", "--here", "--payload", "{}").code == 0
    assert journal() == ["ok"]
    assert xrm("backup", "saved").code == 0
    keep(2)
    assert xrm("jobs", "run", "write_journal", "--here", "--payload", "{}").code == 0

    # when it is restored elsewhere, without the key store
    other = data.with_name("other-data")
    monkeypatch.setenv("XRM_DATA_DIR", str(other))
    monkeypatch.setenv("XRM_DATABASE_URL", f"sqlite:///{other / 'xrm.db'}")
    restored = xrm("restore", "saved")

    # then it says so, and with the key store what is to be done again
    assert (restored.code, "main: the key store is not there." in restored.out) == (0, True), restored
    assert journal() == ["failed"]
    monkeypatch.setenv("XRM_KEY_STORE_URL", f"sqlite:///{data / 'keys' / 'sealed.db'}")
    assert journal() == ["failed"]
    (other / "xrm.db").unlink()
    assert "main: a server that starts does again what was done since (1)" in xrm("restore", "saved").out
