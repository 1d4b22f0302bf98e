"""Commissions follow what is won, and are released by somebody else."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.commissions.reckoning import part, shares_of

from tests.sales.conftest import Sales

WIN = "mutation ($id: ID!) { winOpportunity(id: $id, input: {}) { id } }"
REOPEN = "mutation ($id: ID!) { reopenOpportunity(id: $id, input: {}) { id } }"
RELEASE = "mutation ($id: ID!) { releaseCommission(id: $id) { status releasedBy { id } } }"
PAY = 'mutation ($id: ID!) { payCommission(id: $id, input: {paidOn: "2026-07-01"}) { status paidOn } }'
READ = """query ($id: ID!) { opportunity(id: $id) { commissions(orderBy: [{id: ASC}]) {
  nodes { id status amount basis percent sharePercent user { id } rule { name } }
} } }"""


@pytest.fixture
def ada(sales: Sales) -> str:
    return sales.xrm.as_role("sales_seller", first_name="Ada").user_id


def rule(sales: Sales, name: str = "All", **values: Any) -> str:
    return sales.xrm.create("commission_rule", {"name": name, "percent": 5, **values})


def of(sales: Sales, opportunity: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sales.admin.query(READ, id=opportunity)["opportunity"]["commissions"]["nodes"]
    return found


def amounts(sales: Sales, opportunity: str) -> list[tuple[str, str]]:
    return [(each["amount"], each["status"]) for each in of(sales, opportunity)]


def change(sales: Sales, opportunity: str, **values: Any) -> None:
    document = (
        "mutation ($id: ID!, $input: UpdateOpportunityInput!) { updateOpportunity(id: $id, input: $input) { id } }"
    )
    sales.admin.query(document, id=opportunity, input=values)


@given(
    st.lists(st.decimals("0.01", 100, places=2), min_size=1, max_size=5),
    st.decimals(0, 100, places=4),
    st.decimals(0, 10**9, places=2),
)
def test_nobody_gets_more_than_their_share_and_all_are_near_the_whole(
    splits: list[Decimal], percent: Decimal, basis: Decimal
):
    shares = shares_of(None, [{"user": str(place), "split_percent": split} for place, split in enumerate(splits)])
    rate = {"id": "r", "percent": percent, "most": None}

    parts = [part(user, share, rate, basis, "EUR").amount for user, share in shares.items()]

    assert len(parts) == len(splits)
    assert abs(sum(parts) - basis * percent * sum(splits) / 10_000) <= Decimal("0.005") * len(parts)


def test_without_shares_it_is_the_owners():
    assert shares_of("eva", [{"user": "ada", "split_percent": 0}]) == {"eva": 100}
    assert shares_of(None, []) == {}


def test_the_first_rule_that_fits_counts_for_each(sales: Sales, ada: str):
    rule(sales, "Large", position=1, percent=2, condition={"amount": {"gte": 50_000}})
    rule(sales, "Old", position=2, percent=50, valid_until="2020-12-31")
    rule(sales, "Ada's", position=3, percent=10, most=500, user=ada)
    rule(sales, "All", position=4)
    id_ = sales.opportunity(amount="10000.00")
    for user, split in ((ada, 40), (sales.rep.user_id, 60)):
        sales.xrm.create("opportunity_member", opportunity=id_, user=user, split_percent=split, role="account_manager")

    sales.rep.query(WIN, id=id_)

    found = {each["user"]["id"]: each for each in of(sales, id_)}
    assert (found[ada]["rule"]["name"], found[ada]["amount"]) == ("Ada's", "200.00")
    mine = found[sales.rep.user_id]
    assert (mine["rule"]["name"], mine["amount"], mine["sharePercent"], mine["status"]) == (
        "All",
        "300.00",
        "60.00",
        "earned",
    )


def test_what_is_earned_follows_the_sale_and_what_is_released_is_corrected(sales: Sales):
    rule(sales)
    id_ = sales.opportunity(amount="1000.00")
    sales.rep.query(WIN, id=id_)
    assert amounts(sales, id_) == [("50.00", "earned")]

    change(sales, id_, amount="1200.00")
    assert amounts(sales, id_) == [("60.00", "earned")]
    [first] = of(sales, id_)
    assert sales.admin.query(RELEASE, id=first["id"])["releaseCommission"]["status"] == "released"
    assert sales.admin.query(PAY, id=first["id"]) == {"payCommission": {"status": "paid", "paidOn": "2026-07-01"}}
    change(sales, id_, amount="1000.00")
    assert amounts(sales, id_) == [("60.00", "paid"), ("-10.00", "earned")]

    sales.admin.query(REOPEN, id=id_)
    assert amounts(sales, id_) == [("60.00", "paid"), ("-60.00", "earned")]
    sales.rep.query(WIN, id=id_)
    assert amounts(sales, id_) == [("60.00", "paid"), ("-10.00", "earned")]


def test_a_sale_that_is_none_after_all_earns_nothing(sales: Sales):
    rule(sales)
    id_ = sales.opportunity(amount="1000.00")
    sales.rep.query(WIN, id=id_)

    sales.admin.query(REOPEN, id=id_)

    assert amounts(sales, id_) == [("50.00", "cancelled")]


def test_nobody_releases_their_own_and_nothing_is_paid_before(sales: Sales):
    rule(sales)
    id_ = sales.opportunity(amount="1000.00", ownerId=sales.admin.user_id)
    sales.rep.query(WIN, id=id_)
    [mine] = of(sales, id_)

    refused = sales.admin.refused(RELEASE, "REFUSED_BY_PLUGIN", id=mine["id"])

    assert refused.message == "Nobody releases their own commission."
    assert sales.admin.refused(PAY, "REFUSED_BY_PLUGIN", id=mine["id"]).details["field"] == "status"


def test_sellers_see_their_own(sales: Sales):
    rule(sales)
    ada = sales.xrm.as_role("sales_seller", first_name="Ada")
    for owner in (ada.user_id, sales.rep.user_id):
        sales.rep.query(WIN, id=sales.opportunity(amount="1000.00", ownerId=owner))

    [seen] = ada.query("{ commissions { nodes { id amount } } }")["commissions"]["nodes"]

    kept = sales.xrm.get("commission", seen["id"])
    assert kept is not None
    assert (kept["user"], seen["amount"]) == (ada.user_id, "50.00")


def test_a_condition_that_does_not_fit_is_refused(sales: Sales):
    make = 'mutation ($if: JSON) { createCommissionRule(input: {name: "x", percent: 1, condition: $if}) { id } }'

    for wrong in ({"nothing": {"eq": 1}}, {"amount": {"eq": "many"}}, {"amount": 5}):
        assert sales.admin.refused(make, "REFUSED_BY_PLUGIN", **{"if": wrong}).details["field"] == "condition"
