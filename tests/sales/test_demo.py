"""The demo, with sales: it fits together."""

import datetime as dt
from pathlib import Path

import pytest

from xrm_core.cli import demo_mode
from xrm_core.contributions.demo import load_plugins_demo
from xrm_core.permissions.caller import system
from xrm_core.server.assembly import assemble, find_plugins
from xrm_core.settings import load_settings
from xrm_core.testing import Setup, Xrm

NOW = dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    """One in which there is nothing yet."""
    return Setup(plugins=["sales"])


class Ended(Exception):
    """The rest of the demo is not what is looked at."""


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
    document = '{ salesReport(name: "pipeline_cube") { rows { values } } }'
    assert len(admin.query(document)["salesReport"]["rows"]) > 10


def test_hooks_ask_documents_while_a_demo_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = load_settings(data_dir=tmp_path, plugins=("sales",), schemas="core", demo=True)
    platform = assemble(settings, plugins=find_plugins(settings))
    asked = []

    def loaded(door, connection, progress, demo):
        caller = system(platform.model, "demo data", sets_system_fields=True)
        customer = door.create(connection, caller, "customer", {"name": "Some"})
        rival = door.create(connection, caller, "competitor", {"name": "Rival"})
        load_plugins_demo(door, connection, caller, {}, NOW, {"customer": [customer], "competitor": [rival]})
        asked.append(door.asks)
        raise Ended

    monkeypatch.setattr(demo_mode.loading, "load_demo", loaded)

    with pytest.raises(Ended):
        demo_mode.prepare(platform)

    assert asked
    assert asked[0] is not None
    platform.database.close()
