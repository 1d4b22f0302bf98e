"""The letter of a quote whose customer the caller does not see."""

import pytest

from tests.sales.conftest import POLICIES, Sales
from xrm_core.testing import Setup


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    narrow = {
        "roles": {"narrow": {"labels": {"de": "Nur die eigenen", "en": "Own ones only"}}},
        "rules": {"narrow_mine": {"owner": {"id": {"eq": "$user"}}}},
    }
    reads = [f"narrow,{each},read,*,,allow" for each in ("quote", "quote_item", "contact", "user", "product")]
    policies = [*POLICIES, *reads, "narrow,customer,read,*,narrow_mine,allow"]
    return Setup(plugins=["sales"], roles=narrow, policies=policies)


def test_there_is_no_letter_to_a_customer_that_the_caller_does_not_see(sales: Sales):
    quote = sales.xrm.create("quote", subject="Press", customer=sales.customer)
    path = f"/plugins/sales/quotes/{quote}/letter.pdf"

    assert sales.xrm.as_role("narrow").request("GET", path).status_code == 404
    assert sales.admin.request("GET", path).status_code == 200
