"""Who may do what with consents."""

from tests.dsgvo.consents import CONFIRM, OBJECT, PERMIT, REQUEST, WITHDRAW, Consents, consents  # noqa: F401 - a fixture

ADA = "ada@example.com"


def test_agents_work_officers_approve_and_auditors_look(consents: Consents):  # noqa: F811
    agent, dsb, auditor, rep = (consents.xrm.as_role(name) for name in ("dsgvo_agent", "dsb", "auditor", "sales_rep"))
    given = consents.given(ADA)
    id_ = agent.query(REQUEST, i=given)["dsgvoConsentRequest"]["consent"]
    purpose = 'mutation { createConsentPurpose(input: {key: "x", nameDe: "x", nameEn: "x"}) { id } }'
    invalidate = 'mutation ($id: ID!) { invalidateConsent(id: $id, input: {because: "x"}) { status } }'

    # nobody confirms for others, but the platform's page and who administers it
    for client in (agent, dsb, auditor, rep):
        assert "data" not in client.post(CONFIRM, t="x").json()
    for client in (agent, auditor):
        client.refused(purpose, "BAD_QUERY")
        client.refused(invalidate, "BAD_QUERY", id=id_)
    for client in (auditor, rep):
        for document, variables in ((REQUEST, {"i": given}), (WITHDRAW, {"c": id_}), (OBJECT, {"i": {"to": ADA}})):
            answer = client.post(document, **variables).json()
            assert "data" not in answer
            assert {each["extensions"]["code"] for each in answer["errors"]} == {"BAD_QUERY"}
    for client in (agent, dsb, auditor):
        assert client.query(PERMIT, channel="email", to=ADA, purpose="news")["dsgvoPermit"]["code"] == "E_NO_BASIS"
        assert client.query("{ consents { nodes { status } } }")["consents"]["nodes"] == [
            {"status": "pending_confirmation"}
        ]
        client.refused("{ consents { nodes { tokenHash } } }", "BAD_QUERY")
    rep.refused("{ consents { nodes { status } } }", "BAD_QUERY")
    assert dsb.query(invalidate, id=id_)["invalidateConsent"] == {"status": "invalid"}
