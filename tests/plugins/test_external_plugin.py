"""A real distribution of somebody else, installed by pip, seen by a fresh process."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.plugins.conftest import EXTERNAL_PLUGIN, REPOSITORY
from xrm_core import api

PROGRAM = """
import asyncio, io, json, sys, time
from pathlib import Path
from xrm_core.cli.logs import configure_logs
from xrm_core.changes.keys import ChainKeys
from xrm_core.errors import RefusedByPlugin
from xrm_core.events import by_hand as readers_by_hand
from xrm_core.events.listeners import listeners
from xrm_core.events.readers import Readers
from xrm_core.jobs import by_hand
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import registry
from xrm_core.jobs.worker import Pace, do_one
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions.caller import system
from xrm_core.permissions.plugin_roles import brought, put_upon
from xrm_core.plugins import load_plugins
from xrm_core.records.actions import perform
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables
from xrm_core.translation import speaking

configure_logs()
plugins = load_plugins()
[info] = [info for info in plugins.infos if info.name == "fleet"]
layers = [LayerSource(name, "plugin", folder) for folder, name in plugins.schema_folders()]
model = load([*pack_layers(Path(sys.argv[1])), *layers], Keywords(plugins))
records = Records(model, Tables(model), plugins)
caller = system(model, "test")
database = Database(f"sqlite:///{sys.argv[2]}")
refusals = []
NOTHING = {"roles.json": '{"roles": {}}', "policies.csv": "role,entity,action,fields,rule,effect"}

def attempt(write, *arguments):
    try:
        return write(connection, caller, "vehicle", *arguments)
    except RefusedByPlugin as error:
        refusals.append(error.to_json())

apply(database, model)
heard = listeners(plugins)
readers, place = Readers([lambda _place, _connection: heard], ChainKeys(""), 30), Place("", database, plugins)
readers.visit(place)  # from here on they hear

def lag():
    with database.read() as connection:
        return readers_by_hand.states(connection)[0].lag_entries

with database.begin() as connection:
    vehicle = attempt(records.create, {"licence_plate": "m-ab 12"})
    attempt(records.create, {"licence_plate": "b-xr 666"})
    attempt(records.delete, vehicle)
    attempt(records.update, vehicle, {"retired": True})
    attempt(records.update, vehicle, {"licence_plate": "M-CD 34"})
    stored = [tuple(row) for row in connection.exec_driver_sql("SELECT licence_plate, retired, version FROM vehicle")]
    attempt(records.delete, vehicle)
    left = connection.exec_driver_sql("SELECT count(*) FROM vehicle").scalar()
    seized = attempt(records.create, {"licence_plate": "M-EF 56", "chassis": "wdb 123 456 7890 1234"})
    chassis = connection.exec_driver_sql("SELECT chassis FROM vehicle").scalar()
    attempt(records.create, {"licence_plate": "m-ef56"})
    with speaking("de-AT"):
        attempt(records.create, {"licence_plate": "m-ef56"})
    acme = records.create(connection, caller, "customer", {"name": "Acme"})
    attempt(records.update, seized, {"customer": acme})
    inspected = attempt(records.create, {"licence_plate": "M-GH 78"})
    failing = {"id_": inspected, "given": {"passed": False, "remark": "brakes"}}
    inspections = [perform(records, connection, caller, "fleet.inspect", **failing)]
    try:
        perform(records, connection, caller, "fleet.inspect", **failing)
    except RefusedByPlugin as error:
        inspections.append(error.to_json()["message"])
    jobs = [enqueue(connection, "fleet.retire", given) for given in ({"vehicles": [seized]}, {})]
known = registry(plugins, "UTC")
for job in jobs:
    do_one(database, plugins, known, job, "", Pace())
with database.read() as connection:
    done = [by_hand.job(connection, job) for job in jobs]
    seized = connection.exec_driver_sql("SELECT retired FROM vehicle").scalar()
until = time.monotonic() + 20
while time.monotonic() < until and lag():
    readers.visit(place)
    time.sleep(0.02)
readers.stop(5)
with database.read() as connection:
    notes = [text for text, in connection.exec_driver_sql("SELECT text FROM fleet_note ORDER BY id")]
from xrm_core.contributions.health import HealthChecks
from xrm_core.contributions.routes import routes_of
from xrm_core.graphql.engine import Engine, Request
from xrm_core.permissions.access import full_access
from xrm_core.permissions.caller import User
from xrm_core.storage.sqlite_reader import SqliteReader

async def ask(query):
    engine = Engine(records, database, SqliteReader(database, 30))
    answer = await engine.execute(Request(query, {}), User(None, full_access(model)))
    await engine.reader.close()
    engine.close()
    return json.loads(answer.body)

