"""Uploads that can be resumed: by tus, over broken lines, by two at once, and by a client of other people."""

import base64
import datetime as dt
import hashlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import delete, func, select, update
from tusclient.client import TusClient

from tests.server.files_kit import MAX_BYTES, PDF, PNG, Office, opened
from xrm_core.records import uploads
from xrm_core.server import uploads_http
from xrm_core.server.uploads_http import UploadsEndpoint
from xrm_core.storage import file_store
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN
from xrm_core.storage.upload_tables import UPLOAD, UPLOAD_CHUNK

PIECE = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
LONG = PDF + bytes(range(256)) * 1800  # more than one chunk of a file


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    with opened(database, tmp_path) as found:
        yield found


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_http, "_PIECE_BYTES", 100_000)


def pairs(**given: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in given.items())


def begin(office: Office, who: str, size: int, **headers: str) -> Any:
    said = {"Upload-Length": str(size), "Upload-Metadata": pairs(filename="a.pdf", filetype="application/pdf")}
    return office.http.post(
        "/files/uploads", headers=office.headers(who, **{**PIECE, "Content-Type": "", **said, **headers})
    )


def begun(office: Office, who: str, size: int, **headers: str) -> str:
    answer = begin(office, who, size, **headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send(office: Office, who: str, url: str, offset: int, content: Any, **headers: str) -> Any:
    given = office.headers(who, **{**PIECE, "Upload-Offset": str(offset), **headers})
    return office.http.patch(url, content=content, headers=given)


def stands(office: Office, who: str, url: str) -> int:
    answer = office.http.head(url, headers=office.headers(who, **PIECE))
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


def rows(office: Office) -> tuple[int, int]:
    with office.database.read() as connection:
        first, second = (select(func.count()).select_from(table) for table in (UPLOAD, UPLOAD_CHUNK))
        return connection.scalar(first) or 0, connection.scalar(second) or 0


@pytest.mark.usefixtures("small_pieces")
def test_an_upload_in_pieces_becomes_the_file_of_its_id(office: Office) -> None:
    answer = begin(office, "rep", len(LONG))
    url = answer.headers["location"]
    assert (answer.status_code, answer.headers["upload-offset"], answer.headers["tus-resumable"]) == (201, "0", "1.0.0")
    assert answer.headers["upload-expires"].endswith(" GMT")
    for begin_at in range(0, len(LONG), 170_001):
        answer = send(office, "rep", url, begin_at, LONG[begin_at : begin_at + 170_001])
        assert answer.status_code == 204, answer.text
        assert int(answer.headers["upload-offset"]) == min(begin_at + 170_001, len(LONG)) == stands(office, "rep", url)
    file_id = url.rpartition("/")[2]
    assert answer.headers["content-location"] == f"/files/{file_id}"
    got = office.download("rep", file_id)
    assert (got.content, got.headers["content-type"]) == (LONG, "application/pdf")
    assert rows(office) == (0, 0)
    assert office.counts() == (1, 2)
    assert office.contract("rep", paperId=file_id)
    assert stands(office, "rep", url) == len(LONG)  # who lost the last answer finds out


@pytest.mark.usefixtures("small_pieces")
def test_a_client_that_goes_leaves_what_it_sent(office: Office) -> None:
    url = begun(office, "rep", len(LONG))
    given = office.headers("rep", **PIECE, Host="localhost")
    given["Upload-Offset"] = "0"
    messages = [
        {"type": "http.request", "body": LONG[:250_000], "more_body": True},
        {"type": "http.request", "body": LONG[250_000:], "more_body": True},  # all of it, but not its end
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0)

    async def send_(_message: Any) -> None:
        raise AssertionError

    scope = {
        "type": "http",
        "method": "PATCH",
        "path": url,
        "raw_path": url.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "http_version": "1.1",
    }
    portal: Any = office.http.portal
    portal.call(office.http.app, scope, receive, send_)
    assert stands(office, "rep", url) == len(LONG) - 1
    assert office.counts() == (0, 0)
    assert send(office, "rep", url, len(LONG) - 1, LONG[-1:]).status_code == 204
    assert office.download("rep", url.rpartition("/")[2]).content == LONG


def test_of_two_who_send_at_once_one_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    url = begun(office, "rep", 10)
    assert code(send(office, "rep", url, 5, b"56789")) == (409, "UPLOAD_MOVED")
    known = UploadsEndpoint._known

    async def meanwhile(*arguments: Any, **more: Any) -> Any:
        upload = await known(*arguments, **more)
        with office.database.begin() as connection:
            uploads.append(connection, office.records.files, upload, b"%PDF-")
        return upload

    for content in (b"%XXX", b"0123456789"):  # a piece, and one that would be the last
        with monkeypatch.context() as patch:
            patch.setattr(UploadsEndpoint, "_known", meanwhile)
            assert code(send(office, "rep", url, 0, content)) == (409, "UPLOAD_MOVED")
        assert stands(office, "rep", url) == 5
        with office.database.begin() as connection:
            connection.execute(update(UPLOAD).values(received=0))
            connection.execute(delete(UPLOAD_CHUNK))
    assert office.counts() == (0, 0)


def test_what_many_send_at_once_is_never_mixed(office: Office) -> None:
    url = begun(office, "rep", 70_001)
    with ThreadPoolExecutor(6) as threads:
        sent = [threads.submit(send, office, "rep", url, 0, letter * 70_000) for letter in (b"a", b"b", b"c") * 2]
        statuses = sorted(each.result(30).status_code for each in sent)
    assert statuses == [204, *[409] * 5]
    assert send(office, "rep", url, 70_000, b"x", **{"Upload-Offset": "70000"}).status_code == 422  # it is no PDF
    url = begun(office, "rep", len(PDF))
    with ThreadPoolExecutor(6) as threads:
        sent = [threads.submit(send, office, "rep", url, 0, PDF) for _ in range(6)]
        statuses = [each.result(30).status_code for each in sent]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409}
    assert office.counts() == (1, 1)


