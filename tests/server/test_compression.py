"""Answers of GraphQL compressed for those who take it."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.server.http_kit import Client, serving
from xrm_core.server.compression import MIN_BYTES
from xrm_core.storage.engines import Database

LARGE = "{ __schema { types { name fields { name } } } }"
SMALL = "{ users { totalCount } }"


def get(client: Client, query: str, encoding: str = "gzip", method: str = "GET", **headers: str) -> Any:
    """What goes over the line, as it is: the client unpacks nothing."""
    given = {"Authorization": f"Bearer {client.token}", "Accept-Encoding": encoding, **headers}
    with client.http.stream(method, "/graphql", params={"query": query}, headers=given) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip;q=0.1", "*"])
def test_large_answers_are_compressed_and_the_same(database: Database, tmp_path: Path, encoding: str) -> None:
    with serving(database, tmp_path) as client:
        plain, content = get(client, LARGE, "identity")
        packed, raw = get(client, LARGE, encoding)
        assert len(content) > MIN_BYTES
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert (gzip.decompress(raw), packed.headers["content-length"]) == (content, str(len(raw)))
        assert len(raw) < len(content) / 3
        # what stands on the way may not give one for the other
        assert "Accept-Encoding" in packed.headers["vary"]
        assert packed.headers["vary"] == plain.headers["vary"]
        head, nothing = get(client, LARGE, encoding, "HEAD")
        id_ = {"x-request-id": packed.headers["x-request-id"]}
        assert ({**head.headers, **id_}, nothing) == (dict(packed.headers), b"")
        posted = client.post({"query": LARGE}, **{"Accept-Encoding": encoding})
        assert (posted.headers["content-encoding"], posted.content) == ("gzip", content)


def test_small_answers_and_those_who_do_not_take_it_get_them_plain(database: Database, tmp_path: Path) -> None:
    with serving(database, tmp_path) as client:
        for query, encoding in ((SMALL, "gzip"), (LARGE, "gzip;q=0"), (LARGE, "br, zstd"), (LARGE, "")):
            answer, raw = get(client, query, encoding)
            assert "content-encoding" not in answer.headers
            assert raw.startswith(b'{"data"')
            assert answer.headers["content-length"] == str(len(raw))


def test_an_answer_that_is_refused_is_compressed_alike(database: Database, tmp_path: Path) -> None:
    with serving(database, tmp_path) as client:
        answer, raw = get(client, "{" + " ".join(f"none{number}" for number in range(200)) + "}")
        assert (answer.status_code, answer.headers["content-encoding"]) == (422, "gzip")
        assert gzip.decompress(raw).startswith(b'{"errors"')


def test_very_large_answers_are_compressed_apart(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xrm_core.server.compression._APART_BYTES", 1)
    with serving(database, tmp_path) as client:
        assert gzip.decompress(get(client, LARGE)[1]) == get(client, LARGE, "identity")[1]


def test_the_operator_can_leave_it_to_the_proxy(database: Database, tmp_path: Path) -> None:
    with serving(database, tmp_path, compression=False) as client:
        answer, raw = get(client, LARGE)
        assert "content-encoding" not in answer.headers
        assert raw.startswith(b'{"data"')
