"""Opportunities: they begin, move, are won and lost, and what must be so before."""

import random
from decimal import Decimal

import pytest

from tests.sales.conftest import MOVE, Sales

READ = """
query ($id: ID!) { opportunity(id: $id) {
  status probability forecastCategory amount expectedRevenue closedOn cycleDays stage { name } lossReason { name }
  lostTo { name } competitors { nodes { name } }
  stagePeriods(orderBy: [{enteredAt: ASC}]) { nodes { stage { name } leftAt days amount } }
} }"""
CREATE = "mutation ($input: CreateOpportunityInput!) { createOpportunity(input: $input) { status cycleDays } }"
WIN = """
mutation ($id: ID!, $input: WinOpportunityInput) {
  winOpportunity(id: $id, input: $input) { status closedOn amount }
}"""
LOSE = "mutation ($id: ID!, $input: LoseOpportunityInput!) { loseOpportunity(id: $id, input: $input) { status } }"


def test_an_opportunity_begins_in_the_first_stage_of_the_default_pipeline(sales: Sales):
    id_ = sales.opportunity(amount="20000.00")

    found = sales.rep.query(READ, id=id_)["opportunity"]

    assert found["stage"] == {"name": "Qualification"}
    assert (found["status"], found["probability"], found["forecastCategory"]) == ("open", 10, "pipeline")
    assert found["expectedRevenue"] == "2000.00"
    assert [each["stage"]["name"] for each in found["stagePeriods"]["nodes"]] == ["Qualification"]


def test_a_move_takes_probability_and_history_along(sales: Sales):
    id_ = sales.opportunity(amount="100.00")

    sales.move(id_, "Proposal")
    sales.move(id_, "Needs analysis")

    found = sales.rep.query(READ, id=id_)["opportunity"]
    assert found["probability"] == 25
    periods = found["stagePeriods"]["nodes"]
    assert [each["stage"]["name"] for each in periods] == ["Qualification", "Proposal", "Needs analysis"]
    assert [each["leftAt"] is None for each in periods] == [False, False, True]


def test_it_is_won_by_the_action_and_in_no_other_way(sales: Sales):
    id_ = sales.opportunity(amount="100.00", engagedOn="2026-11-01")

    refused = sales.rep.refused(MOVE, "REFUSED_BY_PLUGIN", id=id_, stage=sales.stages["Won"])
    assert refused.message == "An opportunity is won by the action winOpportunity."
    won = sales.rep.query(WIN, id=id_, input={"closedOn": "2026-11-27", "amount": "120.00"})["winOpportunity"]

    assert won == {"status": "won", "closedOn": "2026-11-27", "amount": "120.00"}
    found = sales.rep.query(READ, id=id_)["opportunity"]
    assert (found["stage"]["name"], found["cycleDays"], found["forecastCategory"]) == ("Won", 26, "closed")
    assert sales.rep.refused(WIN, "REFUSED_BY_PLUGIN", id=id_).message == "It is won already."


def test_a_loss_needs_its_reason_and_the_competitor_who_has_won(sales: Sales):
    id_, rival = sales.opportunity(), sales.xrm.create("competitor", name="Rival AG")
    reason = sales.reasons["Competitor chosen"]

    refused = sales.rep.refused(LOSE, "REFUSED_BY_PLUGIN", id=id_, input={"reason": reason})
    assert refused.details["field"] == "lost_to"
    sales.rep.query(LOSE, id=id_, input={"reason": reason, "competitor": rival})

    found = sales.rep.query(READ, id=id_)["opportunity"]
    assert (found["status"], found["lossReason"]["name"], found["lostTo"]["name"]) == (
        "lost",
        "Competitor chosen",
        "Rival AG",
    )
    assert found["competitors"]["nodes"] == [{"name": "Rival AG"}]


