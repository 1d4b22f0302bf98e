"""Leads beside the records of others: what is not seen is not told of, and nothing of others goes."""

import pytest

from tests.sales.conftest import Sales

CONVERT = "mutation ($id: ID!, $customer: ID) { convertLead(id: $id, input: {customer: $customer}) { id } }"
UNCONVERT = "mutation ($id: ID!) { unconvertLead(id: $id) { status } }"


@pytest.mark.parametrize("kind", ["hidden", "none"])
def test_a_lead_is_not_converted_into_a_customer_that_the_caller_does_not_see(sales: Sales, kind: str):
    limited = sales.xrm.as_role("sales_seller", "narrow", first_name="Ada")
    lead = sales.xrm.create("lead", last_name="Kern", owner=limited.user_id, status="qualified")
    customer = {"hidden": sales.customer, "none": lead}[kind]

    told = limited.refused(CONVERT, id=lead, customer=customer)

    assert (told.code, told.message) == ("REFUSED_BY_PLUGIN", "There is no such customer.")
    assert sales.xrm.get("lead", lead)["status"] == "qualified"
    sales.admin.query(CONVERT, id=lead, customer=sales.customer)


@pytest.mark.parametrize("other", ["quote", "opportunity_member", "activity"])
def test_a_conversion_stays_when_others_have_built_on_it(sales: Sales, other: str):
    lead = sales.xrm.create("lead", last_name="Kern", owner=sales.rep.user_id, status="qualified")
    sales.xrm.create("activity", kind="task", subject="Of the lead", lead=lead)
    sales.admin.query(CONVERT, id=lead, customer=None)
    opportunity = sales.xrm.get("lead", lead)["opportunity"]
    values = {
        "quote": {"subject": "Press", "customer": sales.customer},
        "opportunity_member": {"user": sales.rep.user_id, "role": "support"},
        "activity": {"kind": "task", "subject": "Call"},
    }[other]
    built = sales.xrm.create(other, opportunity=opportunity, **values)

    told = sales.admin.refused(UNCONVERT, "REFUSED_BY_PLUGIN", id=lead)

    assert told.message == f"A {other} belongs to the opportunity meanwhile; it stays, and so does the conversion."
    assert sales.xrm.get(other, built)["opportunity"] == opportunity
    sales.admin.query(
        f"mutation ($id: ID!) {{ delete{''.join(w.title() for w in other.split('_'))}(id: $id) {{ id }} }}", id=built
    )
    assert sales.admin.query(UNCONVERT, id=lead)["unconvertLead"] == {"status": "qualified"}


@pytest.mark.parametrize(
    ("email", "known"),
    [
        ("a@example.com", True),
        ("a@EXAMPLE.com", True),
        ("a@example.co", False),
        ("a@ample.com", False),
        ("a@com.example", False),
    ],
)
def test_a_customer_is_known_by_its_whole_domain(sales: Sales, email: str, known: bool):
    customer = sales.xrm.create("customer", name="Acme", website="https://www.Example.com/com.example")

    lead = sales.xrm.get("lead", sales.xrm.create("lead", last_name="Kern", email=email))

    assert lead is not None
    assert lead["known_customer"] == (customer if known else None)
