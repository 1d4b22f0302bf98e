"""Connectors without a contract in force get nothing (I28), by whatever way data would leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import xrm_dsgvo
from xrm_dsgvo.processors.standing import lack

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import PERMIT
from xrm_core.api import (
    Action,
    ActionContext,
    Channel,
    Connector,
    HandOver,
    Message,
    MessageContent,
    MessageKind,
    Record,
    hookimpl,
    may_leave,
    send_message,
)
from xrm_core.events.webhook_gates import held_back_by
from xrm_core.testing import Client, Setup, Xrm

EVERYTHING = dict.fromkeys("abcdefgh", True)
SMS, TELEMETRY = "channel:mk.sms", "mk:telemetry.example.com"
ACTIVATE = "mutation ($id: ID!) { activateProcessingContract(id: $id) { status } }"
SUSPEND = 'mutation ($id: ID!) { suspendProcessingContract(id: $id, input: {because: "x"}) { status } }'
FALL = "mutation ($i: DsgvoTransfersEndInput!) { dsgvoTransfersEnd(input: $i) { transfers } }"
SEND = "mutation ($id: ID!) { sendContact(id: $id) { id } }"
ASK = "mutation ($id: ID!) { askContact(id: $id) { answer } }"


@dataclass
class Answer:
    answer: str


class Capturing:
    """A plugin with a channel and a connector of its own, which keep all that they get."""

    def __init__(self) -> None:
        self.got: list[str] = []

    @hookimpl
    def register_channels(self) -> list[Channel]:
        return [Channel("mk.sms", lambda given: self._take(given))]

    def _take(self, given: HandOver) -> None:
        self.got.append(given.address)

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        def address(context: Any) -> Any:
            return context.read(*context.message.about)["mobile"]

        return [MessageKind("mk.due", address, lambda _context: MessageContent("Due", "It is due."), "contract")]

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [
            Action("mk.send", self._send, "contact"),
            Action("mk.ask", self._ask, "contact", answers=Answer),
        ]

    def _send(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("mk.due", ("contact", contact["id"]), channel="mk.sms"))

    def _ask(self, context: ActionContext, contact: Record) -> Answer:
        refusal = may_leave(context, Connector("mk", "telemetry.example.com"))
        if refusal is None:
            self.got.append(contact["last_name"])
        return Answer("" if refusal is None else refusal.code)


CAPTURING = Capturing()


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "mk": CAPTURING}, environment=KEY)


@pytest.fixture
def admin(xrm: Xrm) -> Client:
    CAPTURING.got.clear()
    return xrm.as_role("admin")


def processor(xrm: Xrm, *keys: str, **more: Any) -> str:
    """Somebody whom connectors reach."""
    values = {"key": "carrier", "name": "Carrier", "role": "processor", "country": "DE", **more}
    id_ = xrm.create("processor", values)
    for key in keys:
        xrm.create("data_connector", key=key, processor=id_)
    return id_


def contract(xrm: Xrm, of: str, **more: Any) -> str:
    """A draft with all that it needs."""
    dates = {"signed_on": "2020-01-01", "valid_from": "2020-01-01"}
    return xrm.create(
        "processing_contract", {"processor": of, "checklist": EVERYTHING, "measures": "Annex 2", **dates, **more}
    )


def code(admin: Client, key: str = SMS) -> str:
    """What the gate of a sender outside says."""
    query = PERMIT.replace("controller: $controller", f'connector: "{key}", controller: $controller')
    found = admin.query(query, channel="sms", to="+4915112345678", kind="transactional", free=True)
    return str(found["dsgvoPermit"]["code"])


@pytest.mark.invariant("I28")
def test_nothing_reaches_a_connector_before_a_contract_is_in_force_and_after_it_is_suspended(xrm: Xrm, admin: Client):
    contact = xrm.create("contact", last_name="Kern", mobile="+4915112345678")

    # nobody has said whom it reaches
    refused = admin.refused(SEND, "MESSAGE_REFUSED", id=contact)
    assert refused.details["reason"] == "E_AVV"
    assert admin.query(ASK, id=contact)["askContact"] == {"answer": "E_AVV"}
    # bound, with a contract that is only drafted
    mine = contract(xrm, processor(xrm, SMS, TELEMETRY))
    assert admin.query(ASK, id=contact)["askContact"] == {"answer": "E_AVV"}
    admin.refused(SEND, "MESSAGE_REFUSED", id=contact)
    assert CAPTURING.got == []
    # in force
    admin.query(ACTIVATE, id=mine)
    assert admin.query(ASK, id=contact)["askContact"] == {"answer": ""}
    admin.query(SEND, id=contact)
    xrm.work()
    assert CAPTURING.got == ["Kern", "+4915112345678"]
    # suspended between the sending and the leaving
    admin.query(SEND, id=contact)
    admin.query(SUSPEND, id=mine)
    assert xrm.work().job("send_message").result == {"state": "refused", "reason": "E_AVV"}
    assert len(CAPTURING.got) == 2


def test_who_put_it_in_force_has_not_written_it_and_has_checked_all_of_it(xrm: Xrm, admin: Client):
    dsb = xrm.as_role("dsb")
    create = """mutation ($i: CreateProcessingContractInput!) { createProcessingContract(input: $i) { id } }"""
    given = {
        "processorId": processor(xrm),
        "signedOn": "2020-01-01",
        "validFrom": "2020-01-01",
        "kind": "processing",
    }
    mine = dsb.query(create, i={**given, "measures": "Annex", "checklist": EVERYTHING})
    mine = mine["createProcessingContract"]["id"]

    refused = dsb.refused(ACTIVATE, "REFUSED_BY_PLUGIN", id=mine)
    assert "Somebody else" in refused.message
    lacking = contract(xrm, xrm.get("processing_contract", mine)["processor"], checklist={"a": True, "b": False})
    assert "lacks b, c, d, e, f, g, h." in admin.refused(ACTIVATE, "REFUSED_BY_PLUGIN", id=lacking).message
    admin.query(ACTIVATE, id=mine)
    of = xrm.get("processing_contract", mine)["processor"]
    relabel = "mutation ($id: ID!) { updateProcessor(id: $id, input: {role: controller}) { id } }"
    dsb.refused(relabel, "REFUSED_BY_PLUGIN", id=of)  # so that it needed no contract
    change = 'mutation ($id: ID!) { updateProcessingContract(id: $id, input: {validUntil: "2099-01-01"}) { id } }'
    dsb.refused(change, "REFUSED_BY_PLUGIN", id=mine)
    sneak = "mutation ($id: ID!) { updateProcessingContract(id: $id, input: {status: active}) { id } }"
    assert "actions alone" in dsb.refused(sneak, "REFUSED_BY_PLUGIN", id=lacking).message


TIA = {"nodes": [{"reviewOn": "2026-01-02"}]}


@pytest.mark.parametrize(
    ("role", "country", "terms", "transfer", "allowed"),
    [
        ("processor", "DE", {}, None, True),
        ("processor", "DE", {"validUntil": "2020-06-01"}, None, False),
        ("processor", "DE", {"validFrom": "2999-01-01"}, None, False),
        ("processor", "DE", {"kind": "joint"}, None, False),
        ("processor", "DE", {"status": "draft"}, None, False),
        ("processor", "DE", {"status": "suspended"}, None, False),
        ("joint_controller", "FR", {"kind": "joint"}, None, True),
        ("controller", "DE", None, None, True),
        ("controller", "US", None, None, False),
        ("processor", "US", {}, None, False),
        ("processor", "US", {}, {"instrument": "adequacy"}, True),
        ("processor", "US", {}, {"instrument": "adequacy", "country": "JP"}, False),
        ("processor", "US", {}, {"instrument": "adequacy", "validUntil": "2021-01-01"}, False),
        ("processor", "US", {}, {"instrument": "scc"}, False),
        ("processor", "US", {}, {"instrument": "scc", "assessments": TIA}, True),
        ("processor", "US", {}, {"instrument": "bcr", "assessments": TIA}, True),
        ("processor", "US", {}, {"instrument": "bcr", "assessments": {"nodes": [{"reviewOn": "2026-01-01"}]}}, False),
        ("processor", "US", {}, {"instrument": "art49"}, True),
        ("processor", "US", {}, {"instrument": "art49", "status": "invalid"}, False),
    ],
)
def test_contract_and_transfer_have_to_hold(
    role: str, country: str, terms: Mapping[str, Any] | None, transfer: Mapping[str, Any] | None, allowed: bool
):
    bound = {"kind": "processing", "status": "active", "validFrom": "2020-01-01", "validUntil": None}
    bound |= {"subProcessing": "none"}
    basis = {"country": country, "status": "active", "validUntil": None, "assessments": {"nodes": []}}
    recipient = {
        **{"name": "Carrier", "role": role, "country": country},
        "contracts": {"nodes": [] if terms is None else [{**bound, **terms}]},
        "transfers": {"nodes": [] if transfer is None else [{**basis, **transfer}]},
    }

    assert (lack(recipient, [], "2026-01-01") is None) is allowed


@pytest.mark.parametrize(
    ("mode", "approved", "allowed"),
    [
        ("none", "2020-01-01", False),
        ("specific", None, False),
        ("specific", "2999-01-01", False),
        ("specific", "2020-01-01", True),
        ("general", None, True),
    ],
)
def test_a_contract_says_which_sub_processors_it_allows(mode: str, approved: str | None, allowed: bool):
    terms = {"kind": "processing", "status": "active", "validFrom": "2020-01-01", "validUntil": None}
    recipient = {
        **{"name": "Carrier", "role": "processor", "country": "DE", "transfers": {"nodes": []}},
        "contracts": {"nodes": [terms | {"subProcessing": mode}]},
    }
    below = {"id": "1", "name": "Below", "country": "FR", "approvedOn": approved, "transfers": {"nodes": []}}

    found = lack(recipient, [below], "2026-01-01")

    assert (found is None) is allowed
    assert found is None or "Below" in found.en


def test_joint_controllers_say_what_is_essential(xrm: Xrm, admin: Client):
    partner = processor(xrm, role="joint_controller")
    bare = contract(xrm, partner, kind="joint")

    assert admin.refused(ACTIVATE, "REFUSED_BY_PLUGIN", id=bare).details["field"] == "essence"
    whole = contract(xrm, partner, kind="joint", essence="They invite, we keep the addresses.")
    assert admin.query(ACTIVATE, id=whole)["activateProcessingContract"] == {"status": "active"}


def test_a_sub_processor_in_a_third_country_counts_and_one_switch_ends_all_that_rests_on_an_instrument(
    xrm: Xrm, admin: Client
):
    mine = processor(xrm, SMS)
    admin.query(ACTIVATE, id=contract(xrm, mine, sub_processing="general"))
    assert code(admin) == "T_CONTRACT"
    below = processor(xrm, key="below", role="sub_processor", country="US", main_processor=mine)
    assert code(admin) == "E_AVV"
    xrm.create("data_transfer", processor=below, country="US", checked_on="2025-01-01", instrument="adequacy")
    assert code(admin) == "T_CONTRACT"

    ended = admin.query(FALL, i={"instrument": "adequacy", "country": "US", "because": "Schrems III"})

    assert ended == {"dsgvoTransfersEnd": {"transfers": 1}}
    assert code(admin) == "E_AVV"
    assert code(admin, "channel:mail") == "T_CONTRACT"  # which is the controller's own


def test_standard_clauses_carry_as_long_as_an_assessment_of_the_country_holds(xrm: Xrm, admin: Client):
    # given a processor in the United States by standard clauses
    xrm.clock.set("2026-03-01T12:00Z")
    xrm.work()  # schedules are known from now on
    mine = processor(xrm, SMS, country="US")
    admin.query(ACTIVATE, id=contract(xrm, mine))
    basis = str(xrm.create("data_transfer", processor=mine, country="US", checked_on="2025-01-01", instrument="scc"))
    assert code(admin) == "E_AVV"

    # when somebody has looked at the law there, and somebody else has approved it
    author, dsb = xrm.as_role("dsb"), xrm.as_role("dsb", last_name="Zweit")
    given = {"kind": "transfer", "transferId": basis, "reasons": "Encrypted, keys here.", "reviewOn": "2027-03-01"}
    make = "mutation ($i: CreateAssessmentInput!) { createAssessment(input: $i) { id } }"
    assert author.refused(make, "REFUSED_BY_PLUGIN", i=given).details["field"] == "outcome"
    bad, made = (
        author.query(make, i={**given, "outcome": outcome})["createAssessment"]["id"]
        for outcome in ("consult_authority", "acceptable")
    )
    approve = "mutation ($id: ID!) { approveAssessment(id: $id) { status } }"
    dsb.query(approve, id=bad)
    assert code(admin) == "E_AVV"
    dsb.query(approve, id=made)
    assert code(admin) == "T_CONTRACT"
    # what it has looked at stays what it is
    change = "mutation ($id: ID!, $i: UpdateDataTransferInput!) { updateDataTransfer(id: $id, input: $i) { id } }"
    for other in ({"country": "CN"}, {"instrument": "bcr"}):
        assert author.refused(change, "REFUSED_BY_PLUGIN", id=basis, i=other).details["field"] in other
    author.query(change, id=basis, i={"country": "US", "module": "2", "validUntil": "2030-01-01"})

    # then it carries until the day of its review, of which somebody is told 30 days ahead
    due = "{ dsgvoDue { record what due overdue } }"
    mine_due = {"record": made, "what": "assessment_review", "due": "2027-03-01"}
    xrm.clock.set("2027-01-29T12:00Z")
    assert [each for each in dsb.query(due)["dsgvoDue"] if each["record"] == made] == []
    xrm.clock.set("2027-01-30T12:00Z")
    assert {**mine_due, "overdue": False} in dsb.query(due)["dsgvoDue"]
    xrm.clock.set("2027-02-28T22:59Z")
    assert code(admin) == "T_CONTRACT"
    late = author.query(make, i={**given, "outcome": "acceptable"})["createAssessment"]["id"]
    xrm.clock.set("2027-02-28T23:00Z")  # midnight where the controller is
    assert code(admin) == "E_AVV"
    assert dsb.refused(approve, "REFUSED_BY_PLUGIN", id=late).details["field"] == "review_on"
    # and in the night it has expired, and is due for a month
    xrm.clock.set("2027-03-01T03:00Z")
    xrm.work()
    assert (xrm.get("assessment", made) or {})["status"] == "expired"
    assert {**mine_due, "overdue": True} in dsb.query(due)["dsgvoDue"]
    xrm.clock.set("2027-04-02T03:00Z")
    assert [each for each in dsb.query(due)["dsgvoDue"] if each["record"] == made] == []


@pytest.mark.invariant("I28")
def test_a_webhook_to_a_host_that_nobody_answers_for_gets_nothing(xrm: Xrm, admin: Client):
    def held_back(host: str) -> str | None:
        with xrm.database.read() as connection:
            return held_back_by(connection, xrm.platform.records, f"https://{host}/hook")

    assert held_back("hooks.example.com") == "E_AVV"
    mine = contract(xrm, processor(xrm, "webhook:hooks.example.com"))
    assert held_back("hooks.example.com") == "E_AVV"
    admin.query(ACTIVATE, id=mine)
    assert held_back("hooks.example.com") is None
    assert held_back("other.example.com") == "E_AVV"
    admin.query(SUSPEND, id=mine)
    assert held_back("hooks.example.com") == "E_AVV"


def test_officers_keep_the_registers_and_auditors_only_read_them(xrm: Xrm):
    mine = contract(xrm, processor(xrm, SMS))
    agent, dsb, auditor = (xrm.as_role(name) for name in ("dsgvo_agent", "dsb", "auditor"))
    create = 'mutation { createTechnicalMeasure(input: {key: "M", nameDe: "x", nameEn: "x", goal: integrity}) { id } }'

    for client in (agent, auditor):
        assert client.query("{ processors { nodes { key contracts { nodes { status } } } } }")["processors"][
            "nodes"
        ] == [{"key": "carrier", "contracts": {"nodes": [{"status": "draft"}]}}]
        client.refused(create, "BAD_QUERY")
        client.refused(ACTIVATE, "BAD_QUERY", id=mine)
        client.refused("mutation { dsgvoArt30Propose { edition } }", "BAD_QUERY")
    assert "id" in dsb.query(create)["createTechnicalMeasure"]
    assert dsb.query(ACTIVATE, id=mine)["activateProcessingContract"] == {"status": "active"}