def test_who_has_won_is_a_competitor_of_what_came_lost_from_elsewhere_too(sales: Sales):
    rival, reason = sales.xrm.create("competitor", name="Rival AG"), sales.reasons["Competitor chosen"]
    lost = {"stage": sales.stages["Lost"], "closed_on": "2017-03-01", "loss_reason": reason, "lost_to": rival}

    id_ = sales.xrm.create("opportunity", name="Old", customer=sales.customer, **lost)

    assert sales.rep.query(READ, id=id_)["opportunity"]["competitors"]["nodes"] == [{"name": "Rival AG"}]


def test_one_that_is_opened_again_has_no_end_any_more(sales: Sales):
    id_ = sales.opportunity()
    sales.rep.query(LOSE, id=id_, input={"reason": sales.reasons["Price"]})

    sales.rep.query("mutation ($id: ID!) { reopenOpportunity(id: $id) { status } }", id=id_)

    found = sales.rep.query(READ, id=id_)["opportunity"]
    assert (found["status"], found["closedOn"], found["lossReason"]) == ("open", None, None)
    assert found["stage"] == {"name": "Qualification"}


def test_a_stage_asks_for_fields_and_conditions_of_those_before_it_too(sales: Sales):
    sales.xrm.create("stage_check", stage=sales.stages["Needs analysis"], required_field="close_on")
    sales.xrm.create("stage_check", stage=sales.stages["Proposal"], required_field="next_step")
    condition = {"amount": {"gte": 1000}}
    big = {"condition": condition, "message": "Too small for a proposal.", "message_de": "Zu klein für ein Angebot."}
    sales.xrm.create("stage_check", {"stage": sales.stages["Proposal"], **big})
    id_ = sales.opportunity(amount="999.99")

    refused = sales.rep.refused(MOVE, "REFUSED_BY_PLUGIN", id=id_, stage=sales.stages["Proposal"])
    assert [each["field"] for each in refused.details["problems"]] == ["close_on", "next_step"]
    change = "mutation ($id: ID!, $input: UpdateOpportunityInput!) { updateOpportunity(id: $id, input: $input) { id } }"
    sales.rep.query(change, id=id_, input={"closeOn": "2027-01-31", "nextStep": "Visit"})
    refused = sales.rep.refused(MOVE, "REFUSED_BY_PLUGIN", id=id_, stage=sales.stages["Proposal"])
    assert refused.message == "Too small for a proposal."
    sales.rep.query(change, id=id_, input={"amount": "1000.00", "stageId": sales.stages["Proposal"]})

    sales.move(id_, "Qualification")  # back asks nothing
    assert sales.rep.query(READ, id=id_)["opportunity"]["stage"]["name"] == "Qualification"


def test_a_check_that_is_switched_off_asks_nothing(sales: Sales):
    sales.xrm.create("stage_check", stage=sales.stages["Proposal"], required_field="next_step", active=False)

    sales.move(sales.opportunity(), "Proposal")


def test_a_condition_that_fits_no_opportunity_is_refused(sales: Sales):
    make = "mutation ($input: CreateStageCheckInput!) { createStageCheck(input: $input) { id } }"
    given = {"stageId": sales.stages["Proposal"], "condition": {"amuont": {"gt": 1}}}

    refused = sales.admin.refused(make, "REFUSED_BY_PLUGIN", input=given)

    assert refused.details["field"] == "condition"
    assert "amuont" in refused.message


def test_the_amount_is_that_of_the_line_items(sales: Sales):
    id_ = sales.opportunity(amount="5.00")
    press = sales.xrm.create("product", sku="P-1", name="Press")
    add = "mutation ($input: CreateOpportunityItemInput!) { createOpportunityItem(input: $input) { id total } }"
    item = {"opportunityId": id_, "productId": press, "quantity": "3", "unitPrice": "33.33", "discountPercent": "10"}

    first = sales.rep.query(add, input={**item, "position": 1})["createOpportunityItem"]
    sales.rep.query(add, input={**item, "position": 2, "discountPercent": "0"})
    assert sales.rep.query(READ, id=id_)["opportunity"]["amount"] == str(Decimal("89.99") + Decimal("99.99"))

    sales.rep.query("mutation ($id: ID!) { deleteOpportunityItem(id: $id) { id } }", id=first["id"])
    assert sales.rep.query(READ, id=id_)["opportunity"]["amount"] == "99.99"


