"""Templates: what messages are is said by two persons, and not by who sends them."""

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import CLAIM, Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_disclosures import NOTED, in_force
from tests.dsgvo.test_objections import customer
from xrm_core.testing import Setup

ADA, MAILINGS = "ada@example.com", "service:mailings"
REFUSED = "REFUSED_BY_PLUGIN"
APPROVE = "mutation ($t: String!) { dsgvoTemplateApprove(input: {template: $t}) { status } }"
RETIRE = "mutation ($t: String!) { dsgvoTemplateRetire(input: {template: $t}) { status } }"
CREATE = "mutation ($i: CreateSendingTemplateInput!) { createSendingTemplate(input: $i) { id } }"
UPDATE = "mutation ($id: ID!, $i: UpdateSendingTemplateInput!) { updateSendingTemplate(id: $id, input: $i) { id } }"
PLAIN = {"kind": "transactional", "containsAdvertising": False, "activity": "vertrieb.abwicklung"}


def template(consents: Consents, key: str = "invoice", edition: int = 1, **more: object) -> str:  # noqa: F811
    """A draft of an administrator."""
    given = {"key": key, "edition": edition, "wording": "Your invoice.", **PLAIN, **more}
    return str(consents.admin.query(CREATE, i=given)["createSendingTemplate"]["id"])


def approved(consents: Consents, key: str = "invoice", edition: int = 1, **more: object) -> str:  # noqa: F811
    id_ = template(consents, key, edition, **more)
    assert consents.xrm.as_role("dsb").query(APPROVE, t=id_)["dsgvoTemplateApprove"] == {"status": "approved"}
    return id_


def test_the_template_says_what_a_message_is_whatever_its_sender_says(consents: Consents):  # noqa: F811
    free = {"kind": "transactional", "advertisingFree": True}
    template(consents, "draft")
    for key in ("draft", "unknown"):
        assert consents.claim(ADA, template=key, **free)["code"] == "E_TEMPLATE"

    first = approved(consents)
    approved(consents, "survey", kind="advertising", containsAdvertising=True, activity=None)

    assert consents.claim(ADA, None, template="invoice")["code"] == "T_CONTRACT"
    assert consents.claim(ADA, template="survey", **free)["code"] == "E_NO_BASIS"  # «below the invoice»
    consents.consent(ADA)
    claim = consents.claim(ADA, template="survey", **free)
    assert (claim["code"], claim["unsubscribe"] is not None) == ("C_CONSENT", True)
    # of editions the one counts that was approved last
    second = approved(consents, edition=2, kind="advertising", activity=None)
    assert consents.xrm.get("sending_template", first)["status"] == "retired"
    assert consents.claim("ben@example.com", template="invoice", **free)["code"] == "E_NO_BASIS"
    consents.xrm.as_role("dsb").query(RETIRE, t=second)
    assert consents.claim(ADA, template="invoice")["code"] == "E_TEMPLATE"
    consents.xrm.as_role("dsb").refused(RETIRE, REFUSED, t=second)


def test_that_it_says_how_to_object_is_said_by_the_template(consents: Consents):  # noqa: F811
    customer(consents)
    for key, notice in (("with", True), ("without", False)):
        approved(consents, key, kind="advertising", containsAdvertising=True, activity=None, optOutNotice=notice)

    codes = [
        consents.claim(ADA, productCategory="presses", optOutNotice=True, template=key)["code"]
        for key in ("with", "without")
    ]

    assert codes == ["C_CUSTOMER", "E_NO_BASIS"]


def test_two_persons_look_at_it_and_then_it_stays(consents: Consents):  # noqa: F811
    dsb = consents.xrm.as_role("dsb")
    mine = str(dsb.query(CREATE, i={"key": "mine", "wording": "x", **PLAIN})["createSendingTemplate"]["id"])
    assert "Somebody else" in dsb.refused(APPROVE, REFUSED, t=mine).message
    draft = template(consents)
    dsb.query(UPDATE, id=draft, i={"wording": "I have changed it."})
    assert "Somebody else" in dsb.refused(APPROVE, REFUSED, t=draft).message
    # what has advertising in it is advertising, and what has none rests on something
    for wrong, about in (
        ({"containsAdvertising": True}, "is advertising"),
        ({"activity": None}, "Article 6(1)"),
        (
            {"activity": "marketing.direktwerbung"},
            "Article 6(1)",
        ),
    ):
        assert about in dsb.refused(APPROVE, REFUSED, t=template(consents, about, **wrong)).message
        consents.admin.query("mutation ($id: ID!) { deleteSendingTemplate(id: $id) { id } }", id=newest(consents))
    kept = approved(consents, "kept")
    for field, value in (("wording", "Buy!"), ("containsAdvertising", True), ("kind", "legal"), ("status", "draft")):
        consents.refused(UPDATE, id=kept, i={field: value})
    consents.refused("mutation ($id: ID!) { deleteSendingTemplate(id: $id) { id } }", id=kept)
    consents.refused(CREATE, i={"key": "own", "wording": "x", **PLAIN, "status": "approved"})
    dsb.refused(APPROVE, REFUSED, t=kept)


def newest(consents: Consents) -> str:  # noqa: F811
    return str(consents.rows("sendingTemplates", "id")[-1]["id"])


@pytest.mark.invariant("I27")
def test_senders_outside_name_a_template_where_that_is_asked_and_what_they_send_is_noted(xrm_with):
    strict = xrm_with(Setup(plugins=["dsgvo"], environment={**KEY, "XRM_DSGVO_REQUIRE_TEMPLATES": "true"}))
    admin, given = strict.as_role("admin"), {"channel": "email", "to": ADA, "connector": MAILINGS}
    in_force(strict, MAILINGS)

    def code(**more: object) -> str:
        return str(admin.query(CLAIM, i={**given, **more})["dsgvoClaim"]["code"])

    assert code(kind="transactional", advertisingFree=True) == "E_TEMPLATE"
    assert code(productCategory="presses", optOutNotice=True) == "E_TEMPLATE"
    assert code(purpose="news") == "E_NO_BASIS"
    assert admin.query(NOTED)["disclosures"]["nodes"] == []
    made = admin.query(CREATE, i={"key": "invoice", "wording": "x", **PLAIN})["createSendingTemplate"]["id"]
    strict.as_role("dsb").query(APPROVE, t=made)

    assert code(template="invoice") == "T_CONTRACT"

    [noted] = admin.query(NOTED)["disclosures"]["nodes"]
    assert (noted["connector"], noted["entityName"]) == (MAILINGS, "contact_point")
    assert noted["fields"] == {"names": ["value"]}
