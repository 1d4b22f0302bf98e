"""Persons who come by an import, or from another system, are to be told without anybody saying so (Article 14)."""

from pathlib import Path
from typing import Any

import pytest
from uuid_utils import uuid7

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_informing import DELIVER, notice
from xrm_core.auth.token_lists import tokens_of
from xrm_core.auth.tokens import TokenLimits, create_token
from xrm_core.records.importing import ImportOptions, ImportResult, import_csv
from xrm_core.testing import Client, Setup, Xrm

DUTY = "entityName recordId source collectedOn dueOn ground status exemption because"
CONTACTS = "last_name,email\nKern,ada@example.com\nBach,ben@example.com\n"
UPSERT = """mutation ($id: ID!, $name: String!) {
  upsertContact(by: id, input: {id: $id, lastName: $name}) { created record { id } } }"""
MANY = "mutation ($i: [UpsertContactInput!]!) { upsertContacts(by: id, input: $i) { count } }"
SOURCE = "mutation ($i: CreateDataSourceInput!) { createDataSource(input: $i) { id } }"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo", "sales"], pack="core", environment=KEY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def imported(xrm: Xrm, folder: Path, entity: str = "contact", text: str = CONTACTS, **options: Any) -> ImportResult:
    file = folder / "rows.csv"
    file.write_text(text)
    platform = xrm.platform
    with platform.database.begin() as connection:
        return import_csv(platform.records, connection, entity, file, ImportOptions(**options))


def connector(xrm: Xrm) -> tuple[Client, str]:
    """A service that writes, and the id of its token."""
    with xrm.database.begin() as connection:
        token = create_token(connection, None, "Shop", limits=TokenLimits(roles=["admin"]))
        [mine] = [each.id for each in tokens_of(connection) if each.label == "Shop"]
    return Client(xrm.http, token, None), str(mine)


def duties(consents: Consents) -> list[dict[str, Any]]:  # noqa: F811
    return consents.rows("noticeDuties", DUTY)


def test_who_comes_out_of_a_file_is_to_be_told_within_a_month(consents: Consents, folder: Path):  # noqa: F811
    consents.xrm.clock.set("2026-03-31T12:00Z")

    assert imported(consents.xrm, folder).written == 2

    first, second = duties(consents)
    assert (first["entityName"], first["status"], first["ground"]) == ("contact", "open", "one_month")
    assert (first["source"], first["collectedOn"], first["dueOn"]) == ("import", "2026-03-31", "2026-04-30")
    assert {first["recordId"], second["recordId"]} == {each["id"] for each in consents.rows("contacts", "id")}
    # the first message is the last moment here, too, and the notice ends the duty
    consents.consent("ada@example.com")
    given = {"notice": notice(consents), "person": {"entity": "contact", "record": first["recordId"]}, "via": "letter"}
    consents.admin.query(DELIVER, i=given)
    assert [each["status"] for each in duties(consents)] == ["told", "open"]


def test_whence_and_since_when_is_said_with_the_import(consents: Consents, folder: Path):  # noqa: F811
    consents.xrm.clock.set("2026-03-31T12:00Z")
    said = {"dsgvo.source": "Adressen AG", "dsgvo.collected_on": "2026-03-10"}

    imported(consents.xrm, folder, said=said)

    told = {(each["source"], each["collectedOn"], each["dueOn"]) for each in duties(consents)}
    assert told == {("Adressen AG", "2026-03-10", "2026-04-10")}


