"""The demo, with sales: it fits together."""

import datetime as dt

from xrm_core.contributions.demo import load_plugins_demo
from xrm_core.permissions.caller import system
from xrm_core.testing import Xrm

NOW = dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)


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
    assert admin.query("{ leads { nodes { score } } }")["leads"]["nodes"] == [{"score": 20}] * 3
    document = '{ salesReport(name: "pipeline_cube") { rows { values } } }'
    assert len(admin.query(document)["salesReport"]["rows"]) > 10
