"""Leads: what they are worth, who gets them, what becomes of them."""

import pytest

from tests.sales.conftest import Sales
from xrm_core.testing import Client

READ = """
query ($id: ID!) { lead(id: $id) {
  status score handedOverAt owner { id } team { name } routedBy { name } duplicateOf { id }
  knownCustomer { id } knownContact { id } customer { id name } contact { lastName } opportunity { name amount }
  scores(orderBy: [{points: DESC}]) { nodes { points events rule { name } } } events { nodes { kind subject } }
} }"""
CONVERT = """
mutation ($id: ID!, $input: ConvertLeadInput) {
  convertLead(id: $id, input: $input) { status customer { name } contact { lastName } opportunity { name amount } }
}"""


def rule(sales: Sales, name: str, points: int, condition: dict[str, object], **values: object) -> str:
    return sales.xrm.create("scoring_rule", {"name": name, "points": points, "condition": condition, **values})


def lead(sales: Sales, **values: object) -> str:
    return sales.xrm.create("lead", {"last_name": "Kern", **values})


def read(sales: Sales, id_: str) -> dict:
    return sales.admin.query(READ, id=id_)["lead"]


def test_a_lead_is_worth_what_it_is_and_what_it_does_and_everybody_sees_why(sales: Sales):
    sales.xrm.clock.set("2026-03-31T12:00Z")
    rule(sales, "Large", 20, {"employees": {"gte": 500}})
    rule(sales, "Student", -30, {"job_title": {"contains": "student"}})
    download = {"kind": {"eq": "download"}}
    rule(sales, "Downloads", 10, download, about="behaviour", half_life_days=30, most=15)
    id_ = lead(sales, employees=700)
    for at in ("2026-03-31T11:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"):
        sales.xrm.create("lead_event", lead=id_, kind="download", at=at)
    sales.xrm.create("lead_event", lead=id_, kind="page_view", at="2026-03-31T11:00:00Z")

    found = read(sales, id_)
    assert found["score"] == 35
    assert found["scores"]["nodes"] == [
        {"points": 20, "events": None, "rule": {"name": "Large"}},
        {"points": 15, "events": 3, "rule": {"name": "Downloads"}},
    ]

    sales.xrm.clock.set("2026-05-30T12:00Z")  # 60 days later: 2.5 + 1.25 + 1.25
    sales.xrm.work()
    assert read(sales, id_)["score"] == 25


def test_a_rule_that_changes_is_applied_to_all_leads(sales: Sales):
    id_ = lead(sales, country="DE")
    made = rule(sales, "German", 7, {"country": {"eq": "DE"}})

    sales.xrm.work()
    assert read(sales, id_)["score"] == 7
    sales.admin.query("mutation ($id: ID!) { deleteScoringRule(id: $id) { id } }", id=made)
    sales.xrm.work()

    assert read(sales, id_)["score"] == 0
    assert read(sales, id_)["scores"]["nodes"] == []


def test_a_lead_that_is_worth_enough_goes_to_the_first_rule_that_fits(sales: Sales):
    ada, ben = (sales.xrm.as_role("sales_rep", first_name=name).user_id for name in ("Ada", "Ben"))
    rule(sales, "Budget", 50, {"budget": {"gte": 10000}})
    team = sales.xrm.create("team", name="Inside sales")
    sales.xrm.create("routing_rule", name="Queue", position=9, method="queue", team=team)
    turns = sales.xrm.create(
        "routing_rule", name="North", position=1, method="round_robin", condition={"country": {"eq": "SE"}}
    )
    for user in (ada, ben):
        sales.xrm.create("routing_rule_member", routing_rule=turns, user=user, capacity=2)

    got = [read(sales, lead(sales, country="SE", budget=20000)) for _ in range(5)]

    assert all(each["status"] == "qualified" and each["handedOverAt"] for each in got)
    assert [(each["owner"] or {}).get("id") for each in got] == [ada, ben, ada, ben, None]
    assert (got[4]["routedBy"]["name"], got[4]["team"]["name"]) == ("Queue", "Inside sales")
    assert read(sales, lead(sales, country="SE", budget=5))["status"] == "new"


