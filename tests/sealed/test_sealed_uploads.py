"""Files that may be for a sealed field are encrypted from their first byte on, in pieces or whole."""

import base64
import datetime as dt
import hashlib
import json
import secrets
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, update

from tests.sealed.practice import CANARY, COLUMNS, CONTENT, PACKED, Practice, practice_at
from xrm_core.errors import NotFound
from xrm_core.records import uploads
from xrm_core.records.door import Records
from xrm_core.records.sealed_pieces import SealedPieces
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.server.content_stores import content_stores
from xrm_core.storage import upload_store
from xrm_core.storage.contents.moving import move_passing
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE
from xrm_core.storage.system import METADATA
from xrm_core.storage.upload_store import Upload
from xrm_core.storage.upload_tables import UPLOAD, UPLOAD_CHUNK

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
NAME = "Känarie.txt"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
SECRET = (CANARY, PACKED, PACKED.hex().encode(), b"K\xc3\xa4narie", NAME.encode(), DIGEST.encode(), b"text/plain")


def begun(practice: Practice, content: bytes = CONTENT, who: str = "admin", **said: str) -> str:
    said = {"filename": NAME, "filetype": "text/plain", "sha256": hashlib.sha256(content).hexdigest(), **said}
    pairs = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in said.items())
    headers = practice.headers(who, **TUS, **{"Upload-Length": str(len(content)), "Upload-Metadata": pairs})
    answer = practice.http.post("/files/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send(practice: Practice, url: str, offset: int, piece: bytes, who: str = "admin", **more: str) -> Any:
    headers = practice.headers(who, **PIECE, **{"Upload-Offset": str(offset), **more})
    return practice.http.patch(url, content=piece, headers=headers)


def stands(practice: Practice, url: str) -> tuple[int, int]:
    headers = practice.http.head(url, headers=practice.headers("admin", **TUS)).headers
    return int(headers["upload-offset"]), int(headers["upload-length"])


def under_way(database: Database) -> bytes:
    """All that lies in the database of uploads."""
    with database.read() as connection:
        rows = [*connection.execute(select(UPLOAD)).all(), *connection.execute(select(UPLOAD_CHUNK)).all()]
    return b"".join(each if isinstance(each, bytes) else str(each).encode() for row in rows for each in row)


def leaks(raw: bytes) -> list[bytes]:
    return [each for each in SECRET if each in raw]


def later(hours: int) -> Any:
    return time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours), tick=False)


def test_pieces_are_in_clear_nowhere_and_go_on_for_days(anywhere: Practice) -> None:
    # given pieces of uneven sizes, checked on their way
    url = begun(anywhere)
    for start, stop in ((0, 7), (7, CHUNK_BYTES + 3), (CHUNK_BYTES + 3, CHUNK_BYTES + 4)):
        digest = base64.b64encode(hashlib.sha256(CONTENT[start:stop]).digest()).decode()
        wrong = {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256().digest()).decode()}"}
        assert send(anywhere, url, start, CONTENT[start:stop], **wrong).status_code == 460
        answer = send(anywhere, url, start, CONTENT[start:stop], **{"Upload-Checksum": f"sha256 {digest}"})
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(stop))
        assert stands(anywhere, url) == (stop, len(CONTENT))
        assert not leaks(under_way(anywhere.database))

    # when it goes on the day after, and the day after that, when the first day's key is gone
    at = CHUNK_BYTES + 4
    with later(23):
        assert send(anywhere, url, at, CONTENT[at : at + 9]).status_code == 204
    with later(46):
        anywhere.records.files.clean(anywhere.database)
        answer = send(anywhere, url, at + 9, CONTENT[at + 9 :])
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(CONTENT)))
        assert stands(anywhere, url) == (len(CONTENT), len(CONTENT))

        # then it is a file of which nothing is in clear, neither before it is attached nor after
        file = url.rpartition("/")[2]
        assert not leaks(anywhere.raw() + under_way(anywhere.database))
        assert anywhere.download("admin", file).content == CONTENT
        part = anywhere.http.get(f"/files/{file}", headers=anywhere.headers("admin", Range="bytes=262130-262160"))
        assert (part.status_code, part.content) == (206, CONTENT[262130:262161])
        anywhere.report(contactId=anywhere.contact(), findingId=file)
        assert not leaks(anywhere.raw())
        assert anywhere.download("dsb", file).content == CONTENT
        assert anywhere.download("admin", file).status_code == 404


