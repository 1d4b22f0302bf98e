"""Files of what lies in the vault: read by nobody, in clear nowhere, and back bit by bit; and the end of what
is erased.

Wherever content lies: in the database, a folder, a bucket.
"""

import datetime as dt
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, true

from tests.records.kit import Pack, World, build
from tests.storage.content_kit import BUCKET, bucket, client, keys_in, s3_server
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import system
from xrm_core.plugins import Plugins
from xrm_core.records import uploads
from xrm_core.records.context import Context
from xrm_core.records.door import Records
from xrm_core.records.erasing import erase_values
from xrm_core.records.files import described
from xrm_core.records.vault.deposits import Deposit
from xrm_core.records.vault.ending import erase_in_vault
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.errors import SealedKeyDestroyed, SealedValueForeign
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage import file_states, file_store
from xrm_core.storage.apply import apply, undo
from xrm_core.storage.contents import FilesUnavailable, Stores
from xrm_core.storage.contents.disk import DiskStore
from xrm_core.storage.contents.moving import move_content
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE, FILE_CHUNK
from xrm_core.storage.sealed_tables import mark_of
from xrm_core.storage.tables import Tables
from xrm_core.storage.upload_tables import UPLOAD, UPLOAD_CHUNK

FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "contract": {"properties": {"title": {"type": "string"}, "paper": {"x-type": "file"}}},
}
ROLES: dict[str, Any] = {"roles": {"admin": {}}}
POLICIES = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n"
PACK = Pack(FILES, ROLES, POLICIES)
SUBJECT, OTHER = "01a21e32-b621-734e-9829-05c2e3018e0a", "01a21e32-b621-734e-9829-05c2e3018e0b"
CANARY = "Känarie im Vertrag".encode()
PACKED = gzip.compress(CANARY, mtime=0)
CONTENT = CANARY + bytes(CHUNK_BYTES) + PACKED + bytes(range(256)) * 1200 + CANARY
SECRET = "a key of the tests 0123456789 abcdefgh"


def model_of(files: dict[str, dict[str, Any]]) -> Model:
    texts = [(f"{name}.json", {"x-entity": name, "type": "object", **body}) for name, body in files.items()]
    return load_texts([(name, json.dumps(text), "core") for name, text in texts])


