"""Content outside of the database: there in full or not at all, and none that no file has, whatever breaks."""

import datetime as dt
import hashlib
import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from tests.storage.content_kit import BUCKET, bucket, client, keys_in, s3_server
from xrm_core.errors import Busy
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.records.files import described
from xrm_core.storage import content_leftovers
from xrm_core.storage.apply import apply
from xrm_core.storage.bundle import export_bundle, import_bundle
from xrm_core.storage.bundle.content import BundleInvalid
from xrm_core.storage.contents import Contents, FilesUnavailable
from xrm_core.storage.contents.disk import DiskStore
from xrm_core.storage.contents.moving import ContentChanged, move_content
from xrm_core.storage.contents.s3 import Bucket, S3Store
from xrm_core.storage.contents.store import KEY
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.file_tables import CONTENT_LEFTOVER, FILE, FILE_CHUNK
from xrm_core.storage.tables import Tables

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 2000  # two chunks
MODEL = load_texts(
    [
        (
            "memo.json",
            json.dumps({"x-entity": "memo", "type": "object", "properties": {"scan": {"x-type": "file"}}}),
            "core",
        )
    ]
)
LATER = dt.timedelta(days=3)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as found:
        yield found


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, endpoint: str) -> Iterator[Any]:
    if request.param == "disk":
        yield DiskStore(tmp_path / "content")
        return
    for key in client(endpoint).list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client(endpoint).delete_object(Bucket=BUCKET, Key=key["Key"])
    yield bucket(endpoint)


@pytest.fixture
def records(database: Database) -> Records:
    apply(database, MODEL)
    return Records(MODEL, Tables(MODEL), Plugins())


CALLER = system(MODEL, "test")


def stored(records: Records, database: Database, contents: Contents, content: bytes = CONTENT) -> StoredFile:
    stream = io.BytesIO(content)
    file = described("a.pdf", None, stream)
    with contents.put(database, file, stream) as kept, database.begin() as connection:
        records.files.keep(connection, CALLER, file, kept)
    with database.read() as connection:
        found = records.files.find(connection, CALLER, file.id)
    assert found is not None
    return found


def read(contents: Contents, database: Database, file: StoredFile, part: range | None = None) -> bytes:
    reader = contents.reader(database, file, range(file.size) if part is None else part)
    try:
        return b"".join(iter(reader.read, b""))
    finally:
        reader.close()