def test_what_was_never_attached_opens_nowhere_any_more(anywhere: Practice) -> None:
    # given an upload that breaks off, a file that waits, and copies of both
    url = begun(anywhere)
    send(anywhere, url, 0, CONTENT[:1000])
    waiting = anywhere.filed(sealed=None)
    with anywhere.database.read() as connection:
        admin = str(connection.scalar(select(UPLOAD.c.created_by)))
        copy = upload_store.find(connection, url.rpartition("/")[2], admin, dt.datetime.now(dt.UTC))
        row = dict(connection.execute(select(FILE).where(FILE.c.id == waiting)).mappings().one())
    assert copy is not None
    assert not leaks(anywhere.raw() + under_way(anywhere.database))

    # when they expire
    anywhere.records.files.clean(anywhere.database, dt.datetime.now(dt.UTC) + dt.timedelta(days=3))

    # then nobody opens the copies, with all keys that there are
    assert anywhere.http.head(url, headers=anywhere.headers("admin", **TUS)).status_code == 404
    assert under_way(anywhere.database) == b""
    files = anywhere.records.files
    with anywhere.database.begin() as connection, pytest.raises(NotFound):
        uploads.append(connection, files, copy, b"more")
    with anywhere.database.read() as connection, pytest.raises(SealedKeyDestroyed):
        files.opened(connection, StoredFile(**{name: row[name] for name in COLUMNS}))


@pytest.mark.parametrize("way", ["create", "update", "many", "bulk"])
def test_a_field_that_is_not_sealed_gets_it_in_clear(practice: Practice, way: str) -> None:
    # given a file with a former version that nobody has attached
    first = practice.filed(CANARY, sealed=None)
    file = practice.filed(sealed=None, versionOf=first)
    assert not leaks(practice.raw())
    record = practice.report() if way in ("update", "bulk") else ""

    # when
    match way:
        case "create":
            practice.report(coverId=file)
        case "update":
            change = "mutation($id: ID!, $f: ID!) { updateReport(id: $id, input: {coverId: $f}) { id } }"
            assert "errors" not in practice.ask("admin", change, id=record, f=file)
        case "bulk":
            change = 'mutation($f: ID!) { updateReports(where: {title: {eq: "x"}}, set: {coverId: $f}) { count } }'
            assert "errors" not in practice.ask("admin", change, f=file)
        case _:
            change = "mutation($i: [CreateReportInput!]!) { createReports(input: $i) { count } }"
            answer = practice.ask("admin", change, i=[{"title": "a", "coverId": file}, {"title": "b", "coverId": file}])
            assert "errors" not in answer, answer

    # then whoever may read the record reads it, and all that there is to say of it
    for id_, content in ((file, CONTENT), (first, CANARY)):
        answer = practice.download("clerk", id_)
        assert (answer.status_code, answer.content) == (200, content)
    query = '{ reports(where: {cover: {name: {eq: "Känarie.txt"}}}) { nodes { cover { name mediaType size } } } }'
    node, *_ = practice.ask("clerk", query)["data"]["reports"]["nodes"]
    assert node["cover"] == {"name": NAME, "mediaType": "text/plain", "size": len(CONTENT)}
    # and it is no sealed field's any more
    answer = practice.tried(contactId=practice.contact(), findingId=file)
    assert answer["errors"][0]["extensions"]["code"] == "FILE_REFUSED"


