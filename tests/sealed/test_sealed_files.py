"""Files of sealed fields: encrypted where they lie, opened for who may open what is sealed, whole or in part."""

import base64
import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select, update

from tests.sealed.practice import CANARY, COLUMNS, CONTENT, PACKED, Practice
from xrm_core.api import FileScan, hookimpl, read_file
from xrm_core.plugins import Plugins
from xrm_core.plugins.registration import InstalledPlugin
from xrm_core.records import read_log
from xrm_core.records.context import Context
from xrm_core.records.file_scans import FileScans
from xrm_core.records.vault.moving import move_to_vault
from xrm_core.records.vault.returning import bring_back
from xrm_core.sealed.errors import SealedKeyDestroyed
from xrm_core.server.content_stores import content_stores
from xrm_core.storage.bundle import export_bundle, import_bundle
from xrm_core.storage.contents import Contents
from xrm_core.storage.contents.moving import move_passing
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FileState, StoredFile
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.sealed_tables import mark_of


def test_it_is_in_clear_nowhere_and_whole_and_in_part_for_who_may_open_it(anywhere: Practice) -> None:
    # given
    file = anywhere.filed()
    assert CANARY in anywhere.raw()

    # when
    anywhere.report(contactId=anywhere.contact(), findingId=file)

    # then neither content nor name is anywhere, also where it is brought to the store
    settings = anywhere.platform.settings
    for _ in range(2):
        raw = anywhere.raw()
        assert not [each for each in (CANARY, PACKED, PACKED.hex().encode(), "Känarie".encode()) if each in raw]
        assert move_passing(anywhere.database, content_stores(settings).of("")) in (0, 1)
    assert bool(list(anywhere.outside())) is bool(settings.files)
    # and who may open what is sealed has all of it, or a part
    answer = anywhere.download("dsb", file)
    assert answer.content == CONTENT
    assert "filename*=UTF-8''K%C3%A4narie.txt" in answer.headers["content-disposition"]
    assert answer.headers["content-type"].startswith("text/plain")
    for part in (range(3), range(262_080, 262_100), range(262_140, 262_150), range(len(CONTENT) - 5, len(CONTENT))):
        range_ = f"bytes={part.start}-{part.stop - 1}"
        answer = anywhere.http.get(f"/files/{file}", headers=anywhere.headers("dsb", Range=range_))
        assert (answer.status_code, answer.content) == (206, CONTENT[part.start : part.stop])
    for who in ("admin", "clerk"):  # the one has stored it
        assert anywhere.download(who, file).status_code == 404


def test_whoever_has_opened_it_is_in_the_log_and_may_make_a_link(practice: Practice) -> None:
    file = practice.filed()
    report = practice.report(contactId=practice.contact(), findingId=file)

    link = practice.http.post(f"/files/{file}/links", headers=practice.headers("dsb")).json()["url"]

    assert practice.http.get(link).content == CONTENT
    assert practice.http.post(f"/files/{file}/links", headers=practice.headers("admin")).status_code == 404
    with practice.database.read() as connection:
        [read] = read_log.logged(connection)
    assert (read.entity, *read.record_ids, read.fields) == ("report", report, ("finding",))


