"""What leaves is noted: of each record the fields that have gone to each recipient, and nothing else (I27)."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_access import ACCESS
from tests.dsgvo.test_processors import ACTIVATE, SUSPEND, contract, processor
from tests.dsgvo.test_requests import REFUSED, done, known, opened
from xrm_core.api import (
    Action,
    ActionContext,
    Channel,
    Connector,
    HandOver,
    Message,
    MessageContent,
    MessageKind,
    Parcel,
    Record,
    hookimpl,
    may_leave,
    send_message,
)
from xrm_core.events.webhook_gates import held_back_by
from xrm_core.storage.retrying import in_transaction
from xrm_core.testing import Client, Setup, Xrm

SMS, TELEMETRY, HOST = "channel:ship.sms", "ship:telemetry.example.com", "hooks.example.com"
SHIP = "mutation ($id: ID!, $f: [String!]!) { shipContact(id: $id, input: {fields: $f}) { refused } }"
TEXT = "mutation ($id: ID!) { textContact(id: $id) { id } }"
NOTED = """{ disclosures(orderBy: [{connector: ASC}, {entityName: ASC}]) {
  nodes { connector entityName recordId fields processor { name } firstOn lastOn } } }"""
MOBILE = "+4915112345678"


@dataclass
class Fields:
    fields: list[str]


@dataclass
class Shipped:
    refused: bool


class Shipping:
    """A plugin that sends fields of contacts away, and keeps what it has sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [
            Action("ship.ship", self._ship, "contact", input=Fields, answers=Shipped),
            Action("ship.text", self._text, "contact"),
        ]

    def _ship(self, context: ActionContext, contact: Record, given: Fields) -> Shipped:
        payload = {name: contact[name] for name in given.fields}
        parcel = Parcel("contact", contact["id"], frozenset(payload))
        refused = may_leave(context, Connector("ship", "telemetry.example.com"), [parcel]) is not None
        if not refused:
            self.sent.append(payload)
        return Shipped(refused)

    def _text(self, context: ActionContext, contact: Record) -> None:
        send_message(context, Message("ship.due", ("contact", contact["id"]), channel="ship.sms"))

    @hookimpl
    def register_channels(self) -> list[Channel]:
        return [Channel("ship.sms", lambda given: self._take(given))]

    def _take(self, given: HandOver) -> None:
        self.sent.append({"mobile": given.address})

    @hookimpl
    def register_message_kinds(self) -> list[MessageKind]:
        def address(context: Any) -> Any:
            return context.read(*context.message.about)["mobile"]

        return [MessageKind("ship.due", address, lambda _context: MessageContent("Due", "It is due."), "contract")]


SHIPPING = Shipping()


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    own = {**KEY, "XRM_DSGVO_OWN_CONNECTORS": "channel:mail,ship:own"}
    return Setup(plugins={"dsgvo": xrm_dsgvo, "ship": SHIPPING}, environment=own)


@pytest.fixture
def admin(xrm: Xrm) -> Client:
    SHIPPING.sent.clear()
    return xrm.as_role("admin")


@pytest.fixture
def ada(xrm: Xrm) -> str:
    return str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß", "mobile": MOBILE, "job_title": "CTO"}))


def noted(admin: Client) -> dict[tuple[str, str], set[str]]:
    found = admin.query(NOTED)["disclosures"]["nodes"]
    return {(each["connector"], each["entityName"]): set(each["fields"]["names"]) for each in found}


def in_force(xrm: Xrm, *keys: str) -> str:
    mine = contract(xrm, processor(xrm, *keys))
    xrm.as_role("admin").query(ACTIVATE, id=mine)
    return mine


@pytest.mark.invariant("I27")
def test_what_is_noted_is_what_has_gone(xrm: Xrm, admin: Client, ada: str):
    # as long as no contract is in force nothing goes, and nothing is noted
    assert admin.query(SHIP, id=ada, f=["last_name"])["shipContact"] == {"refused": True}
    assert noted(admin) == {}
    mine = in_force(xrm, TELEMETRY)

    for fields in (["last_name", "mobile"], ["mobile"], ["job_title", "last_name"]):
        admin.query(SHIP, id=ada, f=fields)

    gone = {name for payload in SHIPPING.sent for name in payload}
    assert noted(admin) == {(TELEMETRY, "contact"): gone}
    [only] = admin.query(NOTED)["disclosures"]["nodes"]
    assert (only["recordId"], only["processor"]) == (ada, {"name": "Carrier"})
    assert only["firstOn"] == only["lastOn"]
    # no values are kept, and nobody but the platform writes it
    assert "Weiß" not in json.dumps(only)
    admin.refused(
        'mutation { createDisclosure(input: {connector: "x", entityName: "contact", '
        'recordId: "018f0000-0000-7000-8000-000000000000", firstOn: "2020-01-01", lastOn: "2020-01-01"})'
        " { id } }",
        REFUSED,
    )
    # suspended, it stays as it is
    admin.query(SUSPEND, id=mine)
    admin.query(SHIP, id=ada, f=["first_name"])
    assert noted(admin) == {(TELEMETRY, "contact"): gone}


