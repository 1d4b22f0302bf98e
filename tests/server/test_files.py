"""Files over HTTP and in GraphQL: stored, attached, read by those who may, and by nobody else."""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from tests.server.files_kit import MAX_BYTES, PDF, PNG, Office, opened
from xrm_core.permissions.caller import system
from xrm_core.records.trash_retention import remove_old
from xrm_core.server.app import create_app
from xrm_core.storage import file_store
from xrm_core.storage.engines import Database
from xrm_core.storage.file_references import remove_unattached
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE
from xrm_core.storage.system import TOKEN


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    with opened(database, tmp_path) as found:
        yield found


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    assert error["message"]
    return answer.status_code, error["extensions"]["code"]


def problems(answer: Any) -> list[tuple[str, str]]:
    [error] = answer["errors"]
    return [(each["field"], each["message"]) for each in error["extensions"]["details"]["problems"]]


def test_what_goes_in_comes_out_as_an_attachment_that_no_browser_runs(office: Office) -> None:
    content = PDF + bytes(range(256)) * 1500  # more than one chunk
    answer = office.upload("rep", content, name="Vertrag «Müller».pdf")
    stored = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == stored["url"] == f"/files/{stored['id']}"
    assert (stored["name"], stored["mediaType"]) == ("Vertrag «Müller».pdf", "application/pdf")
    assert (stored["size"], stored["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert office.counts() == (1, 2)
    got = office.download("rep", stored["id"])
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''Vertrag%20%C2%ABM%C3%BCller%C2%BB.pdf"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert got.headers["cache-control"] == "private, no-cache"
    head = office.http.head(stored["url"], headers=office.headers("rep"))
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))


def test_a_form_is_taken_too(office: Office) -> None:
    parts = {"file": ("C:\\secret\\..\\scan.png", PNG, "image/png")}
    answer = office.http.post("/files", files=parts, data={"more": "1"}, headers=office.headers("rep"))
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["mediaType"]) == ("scan.png", "image/png")
    assert office.download("rep", answer.json()["id"]).content == PNG
    nothing = office.http.post("/files", files={"other": ("a", b"x")}, headers=office.headers("rep"))
    assert code(nothing) == (400, "BAD_REQUEST")
    broken = office.headers("rep", **{"Content-Type": "multipart/form-data; boundary=x"})
    assert code(office.http.post("/files", content=b"--y\r\n???", headers=broken)) == (400, "BAD_REQUEST")


def test_a_file_is_attached_and_read_in_the_one_statement(office: Office) -> None:
    file_id = office.uploaded("rep")
    id_ = office.contract("rep", paperId=file_id)
    parts = "id name mediaType size sha256 url __typename"
    query = f"{{ contracts {{ nodes {{ paper {{ {parts} }} photo {{ name }} }} }} }}"
    [node] = office.ask("rep", query)["data"]["contracts"]["nodes"]
    assert node == {
        "paper": {
            "id": file_id,
            "name": "a.pdf",
            "mediaType": "application/pdf",
            "size": len(PDF),
            "sha256": hashlib.sha256(PDF).hexdigest(),
            "url": f"/files/{file_id}",
            "__typename": "File",
        },
        "photo": None,
    }
    # And the same by id, inside of another record, with fragments, and through the executor
    one = office.ask("rep", f'{{ contract(id: "{id_}") {{ paper {{ ...F }} title }} }} fragment F on File {{ url }}')
    assert one["data"]["contract"]["paper"] == {"url": f"/files/{file_id}"}
    update_ = 'mutation($id: ID!) { updateContract(id: $id, input: {title: "y"}) { paper { n: name size } } }'
    assert office.ask("rep", update_, id=id_)["data"]["updateContract"] == {"paper": {"n": "a.pdf", "size": len(PDF)}}
    owned = "{ users { nodes { ownedContracts { nodes { paper { size } } } } } }"
    found = [node["ownedContracts"]["nodes"] for node in office.ask("admin", owned)["data"]["users"]["nodes"]]
    assert [{"paper": {"size": len(PDF)}}] in found


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("{paper: {isNull: true}}", 1),
        ("{paper: {isNull: false}}", 2),
        ('{paper: {name: {endsWith: ".pdf"}}}', 2),
        ('{paper: {mediaType: {eq: "application/pdf"}, size: {gt: 80}}}', 1),
        ("{not: {paper: {size: {gt: 80}}}}", 2),
        ("{paper: {size: {lt: 80}, isNull: false}}", 1),
        ("{photo: {isNull: false}}", 0),
        ("{paper: {}}", 3),
    ],
)
def test_files_can_be_filtered(office: Office, where: str, count: int) -> None:
    for content in (PDF, PDF[:60]):
        office.contract("rep", paperId=office.uploaded("rep", content))
    office.contract("rep")
    found = office.ask("rep", f"{{ contracts(where: {where}) {{ totalCount nodes {{ id }} }} }}")
    assert found["data"]["contracts"]["totalCount"] == len(found["data"]["contracts"]["nodes"]) == count


