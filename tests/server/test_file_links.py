"""Links to files that need no token: for one file of one tenant, for a short time, as long as the key is there."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.server.files_kit import PDF, PNG, Office, opened
from xrm_core.auth.secret_box import SecretKeyNeeded
from xrm_core.server.file_links import FileLinks, LinkRefused
from xrm_core.storage.engines import Database

OLD, NEW = ("0123456789abcdef" * 3, "fedcba9876543210" * 3)
FILE = "019abc00-0000-7000-8000-000000000001"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    with opened(database, tmp_path, secret_key=OLD) as found:
        yield found


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


def link(office: Office, who: str, file_id: str, **headers: str) -> Any:
    return office.http.post(f"/files/{file_id}/links", headers=office.headers(who, **headers))


def test_who_may_read_a_file_makes_links_and_whoever_has_one_reads_it(office: Office) -> None:
    paper, photo = office.uploaded("rep"), office.uploaded("rep", PNG, "image/png")
    office.contract("rep", paperId=paper, photoId=photo)
    made = link(office, "rep", paper)
    assert made.status_code == 201
    assert made.json()["expiresAt"].endswith("+00:00")
    got = office.http.get(made.json()["url"])
    assert (got.status_code, got.content) == (200, PDF)
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''a.pdf"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["repr-digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(PDF).digest()).decode()}:"
    part = office.http.get(made.json()["url"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"%PDF")
    # who may not read the file, or shows nothing, makes none
    assert code(link(office, "clerk", paper)) == (404, "NOT_FOUND")
    assert link(office, "clerk", photo).status_code == 201
    assert code(link(office, "ben", paper)) == (404, "NOT_FOUND")
    assert code(link(office, "admin", paper, **{"X-View-As": "rep"})) == (403, "FORBIDDEN")
    assert code(office.http.post(f"/files/{paper}/links")) == (401, "UNAUTHENTICATED")
    assert code(link(office, "rep", "x")) == (404, "NOT_FOUND")
    # nor is a link good for anything else
    other = made.json()["url"].replace(paper, photo)
    for url in (other, made.json()["url"].replace("expires=", "expires=9"), made.json()["url"][:-1] + "_"):
        assert code(office.http.get(url)) == (403, "LINK_REFUSED")
    assert code(office.http.get(f"/files/{paper}?signature=")) == (403, "LINK_REFUSED")
    assert code(office.http.post(made.json()["url"].replace("?", "/links?"))) == (401, "UNAUTHENTICATED")


def test_a_digest_is_compared_when_a_file_comes(office: Office) -> None:
    right = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    for digest, status in ((right, 201), (wrong, 422), ("x", 400)):
        headers = office.headers("rep", **{"Content-Digest": f"sha-256=:{digest}:"})
        assert office.http.post("/files", content=PDF, headers=headers).status_code == status
    assert office.counts() == (1, 1)


def signed(links: FileLinks, tenant: str = "acme") -> tuple[str, str]:
    query = parse_qs(urlsplit(f"?{links.sign(tenant, FILE)[0]}").query)
    return query["expires"][0], query["signature"][0]


def test_links_end_with_their_time_and_with_their_key() -> None:
    now = [1000.0]
    links = FileLinks(OLD, 60, lambda: now[0])
    expires, signature = signed(links)
    links.check("acme", FILE, expires, signature)
    rotated = FileLinks(f"{NEW},{OLD}", 60, lambda: now[0])
    rotated.check("acme", FILE, expires, signature)
    assert signed(rotated)[1] != signature
    for other, tenant in (
        (FileLinks(NEW, 60, lambda: now[0]), "acme"),
        (links, "other"),
        (links, ""),
        (FileLinks("", 1), "acme"),
    ):
        with pytest.raises(LinkRefused):
            other.check(tenant, FILE, expires, signature)
    now[0] = 1060.0
    with pytest.raises(LinkRefused):
        links.check("acme", FILE, expires, signature)
    with pytest.raises(SecretKeyNeeded):
        FileLinks("", 60).sign("acme", FILE)


@pytest.mark.parametrize("strange", ["", "ä", "\ud800", "9" * 5000, "1e9", "-1", "0x10", "\0", "\n"])
def test_whatever_stands_in_a_link_is_refused(strange: str) -> None:
    links = FileLinks(OLD, 60)
    expires, signature = signed(links)
    for given in ((strange, signature), (expires, strange), (strange, strange)):
        with pytest.raises(LinkRefused):
            links.check("acme", FILE, *given)
