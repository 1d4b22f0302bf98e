"""Files that come along with a GraphQL request: stored, attached, and gone again where they are not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.files_kit import MAX_BYTES, PDF, PNG, Office, opened
from xrm_core.storage.engines import Database

CREATE = """mutation ($title: String!, $paper: ID, $photo: ID) {
    createContract(input: {title: $title, paperId: $paper, photoId: $photo}) {
        paper { name size } photo { mediaType } } }"""
NULLS = {"title": "x", "paper": None, "photo": None}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    with opened(database, tmp_path) as found:
        yield found


def post(office: Office, who: str, operations: Any, map_: Any, files: dict[str, Any], **headers: str) -> Any:
    data = {"operations": json.dumps(operations), "map": json.dumps(map_)}
    given = office.headers(who, **headers) if who else headers
    return office.http.post("/graphql", data=data, files=files, headers=given)


def code(answer: Any) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


def test_files_are_stored_and_attached_by_the_one_request(office: Office) -> None:
    files = {"0": ("a.pdf", PDF, "application/pdf"), "p": ("b.png", PNG, "image/png")}
    given = {"query": CREATE, "variables": NULLS}
    answer = post(office, "rep", given, {"0": ["variables.paper"], "p": ["variables.photo"]}, files)
    assert answer.json() == {
        "data": {"createContract": {"paper": {"name": "a.pdf", "size": len(PDF)}, "photo": {"mediaType": "image/png"}}}
    }
    assert office.counts() == (2, 2)
    # within objects of the variables, the same file twice
    one = "mutation ($a: CreateContractInput!, $b: CreateContractInput!) { \
        a: createContract(input: $a) { paper { id } } b: createContract(input: $b) { paper { id } } }"
    both = {"a": {"title": "x", "paperId": None}, "b": {"title": "y", "paperId": None}}
    paths = {"0": ["variables.a.paperId", "variables.b.paperId"]}
    found = post(office, "rep", {"query": one, "variables": both}, paths, {"0": files["0"]}).json()["data"]
    assert found["a"]["paper"] == found["b"]["paper"] != {"id": None}


def test_what_is_not_attached_leaves_nothing(office: Office) -> None:
    paper = {"0": ("a.pdf", PDF, "application/pdf")}
    at = {"0": ["variables.paper"]}
    # refused by the field, by the permission, by the document, by the content; and not used at all
    too_large = {"0": ("a.png", PNG + b"x" * 100, "image/png")}
    refused = post(office, "rep", {"query": CREATE, "variables": NULLS}, {"0": ["variables.photo"]}, too_large)
    assert refused.json()["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"
    assert code(post(office, "clerk", {"query": CREATE, "variables": NULLS}, at, paper)) == (403, "FORBIDDEN")
    assert code(post(office, "rep", {"query": "{ nothing }", "variables": NULLS}, at, paper))[1] == "BAD_QUERY"
    wrong = {"0": ("a.png", b"<script/>", "image/png")}
    assert code(post(office, "rep", {"query": CREATE, "variables": NULLS}, at, wrong)) == (422, "FILE_REFUSED")
    unused = 'mutation ($paper: ID) { createContract(input: {title: "x"}) { id } __typename @skip(if: true) }'
    post(office, "rep", {"query": unused, "variables": {"paper": None}}, at, paper)
    two = {"0": paper["0"], "1": wrong["0"]}
    both = {"0": ["variables.paper"], "1": ["variables.photo"]}
    assert code(post(office, "rep", {"query": CREATE, "variables": NULLS}, both, two)) == (422, "FILE_REFUSED")
    assert office.counts() == (0, 0)


def test_a_repeat_with_the_same_key_gets_the_same_answer_and_stores_no_file_again(office: Office) -> None:
    given, at, paper = (
        {"query": CREATE, "variables": NULLS},
        {"0": ["variables.paper"]},
        ("a.pdf", PDF, "application/pdf"),
    )
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = post(office, "rep", given, at, {"0": paper}, **key).json()
    assert first == post(office, "rep", given, at, {"0": paper}, **key).json()
    assert office.counts() == (1, 1)
    assert office.ask("rep", "{ contracts { totalCount } }")["data"]["contracts"]["totalCount"] == 1
    other = post(office, "rep", given, at, {"0": ("a.pdf", PDF + b"x", "application/pdf")}, **key)
    assert code(other)[1] == "IDEMPOTENCY_KEY_REUSED"
    assert office.counts() == (1, 1)


def test_a_dry_run_keeps_no_file(office: Office) -> None:
    dry = {"query": CREATE.replace("createContract(", "createContract(dryRun: true, "), "variables": NULLS}
    paper = {"0": ("a.pdf", PDF, "application/pdf")}
    assert "errors" not in post(office, "rep", dry, {"0": ["variables.paper"]}, paper).json()
    assert office.counts() == (0, 0)


@pytest.mark.parametrize(
    ("operations", "map_"),
    [
        ({"query": CREATE, "variables": NULLS}, {}),
        ({"query": CREATE, "variables": NULLS}, {"1": ["variables.paper"]}),
        ({"query": CREATE, "variables": NULLS}, {"0": []}),
        ({"query": CREATE, "variables": NULLS}, {"0": "variables.paper"}),
        ({"query": CREATE, "variables": NULLS}, {"0": [["variables", "paper"]]}),
        ({"query": CREATE, "variables": NULLS}, {"0": ["variables.title"]}),
        ({"query": CREATE, "variables": NULLS}, {"0": ["variables.other"]}),
        ({"query": CREATE, "variables": NULLS}, {"0": ["variables.paper", "variables.paper"]}),
        ({"query": CREATE, "variables": NULLS}, {"0": ["query"]}),
        ({"query": CREATE, "variables": NULLS, "operationName": None}, {"0": ["operationName"]}),
        ({"query": CREATE, "variables": {"list": [None]}}, {"0": ["variables.list.1"]}),
        ({"query": CREATE, "variables": {"list": [None]}}, {"0": ["variables.list.-1"]}),
        ({"query": CREATE, "variables": None}, {"0": ["variables.paper"]}),
        ({"query": CREATE, "variables": NULLS}, ["0"]),
        ([{"query": CREATE, "variables": NULLS}], {"0": ["0.variables.paper"]}),
    ],
)
def test_bodies_that_are_not_as_the_specification_says_are_refused(
    sqlite_office: Office, operations: Any, map_: Any
) -> None:
    answer = post(sqlite_office, "rep", operations, map_, {"0": ("a.pdf", PDF, "application/pdf")})
    assert code(answer) == (422, "BAD_REQUEST")
    assert sqlite_office.counts() == (0, 0)


@pytest.fixture(scope="module")
def sqlite_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("multipart")
    database = Database(f"sqlite:///{folder / 'office.db'}")
    with opened(database, folder) as found:
        yield found


def test_limits_hold(sqlite_office: Office) -> None:
    given, at = {"query": CREATE, "variables": NULLS}, {"0": ["variables.paper"], "1": ["variables.photo"]}
    half = b"%PDF-" + b"x" * (MAX_BYTES // 2)
    two = {"0": ("a", half, "application/pdf"), "1": ("b", half, "application/pdf")}
    assert code(post(sqlite_office, "rep", given, at, two)) == (413, "FILE_TOO_LARGE")
    far = {"0": ("a", half * 6, "application/pdf")}
    assert code(post(sqlite_office, "rep", given, {"0": ["variables.paper"]}, far)) == (413, "FILE_TOO_LARGE")
    many = {str(number): ("a", b"x") for number in range(21)}
    maps = {str(number): ["variables.paper"] for number in range(21)}
    assert code(post(sqlite_office, "rep", given, maps, many)) == (422, "BAD_REQUEST")
    headers = sqlite_office.headers("rep", **{"Content-Type": "multipart/form-data; boundary=x"})
    assert code(sqlite_office.http.post("/graphql", content=b"--y\r\n?", headers=headers)) == (422, "BAD_REQUEST")
    assert code(post(sqlite_office, "", given, at, {})) == (401, "UNAUTHENTICATED")
    assert sqlite_office.counts() == (0, 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", "Apollo-Require-Preflight": "true"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://testserver"}, 401),  # goes on, to a session that there is not
        ({"X-XRM-CSRF": "1"}, 401),
    ],
)
def test_another_page_sends_no_form_with_a_cookie(sqlite_office: Office, headers: dict[str, str], status: int) -> None:
    cookie = {"Cookie": "xrm_session=xrmc_0000000000000000000000000000000000000"}
    given, at = {"query": CREATE, "variables": NULLS}, {"0": ["variables.paper"]}
    answer = post(sqlite_office, "", given, at, {"0": ("a.pdf", PDF, "application/pdf")}, **headers, **cookie)
    assert answer.status_code == status