def test_until_it_is_attached_only_who_stored_it_sees_a_file(office: Office) -> None:
    file_id = office.uploaded("rep")
    assert office.download("rep", file_id).status_code == 200
    for other in ("admin", "ben", "clerk", "guest"):
        assert code(office.download(other, file_id)) == (404, "NOT_FOUND")
    assert code(office.http.get(f"/files/{file_id}")) == (401, "UNAUTHENTICATED")


def test_once_it_is_attached_the_record_and_the_field_decide(office: Office) -> None:
    paper, photo = office.uploaded("rep"), office.uploaded("rep", PNG, "image/png")
    id_ = office.contract("rep", paperId=paper, photoId=photo)
    assert [office.download(who, paper).status_code for who in ("rep", "admin")] == [200, 200]
    assert office.download("ben", paper).status_code == 404  # not his contract
    assert office.download("clerk", paper).status_code == 404  # the field is denied
    assert office.download("clerk", photo).status_code == 200  # this one is not
    assert "paper" not in str(office.ask("clerk", '{ __type(name: "Contract") { fields { name } } }'))
    # When the record goes to somebody else, its files go with it, also from who stored them
    users = office.ask("admin", '{ users(where: {name: {eq: "ben"}}) { nodes { id } } }')
    ben = users["data"]["users"]["nodes"][0]["id"]
    office.ask("admin", f'mutation {{ updateContract(id: "{id_}", input: {{ownerId: "{ben}"}}) {{ id }} }}')
    assert [office.download(who, paper).status_code for who in ("rep", "ben")] == [404, 200]


def test_only_who_may_read_a_file_can_attach_it(office: Office) -> None:
    secret = office.uploaded("admin")
    office.contract("admin", paperId=secret)
    unattached = office.uploaded("ben")
    create = "mutation($input: CreateContractInput!) { createContract(input: $input) { id } }"
    nobody = "00000000-0000-7000-8000-000000000000"
    for foreign in (secret, unattached, nobody):
        answer = office.ask("rep", create, input={"title": "mine", "paperId": foreign})
        assert problems(answer) == [("paper", "there is no file with this id")]
        memo = office.ask("rep", f'mutation {{ createMemo(input: {{scanId: "{foreign}"}}) {{ id }} }}')
        assert problems(memo) == [("scan", "there is no file with this id")]
        assert office.download("rep", foreign).status_code == 404
    mine = office.contract("rep")
    change = f'mutation {{ updateContract(id: "{mine}", input: {{paperId: "{secret}"}}) {{ id }} }}'
    assert problems(office.ask("rep", change)) == [("paper", "there is no file with this id")]
    bad = office.ask("rep", create, input={"title": "mine", "paperId": "../../etc/passwd"})
    assert problems(bad)[0][0] == "paper"


def test_the_field_says_which_files_fit(office: Office) -> None:
    png, pdf = office.uploaded("rep", PNG, "image/png"), office.uploaded("rep")
    large = office.uploaded("rep", PNG + b"x" * 100, "image/png")
    create = "mutation($input: CreateContractInput!) { createContract(input: $input) { id } }"
    answer = office.ask("rep", create, input={"title": "x", "paperId": png, "photoId": pdf})
    assert problems(answer) == [
        ("paper", "is image/png; the field takes application/pdf, text/plain"),
        ("photo", "is application/pdf; the field takes image/*"),
    ]
    assert problems(office.ask("rep", create, input={"title": "x", "photoId": large})) == [
        ("photo", f"has {len(PNG) + 100} bytes; the field takes 100 at most")
    ]
    assert office.ask("rep", "{ contracts { totalCount } }")["data"]["contracts"]["totalCount"] == 0