def test_a_server_that_ends_before_the_file_is_stored_leaves_an_upload_that_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begun(office, "rep", len(PDF))
    send(office, "rep", url, 0, PDF[:50])

    def ends(*_arguments: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(file_store, "add", ends)
        assert send(office, "rep", url, 50, PDF[50:]).status_code == 500
    assert (stands(office, "rep", url), office.counts()) == (50, (0, 0))
    assert send(office, "rep", url, 50, PDF[50:]).status_code == 204
    assert office.counts() == (1, 1)


def test_pieces_and_the_whole_are_checked(office: Office) -> None:
    def checksum(name: str, content: bytes) -> dict[str, str]:
        return {"Upload-Checksum": f"{name} {base64.b64encode(hashlib.new(name, content).digest()).decode()}"}

    said = {"Upload-Metadata": pairs(filename="a.pdf", sha256=hashlib.sha256(PDF).hexdigest())}
    url = begun(office, "rep", len(PDF), **said)
    assert code(send(office, "rep", url, 0, PDF[:50], **checksum("sha1", PDF))) == (460, "CHECKSUM_MISMATCH")
    assert stands(office, "rep", url) == 0
    assert send(office, "rep", url, 0, PDF[:50], **checksum("sha1", PDF[:50])).status_code == 204
    for wrong in ("md4 AAAA", "sha1", "sha256 !!"):
        assert code(send(office, "rep", url, 50, PDF[50:], **{"Upload-Checksum": wrong})) == (400, "BAD_REQUEST")
    # a slip that no piece has shown
    changed = PDF[50:-1] + b"y"
    answer = send(office, "rep", url, 50, changed, **checksum("sha256", changed))
    assert code(answer) == (422, "FILE_REFUSED")
    assert office.http.head(url, headers=office.headers("rep", **PIECE)).status_code == 404
    assert (rows(office), office.counts()) == ((0, 0), (0, 0))


def test_what_is_no_such_file_is_refused_when_it_is_whole(office: Office) -> None:
    said = {"Upload-Metadata": pairs(filename="../../etc/passwd", filetype="image/png")}
    url = begun(office, "rep", 9, **said)
    assert code(send(office, "rep", url, 0, b"<script/>")) == (422, "FILE_REFUSED")
    assert rows(office) == (0, 0)
    sent = begin(office, "rep", len(PNG), **said, **PIECE)  # nothing comes with it yet
    assert sent.headers["upload-offset"] == "0"
    send(office, "rep", sent.headers["location"], 0, PNG)
    file = office.download("rep", sent.headers["location"].rpartition("/")[2])
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''passwd"


def test_a_first_piece_may_come_with_the_beginning(office: Office) -> None:
    headers = office.headers("rep", **PIECE, **{"Upload-Length": str(len(PDF)), "Upload-Metadata": pairs(filename="a")})
    answer = office.http.post("/files/uploads", content=PDF, headers=headers)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(PDF)))
    assert office.http.get(answer.headers["content-location"], headers=office.headers("rep")).content == PDF