def test_it_is_won_for_what_is_said_whatever_its_line_items_add_up_to(sales: Sales):
    id_ = sales.opportunity()
    press = sales.xrm.create("product", sku="P-1", name="Press")
    add = "mutation ($input: CreateOpportunityItemInput!) { createOpportunityItem(input: $input) { id } }"
    sales.rep.query(add, input={"opportunityId": id_, "productId": press, "position": 1, "unitPrice": "100"})
    change = "mutation ($id: ID!) { updateOpportunity(id: $id, input: {amount: 7}) { amount } }"

    assert sales.rep.query(change, id=id_)["updateOpportunity"] == {"amount": "100.00"}
    assert sales.rep.query(WIN, id=id_, input={"amount": "90"})["winOpportunity"]["amount"] == "90.00"
    sales.rep.query("mutation ($id: ID!) { reopenOpportunity(id: $id) { id } }", id=id_)
    assert sales.rep.query(READ, id=id_)["opportunity"]["amount"] == "100.00"
    assert sales.rep.query(WIN, id=id_)["winOpportunity"]["amount"] == "100.00"


def test_the_team_shares_all_of_it_or_nothing(sales: Sales):
    id_ = sales.opportunity()
    ada, ben = (sales.xrm.as_role("sales_rep", first_name=name).user_id for name in ("Ada", "Ben"))
    add = "mutation ($input: CreateOpportunityMemberInput!) { createOpportunityMember(input: $input) { id } }"
    member = {"opportunityId": id_, "role": "presales"}

    sales.rep.query(add, input={**member, "userId": ada, "splitPercent": "60"})
    refused = sales.rep.refused(add, "REFUSED_BY_PLUGIN", input={**member, "userId": ben, "splitPercent": "40.01"})
    assert refused.message == "The shares of the team would be 100.01 per cent."
    assert sales.rep.refused(WIN, "REFUSED_BY_PLUGIN", id=id_).details["field"] == "members"
    sales.rep.query(add, input={**member, "userId": ben, "splitPercent": "40"})

    assert sales.rep.query(WIN, id=id_)["winOpportunity"]["status"] == "won"


def test_a_stage_in_which_opportunities_are_stays_what_it_is(sales: Sales):
    sales.opportunity()
    change = "mutation ($id: ID!) { updateStage(id: $id, input: {kind: lost}) { id } }"

    refused = sales.admin.refused(change, "REFUSED_BY_PLUGIN", id=sales.stages["Qualification"])

    assert refused.details["field"] == "kind"
    sales.admin.query(change, id=sales.stages["Negotiation"])


def test_one_pipeline_at_a_time_is_the_default(sales: Sales):
    second = sales.xrm.create("pipeline", name="Partners", is_default=True)

    found = sales.admin.query("{ pipelines(where: {isDefault: {eq: true}}) { nodes { id } } }")

    assert found["pipelines"]["nodes"] == [{"id": second}]
    refused = sales.rep.refused(CREATE, "REFUSED_BY_PLUGIN", input={"name": "New", "customerId": sales.customer})
    assert refused.message == "The pipeline Partners has no open stage."


def test_one_from_elsewhere_may_be_closed_already(sales: Sales):
    given = {"name": "Old", "customerId": sales.customer, "stageId": sales.stages["Lost"], "closedOn": "2017-03-01"}

    assert sales.rep.refused(CREATE, "REFUSED_BY_PLUGIN", input=given).details["field"] == "loss_reason"
    given |= {"lossReasonId": sales.reasons["Price"], "engagedOn": "2017-01-01"}
    made = sales.rep.query(CREATE, input=given)["createOpportunity"]

    assert made == {"status": "lost", "cycleDays": 59}


