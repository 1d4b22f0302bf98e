"""What names somebody is found in the platform's own tables, all of them, and goes where it ends or harms nothing."""

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, Table, func, insert, select
from uuid_utils import uuid7

import xrm_core.api  # noqa: F401 - all tables
from tests.storage.test_file_store import NAME, apply_all, model
from xrm_core.api import InSystem, find_in_system, forget_in_system
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.columns import Flag, Id, Instant, JsonObject, String
from xrm_core.storage.engines import Database
from xrm_core.storage.system import METADATA
from xrm_core.storage.system_texts import NOT_SEARCHED, SEARCHED
from xrm_core.storage.tables import Tables

ADA, MARIA = "ada@example.com", "maria.ada@example.com"
MODEL = model(memo={"name": NAME})
PLACES = [(table, column) for table, columns in SEARCHED.items() for column in columns]
STAY = {"xrm_identity", "xrm_journal_entry", "xrm_scim_user"}


@pytest.fixture
def context(database: Database) -> Any:
    apply_all(database, MODEL)
    records = Records(MODEL, Tables(MODEL), Plugins(()))
    with database.begin() as connection:
        yield SimpleNamespace(records=records, connection=connection, tenant="")


def planted(context: Any, name: str, /, **values: Any) -> str:
    """A row of a table, with what it needs, and its id."""
    table = METADATA.tables[name]
    needs = {each.name: _dummy(each) for each in table.columns if not each.nullable and each.name not in values}
    row = needs | values
    context.connection.execute(insert(table).values(row))
    return str(row.get("id", row.get("user_id", "")))


def _dummy(column: Column[Any]) -> Any:
    if isinstance(column.type, Id):
        return str(uuid7())
    if isinstance(column.type, Instant):
        return dt.datetime.now(dt.UTC)
    if isinstance(column.type, Flag):
        return False
    if isinstance(column.type, String):
        return json.dumps({"some": str(uuid7())})  # each another one
    return 0


def test_each_column_that_can_hold_a_text_is_searched_or_it_is_said_why_not():
    texts = {
        (table.name, each.name)
        for table in METADATA.tables.values()
        for each in table.columns
        if isinstance(each.type, String | JsonObject | LargeBinary)
    }
    told = {key for key in NOT_SEARCHED if "." not in key}

    named = {(t, c) for t, c in texts if c in SEARCHED.get(t, ()) or t in told or f"{t}.{c}" in NOT_SEARCHED}

    assert texts - named == set()
    # and nothing is named that is not there, or twice
    assert set(PLACES) <= texts
    assert {tuple(key.split(".")) for key in NOT_SEARCHED if "." in key} <= texts - set(PLACES)
    assert told <= METADATA.tables.keys() - SEARCHED.keys()


@pytest.mark.parametrize("form", [ADA, "Ask ADA@Example.com.", json.dumps({"to": [{"mail": json.dumps([ADA])}]})])
def test_it_is_found_in_each_of_them_however_it_lies_there(context: Any, form: str):
    expected = set()
    for table, column in PLACES:
        form_ = json.dumps({"it": form}) if (table, column) == ("xrm_auth_event", "details") else form
        expected.add((table, column, planted(context, table, **{column: form_})))
        planted(context, table, **{column: form_.replace("ada@", "maria.ada@").replace("ADA@", "x-ADA@")})

    found = find_in_system(context, [ADA, "+49 30 1234567"])

    assert {(each.table, each.column) for each in found} == set(PLACES)
    assert len(found) == len(PLACES)  # and nobody else's
    by_id = {(each.table, each.column, each.id) for each in found if each.id}
    assert by_id <= expected
    assert ADA not in str(found)


@pytest.mark.parametrize("needle", ["Jörg Müller 7", 'a"b\\c', "50%_off", "ÄGIR-1"])
def test_umlauts_quotes_and_wildcards_are_found_as_what_they_are(context: Any, needle: str):
    plain = planted(context, "xrm_job", name="a", state="done", message=f"by {needle}")
    packed = planted(context, "xrm_job", name="a", state="done", payload=json.dumps({"x": needle}))
    packed_too = planted(
        context, "xrm_job", name="a", state="done", payload=json.dumps({needle: 1}, ensure_ascii=False)
    )
    planted(context, "xrm_job", name="a", state="done", message="by Jorg Muller 71, a'b, 50 off")

    assert {each.id for each in find_in_system(context, [needle])} == {plain, packed, packed_too}
    assert find_in_system(context, ["", "a", "  "]) == []


def test_what_is_over_goes_and_what_is_to_come_is_named(context: Any):
    for table, column in PLACES:
        if table not in ("xrm_job", "xrm_message"):
            planted(context, table, **{column: json.dumps({"name": ADA, "n": 1})})
    over = planted(context, "xrm_job", state="done", payload=json.dumps({"to": ADA}))
    dead = planted(context, "xrm_job", state="dead", error=json.dumps({"code": "X", "message": ADA}))
    pending = planted(context, "xrm_job", state="pending", payload=json.dumps({"to": ADA}))
    other = planted(context, "xrm_job", state="done", payload=json.dumps({"to": MARIA}))
    waits = planted(context, "xrm_message", state="queued", kind="a.b", payload=json.dumps({"to": ADA}), key="k")
    sent = planted(context, "xrm_message", state="sent", kind="a.b", key=f"hello {ADA}")
    leaving = planted(context, "xrm_message", state="handing_over", kind="a.b", payload=json.dumps({"to": ADA}))

    forgotten = forget_in_system(context, [ADA])

    left = {(each.table, each.id) for each in forgotten.left}
    assert {each.table for each in forgotten.left} == STAY | {"xrm_job", "xrm_message"}
    assert {("xrm_job", pending), ("xrm_message", leaving)} <= left
    assert InSystem("xrm_job", "payload", pending) in forgotten.left
    jobs, messages = METADATA.tables["xrm_job"], METADATA.tables["xrm_message"]
    assert set(context.connection.scalars(select(jobs.c.id))) == {pending, other}
    assert over != dead
    rows = {str(each.id): each for each in context.connection.execute(select(messages))}
    assert (rows[waits].state, rows[waits].reason, rows[waits].payload) == ("refused", "CANCELLED", "{}")
    assert (rows[sent].state, rows[sent].key) == ("sent", None)
    events = context.connection.execute(select(METADATA.tables["xrm_auth_event"])).all()
    assert len(events) == len(SEARCHED["xrm_auth_event"])  # that it happened stays
    assert {"n": 1} in [json.loads(each.details) for each in events]
    # and done once more there is nothing to do, and the same is left
    assert forget_in_system(context, [ADA]).erased == 0
    assert {(each.table, each.id) for each in forget_in_system(context, [ADA]).left} == left


def _count(context: Any, table: Table) -> int:
    return int(context.connection.scalar(select(func.count()).select_from(table)) or 0)


def test_a_notice_to_an_address_is_not_sent_any_more(context: Any):
    planted(context, "xrm_notice", email=ADA)
    planted(context, "xrm_notice", email=MARIA)

    assert forget_in_system(context, [ADA]).erased == 1
    assert _count(context, METADATA.tables["xrm_notice"]) == 1
