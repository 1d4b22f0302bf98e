"""Downloads: entity tags, parts of files, and who gets them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.files_kit import PDF, Office, opened
from xrm_core.server.file_ranges import RangeNotSatisfiable, part_of
from xrm_core.storage.engines import Database
from xrm_core.storage.file_tables import CHUNK_BYTES

LONG = PDF + bytes(range(256)) * 2300
"""Three chunks."""


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    with opened(database, tmp_path) as found:
        yield found


def get(office: Office, who: str, file_id: str, method: str = "GET", **headers: str) -> Any:
    given = office.headers(who, **{name.replace("_", "-"): value for name, value in headers.items()})
    return office.http.request(method, f"/files/{file_id}", headers=given)


@pytest.mark.parametrize(
    ("range_", "part"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-5", range(2, 6)),
        ("Bytes= 2-5 ", range(2, 6)),
        ("bytes=90-", range(90, 100)),
        ("bytes=90-1000", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-1000", range(100)),
        # the whole: none, several, or what is no range
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("bytes=--5", None),
        ("bytes=٣-", None),
        ("items=0-1", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_a_range_is_a_part_or_it_is_passed_over(range_: str | None, part: range | None) -> None:
    assert part_of(100, range_, None, '"t"') == part


@pytest.mark.parametrize("range_", ["bytes=100-", "bytes=100-200", "bytes=999999999999999999-", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_had(range_: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        part_of(100, range_, None, '"t"')
    assert part_of(100, range_, '"other"', '"t"') is None


@pytest.mark.parametrize("if_range", ['"other"', 'W/"t"', "Wed, 21 Oct 2026 07:28:00 GMT", "t", ""])
def test_another_file_than_the_client_began_with_comes_whole(if_range: str) -> None:
    assert part_of(100, "bytes=50-", if_range, '"t"') is None
    assert part_of(100, "bytes=50-", '"t"', '"t"') == range(50, 100)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0, 0),
        (5, 50),
        (CHUNK_BYTES - 1, CHUNK_BYTES),
        (CHUNK_BYTES, 2 * CHUNK_BYTES - 1),
        (1, 2 * CHUNK_BYTES + 5),
        (0, len(LONG) - 1),
        (len(LONG) - 1, len(LONG) - 1),
    ],
)
def test_a_part_is_these_bytes_and_no_others(office: Office, first: int, last: int) -> None:
    file_id = office.uploaded("rep", LONG)
    answer = get(office, "rep", file_id, Range=f"bytes={first}-{last}")
    assert (answer.status_code, answer.content) == (206, LONG[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(LONG)}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_download_that_broke_off_goes_on_where_it_was(office: Office) -> None:
    file_id = office.uploaded("rep", LONG)
    whole = get(office, "rep", file_id)
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    half = len(LONG) // 2
    rest = get(office, "rep", file_id, Range=f"bytes={half}-", If_Range=whole.headers["etag"])
    assert (rest.status_code, LONG[:half] + rest.content) == (206, LONG)
    other = get(office, "rep", file_id, Range=f"bytes={half}-", If_Range='"other"')
    assert (other.status_code, other.content) == (200, LONG)
    # HEAD has no parts
    head = get(office, "rep", file_id, "HEAD", Range="bytes=0-1")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(LONG)), b"")
    # behind the end there is nothing
    nothing = get(office, "rep", file_id, Range=f"bytes={len(LONG)}-")
    assert (nothing.status_code, nothing.headers["content-range"]) == (416, f"bytes */{len(LONG)}")
    [error] = nothing.json()["errors"]
    assert error["extensions"]["code"] == "RANGE_NOT_SATISFIABLE"


def test_who_has_the_file_gets_no_content_again(office: Office) -> None:
    file_id = office.uploaded("rep", LONG)
    whole = get(office, "rep", file_id)
    tag = f'"{hashlib.sha256(LONG).hexdigest()}"'
    assert (whole.headers["etag"], whole.headers["cache-control"]) == (tag, "private, no-cache")
    assert "Authorization" in whole.headers["vary"]
    for given in (tag, f"W/{tag}", "*", f'"x", {tag}'):
        for method in ("GET", "HEAD"):
            again = get(office, "rep", file_id, method, If_None_Match=given, Range="bytes=0-1")
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == "private, no-cache"
    assert get(office, "rep", file_id, If_None_Match='"x"').content == LONG


def test_nobody_gets_304_or_a_part_of_a_file_that_they_may_not_read(office: Office) -> None:
    file_id = office.uploaded("rep")
    id_ = office.contract("rep", paperId=file_id)
    tag = get(office, "rep", file_id).headers["etag"]
    wanted = [{"If_None_Match": tag}, {"If_None_Match": "*"}, {"Range": "bytes=0-1"}, {"Range": "bytes=9999999-"}]
    for who in ("ben", "clerk", "guest"):
        for headers in wanted:
            for method in ("GET", "HEAD"):
                answer = get(office, who, file_id, method, **headers)
                assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
                assert not {"etag", "content-range", "accept-ranges"} & set(answer.headers)
    for headers in wanted:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        assert office.http.get(f"/files/{file_id}", headers=given).status_code == 401
    # The right goes with the record: then the tag of who had it opens nothing any more
    users = office.ask("admin", '{ users(where: {name: {eq: "ben"}}) { nodes { id } } }')
    ben = users["data"]["users"]["nodes"][0]["id"]
    office.ask("admin", f'mutation {{ updateContract(id: "{id_}", input: {{ownerId: "{ben}"}}) {{ id }} }}')
    assert get(office, "rep", file_id, If_None_Match=tag).status_code == 404
    assert get(office, "ben", file_id, If_None_Match=tag).status_code == 304


def test_files_are_not_compressed(office: Office) -> None:
    file_id = office.uploaded("rep", b"text " * 1000, "text/plain")
    answer = get(office, "rep", file_id, Accept_Encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == "5000"
