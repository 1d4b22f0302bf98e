"""Every GraphQL example of the README and the docs gives the answer that stands below it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.docs.conftest import Serve
from tests.docs.pages import DOCS, README, REPOSITORY, Example, examples, pages

GROUPS = {
    "README": [README],
    "docs": [page for page in pages() if page.parent == DOCS],
    "errors": [page for page in pages() if page.parent == DOCS / "errors"],
}


def ask(client: TestClient, tokens: dict[str, str], example: Example) -> Any:
    """The answer of the server to an example, in English; the role ``none`` has no token."""
    token = {} if example.role == "none" else {"Authorization": f"Bearer {tokens[example.role]}"}
    headers = {"Accept-Language": "en", **token}
    body = {"query": example.query, "variables": example.variables}
    return client.post("/graphql", json=body, headers=headers).json()


@pytest.mark.parametrize("group", GROUPS)
def test_the_examples_give_the_answers_shown(
    group: str, copy_of_demo: Callable[[Path], Path], serve: Serve, tmp_path: Path
):
    shown = [example for page in GROUPS[group] for example in examples(page)]
    assert len(shown) >= 5

    # given a fresh demo, when the examples are asked in the order of the pages
    with serve(copy_of_demo(tmp_path / "data"), REPOSITORY / "schemas") as (client, tokens):
        answers = [ask(client, tokens, example) for example in shown]

    # then each answer is the one on the page
    for example, answer in zip(shown, answers, strict=True):
        assert answer == example.answer, f"{example.page.name}: {example.query}"


def test_reads_answer_the_same_through_the_executor(copy_of_demo: Callable[[Path], Path], serve: Serve, tmp_path: Path):
    # given the examples that read
    reads = [example for page in pages() for example in examples(page) if not example.query.startswith("mutation")]
    compared = 0
    with serve(copy_of_demo(tmp_path / "data"), REPOSITORY / "schemas") as (client, tokens):
        for example in reads:
            direct = ask(client, tokens, example)
            # when introspection stands beside them, which graphql-core's executor has to answer
            beside = f"{example.query.rstrip().removesuffix('}')} __schema {{ queryType {{ name }} }} }}"
            executed = ask(client, tokens, replace(example, query=beside))
            # then the data is the same
            if direct.get("data"):
                assert executed["data"].pop("__schema") == {"queryType": {"name": "Query"}}
                assert executed == direct
                compared += 1
    assert compared >= 8


def test_no_graphql_block_is_left_out():
    for page in pages():
        written = page.read_text("utf-8").count("```graphql")
        kinds = ("demo", "vehicle", "ask", "fields", "account", "sales", "dsgvo")
        assert written == len([each for kind in kinds for each in examples(page, kind)]), page.name