def test_limits_hold_before_and_while_bytes_come(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code(begin(office, "rep", MAX_BYTES + 1)) == (413, "FILE_TOO_LARGE")
    assert code(begin(office, "rep", 0)) == (422, "FILE_REFUSED")
    for wrong in ("-1", "1e3", "", "9" * 30):
        assert code(begin(office, "rep", 1, **{"Upload-Length": wrong})) == (400, "BAD_REQUEST")
    for wrong in ("filename !", "filename YQ==,filename YQ==", f"filename {base64.b64encode(bytes(3)).decode()}"):
        assert code(begin(office, "rep", 1, **{"Upload-Metadata": wrong})) == (400, "BAD_REQUEST")
    assert code(begin(office, "rep", 1, **{"Upload-Metadata": pairs(sha256="x")})) == (400, "BAD_REQUEST")
    url = begun(office, "rep", 10)
    assert code(send(office, "rep", url, 0, b"x" * 11)) == (413, "FILE_TOO_LARGE")
    assert code(send(office, "rep", url, 0, iter([b"x" * 6, b"x" * 6]))) == (413, "FILE_TOO_LARGE")
    assert stands(office, "rep", url) == 0
    assert code(send(office, "rep", url, 0, b"x", **{"Content-Type": "text/plain"})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert code(send(office, "rep", url, 0, b"x", **{"Tus-Resumable": "0.2.2"})) == (412, "TUS_VERSION")
    monkeypatch.setattr(uploads, "MAX_OPEN", 2)
    begun(office, "rep", 10)
    assert code(begin(office, "rep", 10)) == (429, "TOO_MANY_FILES")
    begun(office, "ben", 10)
    abilities = office.http.options("/files/uploads", headers=office.headers("rep")).headers
    assert (abilities["tus-version"], abilities["tus-max-size"]) == ("1.0.0", str(MAX_BYTES))


def test_an_upload_is_its_senders_alone(office: Office) -> None:
    for who in ("clerk", "guest"):
        assert code(begin(office, who, 10)) == (403, "FORBIDDEN")
    url = begun(office, "rep", len(PDF))
    send(office, "rep", url, 0, PDF[:50])
    for who in ("admin", "ben"):
        headers = office.headers(who, **PIECE)
        assert office.http.head(url, headers=headers).status_code == 404
        assert office.http.delete(url, headers=headers).status_code == 404
        assert code(send(office, who, url, 50, PDF[50:])) == (404, "NOT_FOUND")
    assert office.http.head(f"{url}x", headers=office.headers("rep", **PIECE)).status_code == 404
    viewing = {"X-View-As": "ben"}
    assert code(send(office, "admin", url, 50, PDF[50:], **viewing)) == (403, "FORBIDDEN")
    assert office.http.delete(url, headers=office.headers("rep", **PIECE)).status_code == 204
    assert rows(office) == (0, 0)
    # and who has lost the token meanwhile gets no file out of it
    url = begun(office, "rep", len(PDF))
    with office.database.begin() as connection:
        connection.execute(update(TOKEN).values(revoked_at="2020-01-01T00:00:00+00:00"))
    assert code(send(office, "rep", url, 0, PDF)) == (401, "UNAUTHENTICATED")
    assert office.counts() == (0, 0)


def test_uploads_that_rest_go_after_a_day(office: Office) -> None:
    url, fresh = begun(office, "rep", 10), begun(office, "rep", 10)
    send(office, "rep", url, 0, b"x")
    with office.database.begin() as connection:
        past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        connection.execute(update(UPLOAD).where(UPLOAD.c.id == url.rpartition("/")[2]).values(expires_at=past))
    assert code(send(office, "rep", url, 1, b"x")) == (404, "NOT_FOUND")
    assert rows(office) == (2, 1)
    office.records.files.clean(office.database)
    assert rows(office) == (1, 0)
    assert stands(office, "rep", fresh) == 0


def test_a_client_of_other_people_uploads_in_chunks(office: Office) -> None:
    """tuspy, over a socket; it begins, breaks off, and goes on as another process would."""
    config = uvicorn.Config(office.http.app, port=0, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    try:
        for _ in range(500):
            if server.started:
                break
            threading.Event().wait(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        client = TusClient(f"http://127.0.0.1:{port}/files/uploads", headers=office.headers("rep"))
        said = {"filename": "long.pdf", "filetype": "application/pdf"}
        given: dict[str, Any] = {"chunk_size": 90_000, "metadata": said, "upload_checksum": True}
        first = client.uploader(file_stream=io.BytesIO(LONG), **given)
        first.upload(stop_at=200_000)
        again = client.uploader(file_stream=io.BytesIO(LONG), url=first.url, **given)
        assert again.offset == 200_000
        again.upload()
    finally:
        server.should_exit = True
        running.join(20)
    got = office.download("rep", str(first.url).rpartition("/")[2])
    assert (got.content, got.headers["content-disposition"]) == (LONG, "attachment; filename*=UTF-8''long.pdf")
