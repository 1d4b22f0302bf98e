"""The examples of the pages about data protection, in their order."""

import json

import pytest

from tests.docs.pages import DOCS, examples
from tests.dsgvo.conftest import KEY
from xrm_core.testing import Setup, Xrm

NAMES = ("consent", "sending", "processors", "record", "breaches", "discovery", "requests", "proof")
PAGES = [DOCS / "dsgvo" / f"{name}.md" for name in NAMES]
NAMES = {
    "$declaration": "{ consentDeclarations { nodes { id } } }",
    "$purpose": "{ consentPurposes { nodes { id } } }",
    "$point": '{ contactPoints(where: {value: {eq: "ben@example.com"}}) { nodes { id } } }',
}
"""Ids in documents, by what finds them."""


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment={**KEY, "XRM_DSGVO_PUBLIC_URL": "https://crm.example.com"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_are_answered_as_the_page_says(xrm: Xrm, page):
    found = list(examples(page, "dsgvo"))
    assert found
    for example in found:
        document = example.query
        for name, query in NAMES.items():
            if name in document:
                [nodes] = xrm.as_role("admin").query(query).values()
                document = document.replace(name, nodes["nodes"][0]["id"])
        assert json.loads(xrm.as_role(example.role).post(document).content) == example.answer, document