def counts(database: Database) -> tuple[int, int, int]:
    with database.read() as connection:
        tables = (FILE, FILE_CHUNK, CONTENT_LEFTOVER)
        found = [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    return found[0], found[1], found[2]


def test_content_lies_in_the_store_and_goes_with_its_file(
    records: Records, database: Database, store: Any, endpoint: str
) -> None:
    contents = Contents([store], "acme")
    file = stored(records, database, contents)
    [key] = keys_in(store, endpoint)
    assert file.content_key == f"{store.scheme}:{key}"
    assert KEY.fullmatch(key)
    assert key.startswith("acme/")
    assert file.id not in key  # another database may have a file of this id, and share the store
    assert counts(database) == (1, 0, 0)
    assert read(contents, database, file) == CONTENT
    for part in (range(1), range(262_140, 262_150), range(len(CONTENT) - 3, len(CONTENT))):
        assert read(contents, database, file, part) == CONTENT[part.start : part.stop]
    if isinstance(store, DiskStore):
        path = store._path(key)
        assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    # when the file goes, who reads it has an hour
    now = dt.datetime.now(dt.UTC)
    assert records.files.clean(database, now + LATER) == 1
    assert counts(database) == (0, 0, 1)
    assert contents.sweep(database) == 0
    assert read(contents, database, file) == CONTENT
    assert contents.sweep(database, now + dt.timedelta(hours=2)) == 1
    assert (keys_in(store, endpoint), counts(database)) == ([], (0, 0, 0))


def test_what_is_rolled_back_leaves_no_content(
    records: Records, database: Database, store: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, file = Contents([store]), described("a.pdf", None, io.BytesIO(CONTENT))

    def store_it(error: type[BaseException]) -> None:
        with contents.put(database, file, io.BytesIO(CONTENT)) as kept, database.begin() as connection:
            records.files.keep(connection, CALLER, file, kept)
            assert keys_in(store, endpoint)
            raise error

    with pytest.raises(ZeroDivisionError):
        store_it(ZeroDivisionError)
    assert (keys_in(store, endpoint), counts(database)) == ([], (0, 0, 0))

    # and if the process is killed there, the next sweep of another one finds it
    with monkeypatch.context() as patch:
        patch.setattr(Contents, "_remove", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            store_it(KeyboardInterrupt)
    assert (len(keys_in(store, endpoint)), counts(database)) == (1, (0, 0, 1))
    assert contents.sweep(database) == 0  # it may still be under way
    assert contents.sweep(database, dt.datetime.now(dt.UTC) + LATER) == 1
    assert (keys_in(store, endpoint), counts(database)) == ([], (0, 0, 0))


def test_a_file_whose_content_is_being_removed_is_not_stored(
    records: Records, database: Database, store: Any, endpoint: str
) -> None:
    contents, file = Contents([store]), described("a.pdf", None, io.BytesIO(CONTENT))

    def store_late() -> None:
        with contents.put(database, file, io.BytesIO(CONTENT)) as kept:
            assert contents.sweep(database, dt.datetime.now(dt.UTC) + LATER) == 1  # it has taken days
            with database.begin() as connection:
                records.files.keep(connection, CALLER, file, kept)

    with pytest.raises(Busy):
        store_late()
    assert (keys_in(store, endpoint), counts(database)) == ([], (0, 0, 0))

    def store_at_the_same_time() -> None:
        with contents.put(database, file, io.BytesIO(CONTENT)) as kept:
            with database.begin() as connection:  # a sweep that has come as far as this
                assert content_leftovers.claim(connection, str(kept.name))
            with database.begin() as connection:
                records.files.keep(connection, CALLER, file, kept)

    with pytest.raises(Busy):
        store_at_the_same_time()
    assert (keys_in(store, endpoint), counts(database)) == ([], (0, 0, 0))


def broken(store: Any, tmp_path: Path) -> Any:
    """A store of the same kind that is down."""
    if isinstance(store, DiskStore):
        (tmp_path / "file").write_text("in the place of the folder")
        return DiskStore(tmp_path / "file")
    return S3Store(Bucket(BUCKET, "some/place/", "http://127.0.0.1:9", "us-east-1", "AKIDFORTESTS", "geheim-und-lang"))


def test_a_store_that_is_down_costs_no_file_and_tells_no_secret(
    records: Records, database: Database, store: Any, tmp_path: Path, endpoint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = stored(records, database, Contents([store]))
    down = Contents([broken(store, tmp_path)])
    with pytest.raises(FilesUnavailable) as put:
        stored(records, database, down)
    with pytest.raises(FilesUnavailable) as got:
        read(down, database, file)
    assert counts(database) == (1, 0, 1)  # one that was not put is still on the list of what is to be removed
    records.files.clean(database, dt.datetime.now(dt.UTC) + LATER)
    assert down.sweep(database, dt.datetime.now(dt.UTC) + LATER) == 0
    assert counts(database) == (0, 0, 2)
    assert Contents([store]).sweep(database, dt.datetime.now(dt.UTC) + LATER) == 2
    assert (keys_in(store, endpoint), counts(database)) == ([], (0, 0, 0))
    said = f"{put.value} {put.value.hint} {got.value} {capfd.readouterr()}"
    for secret in ("AKIDFORTESTS", "geheim-und-lang", "127.0.0.1", str(tmp_path)):
        assert secret not in said


def test_a_store_that_is_down_or_no_longer_named_holds_up_no_other(
    records: Records, database: Database, tmp_path: Path, endpoint: str
) -> None:
    folder, far = DiskStore(tmp_path / "content"), bucket(endpoint)
    stored(records, database, Contents([far]))  # it goes first
    stored(records, database, Contents([folder]))
    later = dt.datetime.now(dt.UTC) + LATER
    records.files.clean(database, later)
    assert counts(database) == (0, 0, 2)
    assert Contents([broken(far, tmp_path), folder]).sweep(database, later + LATER) == 1
    assert (keys_in(folder, endpoint), counts(database)) == ([], (0, 0, 1))
    stored(records, database, Contents([folder]))
    records.files.clean(database, later)
    assert Contents([folder]).sweep(database, later + LATER) == 1  # the bucket is not named any more
    assert Contents([folder, far]).sweep(database, later + LATER) == 1
    assert (keys_in(far, endpoint), counts(database)) == ([], (0, 0, 0))


def test_content_that_is_not_there_or_cut_is_an_error(records: Records, database: Database, store: Any) -> None:
    contents = Contents([store])
    file = stored(records, database, contents)
    assert file.content_key is not None
    key = file.content_key.partition(":")[2]
    store.remove(key)
    with pytest.raises(FilesUnavailable):
        read(contents, database, file)
    store.put(key, io.BytesIO(CONTENT[:-10]), len(CONTENT) - 10, hashlib.sha256(CONTENT[:-10]).hexdigest())
    with pytest.raises(FilesUnavailable):
        read(contents, database, file)
    with pytest.raises(FilesUnavailable):  # nobody has said where that is
        read(Contents(), database, file)


@pytest.mark.parametrize(
    "key",
    ["../etc/passwd", "/etc/passwd", "acme/../../x", "acme/00/../../../etc/passwd", "acme\\..\\x", "acme/00/x\0", ""],
)
def test_a_key_that_is_none_leads_nowhere(store: Any, key: str) -> None:
    for call in (
        lambda: store.reader(key, range(1)),
        lambda: store.remove(key),
        lambda: store.put(key, io.BytesIO(b"x"), 1, "0" * 64),
    ):
        with pytest.raises(FilesUnavailable):
            call()


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    disk, key = DiskStore(tmp_path / "content"), "acme/00/00000000-0000-7000-8000-000000000000"
    disk._path(key).parent.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    disk._path(key).symlink_to(tmp_path / "secret")
    with pytest.raises(FilesUnavailable):
        disk.reader(key, range(6))


def test_content_moves_from_place_to_place(
    records: Records, database: Database, tmp_path: Path, endpoint: str, store: Any
) -> None:
    if isinstance(store, DiskStore):
        return  # the two of them are tried together
    disk, other = DiskStore(tmp_path / "disk"), store
    one = stored(records, database, Contents())
    two = stored(records, database, Contents([disk]), CONTENT[:1000])
    for places, inside, chunks in (([other, disk], False, 0), ([disk, other], False, 0), ([disk], True, 3)):
        contents = Contents(places, inside=inside)
        assert move_content(database, contents) == 2
        assert move_content(database, contents) == 0
        for file, content in ((one, CONTENT), (two, CONTENT[:1000])):
            with database.read() as connection:
                found = records.files.find(connection, CALLER, file.id)
            assert found is not None
            assert (found.content_key or "").partition(":")[0] == (contents.scheme or "")
            assert read(contents, database, found) == content
        assert counts(database)[1] == chunks
        contents.sweep(database, dt.datetime.now(dt.UTC) + LATER)
        lying = len(keys_in(disk, endpoint)), len(keys_in(other, endpoint))
        assert lying == ((0, 0) if inside else (0, 2) if contents.scheme == "s3" else (2, 0))
    # what is damaged is not made a file of that says it is whole
    with database.begin() as connection:
        connection.execute(update(FILE_CHUNK).values(content=b"x"))
    with pytest.raises(ContentChanged):
        move_content(database, Contents([other]))


def test_a_bundle_has_the_content_wherever_it_lies(
    records: Records, database: Database, store: Any, tmp_path: Path
) -> None:
    contents = Contents([store])
    outside, inside = stored(records, database, contents), stored(records, database, Contents(), CONTENT[:70])
    export_bundle(database, tmp_path / "a.zip", contents=contents)
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    import_bundle(other, tmp_path / "a.zip")
    export_bundle(other, tmp_path / "b.zip")
    for file, content in ((outside, CONTENT), (inside, CONTENT[:70])):
        with other.read() as connection:
            found = records.files.find(connection, CALLER, file.id)
        assert found is not None
        assert found.content_key is None
        assert read(Contents(), other, found) == content
    with pytest.raises(FilesUnavailable):
        export_bundle(database, tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()
    other.close()


def test_a_bundle_that_names_content_of_others_is_refused(
    records: Records, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(records, database, Contents())
    with database.begin() as connection:
        connection.execute(update(FILE).values(content_key="disk:acme/00/x"))
        connection.execute(delete(FILE_CHUNK))
    monkeypatch.setattr("xrm_core.storage.bundle.writing.has_elsewhere", lambda _: False)
    export_bundle(database, tmp_path / "a.zip")
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(BundleInvalid, match="content elsewhere"):
        import_bundle(other, tmp_path / "a.zip")
    other.close()
