"""``xrm query explain``: SQL, plan, cost and missing indexes of a query, under somebody's rights."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from tests.cli.conftest import BOOK, TEXT, USER, Xrm, write_pack
from tests.storage.worlds import NOW, record_id
from xrm_core.metadata.loader import load_texts
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

BOOKS = 1500


@pytest.fixture(params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, tmp_path: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack with more books than a table has that may be read whole, on each database."""
    url = f"sqlite:///{tmp_path}/library.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("XRM_DATABASE_URL", url)
    relation = {"x-relation": {"to": "user", "inverse": "books", "on_delete": "set_null"}}
    keywords = {**TEXT, "x-search": True}
    book = {**BOOK, "shelf": {**TEXT, "x-index": True}, "reader": relation, "keywords": keywords}
    pack = write_pack(tmp_path / "schemas", user=USER, book=book)
    permissions = pack / "permissions"
    roles = json.loads((permissions / "roles.json").read_text())
    roles["roles"]["owner"] = {"labels": {"en": "Owner"}}
    roles["rules"] = {"mine": {"reader": {"id": {"eq": "$user"}}, "summary": {"eq": "good"}}}
    (permissions / "roles.json").write_text(json.dumps(roles))
    with (permissions / "policies.csv").open("a") as file:
        file.write("owner,book,read,*,mine,allow\nowner,user,read,*,,allow\n")
    assert xrm("schema", "apply").code == 0
    assert xrm("user", "create", "--email", "ada@example.org", "--role", "owner").code == 0
    model = load_texts([(each.name, each.read_text(), "core") for each in sorted(pack.glob("*.json"))])
    database = Database(url)
    table = Tables(model)["book"]
    rows = [
        {
            "id": record_id(number),
            "title": f"t{number}",
            "pages": number,
            "summary": f"s{number}",
            "shelf": "a",
            "keywords": f"{number:05} {'und viele Wörter ' * 11}",
        }
        for number in range(1, BOOKS + 1)
    ]
    with database.begin() as connection:
        connection.execute(insert(table), [{**row, "created_at": NOW, "updated_at": NOW, "version": 1} for row in rows])
        if request.param == "postgresql":
            connection.exec_driver_sql("SELECT gin_clean_pending_list('xrm_search_book')")  # as VACUUM does
            connection.exec_driver_sql("ANALYZE book")
    database.close()
    return pack


