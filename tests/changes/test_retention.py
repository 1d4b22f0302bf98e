"""Old batches lose their entries; the chain of those that stay still holds."""

import datetime as dt

import pytest
from sqlalchemy import delete, select, update

from tests.changes.kit import KEY, log_of, verified
from tests.records.kit import World
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.retention import removable, remove
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import ChangeLogBroken
from xrm_core.errors import SettingsError
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH
from xrm_core.storage.system import AUTH_EVENT

KEYS = ChainKeys(KEY)


@pytest.fixture
def three_batches(world: World) -> World:
    """Of one entry and more, the first two of them sealed a year ago."""
    seal_all(world.database, KEYS)
    for name in "AB":
        world.create("admin", "customer", {"name": name})
        seal_all(world.database, KEYS)
    return world


def a_year_ago(world: World, *numbers: int) -> None:
    with world.database.begin() as connection:
        old = update(CHANGE_BATCH).where(CHANGE_BATCH.c.number.in_(numbers))
        connection.execute(old.values(sealed_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=365)))


def days_ago(days: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


def test_whole_batches_go_and_that_is_an_event(three_batches: World) -> None:
    a_year_ago(three_batches, 1, 2)
    with three_batches.database.read() as connection:
        assert removable(connection, days_ago(100)) == 3
    assert remove(three_batches.database, days_ago(100), by="test") == 3
    assert [row.position for row in log_of(three_batches)] == [4]
    found = verified(three_batches)
    assert (found.batches, found.removed, found.entries) == (3, 2, 1)
    with three_batches.database.read() as connection:
        [event] = connection.execute(select(AUTH_EVENT).where(AUTH_EVENT.c.event == "log_cleared")).all()
    assert event.subject == "changes"
    assert '"lines": 3' in event.details


def test_what_is_young_stays(three_batches: World) -> None:
    assert remove(three_batches.database, days_ago(100), by="test") == 0
    with pytest.raises(SettingsError):
        remove(three_batches.database, days_ago(1), by="test")
    assert len(log_of(three_batches)) == 4
    assert verified(three_batches).findings == ()


def test_what_somebody_has_removed_does_not_pass_for_too_old(three_batches: World) -> None:
    a_year_ago(three_batches, 1, 2)
    with three_batches.database.begin() as connection:
        connection.execute(delete(CHANGE).where(CHANGE.c.position == 3))
    with pytest.raises(ChangeLogBroken):
        remove(three_batches.database, days_ago(100), by="test")
    assert [each.what for each in verified(three_batches).findings if "missing" in each.what] == [
        "1 of its entries are missing"
    ]


def test_it_can_be_stopped_and_goes_on_another_time(three_batches: World) -> None:
    a_year_ago(three_batches, 1, 2)
    answers = iter([False, True])
    assert remove(three_batches.database, days_ago(100), by="test", stop=lambda: next(answers)) == 2
    assert remove(three_batches.database, days_ago(100), by="test") == 1
