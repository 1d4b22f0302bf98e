"""Every example of the demo's page, asked over HTTP of a running demo."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.cli.conftest import Server
from xrm_core.demo import DEMO_USERS
from xrm_core.demo.examples import EXAMPLES, Example


def is_empty(data: Any) -> bool:
    """Whether an answer shows nothing: null or empty lists all over."""
    if isinstance(data, dict):
        return all(is_empty(value) for value in data.values())
    if isinstance(data, list):
        return not data or all(is_empty(value) for value in data)
    return data is None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_an_example_answers_its_role(example: Example, demo: Server):
    status, answer = demo.graphql(demo.tokens()[example.role], example.query, example.variables)

    assert (status, answer.get("errors")) == (200, None)
    assert not is_empty(answer["data"])
    for name, value in answer["data"].items():
        nodes = value.get("nodes") if isinstance(value, dict) else value
        assert nodes is None or len(nodes) > 0, f"{name} has nothing to show"


def test_examples_are_for_all_roles_and_can_be_told_apart():
    titles = [example.title for example in EXAMPLES]
    assert {example.role for example in EXAMPLES} == set(DEMO_USERS)
    assert max(Counter(titles).values()) == 1
    assert not [(one, other) for one in titles for other in titles if one != other and one in other]
    assert len(EXAMPLES) >= 10


def test_what_the_examples_say_of_guests(demo: Server):
    token = demo.tokens()["guest"]
    for query in ("{contacts{totalCount}}", "{customers{nodes{annualRevenue}}}"):
        status, answer = demo.graphql(token, query)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (422, "BAD_QUERY")
        assert "data" not in answer


def test_the_page_has_roles_with_tokens_and_the_examples(demo: Server):
    page = json.loads(demo.get("graphiql/config.json"))

    assert page["demo"] is True
    assert {role["name"]: role["token"] for role in page["roles"]} == demo.tokens()
    assert [role["label"] for role in page["roles"]] == ["Administrator", "Sales representative", "Guest"]
    assert [example["title"] for example in page["examples"]] == [example.title for example in EXAMPLES]
    assert b"<title>xRM</title>" in demo.get("")
