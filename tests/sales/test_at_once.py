"""Sums and limits over several records, while several people write at once."""

from concurrent.futures import ThreadPoolExecutor

from tests.sales.conftest import Sales
from tests.sales.test_quotes import ITEM, Quotes, quotes  # noqa: F401 - a fixture

LINE = "mutation ($i: CreateOpportunityItemInput!) { createOpportunityItem(input: $i) { id } }"
MEMBER = "mutation ($i: CreateOpportunityMemberInput!) { createOpportunityMember(input: $i) { id } }"


def test_lines_of_a_quote_that_come_at_once_are_all_in_its_sum(quotes: Quotes):  # noqa: F811
    id_, admin = quotes.quote(), quotes.sales.admin
    lines = [{"quoteId": id_, "productId": quotes.press, "position": at} for at in range(1, 7)]

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda line: admin.post(ITEM, input=line).json(), lines))

    made = [answer for answer in answers if "errors" not in answer]
    found = quotes.read(id_)
    assert len(found["items"]["nodes"]) == len(made) == 6
    assert found["netTotal"] == "7200.00"


def test_items_of_an_opportunity_that_come_at_once_are_all_in_its_amount(sales: Sales):
    id_, product = sales.opportunity(), sales.xrm.create("product", sku="P", name="Press")
    item = {"opportunityId": id_, "productId": product, "quantity": "1", "unitPrice": "10"}
    lines = [{**item, "position": at} for at in range(1, 7)]

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda line: sales.admin.post(LINE, i=line).json(), lines))

    assert [answer for answer in answers if "errors" in answer] == []
    found = sales.xrm.get("opportunity", id_)
    assert found is not None
    assert found["amount"] == 60


def test_shares_that_come_at_once_are_not_more_than_all_of_it(sales: Sales):
    id_ = sales.opportunity()
    users = [sales.xrm.as_role("sales_rep", first_name=name).user_id for name in ("Ada", "Ben", "Cleo")]
    shares = [{"opportunityId": id_, "userId": user, "role": "support", "splitPercent": "60"} for user in users]

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda share: sales.admin.post(MEMBER, i=share).json(), shares))

    refused = [each["extensions"]["code"] for answer in answers for each in answer.get("errors", [])]
    assert refused == ["REFUSED_BY_PLUGIN"] * 2


def test_leads_that_come_at_once_have_each_its_turn(sales: Sales):
    ada, ben = (sales.xrm.as_role("sales_rep", first_name=name).user_id for name in ("Ada", "Ben"))
    sales.xrm.create("scoring_rule", name="All", points=50)
    rule = sales.xrm.create("routing_rule", name="In turn", method="round_robin")
    for user in (ada, ben):
        sales.xrm.create("routing_rule_member", routing_rule=rule, user=user, capacity=3)
    make = "mutation ($i: CreateLeadInput!) { createLead(input: $i) { owner { id } } }"

    with ThreadPoolExecutor(6) as threads:
        answers = list(
            threads.map(lambda number: sales.admin.post(make, i={"lastName": f"No. {number}"}).json(), range(6))
        )

    owners = [answer["data"]["createLead"]["owner"]["id"] for answer in answers]
    assert sorted(owners) == sorted([ada, ben] * 3)
