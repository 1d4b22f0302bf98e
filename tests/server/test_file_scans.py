"""Scans of files: by plugins and by clamd, at once or later; and nobody reads a file before they are through."""

import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from tests.server.files_kit import PDF, PNG, Office, opened
from tests.server.test_uploads import begun, pairs, rows, send
from xrm_core.api import FileScan, Refuse, hookimpl
from xrm_core.errors import SettingsError
from xrm_core.plugins import Plugins
from xrm_core.plugins.registration import InstalledPlugin
from xrm_core.records.clamd import Clamd
from xrm_core.records.file_scans import FileScans
from xrm_core.settings import load_settings
from xrm_core.storage import file_states
from xrm_core.storage.contents import Contents
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FileState
from xrm_core.storage.file_tables import FILE_CHUNK

EICAR = PDF + b"EICAR"
ATTACH = 'mutation ($p: ID) { createContract(input: {title: "x", paperId: $p}) { id } }'


class Scanner:
    """A plugin that answers as it is told."""

    answer: Any = None

    @hookimpl
    def scan_file(self, file: Any, content: Any) -> Any:
        self.seen = dict(file), content.read()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def plugins(*scanners: Any) -> Plugins:
    return Plugins([InstalledPlugin(f"scan{number}", each) for number, each in enumerate(scanners)])


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
def office(database: Database, tmp_path: Path, scanner: Scanner) -> Iterator[Office]:
    with opened(database, tmp_path, plugins=plugins(scanner), secret_key="0123456789abcdef" * 3) as found:
        yield found


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


def look_again(office: Office, scanner: Any) -> int:
    return FileScans(plugins(scanner)).look_again(office.database, Contents(), office.records.files)


def test_a_plugin_that_finds_something_refuses_the_file_by_whatever_way_it_comes(
    office: Office, scanner: Scanner
) -> None:
    assert office.upload("rep", PDF).json()["state"] == "ready"
    assert scanner.seen == (
        {"name": "a.pdf", "media_type": "application/pdf", "size": len(PDF), "sha256": scanner.seen[0]["sha256"]},
        PDF,
    )
    scanner.answer = Refuse("It has malware.")
    assert code(office.upload("rep", EICAR)) == (422, "REFUSED_BY_PLUGIN")
    url = begun(office, "rep", len(EICAR))
    assert code(send(office, "rep", url, 0, EICAR)) == (422, "REFUSED_BY_PLUGIN")
    data = {"operations": json.dumps({"query": ATTACH, "variables": {"p": None}}), "map": '{"0": ["variables.p"]}'}
    along = office.http.post("/graphql", data=data, files={"0": ("a.pdf", EICAR)}, headers=office.headers("rep"))
    assert code(along) == (422, "REFUSED_BY_PLUGIN")
    assert (office.counts(), rows(office)) == ((1, 1), (0, 0))


def test_a_file_that_is_pending_is_attached_but_not_read_until_it_is_clean(office: Office, scanner: Scanner) -> None:
    scanner.answer = FileScan.PENDING
    stored = office.upload("rep", PDF).json()
    id_ = office.contract("rep", paperId=stored["id"])
    assert stored["state"] == "pending"
    withheld = office.download("rep", stored["id"])
    assert code(withheld) == (403, "FILE_WITHHELD")
    assert withheld.json()["errors"][0]["extensions"]["details"] == {"state": "pending"}
    assert office.download("ben", stored["id"]).status_code == 404  # what he may not read he hears nothing of
    link = office.http.post(f"/files/{stored['id']}/links", headers=office.headers("rep"))
    assert code(link) == (403, "FILE_WITHHELD")
    read = f'{{ contract(id: "{id_}") {{ paper {{ state }} }} }}'
    assert office.ask("rep", read)["data"]["contract"]["paper"] == {"state": "pending"}
    # asked again, it is not known yet; then it is
    assert look_again(office, scanner) == 0
    scanner.answer = FileScan.CLEAN
    assert look_again(office, scanner) == 1
    assert scanner.seen[1] == PDF
    assert office.download("rep", stored["id"]).content == PDF
    assert look_again(office, scanner) == 0


