"""A worker in a process of its own, to be killed: each job of the name «work» writes its payload into a customer.

``python -m tests.jobs.process URL LEASE_SECONDS FOLDER``: jobs write into the folder, too, which no rollback undoes.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xrm_core.cli.logs import configure_logs
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import JobHandler, Registry
from xrm_core.jobs.worker import Pace, Worker
from xrm_core.plugins import Plugins
from xrm_core.storage.engines import Database


def main(url: str, lease: float, folder: Path) -> None:
    """Work until the end."""

    def work(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        (folder / f"{payload['name']}-{job.attempt}").touch()
        time.sleep(payload["seconds"] / 2)
        with job.transaction() as connection:
            job.records.create(connection, job.caller, "customer", {"name": payload["name"]})
            time.sleep(payload["seconds"] / 2)
            if payload["finishes"]:
                job.finish(connection)
        return {"attempt": job.attempt}

    configure_logs()
    place = Place("", Database(url), Plugins())
    registry = Registry({"work": JobHandler("work", work, attempts=100)}, {})
    Worker(registry, lambda: [place], Pace(2, 0.05, lease)).run()


def begin() -> None:
    """By the words that the program was called with."""
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))


if __name__ == "__main__":
    begin()