def document(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "query.graphql"
    file.write_text(text)
    return file


def explained(xrm: Xrm, file: Path, *words: str) -> Any:
    outcome = xrm("query", "explain", file, "--json", *words)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


BY_SUMMARY = """query ($summary: String!, $first: Int) {
  books(where: {summary: {eq: $summary}}, orderBy: [{pages: DESC}], first: $first) { nodes { title } }
  kind: __typename
}"""


def test_sql_plan_cost_and_missing_indexes_are_printed(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    # Given a query that looks for a field without an index
    file = document(tmp_path, BY_SUMMARY)
    # When it is explained
    outcome = xrm("query", "explain", file, "--role", "clerk", "--variables", '{"summary": "s7", "first": 20}')
    # Then there are the statement with its values, what the database makes of it, and what to do
    assert outcome.code == 0, outcome.err
    assert re.search(r"== books\n\nSELECT .*FROM book AS", outcome.out, re.DOTALL)
    assert "'s7'" in outcome.out
    assert re.search(r"SCAN book_1|Seq Scan on book", outcome.out)
    assert "Cost: 20 points of at most 250000.\n         20  books\n" in outcome.out
    assert f'"x-index": true for book.summary: the filter compares it, and all {BOOKS} records' in outcome.out
    assert '"x-index": true for book.pages: the list is sorted by it' in outcome.out


def test_with_the_index_nothing_is_missing(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    file = document(tmp_path, '{ books(where: {title: {eq: "t7"}}) { nodes { title } } }')
    found = explained(xrm, file, "--role", "clerk")
    assert found["indexes"] == []
    assert not [line for field in found["fields"] for line in field["plan"] if line["whole"]]


def test_a_search_by_its_index_is_shown_and_nothing_advised(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    file = document(tmp_path, "query ($t: String) { books(where: {search: $t}) { nodes { title } } }")
    found = explained(xrm, file, "--role", "clerk", "--variables", '{"t": "01234"}')
    plan = [line for field in found["fields"] for line in field["plan"]]
    assert any(re.search(r"xrm_find_book_fts VIRTUAL TABLE INDEX|by xrm_search_book", line["text"]) for line in plan)
    assert ([line for line in plan if line["whole"]], found["indexes"]) == ([], [])


def test_rules_of_the_role_count(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    # Given a role with a row rule, and a user who has it
    file = document(tmp_path, "{ booksAggregate { count } }")
    found = explained(xrm, file, "--user", "ada@example.org")
    # Then the rule is in the statement, with the user's id, and the field that it compares is told
    [field] = found["fields"]
    assert "summary" in field["sql"]
    assert any(len(str(value)) == 36 for value in field["values"])
    without = explained(xrm, file, "--role", "clerk")
    assert "summary" not in without["fields"][0]["sql"]


def test_nested_lists_count_in_the_cost(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    file = document(tmp_path, "{ users(first: 10) { nodes { books(first: 5) { nodes { title } } } } }")
    assert explained(xrm, file, "--role", "clerk")["cost"] == {
        "requested": 60,
        "limit": 250_000,
        "fields": [{"path": ["users", "nodes", "books"], "points": 50}, {"path": ["users"], "points": 10}],
    }


def test_the_limit_is_that_of_the_role(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    # Given a role with a limit of its own
    file = library / "permissions" / "roles.json"
    roles = json.loads(file.read_text())
    roles["roles"]["reader"]["limits"] = {"cost": 100}
    file.write_text(json.dumps(roles))
    assert xrm("permissions", "apply").code == 0
    query = document(tmp_path, "query ($n: Int) { books(first: $n) { nodes { title } } }")
    # When a query of this role is explained, within the limit and beyond
    outcome = xrm("query", "explain", query, "--role", "reader", "--variables", '{"n": 100}')
    beyond = xrm("query", "explain", query, "--role", "reader", "--variables", '{"n": 101}')
    # Then it counts, and for others the usual one, also together with that role
    assert "Cost: 100 points of at most 100." in outcome.out
    assert (beyond.code, "your limit is 100" in beyond.err) == (1, True)
    both = explained(xrm, query, "--role", "reader", "--role", "clerk", "--variables", '{"n": 101}')
    assert both["cost"]["limit"] == 250_000


def test_a_plan_can_be_run(library: Path, tmp_path: Path, xrm: Xrm) -> None:
    file = document(tmp_path, '{ books(where: {title: {eq: "t7"}}) { nodes { title } } }')
    lines = [line["text"] for line in explained(xrm, file, "--role", "clerk", "--analyze")["fields"][0]["plan"]]
    # SQLite does not say what its steps took
    assert any("found 1" in line for line in lines) is not lines[0].startswith("SCAN")


@pytest.mark.parametrize(
    ("text", "words", "code", "said"),
    [
        ("{ books { nodes { title } } }", (), "BAD_QUERY", "--role"),
        ("{ books { nodes { title } } }", ("--role", "nobody"), "SETTINGS", "clerk, owner, reader"),
        ("{ books { nodes { title } } }", ("--user", "eve@example.org"), "NOT_FOUND", "eve@example.org"),
        ("{ books { nodes { pages } } }", ("--role", "reader"), "BAD_QUERY", "pages"),
        ("{ books { nodes", ("--role", "clerk"), "BAD_QUERY", "Syntax"),
        ("mutation { deleteBook(id: 1) { id } }", ("--role", "clerk"), "BAD_QUERY", "Only queries"),
        ("{ __schema { types { name } } }", ("--role", "clerk"), "BAD_QUERY", "introspection"),
        ("{ books(first: 9999) { nodes { id } } }", ("--role", "clerk"), "QUERY_TOO_LARGE", "1000"),
        (BY_SUMMARY, ("--role", "clerk"), "BAD_QUERY", "$summary"),
        (BY_SUMMARY, ("--role", "clerk", "--variables", "{"), "BAD_QUERY", "JSON"),
        (BY_SUMMARY, ("--role", "clerk", "--variables", "[]"), "BAD_QUERY", "object"),
        ("query A { __typename } query B { __typename }", ("--role", "clerk"), "BAD_QUERY", "operation"),
    ],
)
def test_what_would_be_refused_is_refused(
    applied: Path, tmp_path: Path, xrm: Xrm, text: str, words: tuple[str, ...], code: str, said: str
) -> None:
    roles = applied / "permissions" / "roles.json"
    roles.write_text(
        json.dumps({"roles": {**json.loads(roles.read_text())["roles"], "owner": {"labels": {"en": "O"}}}})
    )
    assert xrm("permissions", "apply").code == 0
    outcome = xrm("query", "explain", document(tmp_path, text), *words)
    assert outcome.code == 1
    assert f"error {code}" in outcome.err
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_a_file_that_is_not_there_is_told(applied: Path, xrm: Xrm) -> None:
    assert "nowhere.graphql" in xrm("query", "explain", "nowhere.graphql", "--role", "clerk").failed("BAD_QUERY")