@pytest.mark.parametrize("answer", [FileScan.QUARANTINE, Refuse("It has malware.")])
def test_what_is_found_later_goes_into_quarantine_and_links_end(office: Office, scanner: Scanner, answer: Any) -> None:
    scanner.answer = FileScan.PENDING
    file_id = office.uploaded("rep")
    office.contract("rep", paperId=file_id)
    scanner.answer = answer
    assert look_again(office, scanner) == 1
    refused = office.download("rep", file_id)
    assert code(refused) == (403, "FILE_WITHHELD")
    assert refused.json()["errors"][0]["extensions"]["details"] == {"state": "quarantined"}
    memo = office.ask("rep", f'mutation {{ createMemo(input: {{scanId: "{file_id}"}}) {{ id }} }}')
    assert memo["errors"][0]["extensions"]["details"]["problems"][0]["message"] == "is in quarantine"


def test_a_file_that_cannot_be_scanned_holds_up_no_other(
    office: Office, scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner.answer = FileScan.PENDING
    lost, stays, waits = (office.uploaded("rep", PDF + text) for text in (b"1", b"stays", b"3"))
    with office.database.begin() as connection:
        connection.execute(delete(FILE_CHUNK).where(FILE_CHUNK.c.file_id == lost))
    monkeypatch.setattr(file_states, "_BATCH", 1)

    class Undecided:
        @hookimpl
        def scan_file(self, file: Any, content: Any) -> Any:
            return FileScan.PENDING if content.read().endswith(b"stays") else FileScan.CLEAN

    for _ in range(500):  # each looks at one, whichever that is
        if look_again(office, Undecided()):
            break
    assert office.download("rep", waits).content == PDF + b"3"
    assert [code(office.download("rep", each)) for each in (lost, stays)] == [(403, "FILE_WITHHELD")] * 2


def test_a_link_to_a_file_that_is_withheld_now_gives_nothing(office: Office) -> None:
    file_id = office.uploaded("rep")
    url = office.http.post(f"/files/{file_id}/links", headers=office.headers("rep")).json()["url"]
    with office.database.begin() as connection:
        assert file_states.change(connection, file_id, FileState.READY, FileState.QUARANTINED)
    assert code(office.http.get(url)) == (403, "FILE_WITHHELD")


def test_a_plugin_that_fails_or_answers_nonsense_withholds_the_file(office: Office, scanner: Scanner) -> None:
    for answer in (RuntimeError("geheim"), "perhaps", 7):
        scanner.answer = answer
        stored = office.upload("rep", PDF)
        assert (stored.status_code, stored.json()["state"]) == (201, "pending")
        assert "geheim" not in stored.text


def test_the_worst_answer_of_all_counts() -> None:
    def state(*answers: Any) -> str:
        scanners = []
        for answer in answers:
            scanners.append(Scanner())
            scanners[-1].answer = answer
        return plugins(*scanners).scan_file({"name": "x"}, lambda: io.BytesIO(b"x"))

    assert state() is FileScan.CLEAN
    assert state(None, FileScan.CLEAN) is FileScan.CLEAN
    assert state(FileScan.PENDING, None) is FileScan.PENDING
    assert state(FileScan.PENDING, FileScan.QUARANTINE, None) is FileScan.QUARANTINE


def test_a_server_takes_the_types_that_it_is_told(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    with opened(database, tmp_path, file_types=("application/pdf", "image/*")) as office:
        assert office.upload("rep", PDF).status_code == 201
        assert office.upload("rep", PNG, "image/png").status_code == 201
        assert code(office.upload("rep", b"text", "text/plain")) == (422, "FILE_REFUSED")
        url = begun(office, "rep", 4, **{"Upload-Metadata": pairs(filename="a.txt", filetype="text/plain")})
        assert code(send(office, "rep", url, 0, b"text")) == (422, "FILE_REFUSED")
        assert (office.counts(), rows(office)) == ((2, 2), (0, 0))
    with pytest.raises(SettingsError):
        load_settings(file_types=("everything",))


@pytest.mark.parametrize(
    ("content", "own", "others"),
    [
        (b"GIF89a/*<script>alert(1)</script>*/=1;", "image/gif", ("text/html", "application/javascript", "image/png")),
        (b"%PDF-1.7 <html><script>alert(1)</script>", "application/pdf", ("text/html", "image/svg+xml", "image/jpeg")),
        (b"PK\x03\x04" + b"%PDF-1.7", "application/zip", ("application/pdf", "text/html")),
        (b"\xff\xd8\xff<svg onload=alert(1)>", "image/jpeg", ("image/svg+xml", "text/xml")),
    ],
)
def test_what_is_two_things_at_once_is_the_one_and_nothing_that_a_browser_runs(
    plain_office: Office, content: bytes, own: str, others: tuple[str, ...]
) -> None:
    for other in others:
        assert code(plain_office.upload("rep", content, other)) == (422, "FILE_REFUSED")
    for said in (own, "application/octet-stream"):
        got = plain_office.download("rep", plain_office.uploaded("rep", content, said))
        assert (got.headers["content-type"], got.headers["x-content-type-options"]) == (own, "nosniff")
        assert got.headers["content-disposition"].startswith("attachment;")
        assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.fixture(scope="module")
def plain_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("plain")
    with opened(Database(f"sqlite:///{folder / 'office.db'}"), folder) as found:
        yield found


# -- clamd ------------------------------------------------------------------------------------------------------------


def instream(daemon: socket.socket, most: int = 10**9) -> bytes:
    """What a client sends by INSTREAM, as clamd reads it."""
    stream = daemon.makefile("rb")
    assert stream.read(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack("!L", stream.read(4))[0]:
        content += stream.read(size)
        if len(content) > most:
            break
    return content


@contextmanager
def clamd(answer: Callable[[socket.socket], bytes]) -> Iterator[str]:
    """A daemon that hears one client after the other, and its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                daemon, _ = listening.accept()
            except OSError:
                return
            with daemon:
                daemon.settimeout(10)
                daemon.sendall(answer(daemon))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def as_clamd(daemon: socket.socket) -> bytes:
    return b"stream: Eicar-Test-Signature FOUND\0" if b"EICAR" in instream(daemon) else b"stream: OK\0"


def test_clamd_refuses_what_it_finds_and_withholds_what_it_does_not_see(
    database: Database, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with clamd(as_clamd) as url, opened(database, tmp_path, clamd=url) as office:
        assert office.upload("rep", PDF).json()["state"] == "ready"
        assert code(office.upload("rep", EICAR + bytes(200_000))) == (422, "FILE_INFECTED")
        assert office.counts() == (1, 1)
    assert "Eicar-Test-Signature" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"stream: OK\0", FileScan.CLEAN),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", FileScan.QUARANTINE),
        (b"INSTREAM size limit exceeded. ERROR\0", FileScan.PENDING),
        (b"", FileScan.PENDING),
        (b"stream: OK, or not\0", FileScan.PENDING),
        (b"x" * 100_000, FileScan.PENDING),
    ],
)
def test_only_a_plain_ok_is_one(answer: bytes, found: FileScan) -> None:
    def reply(daemon: socket.socket) -> bytes:
        instream(daemon, most=65_536)
        return answer

    with clamd(reply) as url:
        assert Clamd(url).scan(io.BytesIO(b"x" * 300_000)) is found


def test_a_daemon_that_is_not_there_or_silent_is_waited_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Clamd("tcp://127.0.0.1:9").scan(io.BytesIO(b"x")) is FileScan.PENDING
    assert Clamd(f"unix://{tmp_path}/none.ctl").scan(io.BytesIO(b"x")) is FileScan.PENDING
    monkeypatch.setattr("xrm_core.records.clamd._SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert Clamd(f"tcp://127.0.0.1:{silent.getsockname()[1]}").scan(io.BytesIO(b"x")) is FileScan.PENDING
