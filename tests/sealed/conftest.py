"""Practices, whose files lie at one place or at each in turn."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.sealed.practice import Practice, practice_at
from tests.storage.content_kit import BUCKET, KEYS, client, s3_server
from xrm_core.storage.engines import Database


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as found:
        yield found


@pytest.fixture
def practice(database: Database, tmp_path: Path) -> Iterator[Practice]:
    """Files lie in the database."""
    yield from practice_at(database, tmp_path)


@pytest.fixture(params=["database", "disk", "s3"])
def anywhere(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Practice]:
    """Files lie at each place in turn."""
    more: dict[str, Any] = {}
    endpoint = ""
    if request.param == "disk":
        more = {"files": (str(tmp_path / "content"),)}
    if request.param == "s3":
        endpoint = request.getfixturevalue("endpoint")
        for each in client(endpoint).list_objects_v2(Bucket=BUCKET).get("Contents", []):
            client(endpoint).delete_object(Bucket=BUCKET, Key=each["Key"])
        more = {"files": (f"s3://{BUCKET}/a",), "s3_endpoint": endpoint, "s3_region": "us-east-1", **KEYS}
    with closing(Database(sqlite_url)) as database:
        for found in practice_at(database, tmp_path, **more):
            found.endpoint = endpoint
            yield found