overview = asyncio.run(ask("{ fleetOverview(first: 1) { vehicles retired plates first { licencePlate } } }"))
health = HealthChecks(plugins)
well = [each.says for each in health.look(records, database, "")]
health.close()
database.close()
[roles] = brought(plugins)
print(json.dumps({
    "roles": roles.names,
    "rows": put_upon(NOTHING, roles, model)["policies.csv"].count("\\n"),
    "info": [info.distribution, info.version, info.hooks],
    "told": {name: field.annotations["x-fleet-told"] for name, field in model["vehicle"].fields.items()},
    "layer": model["vehicle"].source.layer,
    "inverse": model["customer"].inverses["vehicles"].entity,
    "refusals": refusals,
    "stored": stored,
    "left": left,
    "inspections": inspections,
    "jobs": [[job.state, job.result, job.error] for job in done],
    "seized": seized,
    "chassis": chassis,
    "overview": overview,
    "routes": [each.path for each in routes_of(plugins)],
    "health": well,
    "scans": [plugins.scan_file({"name": "x"}, lambda: io.BytesIO(text)) for text in (b"M-AB 12", b"B-XR 666")],
    "notes": notes,
    "schedules": [[name, each.job, each.zone] for name, each in known.schedules.items()],
}))
"""


def refusal(message: str, field: str | None = None, problems: Mapping[str, str] | None = None) -> dict[str, object]:
    """What the caller of the door gets."""
    details: dict[str, object] = {"plugin": "fleet", "entity": "vehicle"} | ({"field": field} if field else {})
    if problems:
        details["problems"] = [{"field": name, "message": why} for name, why in problems.items()]
    return {"code": "REFUSED_BY_PLUGIN", "message": message, "details": details}


def test_the_installed_plugin_brings_its_entity_and_refuses_writes(installed_fleet: Path, tmp_path: Path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed_fleet), str(REPOSITORY)])}

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(REPOSITORY / "schemas"), str(tmp_path / "fleet.db")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "roles": ["fleet_manager"],
        "rows": 5,
        "info": [
            "xrm-fleet",
            "1.2.0",
            [
                "register_needs",
                "register_settings",
                "register_schemas",
                "register_keywords",
                "register_text_formats",
                "register_field_types",
                "register_translations",
                "register_roles",
                "register_demo",
                "register_actions",
                "register_workflows",
                "register_query_fields",
                "register_record_hooks",
                "register_routes",
                "register_health",
                "register_commands",
                "register_jobs",
                "register_schedules",
                "register_replays",
                "register_data_stores",
                "register_message_kinds",
                "register_channels",
                "before_record_create",
                "before_record_update",
                "before_record_delete",
                "before_record_restore",
                "scan_file",
                "before_message_send",
                "after_message_end",
                "before_data_leaves",
                "after_record_create",
                "after_record_update",
                "after_record_delete",
            ],
        ],
        "told": {
            "licence_plate": "public",
            "chassis": "internal",
            "mileage": "internal",
            "worn": "internal",
            "retired": "public",
            "customer": "internal",
        },
        "layer": "fleet",
        "inverse": "vehicle",
        "refusals": [
            refusal("The licence plate B-XR 666 is reported stolen.", "licence_plate"),
            refusal("Retire the vehicle M-AB 12 before you delete it."),
            refusal("A retired vehicle cannot be changed; take it back into service first.", "retired"),
            refusal("Another vehicle has this plate.", problems={"licence_plate": "is that of M-EF 56."}),
            refusal("Ein anderes Fahrzeug hat dieses Kennzeichen.", problems={"licence_plate": "ist das von M-EF 56."}),
        ],
        "stored": [["M-AB 12", 1, 2]],
        "left": 0,
        "inspections": [{"retired": True}, "A retired vehicle is not inspected."],
        "jobs": [
            ["done", {"retired": 1}, None],
            ["dead", None, {"code": "FAILED", "message": "The payload names no vehicles."}],
        ],
        "seized": 1,
        "chassis": "WDB12345678901234",
        "health": [""],
        "routes": ["/plugins/fleet/stolen/{plate}", "/plugins/fleet/seized"],
        "overview": {
            "data": {
                "fleetOverview": {
                    "vehicles": 2,
                    "retired": 2,
                    "plates": ["M-EF 56"],
                    "first": {"licencePlate": "M-EF 56"},
                }
            }
        },
        "scans": ["clean", "quarantine"],
        "notes": [
            "M-EF 56 goes to Acme",
            "M-GH 78 has failed: brakes",
            "New vehicle M-AB 12",
            "A vehicle was retired",
            "Vehicle M-AB 12 is gone",
            "New vehicle M-EF 56",
            "Farewell to nobody",
            "New vehicle M-GH 78",
            "A vehicle was retired",
            "A vehicle was retired",
        ],
        "schedules": [["fleet.nightly", "fleet.retire", "Europe/Berlin"]],
    }


def test_the_external_plugin_imports_nothing_of_core_but_the_api():
    source = (EXTERNAL_PLUGIN / "xrm_fleet" / "__init__.py").read_text()
    imported = {
        (node.module, name.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xrm_core")
        for name in node.names
    }

    names = ("FileScan", "JobContext", "JobFailed", "JobHandler", "Record", "RecordEvent", "Refuse", "Schedule")
    names = (*names, "QueryContext", "QueryField", "Action", "ActionContext", "Needs", "Write", "enqueue", "hookimpl")
    names = (*names, "HookContext", "On", "RecordChange", "Secret", "Route", "RouteContext")
    names = (*names, "Keyword", "KeywordMistake", "Model")
    names = (*names, "HealthCheck", "HealthContext")
    names = (*names, "Texts", "TextFormat", "CustomFieldType")
    names = (*names, "Command", "CommandContext")
    names = (*names, "DemoContext", "DemoData")
    names = (*names, "RecordOf")
    names = (*names, "Replay", "erase_values")
    names = (*names, "DataStore", "StoreContext", "StoredItem", "StoreSubject")
    names = (*names, "Message", "MessageContent", "MessageContext", "MessageKind", "MessageOutcome", "MessageState")
    names = (*names, "MessageRefusal", "MessageRefused", "Moment", "OutgoingMessage", "may_send", "send_message")
    names = (*names, "Attachment", "Channel", "HandOver", "NotHandedOver")
    names = (*names, "Connector", "ConnectorRefusal", "LeavingContext")
    assert imported == {("xrm_core.api", name) for name in names}
    assert {name for _, name in imported} <= set(api.__all__)
    assert "import xrm_core" not in source
