"""What ``/metrics`` says of the readers of the change log."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

from uuid_utils import uuid7

from xrm_core.changes import log
from xrm_core.changes.entry import Change, Operation
from xrm_core.events import cursors
from xrm_core.server.metrics import Metrics
from xrm_core.server.reader_lag import ReaderLag
from xrm_core.storage.engines import Database
from xrm_core.storage.system_upgrade import upgrade_system


async def test_how_far_they_are_behind_is_told(database: Database) -> None:
    upgrade_system(database)
    site: Any = SimpleNamespace(name="", database=database)
    with database.begin() as connection:
        cursors.begin(connection, ["plugin:fleet"], 0)
        made = Change("thing", str(uuid7()), Operation.CREATE, 1, None, (), {})
        log.append(connection, [made], dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))
    lag, metrics = ReaderLag(), Metrics()
    metrics.gauges.extend(lag.gauges(lambda: [site]))

    await lag.look(site)

    found = {sample.name: sample for metric in metrics.collect() for sample in metric.samples}
    assert found["xrm_log_reader_lag_entries"].labels == {"reader": "plugin:fleet"}
    assert found["xrm_log_reader_lag_entries"].value == 1
    assert 300 <= found["xrm_log_reader_lag_seconds"].value < 330
    assert found["xrm_log_reader_waiting"].value == 0
    assert found["xrm_log_reader_dead"].value == 0
