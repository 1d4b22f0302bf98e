"""What an erasure of ten times the records costs: for each record, the CPU of its plan and of its run, over that of one.

``python bench/erasures.py [--records 1000] [--times 10]``; on SQLite, and once more on PostgreSQL if
``XRM_TESTING_POSTGRES`` names a server on which databases may be made. A person with so many calls is planned, by a job
from 2000 records on, and erased. Prints, for each database, the CPU of this process for a record of the many over that
for one of the few, and that of the plan over that of the run; asserts nothing.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xrm_core.testing import Setup, Xrm
from xrm_core.testing.fixtures import POSTGRES
from xrm_core.testing.prepared import Prepared

OPEN = "mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run status planHash } }"
READ = "query ($run: String!) { dsgvoErasurePlan(run: $run, first: 0) { status planHash } }"
RUN = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"
ENVIRONMENT = {"XRM_SECRET_KEY": "s" * 40, "XRM_DSGVO_SUPPRESSION_KEY": "ab" * 32}
_AT_ONCE = 500


def filled(xrm: Xrm, records: int) -> str:
    """A person with so many calls; their id."""
    contact = xrm.create("contact", first_name="Ada", last_name="Kern", email="ada@kern.example")
    for start in range(0, records, _AT_ONCE):
        rows = [
            {"subject": f"Call {number}", "kind": "call", "contact": contact}
            for number in range(start, min(records, start + _AT_ONCE))
        ]
        with xrm.database.begin() as connection:
            xrm.platform.records.create_many(connection, xrm._system(), "activity", rows)
    xrm.work()
    return contact


def spent(do: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU, and what was answered."""
    begun = time.process_time()
    found = do()
    return time.process_time() - begun, found


def measured(xrm: Xrm, records: int) -> tuple[float, float]:
    """Seconds of CPU of the plan and of the run."""
    contact = filled(xrm, records)
    given = {
        "entity": "contact",
        "record": contact,
        "reviewed": [{"entity": "activity", "field": "subject", "erase": True}],
    }
    admin, dsb = xrm.as_role("admin"), xrm.as_role("dsb")

    def plan() -> Any:
        opened = admin.query(OPEN, i=given)["dsgvoErasureOpen"]
        if opened["status"] == "planning":
            xrm.work()
            opened |= admin.query(READ, run=opened["run"])["dsgvoErasurePlan"]
        return opened

    def run(opened: Any) -> None:
        dsb.query(RUN, i={"run": opened["run"], "planHash": opened["planHash"]})
        xrm.work()
        assert admin.query(READ, run=opened["run"])["dsgvoErasurePlan"]["status"] == "complete"

    planning, opened = spent(plan)
    running, _ = spent(lambda: run(opened))
    return planning, running


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    setup = Setup(plugins=["dsgvo", "sales"], pack="core", environment=ENVIRONMENT)
    server = os.environ.get(POSTGRES) or None
    with tempfile.TemporaryDirectory() as folder:
        (made := Path(folder, "made")).mkdir()
        prepared = Prepared(setup, made, server)
        for kind in ("sqlite", *(["postgresql"] if server else [])):
            found = []
            for records in (options.records, options.records * options.times):
                place = Path(folder, f"{kind}{records}")
                place.mkdir()
                with prepared.app(kind, place) as xrm:
                    measured(xrm, 20)  # what is made once
                    found.append([seconds / records for seconds in measured(xrm, records)])
            (plan, run), (plans, runs) = found
            print(f"{kind}: {options.times} times the records, for each record: plan {plans / plan:.2f}, ", end="")
            print(f"run {runs / run:.2f}; plan of the run {plans / runs:.2f}", flush=True)
        prepared.close()


if __name__ == "__main__":
    main()