def test_the_api_has_no_word_of_it_but_takes_it(practice: Practice) -> None:
    query = """{ read: __type(name: "Report") { fields { name } }
      write: __type(name: "CreateReportInput") { inputFields { name } } }"""
    found = practice.ask("dsb", query)["data"]
    assert "finding" not in {each["name"] for each in found["read"]["fields"]}
    assert "findingId" in {each["name"] for each in found["write"]["inputFields"]}
    # what the field takes is asked as of every other
    for wrong in (
        practice.filed(b"x" * 400_001),
        practice.uploaded("admin", b"\x89PNG\r\n\x1a\n" + bytes(9), "image/png"),
    ):
        assert practice.tried(findingId=wrong)["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"


def test_plugins_open_what_there_is_to_say_of_it(practice: Practice) -> None:
    file = practice.filed()
    report = practice.report(contactId=practice.contact(), findingId=file)
    with practice.database.begin() as connection:
        context = practice.context(connection)
        [found] = practice.records.open_sealed(connection, context.system, "report", report).values()
        said = json.loads(found.text or "")
        clear = context.in_clear("report", context.read("report", report) or {})
    assert (said["id"], said["name"], said["size"], said["state"]) == (file, "Känarie.txt", len(CONTENT), "ready")
    assert clear["finding"] == said


def test_another_subject_takes_the_key_over_and_a_destroyed_one_leaves_nothing(practice: Practice) -> None:
    # given a file that was Anna's, and is Ben's by now
    anna, ben = practice.contact(), practice.contact("Ben")
    file = practice.filed()
    report = practice.report(contactId=anna, findingId=file)
    change = "mutation($id: ID!, $c: ID!) { updateReport(id: $id, input: {contactId: $c}) { id } }"
    assert "errors" not in practice.ask("admin", change, id=report, c=ben)
    with practice.database.read() as connection:
        mark = mark_of(connection) or ""
    assert practice.records.key_store is not None

    # when
    practice.records.key_store.destroy(mark, anna)
    assert practice.download("dsb", file).content == CONTENT
    practice.records.key_store.destroy(mark, ben)

    # then
    answer = practice.download("dsb", file)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (410, "SEALED_KEY_DESTROYED")
    assert practice.tried(contactId=ben, findingId=practice.filed())["errors"]


def test_versions_are_sealed_along_and_one_file_is_one_persons(practice: Practice) -> None:
    anna = practice.contact()
    first = practice.filed(CANARY, who="dsb")
    second = practice.filed(who="dsb", versionOf=first)
    report = practice.report("dsb", contactId=anna, findingId=second)
    third = practice.filed(CANARY * 2, who="dsb", versionOf=second)
    change = "mutation($id: ID!, $f: ID!) { updateReport(id: $id, input: {findingId: $f}) { id } }"
    assert "errors" not in practice.ask("dsb", change, id=report, f=third)

    found = practice.http.get(f"/files/{third}/versions", headers=practice.headers("dsb")).json()["versions"]

    assert [(each["id"], each["name"]) for each in found] == [(id_, "Känarie.txt") for id_ in (third, second, first)]
    assert practice.download("dsb", first).content == CANARY
    assert CANARY not in practice.raw()
    # the same file is nobody else's, and in no field that is not sealed; of the same person it may be twice
    assert practice.tried("dsb", contactId=practice.contact("Ben"), findingId=third)["errors"]
    assert "is sealed" in practice.tried("dsb", coverId=third)["errors"][0]["message"]
    practice.report("dsb", contactId=anna, findingId=third)
    shared = practice.filed(CANARY)
    practice.report(coverId=shared)
    assert practice.tried(findingId=shared)["errors"][0]["extensions"]["code"] == "FILE_REFUSED"
    # nor in a field of the same record that is not sealed
    cover = practice.filed(CANARY)
    assert practice.tried(coverId=cover, findingId=cover)["errors"][0]["extensions"]["code"] == "FILE_REFUSED"
    mine = practice.report(coverId=cover)
    assert practice.ask("admin", change, id=mine, f=cover)["errors"][0]["extensions"]["code"] == "FILE_REFUSED"
    assert practice.download("clerk", cover).content == CANARY


def test_it_goes_into_the_vault_as_it_is_and_comes_back(practice: Practice) -> None:
    contact = practice.contact()
    file = practice.filed()
    report = practice.report(contactId=contact, findingId=file)

    with practice.database.begin() as connection:
        deposit = move_to_vault(practice.context(connection), contact, [("report", report)])
    assert practice.download("dsb", file).status_code == 404
    with practice.database.begin() as connection:
        bring_back(practice.context(connection), deposit.id)

    assert practice.download("dsb", file).content == CONTENT
    with practice.database.begin() as connection:
        connection.execute(update(FILE).values(state=FileState.QUARANTINED))
    assert practice.download("dsb", file).status_code == 403


def test_a_scan_that_comes_later_sees_it_in_clear(practice: Practice) -> None:
    # given a file that was attached while the scanner did not answer
    file = practice.filed()
    practice.report(contactId=practice.contact(), findingId=file)
    with practice.database.begin() as connection:
        connection.execute(update(FILE).values(state=FileState.PENDING))
    seen: list[Any] = []

    class Scanner:
        @hookimpl
        def scan_file(self, file: dict[str, object], content: Any) -> FileScan:
            seen.append((file["name"], content.read()))
            return FileScan.CLEAN

    # when
    scans = FileScans(Plugins([InstalledPlugin("mk", Scanner())]))
    assert scans.look_again(practice.database, Contents(), practice.records.files) == 1

    # then
    assert seen == [("Känarie.txt", CONTENT)]
    assert practice.download("dsb", file).content == CONTENT


def test_what_comes_to_be_sealed_is_in_clear_at_no_time(anywhere: Practice) -> None:
    # given
    file = anywhere.filed(sealed="true")
    leaked = (CANARY, PACKED.hex().encode(), "Känarie".encode())
    with anywhere.database.read() as connection:
        copied = dict(connection.execute(select(FILE).where(FILE.c.id == file)).mappings().one())
    assert not [each for each in leaked if each in anywhere.raw()]
    assert anywhere.download("admin", file).content == CONTENT  # who has stored it, until it is attached
    assert anywhere.download("clerk", file).status_code == 404
    assert "is sealed" in anywhere.tried(coverId=file)["errors"][0]["message"]

    # when
    anywhere.report(contactId=anywhere.contact(), findingId=file)

    # then it lies where it lay, and is the person's
    assert not [each for each in leaked if each in anywhere.raw()]
    assert bool(list(anywhere.outside())) is bool(anywhere.platform.settings.files)
    assert anywhere.download("dsb", file).content == CONTENT
    assert anywhere.download("admin", file).status_code == 404
    # and when the day is over, a copy of before opens no more
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    waiting = anywhere.filed(CANARY, sealed="true")
    assert anywhere.records.files.clean(anywhere.database, later) == 1
    assert anywhere.download("admin", waiting).status_code == 404
    assert anywhere.download("dsb", file).content == CONTENT
    with anywhere.database.read() as connection, pytest.raises(SealedKeyDestroyed):
        anywhere.records.files.opened(connection, StoredFile(**{name: copied[name] for name in COLUMNS}))


def test_a_former_version_that_comes_back_is_sealed_on_its_way(practice: Practice) -> None:
    first = practice.filed(CANARY, who="dsb", sealed="true")
    second = practice.filed(who="dsb", versionOf=first, sealed="true")
    practice.report("dsb", contactId=practice.contact(), findingId=second)

    path = f"/files/{second}/versions?restore={first}"
    third = practice.http.post(path, headers=practice.headers("dsb")).json()

    assert (third["name"], third["size"], third["version"]) == ("Känarie.txt", len(CANARY), 3)
    assert CANARY not in practice.raw()
    assert practice.download("dsb", third["id"]).content == CANARY
    headers = practice.headers("dsb")
    assert practice.http.post("/files?sealed=perhaps", content=b"x", headers=headers).status_code == 400


def test_a_bundle_has_it_as_it_lies_and_it_opens_where_the_keys_are(anywhere: Practice, tmp_path: Path) -> None:
    # given one file that is sealed, and one that is in the vault
    contact = anywhere.contact()
    sealed, moved = anywhere.filed(sealed="true"), anywhere.filed()
    anywhere.report(contactId=contact, findingId=sealed)
    gone = anywhere.report(contactId=contact, coverId=moved)
    with anywhere.database.begin() as connection:
        deposit = move_to_vault(anywhere.context(connection), contact, [("report", gone)])

    # when
    contents = content_stores(anywhere.platform.settings).of("")
    export_bundle(anywhere.database, tmp_path / "a.zip", contents=contents)
    with closing(Database(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        import_bundle(other, tmp_path / "a.zip")

        # then
        with ZipFile(tmp_path / "a.zip") as bundle:
            lines = [line for name in bundle.namelist() for line in bundle.read(name).splitlines()]
            stored = [json.loads(line)["content"] for line in bundle.read("system/xrm_file_chunk.jsonl").splitlines()]
        chunks = [base64.b64decode(each) for each in stored]
        assert sum(map(len, chunks)) > 2 * len(CONTENT)
        assert not [each for each in (CANARY, "Känarie".encode()) for part in (*lines, *chunks) if each in part]
        with other.begin() as connection:
            there = Context(anywhere.records, connection, anywhere.context(connection).system, ("action", "mk.lift"))
            bring_back(there, deposit.id)
        for file in (sealed, moved):
            with other.read() as connection:
                found = anywhere.records.files.require(connection, there.system, file)
                clear = anywhere.records.files.opened(connection, found)
            with closing(Contents().reader(other, clear, range(clear.size))) as reader:
                assert b"".join(iter(reader.read, b"")) == CONTENT


def test_a_plugin_reads_a_file_wherever_it_lies_sealed_or_not(anywhere: Practice) -> None:
    # given a file that nothing refers to yet, and a sealed one with a former version
    plain, contact = anywhere.filed(b"plain"), anywhere.contact()
    former = anywhere.filed()
    file = anywhere.filed(versionOf=former)
    anywhere.report(contactId=contact, findingId=file)

    # then
    with anywhere.database.read() as connection:
        context = anywhere.context(connection)
        clear, sealed = read_file(context, plain), read_file(context, file)
        assert clear is not None
        assert (b"".join(clear.pieces()), clear.former, clear.quarantined) == (b"plain", (), False)
        assert sealed is not None
        assert (sealed.name, sealed.media_type, sealed.size) == ("Känarie.txt", "text/plain", len(CONTENT))
        for _ in range(2):
            assert b"".join(sealed.pieces()) == CONTENT
        assert sealed.former == (former,)
        for nothing in ("no id", contact):
            assert read_file(context, nothing) is None


def test_what_is_in_the_vault_or_has_no_key_is_not_read(practice: Practice) -> None:
    plain, contact = practice.filed(b"plain"), practice.contact()
    report = practice.report(contactId=contact, findingId=practice.filed(), coverId=plain)
    with practice.database.begin() as connection:
        [file] = connection.scalars(select(FILE.c.id).where(FILE.c.sealed.is_not(None)))
        context = practice.context(connection)
        deposit = move_to_vault(context, contact, [("report", report)])
        assert [read_file(context, each) for each in (plain, file)] == [None, None]
        bring_back(context, deposit.id)
        assert read_file(context, plain) is not None
        mark = mark_of(connection)
    assert practice.records.key_store is not None
    practice.records.key_store.destroy(mark, contact)

    with practice.database.read() as connection:
        assert read_file(practice.context(connection), file) is None
