"""Sealed files of persons: given along with an answer by who may open them, gone with their keys, also in copies."""

import json
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures import OPEN, RUN
from tests.dsgvo.test_requests import known, opened
from tests.dsgvo.test_sealed import ACCESS, DEBTOR, OPENED
from xrm_core.storage.file_tables import FILE, FILE_CHUNK
from xrm_core.testing import Setup, Xrm

CANARY = "Känarie im Kontoauszug".encode()
STATEMENT = {
    "x-type": "file",
    "x-sealed": {"class": "LK-3J-BEZIEHUNG"},
    "x-dsgvo": {
        "category": "user.financial",
        "origin": "provided",
        "erase": {"strategy": "delete_file"},
        "encrypt": {"key": "subject"},
    },
}
FILES = {"debtor": {**DEBTOR, "properties": {**DEBTOR["properties"], "statement": STATEMENT}}}


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    roles = {"roles": {"dsb": {}, "dsgvo_agent": {}}}
    policies = ["dsb,debtor,read,*,,allow", "dsgvo_agent,debtor,read,*,,allow"]
    return Setup(plugins=["dsgvo"], environment=KEY, files=FILES, roles=roles, policies=policies)


def with_statement(xrm: Xrm) -> tuple[str, str]:
    """A debtor and their file."""
    admin, headers = xrm.as_role("admin"), {"Content-Type": "text/plain"}
    file = str(admin.request("POST", "/files?name=Kanarie.txt", content=CANARY, headers=headers).json()["id"])
    made = 'mutation ($f: ID!) { createDebtor(input: {code: "X-1", statementId: $f}) { id } }'
    return str(admin.query(made, f=file)["createDebtor"]["id"]), file


def test_the_person_gets_their_file_by_who_may_open_it(xrm: Xrm) -> None:
    debtor, file = with_statement(xrm)
    agent = xrm.as_role("dsgvo_agent")
    request = opened(agent, "access")
    known(agent, request, debtor, entity="debtor")

    made = agent.query(ACCESS, i={"request": request})["dsgvoAccess"]
    [listed] = agent.request("GET", f"/plugins/dsgvo/answers/{request}/files").json()

    [record] = [each for each in json.loads(made["content"])["data"] if each["entity"] == "debtor"]
    [told] = [each["value"] for each in record["fields"] if each["name"] == "statement"]
    assert (told["id"], told["name"], told["size"]) == (file, "Kanarie.txt", len(CANARY))
    assert (listed["field"], listed["name"]) == ("statement", "Kanarie.txt")
    assert xrm.http.get(listed["url"]).content == CANARY
    assert xrm.as_role("admin").request("GET", f"/files/{file}").status_code == 404


def test_an_erasure_takes_it_along_and_no_copy_can_be_read(xrm: Xrm) -> None:
    # given a copy of all that lies there
    debtor, file = with_statement(xrm)
    dsb = xrm.as_role("dsb")
    with xrm.database.read() as connection:
        copied: list[tuple[Any, list[dict[str, Any]]]] = [
            (table, [dict(row) for row in connection.execute(select(table)).mappings()]) for table in (FILE, FILE_CHUNK)
        ]
    assert CANARY not in b"".join(bytes(row["content"]) for row in copied[1][1])

    # when
    plan = dsb.query(OPEN, i={"entity": "debtor", "record": debtor})["dsgvoErasureOpen"]
    done = dsb.query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})["dsgvoErasureRun"]
    xrm.work()

    # then
    assert done["status"] == "complete"
    with xrm.database.read() as connection:
        assert not connection.execute(select(FILE.c.id)).all()
        assert not connection.execute(select(FILE_CHUNK.c.file_id)).all()
    with xrm.database.begin() as connection:
        for table, rows in copied:
            connection.execute(insert(table), rows)
        connection.execute(text("UPDATE debtor SET statement_id = :f WHERE id = :d"), {"f": file, "d": debtor})
    told = dsb.query(OPENED, entity="debtor", record=debtor, fields=["statement"])["dsgvoSealedValues"]
    assert told == [{"field": "statement", "text": None, "destroyed": True}]
