"""GraphiQL at ``/``: served whole from this package, with nothing fetched from elsewhere."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from xrm_core.server.graphiql import FOLDER, routes

ASSETS = FOLDER / "assets"
INDEX = (FOLDER / "index.html").read_text(encoding="utf-8")
CONFIG: Mapping[str, object] = {
    "demo": True,
    "roles": [{"name": "sales", "label": "Vertrieb", "token": "t-1"}],
    "examples": [{"title": "Who am I", "role": "sales", "query": "{ me { id } }", "variables": None}],
}

FOREIGN_URL = r"""["'`]?\s*(?:https?:|wss?:)?//[\w.-]"""
FETCHED_FROM_ELSEWHERE = re.compile(
    rf"""
      \bimport\s*\(\s*{FOREIGN_URL}                                     # import("https://…")
    | \b(?:import|from)\s*["'](?:https?:)?//                            # from "https://…"
    | \b(?:importScripts|fetch|Worker|SharedWorker|EventSource|WebSocket|URL)\s*\(\s*{FOREIGN_URL}
    | \burl\(\s*{FOREIGN_URL}                                           # CSS
    | @import\s*{FOREIGN_URL}
    | <(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)\s*=\s*{FOREIGN_URL}
    | (?:unpkg\.com|jsdelivr\.net|cdnjs\.|//esm\.sh|googleapis\.com|gstatic\.com)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=routes(lambda: CONFIG))) as client:
        yield client


def built_files() -> list[Path]:
    return [FOLDER / "index.html", *sorted(ASSETS.iterdir())]


def test_the_page_is_served_at_the_root(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "<title>xRM</title>" in answer.text


def test_the_configuration_is_asked_for_anew_with_every_request() -> None:
    # given a configuration that changes
    answers = iter([{"demo": False}, CONFIG])
    client = TestClient(Starlette(routes=routes(lambda: next(answers))))
    # when it is asked for twice
    first, second = client.get("/graphiql/config.json"), client.get("/graphiql/config.json")
    # then each answer is the present one, and no cache keeps the tokens in it
    assert first.json() == {"demo": False}
    assert second.json() == CONFIG
    assert second.headers["content-type"] == "application/json"
    assert second.headers["cache-control"] == "no-store"


def test_every_asset_is_served_with_its_type_and_kept_for_long(client: TestClient) -> None:
    types = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
    for file in ASSETS.iterdir():
        answer = client.head(f"/graphiql/assets/{file.name}")
        assert answer.status_code == 200, file.name
        assert answer.headers["content-type"] == types[file.suffix], file.name
        assert answer.headers["content-length"] == str(file.stat().st_size), file.name
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable", file.name


def test_an_asset_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    path = f"/graphiql/assets/{next(ASSETS.glob('*.css')).name}"
    etag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("path", ["/", "/graphiql/config.json", f"/graphiql/assets/{next(ASSETS.glob('*.js')).name}"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    directives = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    "path", ["/graphiql/assets/none.js", "/graphiql/assets/", "/graphiql/assets/../__init__.py", "/graphiql/index.html"]
)
def test_nothing_but_the_assets_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/graphiql/config.json"])
def test_the_page_and_its_configuration_are_only_read(client: TestClient, path: str) -> None:
    assert client.post(path).status_code == 405


def test_the_page_needs_no_inline_script() -> None:
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", INDEX, re.DOTALL)
    assert scripts, "the page has a script"
    assert all("src=" in attributes and not body.strip() for attributes, body in scripts)
    assert not re.search(r"\son\w+=|javascript:", INDEX)


def test_all_files_the_page_names_are_in_the_package() -> None:
    # given the files named in the page, and the chunks and workers named in the scripts
    named = set(re.findall(r'"graphiql/assets/([^"]+)"', INDEX))
    for script in ASSETS.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        named |= set(re.findall(r"""["']\./([\w.-]+-[A-Z0-9]{8}\.(?:js|css))["']""", text))
        named |= set(re.findall(r"""["']([\w.-]+\.worker-[A-Z0-9]{8}\.js)["']""", text))
    # then they are exactly those that lie there: none is missing, none is left over from an earlier build
    assert named == {file.name for file in ASSETS.iterdir()}


@pytest.mark.parametrize("file", built_files(), ids=lambda file: file.name)
def test_no_file_fetches_from_elsewhere(file: Path) -> None:
    found = FETCHED_FROM_ELSEWHERE.search(file.read_text(encoding="utf-8"))
    assert found is None, found and found.group()


@pytest.mark.parametrize(
    "text",
    [
        'import("https://esm.sh/x")',
        'import x from"https://host.example/x.js"',
        'import"//host.example/x.js"',
        'new Worker("https://host.example/w.js")',
        'new Worker(new URL("https://host.example/w.js"))',
        "importScripts('//host.example/w.js')",
        "@import 'https://host.example/x.css';",
        "src: url(https://host.example/x.woff2)",
        '<script crossorigin src="https://host.example/x.js">',
        "<link rel=stylesheet href=//host.example/x.css>",
        '"https://unpkg.com/graphiql"',
    ],
)
def test_a_fetch_from_elsewhere_would_be_found(text: str) -> None:
    assert FETCHED_FROM_ELSEWHERE.search(text)


def test_the_licences_of_what_is_bundled_lie_beside_it() -> None:
    notices = (FOLDER / "THIRD_PARTY_LICENSES.txt").read_text(encoding="utf-8")
    for package in ("graphiql", "react", "react-dom", "monaco-editor", "graphql", "prettier"):
        assert re.search(rf"^{package} \d+\.\d+\.\d+ \(MIT\)$", notices, re.MULTILINE), package


def test_the_page_stays_small_enough_to_be_committed() -> None:
    assert sum(file.stat().st_size for file in built_files()) < 7 * 1024 * 1024
