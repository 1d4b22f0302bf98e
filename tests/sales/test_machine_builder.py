"""Makers of machines with the quotes of this plugin: the pack stands on them; a line for a part goes all the way."""

import pytest

from tests.sales.test_quotes import act
from xrm_core.testing import Setup, Xrm


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["sales"], pack="machine_builder_sales")


QUOTE = "mutation ($id: ID!) { quoteOpportunity(id: $id, input: {}) { quote } }"
READ = """query ($id: ID!) { quote(id: $id) {
  project { name }
  items { nodes { text net subject { __typename ... on SparePart { name } } } }
  replacedBy { nodes { project { name } items { nodes { subject { __typename } } } } }
  orders { nodes { items { nodes { text subject { __typename } } } } }
} }"""


def test_a_part_goes_from_the_opportunity_to_quote_version_and_order(xrm: Xrm) -> None:
    admin = xrm.as_role("admin")
    admin.query("mutation { salesInstallDefaults }")
    customer = xrm.create("customer", name="Miller Ltd")
    xrm.create("tax_rate", country="DE", category="standard", percent=19, valid_from="2007-01-01")
    project = xrm.create("project", name="Hall 2", customer=customer)
    part = xrm.create(
        "spare_part", part_number="B-1", name="Belt", category="wear", price={"amount": 90, "currency": "EUR"}
    )
    opportunity = xrm.create("opportunity", name="Belts", customer=customer)
    line = {"text": "Belt", "unit_price": 90, "quantity": 2, "subject": {"spare_part": part}}
    xrm.create("opportunity_item", opportunity=opportunity, position=1, **line)

    id_ = admin.query(QUOTE, id=opportunity)["quoteOpportunity"]["quote"]
    admin.query(
        "mutation ($id: ID!, $project: ID!) { updateQuote(id: $id, input: {projectId: $project}) { id } }",
        id=id_,
        project=project,
    )
    act(admin, "submitQuote", id_)
    act(admin, "sendQuote", id_)
    act(admin, "reviseQuote", id_)
    act(admin, "acceptQuote", id_)

    found = admin.query(READ, id=id_)["quote"]
    belt = {"text": "Belt", "net": "180.00", "subject": {"__typename": "SparePart", "name": "Belt"}}
    assert (found["project"], found["items"]["nodes"]) == ({"name": "Hall 2"}, [belt])
    [version] = found["replacedBy"]["nodes"]
    assert version == {
        "project": {"name": "Hall 2"},
        "items": {"nodes": [{"subject": {"__typename": "SparePart"}}]},
    }
    [order] = found["orders"]["nodes"]
    assert order["items"]["nodes"] == [{"text": "Belt", "subject": {"__typename": "SparePart"}}]