def test_the_days_of_the_first_and_the_last_time_are_kept(xrm: Xrm, admin: Client, ada: str):
    in_force(xrm, TELEMETRY)
    admin.query(SHIP, id=ada, f=["mobile"])
    before = admin.query(NOTED)["disclosures"]["nodes"][0]
    xrm.clock.advance(days=3)
    admin.query(SHIP, id=ada, f=["mobile"])

    [after] = admin.query(NOTED)["disclosures"]["nodes"]

    assert after["firstOn"] == before["firstOn"]
    assert after["lastOn"] > before["lastOn"]


def test_who_carries_a_message_gets_an_address(xrm: Xrm, admin: Client, ada: str):
    in_force(xrm, SMS)

    admin.query(TEXT, id=ada)
    assert noted(admin) == {}  # it has not left yet
    xrm.work()

    assert SHIPPING.sent == [{"mobile": MOBILE}]
    found = noted(admin)
    assert found[SMS, "contact"] == {"mobile"}
    assert found.keys() <= {(SMS, "contact"), (SMS, "contact_point")}


def test_an_event_of_a_webhook_is_noted_if_it_is_about_a_person(xrm: Xrm, admin: Client, ada: str):
    in_force(xrm, f"webhook:{HOST}")
    measure = "018f0000-0000-7000-8000-000000000000"

    def leaves(parcel: Parcel) -> str | None:
        with xrm.database.begin() as connection:
            return held_back_by(connection, xrm.platform.records, f"https://{HOST}/hook", [parcel])

    assert leaves(Parcel("contact", ada, frozenset({"email", "active"}))) is None
    assert leaves(Parcel("technical_measure", measure, frozenset({"name_de"}))) is None
    # that a record was deleted is told, too
    assert leaves(Parcel("contact_point", measure)) is None

    assert noted(admin) == {
        (f"webhook:{HOST}", "contact"): {"email", "active"},
        (f"webhook:{HOST}", "contact_point"): set(),
    }


def test_what_several_send_at_the_same_moment_is_noted_together(xrm: Xrm, admin: Client, ada: str):
    in_force(xrm, f"webhook:{HOST}")
    fields = ["email", "phone", "job_title", "department"]

    def leaves(name: str) -> str | None:
        parcel = Parcel("contact", ada, frozenset({name}))
        return in_transaction(
            xrm.database,
            lambda connection: held_back_by(connection, xrm.platform.records, f"https://{HOST}/hook", [parcel]),
        )

    with ThreadPoolExecutor(len(fields)) as threads:
        assert list(threads.map(leaves, fields)) == [None] * len(fields)

    assert noted(admin) == {(f"webhook:{HOST}", "contact"): set(fields)}


def test_the_person_is_told_to_whom_their_data_have_gone(xrm: Xrm, admin: Client, ada: str):
    in_force(xrm, TELEMETRY)
    admin.query(SHIP, id=ada, f=["mobile", "last_name"])
    other = str(xrm.create("contact", {"first_name": "Ben", "last_name": "Schwarz", "job_title": "CFO"}))
    admin.query(SHIP, id=other, f=["job_title"])
    agent = xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, ada)

    content = json.loads(done(agent, ACCESS, request=request)["content"])
    page = done(agent, ACCESS, request=request, form="html", language="en")["content"]

    [told] = content["art15"]["disclosures"]
    assert (told["recipient"], told["country"], told["id"]) == ("Carrier", "DE", ada)
    assert {each["name"] for each in told["fields"]} == {"mobile", "last_name"}
    assert "Carrier, DE" in page
    assert {each["store"]: each["found"] for each in content["manifest"]["stores"]}["disclosures"] == 1
