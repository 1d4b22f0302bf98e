"""The demo, with sales: it fits together."""

import datetime as dt
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from xrm_core.cli import demo_mode
from xrm_core.contributions.demo import load_plugins_demo
from xrm_core.demo.accounts import DEMO_USERS
from xrm_core.demo.packs import core_demo
from xrm_core.permissions.caller import system
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble, find_plugins
from xrm_core.settings import load_settings
from xrm_core.testing import Setup, Xrm

NOW = dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    """One in which there is nothing yet."""
    return Setup(plugins=["sales"])


def test_a_demo_has_opportunities_of_every_kind(xrm: Xrm):
    admin = xrm.as_role("admin")
    ids = {
        "customer": [xrm.create("customer", name=f"No. {number}") for number in range(5)],
        "competitor": [xrm.create("competitor", name="Rival AG")],
    }
    platform = xrm.platform
    caller = system(platform.model, "demo data", sets_system_fields=True)

    with platform.database.begin() as connection:
        load_plugins_demo(platform.records, connection, caller, {"admin": admin.user_id}, NOW, ids)

    groups = admin.query("{ opportunitiesAggregate(groupBy: [{status: VALUE}]) { key { status } count } }")
    counts = {each["key"]["status"]: each["count"] for each in groups["opportunitiesAggregate"]}
    assert sum(counts.values()) == 60
    assert counts.keys() == {"open", "won", "lost"}
    fields = "status netTotal marginPercent opportunity { amount status } items { totalCount }"
    quotes = admin.query(f"{{ quotes(first: 60) {{ nodes {{ {fields} }} }} }}")["quotes"]["nodes"]
    assert {each["status"] for each in quotes} == {"draft", "sent", "accepted", "rejected"}
    assert all(
        (each["netTotal"], each["marginPercent"], each["items"]["totalCount"])
        == (each["opportunity"]["amount"], "32.00", 4)
        for each in quotes
    )
    assert {each["opportunity"]["status"] for each in quotes if each["status"] == "accepted"} == {"won"}
    assert admin.query("{ leads { nodes { score } } }")["leads"]["nodes"] == [{"score": 20}] * 3
    forecast = (
        '{ salesForecast(fromMonth: "2026-01-01", months: 12, period: QUARTER, by: [OWNER]) { lines { quota } } }'
    )
    quotas = [each["quota"] for each in admin.query(forecast)["salesForecast"]["lines"]]
    assert quotas.count("400000.00") == 4
    assert admin.query('{ salesReport(name: "win_rate_by_competitor") { rows { values } } }')["salesReport"]["rows"]
    document = '{ salesReport(name: "pipeline_cube") { rows { values } } }'
    assert len(admin.query(document)["salesReport"]["rows"]) > 10


def test_who_sells_in_the_demo_sees_what_they_sell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = load_settings(data_dir=tmp_path, plugins=("sales",), schemas="core", demo=True)
    platform = assemble(settings, plugins=find_plugins(settings))  # whose hooks ask documents while it is loaded
    monkeypatch.setattr(demo_mode, "demo_of", lambda _: core_demo(500))

    [token] = [each["token"] for each in demo_mode.prepare(platform).page["roles"] if each["name"] == "sales_rep"]

    document = """{
      opportunities(first: 100) { nodes { owner { id } customer { name } } } quotes(first: 100) { nodes { netTotal } }
    }"""
    with TestClient(create_app(platform), "http://127.0.0.1") as http:
        answer = http.post("/graphql", json={"query": document}, headers={"Authorization": f"Bearer {token}"}).json()
    mine = answer["data"]["opportunities"]["nodes"]
    assert 0 < len(mine) < 60
    assert {each["owner"]["id"] for each in mine} == {DEMO_USERS["sales_rep"]}
    assert all(each["customer"] for each in mine)
    assert answer["data"]["quotes"]["nodes"]