def test_who_may_write_no_file_field_stores_nothing(office: Office) -> None:
    for who in ("clerk", "guest"):
        assert code(office.upload(who, PDF)) == (403, "FORBIDDEN")
    assert code(office.http.post("/files", content=PDF)) == (401, "UNAUTHENTICATED")
    assert office.counts() == (0, 0)


@pytest.mark.usefixtures("remembers")
def test_who_is_only_remembered_stores_nothing(office: Office) -> None:
    assert office.ask("rep", "{ __typename }")  # remembered from now on
    with office.database.begin() as connection:
        connection.execute(update(TOKEN).values(revoked_at="2020-01-01T00:00:00+00:00"))
    assert code(office.upload("rep", PDF)) == (401, "UNAUTHENTICATED")
    assert office.counts() == (0, 0)


def test_too_many_bytes_are_refused_and_nothing_is_stored(office: Office) -> None:
    large = b"x" * (MAX_BYTES + 1)

    def in_pieces() -> Iterator[bytes]:  # without a content-length
        for _ in range(30):
            yield large[:65536]

    headers = office.headers("rep", **{"Content-Type": "text/plain"})
    answers = [
        office.upload("rep", large, "text/plain"),
        office.http.post("/files", content=in_pieces(), headers=headers),
        office.http.post("/files", files={"file": ("a.txt", large, "text/plain")}, headers=office.headers("rep")),
        office.http.post("/files", files={"file": ("a.txt", large * 2, "text/plain")}, headers=office.headers("rep")),
    ]
    assert [code(answer) for answer in answers] == [(413, "FILE_TOO_LARGE")] * 4
    assert office.counts() == (0, 0)
    assert office.upload("rep", large[:-1], "text/plain").status_code == 201
    assert office.counts() == (1, -(-MAX_BYTES // CHUNK_BYTES))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"<script>alert(1)</script>", "image/png"), (PDF, "text/plain"), (b"MZ\0\0", "text/html"), (b"", "text/plain")],
)
def test_a_file_that_is_not_what_its_sender_says_is_refused(office: Office, content: bytes, media_type: str) -> None:
    assert code(office.upload("rep", content, media_type)) == (422, "FILE_REFUSED")
    assert office.counts() == (0, 0)


@pytest.mark.parametrize("path", ["x", "..%2f..%2fetc%2fpasswd", "00000000-0000-7000-8000-000000000000", "%00"])
def test_what_is_no_file_is_not_found(office: Office, path: str) -> None:
    answer = office.http.get(f"/files/{path}", headers=office.headers("admin"))
    assert code(answer) == (404, "NOT_FOUND")
    assert code(office.http.delete("/files/x", headers=office.headers("admin"))) == (405, "BAD_REQUEST")
    assert code(office.http.put("/files", headers=office.headers("admin"))) == (405, "BAD_REQUEST")


def test_a_range_with_ten_thousand_parts_is_answered_as_a_whole(office: Office) -> None:
    file_id = office.uploaded("rep")
    ranges = "bytes=" + ",".join(f"{number}-{number}" for number in range(10_000))
    answer = office.http.get(f"/files/{file_id}", headers=office.headers("rep", Range=ranges))
    assert (answer.status_code, answer.content) == (200, PDF)


def test_files_that_nothing_refers_to_go_after_a_day(office: Office) -> None:
    # given an attached file, one replaced, one of a deleted record, and one never attached
    attached, replaced, orphaned, loose = (office.uploaded("rep") for _ in range(4))
    office.contract("rep", paperId=attached)
    changed, deleted = office.contract("rep", paperId=replaced), office.contract("rep", paperId=orphaned)
    office.ask("rep", f'mutation {{ updateContract(id: "{changed}", input: {{paperId: null}}) {{ id }} }}')
    gone = office.ask("rep", f'mutation {{ deleteContract(id: "{deleted}") {{ paper {{ name }} }} }}')
    assert gone["data"]["deleteContract"]["paper"] == {"name": "a.pdf"}
    fresh = office.uploaded("rep")
    files = office.records.files
    assert files.clean(office.database) == 0
    # when they are a day old
    with office.database.begin() as connection:
        aged = dt.datetime.now(dt.UTC) - dt.timedelta(hours=25)
        connection.execute(update(FILE).where(FILE.c.id != fresh).values(created_at=aged))
    # then those are removed with their content that are not in the trash either, and at its end the third
    assert files.clean(office.database) == 2
    assert office.counts() == (3, 3)
    assert office.download("rep", orphaned).status_code == 404
    with office.database.begin() as connection:
        assert remove_old(connection, dt.datetime.now(dt.UTC), 9) == 1
    assert files.clean(office.database) == 1
    assert office.counts() == (2, 2)
    assert [office.download("rep", each).status_code for each in (attached, fresh)] == [200, 200]
    assert [office.download("rep", each).status_code for each in (replaced, orphaned, loose)] == [404, 404, 404]


def test_files_that_wait_for_a_record_are_counted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.records.files.MAX_WAITING", 2)
    first = office.uploaded("rep")
    office.uploaded("rep")
    assert code(office.upload("rep", PDF)) == (429, "TOO_MANY_FILES")
    office.uploaded("ben")
    office.contract("rep", paperId=first)
    office.uploaded("rep")
    assert office.counts() == (4, 4)


@pytest.mark.parametrize("sent", [0, 1])
def test_a_file_that_goes_while_it_is_read_is_never_taken_for_whole(
    office: Office, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody removes the file before its first chunk is read, or after it."""
    file_id = office.uploaded("rep", PDF + b"x" * CHUNK_BYTES * 2, "application/pdf")
    chunks = file_store.read_chunk

    def gone(connection: Any, found: str, number: int) -> bytes | None:
        return chunks(connection, found, number) if number < sent else None

    monkeypatch.setattr(file_store, "read_chunk", gone)
    if sent:
        with pytest.raises(Exception, match="could not be sent whole"):
            office.download("rep", file_id)
    else:
        assert code(office.download("rep", file_id)) == (404, "NOT_FOUND")


def age(office: Office) -> None:
    with office.database.begin() as connection:
        connection.execute(update(FILE).values(created_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=25)))


def test_a_server_that_has_started_cleans_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.server.app.FIRST_CLEAN_SECONDS", 0.01)
    kept, loose = office.uploaded("rep"), office.uploaded("rep")
    office.contract("rep", paperId=kept)
    age(office)
    with TestClient(create_app(office.platform)):
        until = time.monotonic() + 60
        while office.counts() != (1, 1):
            assert time.monotonic() < until
            time.sleep(0.01)
    assert (office.download("rep", kept).status_code, office.download("rep", loose).status_code) == (200, 404)


def test_a_file_that_is_being_attached_is_not_removed_under_way(postgres_url: str, tmp_path: Path) -> None:
    database = Database(postgres_url)
    with opened(database, tmp_path) as office:
        file_id = office.uploaded("admin")
        age(office)
        caller = system(office.records.model, "test")
        with database.begin() as connection:
            # given a record that refers to the file, in a transaction that is still open
            id_ = office.records.create(connection, caller, "memo", {"scan": file_id})
            # when somebody cleans up, then the file stays
            assert office.records.files.clean(database) == 0
        assert office.records.files.clean(database) == 0
        assert office.download("rep", file_id).status_code == 200
        # And the other way round: what is being removed cannot be attached
        with database.begin() as connection:
            office.records.delete(connection, caller, "memo", id_)
        with database.begin() as connection:  # nor does it lie in the trash any more
            assert remove_old(connection, dt.datetime.now(dt.UTC), 9) == 1
        with database.begin() as connection:
            model, tables = office.records.model, office.records.tables
            assert remove_unattached(connection, model, tables, dt.datetime.now(dt.UTC)) == 1
            with ThreadPoolExecutor(1) as threads:
                attach = f'mutation {{ createMemo(input: {{scanId: "{file_id}"}}) {{ id }} }}'
                attaching = threads.submit(office.ask, "admin", attach)
                connection.commit()
                assert problems(attaching.result()) in (
                    [("scan", "there is no file with this id")],
                    [("scan", "refers to a record that does not exist")],
                )


def test_an_attached_file_cannot_be_removed_even_by_hand(office: Office) -> None:
    file_id = office.uploaded("rep")
    office.contract("rep", paperId=file_id)
    with pytest.raises(Exception, match=r"(?i)foreign key|violates"), office.database.begin() as connection:
        connection.execute(FILE.delete().where(FILE.c.id == file_id))