@pytest.mark.parametrize("field", ["coverId", "findingId"])
def test_what_a_mutation_brings_along_is_sealed_until_it_is_attached(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    # given a look at what is stored when the mutation begins
    stored: list[list[bytes]] = []
    create = Records.create

    def looking(*given: Any, **more: Any) -> str:
        stored.append(leaks(practice.raw()))
        return create(*given, **more)

    monkeypatch.setattr(Records, "create", looking)
    contact = practice.contact()

    # when
    query = "mutation($i: CreateReportInput!) { createReport(input: $i) { id } }"
    operations = {"query": query, "variables": {"i": {"title": "x", "contactId": contact, field: None}}}
    body = {"operations": json.dumps(operations), "map": json.dumps({"0": [f"variables.i.{field}"]})}
    file = {"0": (NAME, CONTENT, "text/plain")}
    answer = practice.http.post("/graphql", data=body, files=file, headers=practice.headers("admin")).json()

    # then
    assert "errors" not in answer, answer
    assert stored == [[]] * len(stored)
    assert stored
    assert bool(leaks(practice.raw())) is (field == "coverId")
    with practice.database.read() as connection:
        [id_] = connection.scalars(select(FILE.c.id))
    assert practice.download("dsb", str(id_)).content == CONTENT


def test_it_goes_where_new_content_goes_within_the_hour(anywhere: Practice) -> None:
    file = anywhere.filed(sealed=None)
    anywhere.report(coverId=file)
    for _ in range(2):
        move_passing(anywhere.database, content_stores(anywhere.platform.settings).of(""))
        assert anywhere.download("clerk", file).content == CONTENT
    with anywhere.database.read() as connection:
        [row] = connection.execute(select(FILE.c.content_key, FILE.c.in_passing)).all()
    assert bool(row.content_key) is bool(anywhere.platform.settings.files)
    assert bool(row.in_passing) is not bool(anywhere.platform.settings.files)
    # and nothing of what lay there before stays
    content_stores(anywhere.platform.settings).of("").sweep(anywhere.database)
    assert len([*anywhere.outside()]) == bool(anywhere.platform.settings.files)


def test_a_write_that_is_refused_leaves_it_sealed(practice: Practice) -> None:
    file = practice.filed(sealed=None)
    with practice.database.read() as connection:
        before = connection.execute(select(FILE)).all()
    assert practice.tried(coverId=file, contactId=file)["errors"]
    document = """mutation($f: ID!) { a: createReport(input: {title: "a", coverId: $f}) { id }
      b: createReport(input: {title: "b", contactId: $f}) { id } }"""
    assert practice.ask("admin", document, f=file)["errors"]
    with practice.database.read() as connection:
        assert connection.execute(select(FILE)).all() == before
    # one record has it in one kind of field, sealed or not
    answer = practice.tried(contactId=practice.contact(), coverId=file, findingId=file)
    assert answer["errors"][0]["extensions"]["code"] == "FILE_REFUSED"
    assert not leaks(practice.raw())


def test_what_no_sealed_field_takes_is_not_sealed_and_who_knows_says_so(practice: Practice) -> None:
    def sealed(id_: str) -> bool:
        with practice.database.read() as connection:
            return connection.scalar(select(FILE.c.sealed).where(FILE.c.id == id_)) is not None

    assert sealed(practice.filed(sealed=None))
    assert not sealed(practice.filed(sealed="false"))
    assert not sealed(practice.filed(b"x" * 400_001, sealed=None))
    assert not sealed(practice.uploaded("admin", b"\x89PNG\r\n\x1a\n" + bytes(9), "image/png"))
    # in pieces nobody knows what comes, but its sender may
    for said, clear in (({"sealed": "false"}, True), ({"sealed": "true"}, False), ({}, False)):
        url = begun(practice, **said)
        send(practice, url, 0, CONTENT[:-1])
        assert (CANARY in under_way(practice.database)) is clear
        send(practice, url, len(CONTENT) - 1, CONTENT[-1:])
        file = url.rpartition("/")[2]
        assert sealed(file) is not clear
        assert ("errors" in practice.tried(coverId=file)) is (said == {"sealed": "true"})


def test_without_keys_files_come_in_clear_and_no_sealed_field_takes_them(database: Database, tmp_path: Path) -> None:
    with contextmanager(practice_at)(database, tmp_path, secret_key="") as practice:
        _without_keys(practice)


def _without_keys(practice: Practice) -> None:
    file = practice.filed(sealed=None)
    url = begun(practice)
    send(practice, url, 0, CONTENT[:-1])
    assert send(practice, url, len(CONTENT) - 1, CONTENT[-1:]).status_code == 204
    for each in (file, url.rpartition("/")[2]):
        answer = practice.tried(contactId=practice.contact(), findingId=each)
        assert answer["errors"][0]["extensions"]["code"] == "SEALING_UNAVAILABLE"
        practice.report(coverId=each)
        assert practice.download("clerk", each).content == CONTENT


def test_what_was_changed_where_it_lies_is_no_file(practice: Practice) -> None:
    for forged in ("swapped", "changed", "cut"):
        url = begun(practice)
        send(practice, url, 0, CONTENT[:-1])
        mine = UPLOAD_CHUNK.c.upload_id == url.rpartition("/")[2]
        with practice.database.begin() as connection:
            chunks = [bytes(each) for each in connection.scalars(select(UPLOAD_CHUNK.c.content).where(mine))]
            first = {"swapped": chunks[1], "changed": bytes([chunks[0][0] ^ 1]) + chunks[0][1:], "cut": chunks[0][:9]}
            connection.execute(
                update(UPLOAD_CHUNK).where(mine, UPLOAD_CHUNK.c.number == 0).values(content=first[forged])
            )
        answer = send(practice, url, len(CONTENT) - 1, CONTENT[-1:])
        assert answer.json()["errors"][0]["extensions"]["code"] == "SEALED_VALUE_FOREIGN", forged
        assert practice.http.head(url, headers=practice.headers("admin", **TUS)).status_code == 404
        assert practice.download("admin", url.rpartition("/")[2]).status_code == 404


@settings(max_examples=25)
@given(st.lists(st.integers(1, 2 * CHUNK_BYTES), min_size=1, max_size=6))
def test_pieces_of_any_size_are_put_together_again(sizes: list[int]) -> None:
    content = secrets.token_bytes(sum(sizes))
    pieces = SealedPieces("u", secrets.token_bytes(32).hex(), "2026-11-28", "", None, None, False)
    with create_engine("sqlite://").begin() as connection:
        METADATA.create_all(connection, [UPLOAD, UPLOAD_CHUNK])
        upload = Upload("u", "", None, len(content), None, 0, dt.datetime.now(dt.UTC), sealed="x")
        upload_store.begin(connection, upload, "somebody")
        for size in sizes:
            piece = content[upload.received : upload.received + size]
            assert upload_store.append(connection, upload, piece, upload.expires_at, "x", pieces)
            upload = replace(upload, received=upload.received + size)
        assert b"".join(upload_store.pieces(connection, "u", pieces)) == content
        stored = connection.scalars(select(UPLOAD_CHUNK.c.content)).all()
        assert len(stored) == -(-len(content) // CHUNK_BYTES)
        assert not upload_store.append(connection, replace(upload, received=0), b"x", upload.expires_at, "x", pieces)
