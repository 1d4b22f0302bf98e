"""Versions of files: kept as long as the newest is attached, read by who may read that, and by nobody else."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests.server.files_kit import PDF, Office, opened
from tests.server.test_uploads import PIECE, pairs, send
from xrm_core.records.trash_retention import remove_old
from xrm_core.storage.bundle import export_bundle, import_bundle
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import FILE, FILE_VERSION

LATER = dt.timedelta(days=2)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    with opened(database, tmp_path, file_versions=3) as found:
        yield found


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


def version(office: Office, who: str, of: str, text: str) -> Any:
    headers = office.headers(who, **{"Content-Type": "text/plain"})
    return office.http.post(
        "/files", content=text.encode(), params={"name": f"{text}.txt", "versionOf": of}, headers=headers
    )


def attach(office: Office, who: str, contract: str, file_id: str) -> None:
    change = "mutation ($id: ID!, $file: ID) { updateContract(id: $id, input: {paperId: $file}) { paper { version } } }"
    answer = office.ask(who, change, id=contract, file=file_id)
    assert "errors" not in answer, answer


def history(office: Office, who: str, file_id: str) -> list[dict[str, Any]]:
    answer = office.http.get(f"/files/{file_id}/versions", headers=office.headers(who))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["versions"]
    return found


def test_a_new_version_keeps_the_former_ones_for_who_may_read_it(office: Office) -> None:
    first = office.uploaded("rep", b"one", "text/plain")
    contract = office.contract("rep", paperId=first)
    second = version(office, "rep", first, "two").json()
    assert second["version"] == 2
    attach(office, "rep", contract, second["id"])
    third = version(office, "rep", second["id"], "three").json()["id"]
    attach(office, "rep", contract, third)
    found = history(office, "rep", third)
    assert [(each["version"], each["id"], each["size"]) for each in found] == [
        (3, third, 5),
        (2, second["id"], 3),
        (1, first, 3),
    ]
    assert all(each["createdAt"].startswith("20") and each["createdBy"] is None for each in found)  # no user is read
    [mine] = office.ask("admin", '{ users(where: {name: {eq: "rep"}}) { nodes { id } } }')["data"]["users"]["nodes"]
    assert {each["createdBy"] for each in history(office, "admin", third)} == {mine["id"]}
    # the former ones are read by who may read the newest, in the field, and by nobody else
    for who, status in (("rep", 200), ("admin", 200), ("ben", 404), ("clerk", 404), ("guest", 404)):
        assert [office.download(who, each["id"]).status_code for each in found] == [status] * 3
        assert office.http.get(f"/files/{third}/versions", headers=office.headers(who)).status_code == status
    assert office.download("rep", first).content == b"one"
    # nor by who has stored one, when the record goes to somebody else
    [ben] = office.ask("admin", '{ users(where: {name: {eq: "ben"}}) { nodes { id } } }')["data"]["users"]["nodes"]
    give = f'mutation {{ updateContract(id: "{contract}", input: {{ownerId: "{ben["id"]}"}}) {{ id }} }}'
    assert "errors" not in office.ask("admin", give)
    assert [office.download("rep", each["id"]).status_code for each in found] == [404] * 3
    assert [office.download("ben", each["id"]).status_code for each in found] == [200] * 3


def test_former_versions_stay_as_long_as_the_newest_is_attached_up_to_the_limit(office: Office) -> None:
    ids = [office.uploaded("rep", b"0", "text/plain")]
    contract = office.contract("rep", paperId=ids[0])
    files, now = office.records.files, dt.datetime.now(dt.UTC)
    for number in range(1, 6):
        ids.append(version(office, "rep", ids[-1], str(number)).json()["id"])
        assert files.clean(office.database, now + dt.timedelta(hours=1)) == 0
        attach(office, "rep", contract, ids[-1])
    assert [each["id"] for each in history(office, "rep", ids[-1])] == ids[:1:-1]  # itself and three
    assert files.clean(office.database, now + LATER) == 2
    assert [office.download("rep", each).status_code for each in ids] == [404, 404, 200, 200, 200, 200]
    assert [each["version"] for each in history(office, "rep", ids[-1])] == [6, 5, 4, 3]
    # a version that waits for its record keeps what it is a version of, also if that is attached no longer
    waiting = version(office, "rep", ids[-1], "waits").json()["id"]
    change = f'mutation {{ updateContract(id: "{contract}", input: {{paperId: null}}) {{ id }} }}'
    assert "errors" not in office.ask("rep", change)
    with office.database.begin() as connection:
        connection.execute(update(FILE).where(FILE.c.id != waiting).values(created_at=now - LATER))
    assert files.clean(office.database, now) == 1  # the oldest, which that has not
    attach(office, "rep", contract, waiting)
    assert [each["id"] for each in history(office, "rep", waiting)] == [waiting, *ids[:2:-1]]
    # and with the record all of them go, once it is in the trash no longer
    office.ask("rep", f'mutation {{ deleteContract(id: "{contract}") {{ id }} }}')
    assert files.clean(office.database, now + LATER) == 0
    with office.database.begin() as connection:
        assert remove_old(connection, now + LATER, 9) == 1
    assert files.clean(office.database, now + LATER) == 4
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(FILE_VERSION)) == 0
    assert office.counts() == (0, 0)


def test_a_version_of_somebody_else_is_a_branch_of_which_others_hear_nothing(office: Office) -> None:
    shared = office.uploaded("rep", b"shared", "text/plain")
    contract = office.contract("rep", paperId=shared)
    # another who may read it stores versions, attached elsewhere and not at all
    mine = version(office, "admin", shared, "secret").json()["id"]
    office.ask("admin", f'mutation {{ createContract(input: {{title: "s", paperId: "{mine}"}}) {{ id }} }}')
    version(office, "admin", shared, "loose")
    ours = version(office, "rep", shared, "ours").json()["id"]
    attach(office, "rep", contract, ours)
    assert [each["id"] for each in history(office, "rep", ours)] == [ours, shared]
    assert office.download("rep", mine).status_code == 404
    # what one may not read, one makes no version of
    for who, of in (("ben", shared), ("rep", mine), ("rep", "x"), ("rep", "00000000-0000-7000-8000-000000000000")):
        assert code(version(office, who, of, "no")) == (404, "NOT_FOUND")
    begun = {**PIECE, "Upload-Length": "2", "Upload-Metadata": pairs(filename="a", version_of=shared)}
    refused = office.http.post("/files/uploads", headers=office.headers("ben", **{**begun, "Content-Type": ""}))
    assert code(refused) == (404, "NOT_FOUND")
    upload = office.http.post("/files/uploads", headers=office.headers("rep", **{**begun, "Content-Type": ""}))
    assert send(office, "rep", upload.headers["location"], 0, b"up").status_code == 204
    assert [each["version"] for each in history(office, "rep", upload.headers["location"].rpartition("/")[2])] == [2, 1]


def test_a_former_version_is_made_the_newest_again(office: Office) -> None:
    first = office.uploaded("rep", PDF)
    contract = office.contract("rep", paperId=first)
    second = version(office, "rep", first, "two").json()["id"]
    attach(office, "rep", contract, second)

    def restore(who: str, of: str, wanted: str) -> Any:
        return office.http.post(f"/files/{of}/versions", params={"restore": wanted}, headers=office.headers(who))

    for wanted in (second, "x", "", "00000000-0000-7000-8000-000000000000"):
        assert code(restore("rep", second, wanted)) == (400, "BAD_REQUEST")
    assert code(restore("ben", second, first)) == (404, "NOT_FOUND")
    assert code(restore("clerk", second, first)) == (403, "FORBIDDEN")
    made = restore("rep", second, first)
    assert (made.status_code, made.json()["version"], made.json()["mediaType"]) == (201, 3, "application/pdf")
    attach(office, "rep", contract, made.json()["id"])
    assert office.download("rep", made.json()["id"]).content == PDF
    assert [each["size"] for each in history(office, "rep", made.json()["id"])] == [len(PDF), 3, len(PDF)]
    read = f'{{ contract(id: "{contract}") {{ paper {{ version }} }} }}'
    assert office.ask("rep", read)["data"]["contract"]["paper"] == {"version": 3}


def test_a_bundle_has_the_versions(office: Office, tmp_path: Path) -> None:
    first = office.uploaded("rep", b"one", "text/plain")
    second = version(office, "rep", first, "two").json()["id"]
    office.contract("rep", paperId=second)
    export_bundle(office.database, tmp_path / "a.zip")
    with closing(Database(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        import_bundle(other, tmp_path / "a.zip")
        with other.read() as connection:
            assert connection.execute(select(FILE_VERSION)).all() == [(second, first)]