def test_territories_and_owners_of_known_customers(sales: Sales):
    ada, ben = (sales.xrm.as_role("sales_rep", first_name=name).user_id for name in ("Ada", "Ben"))
    rule(sales, "All", 50, {"last_name": {"eq": "Kern"}})
    sales.xrm.create("routing_rule", name="Known", position=1, method="customer_owner")
    sales.xrm.create("routing_rule", name="Places", position=2, method="territory")
    south = sales.xrm.create("territory", name="South", condition={"postal_code": {"startsWith": "8"}})
    sales.xrm.create("territory_member", territory=south, user=ben)
    sales.xrm.create("customer", name="Huber GmbH", owner=ada, website="https://www.huber.example")

    assert read(sales, lead(sales, postal_code="80331"))["owner"] == {"id": ben}
    assert read(sales, lead(sales, postal_code="80331", email="x@huber.example"))["owner"] == {"id": ada}
    nobody = lead(sales, postal_code="10115")
    assert read(sales, nobody)["owner"] is None
    unrouted = "{ leads(where: {handedOverAt: {isNull: false}, owner: {isNull: true}}) { nodes { id } } }"
    assert sales.admin.query(unrouted)["leads"]["nodes"] == [{"id": nobody}]


def test_whom_we_know_is_recognised(sales: Sales):
    contact = sales.xrm.create(
        "contact", last_name="Kern", email="Eva.Kern@Miller.example", organisation={"customer": sales.customer}
    )

    first = lead(sales, email="eva.kern@miller.example")
    second = lead(sales, email="EVA.KERN@miller.example")
    by_name = lead(sales, company="miller ltd")
    free = lead(sales, email="somebody@gmx.de")

    assert read(sales, first)["knownContact"] == {"id": contact}
    assert read(sales, first)["knownCustomer"] == {"id": sales.customer}
    assert read(sales, second)["duplicateOf"] == {"id": first}
    assert read(sales, by_name)["knownCustomer"] == {"id": sales.customer}
    assert read(sales, free)["knownCustomer"] is None


def test_a_lead_is_converted_and_taken_back(sales: Sales):
    id_ = lead(sales, first_name="Eva", company="Kern KG", budget=5000, email="eva@kern.example", source="web_form")
    activity = sales.xrm.create("activity", kind="call", subject="First talk", lead=id_)

    made = sales.admin.query(CONVERT, id=id_, input={"opportunityName": "Press"})["convertLead"]

    assert made == {
        "status": "converted",
        "customer": {"name": "Kern KG"},
        "contact": {"lastName": "Kern"},
        "opportunity": {"name": "Press", "amount": "5000.00"},
    }
    document = "query ($id: ID!) { activity(id: $id) { opportunity { name source } lead { id } } }"
    found = sales.admin.query(document, id=activity)["activity"]
    assert found == {"opportunity": {"name": "Press", "source": "website"}, "lead": {"id": id_}}
    change = 'mutation ($id: ID!) { updateLead(id: $id, input: {lastName: "Other"}) { id } }'
    assert sales.admin.refused(change, "REFUSED_BY_PLUGIN", id=id_)
    assert sales.admin.refused(CONVERT, "REFUSED_BY_PLUGIN", id=id_)

    sales.admin.query("mutation ($id: ID!) { unconvertLead(id: $id) { status } }", id=id_)

    back = read(sales, id_)
    assert (back["status"], back["customer"], back["opportunity"]) == ("qualified", None, None)
    count = '{ customersAggregate(where: {name: {eq: "Kern KG"}}) { count } }'
    assert sales.admin.query(count)["customersAggregate"][0]["count"] == 0


def test_what_somebody_has_worked_with_is_not_taken_back(sales: Sales):
    id_ = lead(sales, company="Kern KG")
    customer = sales.admin.query("mutation ($id: ID!) { convertLead(id: $id) { customer { id } } }", id=id_)[
        "convertLead"
    ]["customer"]["id"]
    sales.admin.query('mutation ($id: ID!) { updateCustomer(id: $id, input: {city: "Ulm"}) { id } }', id=customer)

    refused = sales.admin.refused("mutation ($id: ID!) { unconvertLead(id: $id) { id } }", "REFUSED_BY_PLUGIN", id=id_)

    assert refused.message == "The customer has been changed since; it stays, and so does the conversion."
    assert read(sales, id_)["status"] == "converted"


STATE = """
query ($id: ID!) {
  lead(id: $id) { version status score customer { id } contact { id } opportunity { id } converted }
  customers { nodes { id name } } contacts { nodes { id } } opportunities { nodes { id version } }
  stagePeriods { nodes { id } } activities { nodes { version opportunity { id } } } leadScores { nodes { points } }
}"""
WRITES = ("create", "create_many", "update", "delete")