def test_who_need_not_be_told_is_kept_with_the_reason(consents: Consents, folder: Path):  # noqa: F811
    said = {"dsgvo.exempt": "known", "dsgvo.because": "Members, told when they joined: § 4 of the form."}

    imported(consents.xrm, folder, said=said)
    imported(consents.xrm, folder, "lead", "last_name,company,source\nKern,Kern KG,partner\n", said=said)

    kept = [(each["status"], each["exemption"], each["because"]) for each in duties(consents)]
    assert kept == [("exempt", "known", said["dsgvo.because"])] * 3
    assert [
        each for each in consents.admin.query("{ dsgvoDue { what } }")["dsgvoDue"] if each["what"] == "notice"
    ] == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"dsgvo.exempt": "known"}, "dsgvo.because"),
        ({"dsgvo.because": "So it is."}, "dsgvo.exempt"),
        ({"dsgvo.exempt": "no idea", "dsgvo.because": "x"}, "disproportionate"),
        ({"dsgvo.exmept": "known"}, "dsgvo.exmept is none"),
        ({"dsgvo.collected_on": "31.03.2026"}, "a day of the past"),
        ({"dsgvo.collected_on": "2999-01-01"}, "a day of the past"),
    ],
)
def test_what_is_said_wrongly_keeps_the_file_out(
    consents: Consents,  # noqa: F811
    folder: Path,
    said: dict[str, str],
    message: str,
):
    result = imported(consents.xrm, folder, said=said)

    assert result.written == 0
    assert message in result.problems[0].message
    assert duties(consents) == []


def test_companies_and_who_has_come_themselves_owe_nothing(consents: Consents, folder: Path):  # noqa: F811
    xrm = consents.xrm
    imported(xrm, folder, "customer", "name,legal_form\nKern GmbH,GmbH\nAda Kern,privat\n")
    imported(xrm, folder, "lead", "last_name,company,source\nBach,Bach KG,web_form\nDoe,Doe KG,trade_fair\n")
    imported(xrm, folder, "product", "name,sku\nPress,P-1\n")

    private = [each["id"] for each in consents.rows("customers", "id name") if each["name"] == "Ada Kern"]
    fair = [each["id"] for each in consents.rows("leads", "id lastName") if each["lastName"] == "Doe"]
    assert [each["recordId"] for each in duties(consents)] == [*private, *fair]


def test_a_row_that_changes_who_is_there_owes_nothing_new(consents: Consents, folder: Path):  # noqa: F811
    there = {"name": "Ada Kern", "legal_form": "privat", "customer_number": "K-1"}
    consents.xrm.create("customer", there)
    rows = "name,legal_form,customer_number\nAda Byron,privat,K-1\nEva Bach,privat,K-2\n"

    imported(consents.xrm, folder, "customer", rows, upsert_by=("customer_number",))

    new = [each["id"] for each in consents.rows("customers", "id name") if each["name"] == "Eva Bach"]
    assert [each["recordId"] for each in duties(consents)] == new


def test_who_comes_from_a_service_by_key_is_to_be_told(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    shop, token = connector(xrm)
    ids = [str(uuid7()) for _ in range(4)]
    shop.query(UPSERT, id=ids[0], name="Kern")
    # somebody who works here has a person before them
    consents.admin.query(UPSERT, id=ids[1], name="Bach")
    assert [(each["recordId"], each["source"], each["status"]) for each in duties(consents)] == [
        (ids[0], "upsert", "open")
    ]

    # an officer says that this one brings persons who know it
    dsb = xrm.as_role("dsb")
    why = {"actor": token, "name": "Our shop", "exemption": "known", "because": "Told at the checkout (Article 13)."}
    source = dsb.query(SOURCE, i=why)["createDataSource"]["id"]
    shop.query(MANY, i=[{"id": ids[2], "lastName": "Doe"}])

    last = duties(consents)[-1]
    assert (last["recordId"], last["source"], last["status"]) == (ids[2], "Our shop", "exempt")
    assert (last["exemption"], last["because"]) == ("known", why["because"])
    # until it is over
    end = 'mutation ($id: ID!) { updateDataSource(id: $id, input: {until: "2020-01-01"}) { id } }'
    dsb.query(end, id=source)
    shop.query(UPSERT, id=ids[3], name="Late")
    assert duties(consents)[-1]["status"] == "open"
    consents.refused("mutation ($id: ID!) { deleteDataSource(id: $id) { id } }", id=source)
    assert "data" not in xrm.as_role("dsgvo_agent").post(SOURCE, i=why).json()
