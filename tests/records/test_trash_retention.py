"""What has been in the trash for long enough goes for good."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, update

from tests.records.kit import World
from tests.records.test_trash import in_trash
from xrm_core.jobs.core_jobs import TRASH_RETENTION, core_jobs
from xrm_core.records.trash_retention import remove_old
from xrm_core.storage.trash_tables import TRASH


def test_whole_deletions_go_the_oldest_first(world: World) -> None:
    now = dt.datetime.now(dt.UTC)
    for age in (40, 35, 5):
        customer = world.create("admin", "customer", {"name": f"{age}"})
        world.create("admin", "note", {"text": "x", "customer": customer})
        world.delete("admin", "customer", customer)
        with world.database.begin() as connection:
            deletion = connection.scalar(select(TRASH.c.deletion).where(TRASH.c.record_id == customer))
            old = update(TRASH).where(TRASH.c.deletion == deletion)
            connection.execute(old.values(deleted_at=now - dt.timedelta(days=age)))
    with world.database.begin() as connection:
        assert remove_old(connection, now - dt.timedelta(days=30), 1) == 1
        assert remove_old(connection, now - dt.timedelta(days=38), 9) == 0
    assert in_trash(world) == 4
    for days, left in ((0, 4), (30, 2)):
        [handler] = [each for each in core_jobs(30, days)[0] if each.name == TRASH_RETENTION]
        job: Any = SimpleNamespace(transaction=world.database.begin, progress=lambda *_: None)
        assert handler.run(job, {}) == {"removed": (4 - left) // 2}
        assert in_trash(world) == left