@pytest.mark.parametrize("seed", range(3))
def test_on_random_walks_stages_are_entered_if_and_only_if_their_checks_hold(sales: Sales, seed: int):
    drawn = random.Random(seed)
    sales.xrm.create("stage_check", stage=sales.stages["Needs analysis"], required_field="next_step")
    sales.xrm.create("stage_check", stage=sales.stages["Proposal"], condition={"amount": {"gte": 1000}})
    sales.xrm.create("stage_check", stage=sales.stages["Negotiation"], condition={"contact": {"city": {"eq": "Ulm"}}})
    contacts = {city: sales.xrm.create("contact", last_name="A", city=city) for city in ("Ulm", "Bonn")}
    order = ["Qualification", "Needs analysis", "Proposal", "Negotiation"]
    id_, now = sales.opportunity(), "Qualification"
    state: dict[str, object] = {"next_step": "", "amount": 0, "city": None}
    needed = [None, lambda: state["next_step"], lambda: state["amount"] >= 1000, lambda: state["city"] == "Ulm"]
    change = "mutation ($id: ID!, $input: UpdateOpportunityInput!) { updateOpportunity(id: $id, input: $input) { id } }"
    for _ in range(25):
        state |= {
            "next_step": drawn.choice(["", "Visit"]),
            "amount": drawn.choice([999, 1000]),
            "city": drawn.choice([None, "Ulm", "Bonn"]),
        }
        sales.rep.query(
            change,
            id=id_,
            input={
                "nextStep": state["next_step"] or None,
                "amount": str(state["amount"]),
                "contactId": contacts.get(str(state["city"])),
            },
        )
        wanted = drawn.choice(order)
        back = order.index(wanted) <= order.index(now)
        allowed = back or all(needed[place]() for place in range(1, order.index(wanted) + 1))  # type: ignore[misc]
        if allowed:
            sales.move(id_, wanted)
            now = wanted
        else:
            sales.rep.refused(MOVE, "REFUSED_BY_PLUGIN", id=id_, stage=sales.stages[wanted])
        assert sales.rep.query(READ, id=id_)["opportunity"]["stage"]["name"] == now
    periods = sales.rep.query(READ, id=id_)["opportunity"]["stagePeriods"]["nodes"]
    assert [each["leftAt"] is None for each in periods] == [False] * (len(periods) - 1) + [True]


def test_many_that_are_written_together_have_their_periods_together(sales: Sales):
    write = """mutation ($i: [UpsertOpportunityInput!]!) { upsertOpportunities(by: externalId, input: $i) { ids } }"""

    def rows(count: int, stage: str) -> list[dict[str, str]]:
        given = {"name": "Press line", "customerId": sales.customer, "stageId": sales.stages[stage]}
        return [{**given, "externalId": f"{count} {place}"} for place in range(count)]

    asked, ids = [], []
    for count in (2, 40):
        for stage in ("Qualification", "Proposal"):
            with sales.xrm.statements() as seen:
                ids = sales.rep.query(write, i=rows(count, stage))["upsertOpportunities"]["ids"]
            kinds = ("SELECT",) if sales.xrm.database.is_sqlite else ("SELECT", "INSERT")  # SQLite's count each row
            asked.append(sum(each.startswith(kinds) and " stage_period" in each for each in seen))
    sales.rep.query(write, i=rows(40, "Qualification")[:1])

    found = [sales.rep.query(READ, id=id_)["opportunity"]["stagePeriods"]["nodes"] for id_ in (ids[0], ids[-1])]
    assert [[each["stage"]["name"] for each in periods] for periods in found] == [
        ["Qualification", "Proposal", "Qualification"],
        ["Qualification", "Proposal"],
    ]
    assert [[each["leftAt"] is None for each in periods] for periods in found] == [[False, False, True], [False, True]]
    again = sales.admin.query("{ stagePeriods(where: {firstTime: {eq: false}}) { nodes { opportunity { id } } } }")
    assert again["stagePeriods"]["nodes"] == [{"opportunity": {"id": ids[0]}}]
    created, moved, *many = asked
    assert many == [created, moved]
    assert moved > 0
