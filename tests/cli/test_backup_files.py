"""Files whose content lies outside of the database: in a backup, back from it, never removed by what was restored."""

import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.cli.conftest import Xrm
from tests.cli.test_backup import DUMP
from tests.postgres import PostgresServer
from xrm_core.records.files import described
from xrm_core.storage import file_store
from xrm_core.storage.backup import restoring
from xrm_core.storage.backup.manifest import BackupFailed
from xrm_core.storage.contents import Contents
from xrm_core.storage.contents.disk import DiskStore
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.file_tables import CONTENT_LEFTOVER, FILE

LATER = dt.timedelta(days=3)
TEXTS = [b"one" * 100_000, b"two", b"two", b"three"]


class Deployment:
    """An installation with files in a folder, and an empty place beside it; commands go to either."""

    def __init__(self, urls: list[str], folder: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
        self.urls, self.content, self.other = urls, folder / "content", folder / "other-content"
        self._folder, self._xrm, self._set = folder, xrm, monkeypatch.setenv
        self.at(0, self.content)

    def at(self, place: int, content: Path | str) -> "Deployment":
        self._set("XRM_DATABASE_URL", self.urls[place])
        self._set("XRM_DATA_DIR", str(self._folder / f"data{place}"))
        self._set("XRM_FILES", str(content))
        return self

    def xrm(self, *words: str) -> Any:
        return self._xrm(*words)

    def keep(self, *texts: bytes) -> list[str]:
        """Store files of these contents; their ids."""
        with closing(Database(self.urls[0])) as database:
            files = [described("a.txt", None, io.BytesIO(each)) for each in texts]
            for file, each in zip(files, texts, strict=True):
                contents = self._contents(self.content)
                with contents.put(database, file, io.BytesIO(each)) as kept, database.begin() as connection:
                    file_store.add(connection, replace(file, content_key=kept.name), kept.content, None)
            return [file.id for file in files]

    def read(self, place: int, *stores: Path) -> dict[str, bytes | None]:
        """Id → content of all files; None: it cannot be read."""
        found: dict[str, bytes | None] = {}
        with closing(Database(self.urls[place])) as database:
            with database.read() as connection:
                files = [StoredFile(*row) for row in connection.execute(select(*(FILE.c[name] for name in _FIELDS)))]
            for file in files:
                found[file.id] = _read(self._contents(*stores), database, file)
        return found

    def sweep_all(self, place: int, content: Path) -> int:
        """Remove all files of a place, as when no record has them, and their content when its time has come."""
        with closing(Database(self.urls[place])) as database:
            with database.begin() as connection:
                names = connection.scalars(select(FILE.c.content_key)).all()
                connection.execute(FILE.delete())
                file_store.leave(connection, [name for name in names if name])
            return self._contents(content).sweep(database, dt.datetime.now(dt.UTC) + LATER)

    @staticmethod
    def _contents(*folders: Path) -> Contents:
        return Contents([DiskStore(each) for each in folders])


_FIELDS = tuple(StoredFile.__dataclass_fields__)


def _read(contents: Contents, database: Database, file: StoredFile) -> bytes | None:
    try:
        reader = contents.reader(database, file, range(file.size))
    except Exception:
        return None
    with closing(reader):
        return b"".join(iter(reader.read, b""))


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(
    request: pytest.FixtureRequest, pack: Path, xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            urls = [f"sqlite:///{tmp_path / f'data{number}' / 'xrm.db'}" for number in range(2)]
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            urls = [stack.enter_context(server.database(empty=True)) for _ in range(2)]
            monkeypatch.setenv("XRM_POSTGRES_BIN", str(DUMP))
        made = Deployment(urls, tmp_path, xrm, monkeypatch)
        assert made.xrm("schema", "apply").code == 0
        yield made


def test_content_is_in_the_backup_once_and_comes_back_where_content_goes_now(deployment: Deployment) -> None:
    ids = deployment.keep(*TEXTS)
    saved = deployment.xrm("backup", "saved")
    assert (saved.code, saved.err) == (0, "")
    assert len(list(Path("saved/files").glob("*/*"))) == 3
    assert Path("saved/files.sha256").read_text().count("  files/") == 3

    restored = deployment.at(1, deployment.other).xrm("restore", "saved")

    assert (restored.code, restored.err) == (0, "")
    assert "adopt" not in restored.out
    assert deployment.read(1, deployment.other) == dict(zip(ids, TEXTS, strict=True))
    # and it is its own: it goes with its files, and nothing of the former installation does
    assert deployment.sweep_all(1, deployment.other) == 4
    assert [each for each in deployment.other.rglob("*") if each.is_file()] == []
    assert deployment.read(0, deployment.content) == dict(zip(ids, TEXTS, strict=True))


def test_what_is_restored_beside_the_original_never_removes_its_content(deployment: Deployment) -> None:
    # given a backup made while a file was being stored, which is on the list of what may be removed until it is
    ids = deployment.keep(*TEXTS)
    with closing(Database(deployment.urls[0])) as database:
        with database.begin() as connection:
            name = connection.scalar(select(FILE.c.content_key).where(FILE.c.id == ids[1]))
            connection.execute(
                insert(CONTENT_LEFTOVER).values(content_key=name, due_at=dt.datetime.now(dt.UTC) + LATER / 2)
            )
        assert deployment.xrm("backup", "saved", "--without-files").code == 0
        with database.begin() as connection:
            connection.execute(CONTENT_LEFTOVER.delete())
    assert not Path("saved/files").exists()
    # when it is restored with the same XRM_FILES
    restored = deployment.at(1, deployment.content).xrm("restore", "saved")
    assert (restored.code, "xrm files adopt" in restored.out) == (0, True)
    # then it reads the same content, and removes none, not even after it was moved to its own
    assert deployment.read(1, deployment.content) == dict(zip(ids, TEXTS, strict=True))
    assert deployment.sweep_all(1, deployment.content) == 0
    assert deployment.read(0, deployment.content) == dict(zip(ids, TEXTS, strict=True))


def test_what_was_restored_may_have_content_of_its_own_or_take_over_what_there_is(deployment: Deployment) -> None:
    ids = deployment.keep(*TEXTS)
    assert deployment.xrm("backup", "saved", "--without-files").code == 0
    assert deployment.at(1, deployment.content).xrm("restore", "saved").code == 0
    files = sum(each.is_file() for each in deployment.content.rglob("*"))
    assert "The content of 4 files was moved." in deployment.xrm("files", "move").out
    assert sum(each.is_file() for each in deployment.content.rglob("*")) == 2 * files
    assert deployment.sweep_all(1, deployment.content) == 4
    assert deployment.read(0, deployment.content) == dict(zip(ids, TEXTS, strict=True))


def test_content_belongs_to_what_was_restored_once_it_says_so(deployment: Deployment) -> None:
    deployment.keep(*TEXTS)
    assert deployment.xrm("backup", "saved", "--without-files").code == 0
    assert deployment.at(1, deployment.content).xrm("restore", "saved").code == 0
    adopted = deployment.xrm("files", "adopt")
    assert adopted.out == "The content of 4 files belongs to this installation now.\n"
    assert deployment.sweep_all(1, deployment.content) == 4
    assert [each for each in deployment.content.rglob("*") if each.is_file()] == []


def test_content_that_is_lost_or_damaged_is_named(deployment: Deployment) -> None:
    lost, damaged, sound = deployment.keep(b"lost", b"damaged", b"sound")
    for path in deployment.content.rglob("*"):
        if path.is_file() and path.read_bytes() == b"lost":
            path.unlink()
        elif path.is_file() and path.read_bytes() == b"damaged":
            path.write_bytes(b"DAMAGED")

    saved = deployment.xrm("backup", "saved")

    assert saved.code == 1
    assert lost in saved.err
    assert damaged in saved.err
    assert sound not in saved.err
    restored = deployment.at(1, deployment.other).xrm("restore", "saved")
    assert restored.code == 0
    assert lost in restored.err
    assert deployment.read(1, deployment.other) == {lost: None, damaged: None, sound: b"sound"}


def _remove(path: Path) -> None:
    path.unlink()


def _damage(path: Path) -> None:
    path.write_bytes(b"x" + path.read_bytes()[1:])


@pytest.mark.parametrize("spoil", [_remove, _damage])
@pytest.mark.parametrize("pattern", ["files.sha256", "files/*/*"])
def test_damage_in_the_backup_is_noticed_before_anything_is_written(
    deployment: Deployment, spoil: Callable[[Path], None], pattern: str
) -> None:
    deployment.keep(b"one", b"two")
    assert deployment.xrm("backup", "saved").code == 0
    spoil(next(Path("saved").glob(pattern)))
    deployment.at(1, deployment.other).xrm("restore", "saved").failed("BACKUP_INVALID")
    assert not deployment.other.exists()
    assert deployment.xrm("restore", "saved", "--without-files").code == 0


def test_a_restore_that_fails_leaves_no_content_behind(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.keep(b"one", b"two", b"three")
    assert deployment.xrm("backup", "saved").code == 0
    put, calls = DiskStore.put, []

    def failing(self: DiskStore, *arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        put(self, *arguments)

    monkeypatch.setattr(DiskStore, "put", failing)
    assert deployment.at(1, deployment.other).xrm("restore", "saved").code == 1
    assert [each for each in deployment.other.rglob("*") if each.is_file()] == []
    monkeypatch.setattr(DiskStore, "put", put)
    assert deployment.xrm("restore", "saved").code == 0


def test_a_restore_that_fails_before_it_has_borrowed_content_leaves_that_of_the_original(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = deployment.keep(*TEXTS)
    assert deployment.xrm("backup", "saved").code == 0

    def interrupted(*_: Any) -> None:
        raise BackupFailed("What was restored is not what was backed up.")

    monkeypatch.setattr(restoring, "_verify", interrupted)
    deployment.at(1, deployment.content).xrm("restore", "saved").failed("BACKUP_FAILED")
    assert deployment.read(0, deployment.content) == dict(zip(ids, TEXTS, strict=True))


def test_a_backup_from_before_they_had_content_comes_back(deployment: Deployment) -> None:
    ids = deployment.keep(*TEXTS)
    assert deployment.xrm("backup", "saved", "--without-files").code == 0
    manifest = json.loads(Path("saved/manifest.json").read_text())
    for name in ("outside", "files", "missing"):
        del manifest[name]
    content = json.dumps({**manifest, "format": 1}).encode()
    Path("saved/manifest.json").write_bytes(content)
    Path("saved/manifest.sha256").write_text(hashlib.sha256(content).hexdigest())

    restored = deployment.at(1, deployment.content).xrm("restore", "saved")

    assert (restored.code, "xrm files adopt" in restored.out) == (0, True)
    assert deployment.read(1, deployment.content) == dict(zip(ids, TEXTS, strict=True))
    assert deployment.sweep_all(1, deployment.content) == 0


def test_a_store_that_does_not_answer_makes_no_backup(deployment: Deployment) -> None:
    deployment.keep(*(b"%d" % number for number in range(25)))
    deployment.content.rename(deployment.content.with_name("away"))
    said = deployment.xrm("backup", "saved").failed("BACKUP_FAILED")
    assert "--without-files" in said
    assert not Path("saved").exists()
    assert [each.name for each in Path().iterdir() if each.name.startswith(".saved")] == []