@pytest.mark.parametrize("action", ["convertLead", "unconvertLead"])
def test_a_conversion_that_breaks_at_any_step_leaves_all_as_it_was(
    sales: Sales, action: str, monkeypatch: pytest.MonkeyPatch
):
    id_ = lead(sales, company="Kern KG", budget=5000)
    sales.xrm.create("activity", kind="call", subject="First talk", lead=id_)
    document = f"mutation ($id: ID!) {{ {action}(id: $id) {{ status }} }}"
    if action == "unconvertLead":
        sales.admin.query(CONVERT, id=id_)
    before = sales.admin.query(STATE, id=id_)
    door, left = type(sales.xrm.platform.records), [0]

    def failing(write):
        def writing(self, *given, **named):
            found = write(self, *given, **named)
            left[0] -= 1
            if left[0] == 0:
                raise RuntimeError("the disk is gone")
            return found

        return writing

    for name in WRITES:
        monkeypatch.setattr(door, name, failing(getattr(door, name)))

    steps = 0
    while True:
        left[0] = steps + 1
        answer = sales.admin.post(document, id=id_).json()
        if "errors" not in answer:
            break
        steps += 1
        assert answer["errors"][0]["extensions"]["code"] == "REFUSED_BY_PLUGIN"
        assert sales.admin.query(STATE, id=id_) == before

    monkeypatch.undo()
    assert steps >= 5  # customer, contact, opportunity, activity, lead, and what follows of these
    assert sales.admin.query(STATE, id=id_) != before


def test_the_time_of_nurturing_ends_with_a_task(sales: Sales):
    sales.xrm.clock.set("2026-03-01T12:00Z")
    id_ = lead(sales, status="nurturing", nurture_until="2026-04-01", owner=sales.rep.user_id)
    sales.xrm.work()

    sales.xrm.clock.set("2026-04-01T06:00Z")
    assert sales.xrm.work().job("sales.end_nurturing").result == {"leads": 1}

    assert read(sales, id_)["status"] == "working"
    tasks = sales.admin.query("{ activities { nodes { subject owner { id } } } }")["activities"]["nodes"]
    assert tasks == [{"subject": "Get in touch again: Kern", "owner": {"id": sales.rep.user_id}}]


FORM = {"last_name": "Kern", "email": "eva@kern.example", "message": "Please call <b>me</b>"}


def sent(sales: Sales, **values: str):
    return sales.xrm.http.post("/plugins/sales/forms/contact", data={**FORM, **values})


def leads(client: Client) -> list[dict]:
    document = "{ leads { nodes { lastName message source sourceDetail language events { nodes { kind } } } } }"
    return client.query(document)["leads"]["nodes"]


def test_a_web_form_makes_a_lead_and_then_an_event_of_it(sales: Sales):
    sales.xrm.create("lead_form", slug="contact", name="Contact <us>", source_detail="Fair 2026")

    page = sales.xrm.http.get("/plugins/sales/forms/contact")
    assert page.status_code == 200
    assert "Contact &lt;us&gt;" in page.text
    assert "<label>Nachname" in page.text
    assert sent(sales).status_code == 201
    assert sent(sales, message="Once more").status_code == 201

    [found] = leads(sales.admin)
    assert (found["source"], found["sourceDetail"], found["language"]) == ("web_form", "Fair 2026", "de")
    assert found["message"] == FORM["message"]
    assert [each["kind"] for each in found["events"]["nodes"]] == ["form", "form"]


def test_a_machine_is_thanked_and_forgotten(sales: Sales):
    sales.xrm.create("lead_form", slug="contact", name="Contact")

    assert sent(sales, homepage_url="https://spam.example").status_code == 201

    assert leads(sales.admin) == []


def test_a_form_without_a_name_or_an_address_is_refused_and_so_are_too_many(sales: Sales):
    sales.xrm.create("lead_form", slug="contact", name="Contact")

    assert sent(sales, last_name=" ").json()["errors"][0]["extensions"]["code"] == "REFUSED_BY_PLUGIN"
    assert sales.xrm.http.post("/plugins/sales/forms/none", data=FORM).status_code == 422
    assert [sent(sales, email="").status_code for _ in range(8)][-1] == 429
    assert leads(sales.admin) == []
