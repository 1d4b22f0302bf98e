"""The examples of the pages about sales, in their order."""

import json
from datetime import UTC, datetime

import pytest

from tests.docs.pages import DOCS, examples
from xrm_core.testing import Setup, Xrm

PAGES = sorted((DOCS / "sales").glob("*.md"))
NAMES = {
    "$stage": '{ stages(where: {name: {eq: "Proposal"}}) { nodes { id } } }',
    "$product": "{ products { nodes { id } } }",
    "$lead": "{ leads { nodes { id } } }",
}
"""Ids in documents, by what finds them."""


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["sales"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_are_answered_as_the_page_says(xrm: Xrm, page):
    client = xrm.as_role("admin")
    found = list(examples(page, "sales"))
    assert found
    for example in found:
        document = example.query
        for name, query in NAMES.items():
            if name in document:
                [nodes] = client.query(query).values()
                document = document.replace(name, nodes["nodes"][0]["id"])
        answer = json.loads(json.dumps(example.answer).replace("$year", f"{datetime.now(UTC).year}"))
        assert json.loads(client.post(document).content) == answer, document