class Vault:
    """A world with files, whose content lies at one place."""

    def __init__(self, world: World, stores: Stores, endpoint: str = "") -> None:
        self.world, self.stores, self.endpoint = world, stores, endpoint
        self.database, self.records = world.database, world.records
        self.records.stores = stores

    def stored(self, name: str, content: bytes, former: StoredFile | None = None) -> StoredFile:
        stream = io.BytesIO(content)
        file = described(name, None, stream)
        contents, caller = self.stores.of(""), self.world.caller("admin")
        with contents.put(self.database, file, stream) as kept, self.database.begin() as connection:
            return self.records.files.keep(connection, caller, file, kept, former, 5)

    def contract(self, file: StoredFile) -> str:
        return self.world.create("admin", "contract", {"title": "x", "paper": file.id})

    def move(self, *ids: str, subject: str = SUBJECT, **more: Any) -> Deposit:
        with self.database.begin() as connection:
            return move_to_vault(self.context(connection), subject, [("contract", id_) for id_ in ids], **more)

    def back(self, deposit: Deposit) -> Deposit:
        with self.database.begin() as connection:
            return bring_back(self.context(connection), deposit.id)

    def erase(self, deposit: Deposit) -> None:
        with self.database.begin() as connection:
            erase_in_vault(self.context(connection), deposit.id)

    def found(self, file: StoredFile) -> StoredFile | None:
        """The file, for the platform itself and whoever has a link."""
        with self.database.read() as connection:
            found = self.records.files.find(connection, system(self.world.model, "test"), file.id)
            assert found == file_store.find(connection, file.id, true(), {})
            return found

    def read(self, file: StoredFile) -> bytes:
        found = self.found(file)
        assert found is not None
        with closing(self.stores.of("").reader(self.database, found, range(found.size))) as reader:
            return b"".join(iter(reader.read, b""))

    def raw(self) -> bytes:
        """All that lies anywhere of files: rows, chunks, folder and bucket; swept before."""
        self.stores.of("").sweep(self.database)
        with self.database.read() as connection:
            rows = repr([*connection.execute(select(FILE)), *connection.execute(select(UPLOAD))]).encode()
            contents = (FILE_CHUNK.c.content, UPLOAD_CHUNK.c.content)
            chunks = [bytes(each) for content in contents for each in connection.scalars(select(content))]
        return b"".join([rows, *chunks, *self._outside()])

    def _outside(self) -> Iterator[bytes]:
        for store in self.stores.all:
            for key in keys_in(store, self.endpoint):
                if isinstance(store, DiskStore):
                    yield (store._folder / key).read_bytes()
                else:
                    yield client(self.endpoint).get_object(Bucket=BUCKET, Key=f"some/place/{key}")["Body"].read()

    def context(self, connection: Any) -> Context:
        return Context(self.records, connection, self.world.caller("admin"), ("action", "mk.restrict"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as found:
        yield found


@pytest.fixture(params=["database", "disk", "s3"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    if request.param == "database":
        return Stores()
    if request.param == "disk":
        return Stores((DiskStore(tmp_path / "content"),))
    endpoint: str = request.getfixturevalue("endpoint")
    for each in client(endpoint).list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client(endpoint).delete_object(Bucket=BUCKET, Key=each["Key"])
    return Stores((bucket(endpoint),))


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    found = build(database, tmp_path, None, PACK)
    store = KeyStore(f"sqlite:///{tmp_path / 'keys' / 'sealed.db'}", SECRET)
    found.records.key_store = store
    yield found
    store.close()


@pytest.fixture
def inside(world: World) -> Vault:
    """Content in the database."""
    return Vault(world, Stores())


@pytest.fixture
def vault(world: World, stores: Stores, request: pytest.FixtureRequest) -> Vault:
    """Content at each place in turn."""
    outside = [store for store in stores.all if not isinstance(store, DiskStore)]
    return Vault(world, stores, request.getfixturevalue("endpoint") if outside else "")


def test_nobody_has_it_meanwhile_and_it_is_back_bit_by_bit(vault: Vault) -> None:
    # given a file with a former version, and one of somebody else
    former = vault.stored("Känarie alt.txt", CANARY * 3)
    file = vault.stored("Känarie.txt", CONTENT, former)
    other = vault.stored("Amsel.txt", b"Amsel" * 9)
    contract, _ = vault.contract(file), vault.contract(other)
    assert CANARY in vault.raw()
    assert PACKED in vault.raw()

    # when
    deposit = vault.move(contract)

    # then no bytes of it are anywhere, and nobody finds it or lets it out
    raw = vault.raw()
    digests = [each.sha256.encode() for each in (former, file)]
    assert not [each for each in (CANARY, PACKED, "Känarie".encode(), *digests) if each in raw]
    assert vault.found(file) is vault.found(former) is None
    with vault.database.begin() as connection:
        assert not file_states.withheld(connection)
        assert not file_states.change(connection, file.id, None, FileState.READY)
    assert vault.read(other) == b"Amsel" * 9

    # when
    vault.back(deposit)

    # then all is what it was, in the database
    for each, content in ((file, CONTENT), (former, CANARY * 3)):
        assert vault.read(each) == content
        found = vault.found(each)
        assert found is not None
        assert (found.name, found.media_type, found.size, found.sha256, found.state, found.version) == (
            *(each.name, each.media_type, each.size, each.sha256, each.state, each.version),
        )
    with vault.database.read() as connection:
        versions = vault.records.files.versions(connection, system(vault.world.model, "test"), file.id)
    assert [each.id for each, *_ in versions] == [file.id, former.id]


def test_what_is_erased_there_or_once_it_is_back_is_gone_with_its_versions(vault: Vault) -> None:
    former = vault.stored("Känarie alt.txt", CANARY)
    contracts = [vault.contract(vault.stored("Känarie.txt", CONTENT, former)) for _ in range(2)]

    vault.erase(vault.move(contracts[0]))
    assert CANARY in vault.raw()  # the other contract's, which has the same former version
    vault.erase(vault.move(contracts[1]))

    assert not [each for each in (CANARY, PACKED, b"xs1.") if each in vault.raw()]
    with vault.database.read() as connection:
        assert not connection.scalars(select(FILE.c.id)).all()


def test_a_file_of_somebody_else_too_stays_theirs(inside: Vault) -> None:
    # given
    file = inside.stored("a.txt", CANARY)
    mine, theirs = inside.contract(file), inside.contract(file)

    # when the one is moved, then the other, of another person
    first = inside.move(mine)
    assert inside.read(file) == CANARY
    second = inside.move(theirs, subject=OTHER)
    assert inside.found(file) is None

    # then it is back with whichever comes first
    inside.back(first)
    assert inside.read(file) == CANARY
    inside.back(second)
    assert inside.read(file) == CANARY


def test_a_file_that_was_sealed_for_somebody_whose_keys_are_gone_is_gone(inside: Vault) -> None:
    file = inside.stored("a.txt", CANARY)
    mine, theirs = inside.contract(file), inside.contract(file)
    first, second = inside.move(mine), inside.move(theirs, subject=OTHER)
    with inside.database.read() as connection:
        mark = mark_of(connection) or ""
    assert inside.records.key_store is not None
    inside.records.key_store.destroy(mark, OTHER)

    inside.back(first)

    assert inside.world.stored("contract", mine)
    assert inside.found(file) is None
    with pytest.raises(SealedKeyDestroyed):
        inside.back(second)


def test_what_a_record_has_had_a_moment_ago_and_in_the_trash_goes_along(inside: Vault) -> None:
    # given a file that was replaced, and one of a record in the trash
    replaced, trashed = inside.stored("a.txt", CANARY), inside.stored("b.txt", CANARY)
    contract, gone = inside.contract(replaced), inside.contract(trashed)
    inside.world.update("admin", "contract", contract, {"paper": inside.stored("c.txt", CANARY).id})
    inside.world.delete("admin", "contract", gone)

    deposit = inside.move(contract, trashed=[("contract", gone)])
    assert CANARY not in inside.raw()
    inside.back(deposit)

    assert inside.read(replaced) == CANARY
    assert inside.read(trashed) == CANARY
    with inside.database.begin() as connection:
        inside.records.restore(connection, inside.world.caller("admin"), "contract", gone)
    assert (inside.world.stored("contract", gone) or {})["paper"] == trashed.id


def test_the_file_of_a_field_that_is_emptied(inside: Vault) -> None:
    file = inside.stored("a.txt", CANARY)
    contract = inside.contract(file)

    deposit = inside.move(values={("contract", contract): {"paper": None}})
    assert inside.found(file) is None
    inside.back(deposit)

    assert (inside.world.stored("contract", contract) or {})["paper"] == file.id
    assert inside.read(file) == CANARY


def test_a_file_that_a_change_of_the_schema_has_put_aside_goes_along(inside: Vault) -> None:
    # given
    file = inside.stored("a.txt", CANARY)
    contract = inside.contract(file)
    fewer = model_of({**FILES, "contract": {"properties": {"title": {"type": "string"}}}})
    apply(inside.database, fewer, ["drop_field:contract.paper"])
    before, inside.records = (
        inside.records,
        Records(fewer, Tables(fewer), Plugins(), key_store=inside.records.key_store, stores=inside.stores),
    )

    # when
    deposit = inside.move(contract)
    assert CANARY not in inside.raw()
    assert not inside.records.files.clean(inside.database, dt.datetime.now(dt.UTC) + dt.timedelta(days=3))
    inside.back(deposit)
    undo(inside.database)

    # then
    inside.records = before
    assert (inside.world.stored("contract", contract) or {})["paper"] == file.id
    assert inside.read(file) == CANARY


def test_content_that_is_moved_meanwhile_is_moved_as_it_lies_and_opens_from_there(world: World, tmp_path: Path) -> None:
    vault = Vault(world, Stores((DiskStore(tmp_path / "content"),)))
    file = vault.stored("a.txt", CONTENT)
    deposit = vault.move(vault.contract(file))

    assert move_content(vault.database, vault.stores.of("")) == 1
    with vault.database.read() as connection:
        assert not connection.scalars(select(FILE_CHUNK.c.number)).all()
    assert CANARY not in vault.raw()
    vault.back(deposit)

    assert vault.read(file) == CONTENT
    vault.raw()  # sweeps
    assert keys_in(vault.stores.all[0], "") == []


def test_a_store_that_does_not_answer_lets_nothing_be_moved(world: World, tmp_path: Path) -> None:
    vault = Vault(world, Stores((DiskStore(tmp_path / "content"),)))
    file = vault.stored("a.txt", CONTENT)
    contract = vault.contract(file)
    (tmp_path / "content").rename(tmp_path / "elsewhere")

    with pytest.raises(FilesUnavailable):
        vault.move(contract)

    (tmp_path / "elsewhere").rename(tmp_path / "content")
    assert vault.world.stored("contract", contract)
    assert vault.read(file) == CONTENT


def test_content_that_was_changed_where_it_lies_does_not_come_back(inside: Vault) -> None:
    file = inside.stored("a.txt", CONTENT)
    deposit = inside.move(inside.contract(file))
    with inside.database.begin() as connection:
        last = FILE_CHUNK.c.file_id == file.id, FILE_CHUNK.c.number == 2
        connection.execute(delete(FILE_CHUNK).where(*last))

    with pytest.raises(SealedValueForeign):
        inside.back(deposit)
    assert inside.found(file) is None


def test_what_is_erased_leaves_every_place(vault: Vault) -> None:
    # given a file with a former version, one in its place before, a later version that waits, and an upload of one
    former = vault.stored("Känarie alt.txt", CONTENT)
    contract = vault.contract(vault.stored("Känarie davor.txt", CANARY * 5))
    file = vault.stored("Känarie.txt", CANARY * 7 + PACKED, former)
    vault.world.update("admin", "contract", contract, {"paper": file.id})
    later = vault.stored("Känarie neu.txt", CANARY * 9, file)
    with vault.database.begin() as connection:
        caller = vault.world.caller("admin")
        given: dict[str, Any] = {
            "name": "Känarie bald.txt",
            "media_type": None,
            "size": 99,
            "sha256": None,
            "max_bytes": 99,
        }
        upload = uploads.begin(connection, vault.records.files, caller, **given, version_of=file.id)
        uploads.append(connection, vault.records.files, upload, CANARY)
    other = vault.stored("Amsel.txt", b"Amsel" * 9)
    vault.contract(other)
    assert all(each in vault.raw() for each in (CANARY, PACKED, "Känarie bald".encode()))

    # when the record is deleted and erased
    vault.world.delete("admin", "contract", contract)
    with vault.database.begin() as connection:
        erase_values(vault.context(connection), "contract", contract)

    # then nothing is left of it, at once
    assert not [each for each in (CANARY, PACKED, "Känarie".encode()) if each in vault.raw()]
    assert vault.found(later) is None
    assert vault.read(other) == b"Amsel" * 9
