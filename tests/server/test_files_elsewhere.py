"""Files whose content lies in a folder or a bucket, over HTTP."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.server.files_kit import PDF, Office, opened
from tests.storage.content_kit import BUCKET, KEYS, s3_server
from xrm_core.errors import SettingsError
from xrm_core.plugins import Plugins
from xrm_core.records.files import described
from xrm_core.server.content_stores import content_stores
from xrm_core.server.tenant_moves import create_tenant, remove_tenant, tenant_url
from xrm_core.settings import load_settings
from xrm_core.storage import file_store
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import StoredFile
from xrm_core.storage.file_tables import CHUNK_BYTES, FILE

LONG = PDF + b"x" * CHUNK_BYTES


@pytest.fixture(params=["disk", "s3"])
def office(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    with closing(Database(sqlite_url)) as database:
        if request.param == "disk":
            with opened(database, tmp_path, files=(str(tmp_path / "content"),)) as found:
                yield found
            return
        with s3_server() as endpoint:
            more: dict[str, Any] = {"files": (f"s3://{BUCKET}/a",), "s3_endpoint": endpoint, "s3_region": "us-east-1"}
            with opened(database, tmp_path, **more, **KEYS) as found:
                yield found


def test_files_come_and_go_and_are_never_taken_for_whole_if_they_changed(office: Office) -> None:
    answer = office.upload("rep", LONG)
    file_id = answer.json()["id"]
    assert set(answer.json()) == {"id", "name", "mediaType", "size", "sha256", "version", "state", "url"}
    assert office.counts() == (1, 0)
    assert office.contract("rep", paperId=file_id)
    assert office.download("rep", file_id).content == LONG
    part = office.http.get(f"/files/{file_id}", headers=office.headers("rep", Range="bytes=262140-262150"))
    assert (part.status_code, part.content) == (206, LONG[262140:262151])
    head = office.http.head(f"/files/{file_id}", headers=office.headers("rep"))
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(LONG)))
    assert office.download("ben", file_id).status_code == 404
    with office.database.begin() as connection:
        connection.execute(update(FILE).values(sha256="0" * 64))
    with pytest.raises(Exception, match="could not be sent whole"):
        office.download("rep", file_id)


def test_a_store_that_is_not_named_any_longer_says_nothing_of_itself(office: Office) -> None:
    file_id = office.uploaded("rep")
    with office.database.begin() as connection:
        connection.execute(update(FILE).values(content_key=f"ftp:secret/place/{file_id}"))
    answer = office.download("rep", file_id)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "FILES_UNAVAILABLE"
    assert "secret" not in answer.text


def test_a_tenant_that_is_removed_takes_its_content_along(sqlite_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    settings = load_settings(database_url=sqlite_url, data_dir=tmp_path, schemas=Path("schemas"), files=(str(folder),))
    for tenant in ("acme", "other"):
        create_tenant(settings, Plugins(), tenant)
        with closing(Database(tenant_url(settings, tenant))) as database:
            stream = io.BytesIO(PDF)
            file = described("a.pdf", None, stream)
            contents = content_stores(settings).of(tenant)
            with contents.put(database, file, stream) as kept, database.begin() as connection:
                whole = StoredFile(file.id, file.name, file.media_type, file.size, file.sha256, kept.name)
                file_store.add(connection, whole, None, None)
    remove_tenant(settings, "acme")
    [left] = [each.relative_to(folder) for each in folder.rglob("*") if each.is_file()]
    assert left.parts[0] == "other"


@pytest.mark.parametrize(
    "wrong",
    [
        {"XRM_FILES": "ftp://x/y"},
        {"XRM_FILES": "/a,/b"},
        {"XRM_FILES": "s3://UPPER"},
        {"XRM_FILES": "s3://a?b=c"},
        {"XRM_S3_ENDPOINT": "file:///etc/passwd"},
        {"XRM_S3_ENDPOINT": "https://user:geheim@x"},
    ],
)
def test_places_that_are_none_are_refused(wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "geheim" not in str(refused.value)


def test_no_credentials_are_told() -> None:
    settings = load_settings(files=("s3://bucket",), **KEYS)
    [store] = content_stores(settings).all
    assert not any(secret in f"{settings!r} {vars(store)!r}" for secret in KEYS.values())
