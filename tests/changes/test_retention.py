"""Old batches lose their entries; the chain of those that stay still holds."""

import datetime as dt

import pytest
from sqlalchemy import delete, select, update

from tests.changes.kit import KEY, a_year_ago, log_of, verified
from tests.records.kit import World
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.retention import removable, remove
from xrm_core.changes.sealing import seal_all
from xrm_core.changes.verifying import ChangeLogBroken, verify
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


def days_ago(days: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


def test_whole_batches_go_and_that_is_an_event(three_batches: World) -> None:
    a_year_ago(three_batches.database, 1, 2)
    with three_batches.database.read() as connection:
        assert removable(connection, days_ago(100)) == 3
    assert remove(three_batches.database, days_ago(100), keys=KEYS, by="test") == 3
    assert [row.position for row in log_of(three_batches)] == [4]
    found = verified(three_batches)
    assert (found.batches, found.removed, found.entries, found.findings) == (3, 2, 1, ())
    with three_batches.database.read() as connection:
        [event] = connection.execute(select(AUTH_EVENT).where(AUTH_EVENT.c.event == "log_cleared")).all()
    assert event.subject == "changes"
    assert '"lines": 3' in event.details


def test_what_is_young_stays(three_batches: World) -> None:
    assert remove(three_batches.database, days_ago(100), keys=KEYS, by="test") == 0
    with pytest.raises(SettingsError):
        remove(three_batches.database, days_ago(1), keys=KEYS, by="test")
    assert len(log_of(three_batches)) == 4
    assert verified(three_batches).findings == ()


def test_what_somebody_has_removed_does_not_pass_for_too_old(three_batches: World) -> None:
    a_year_ago(three_batches.database, 1, 2)
    with three_batches.database.begin() as connection:
        connection.execute(delete(CHANGE).where(CHANGE.c.position == 3))
    with pytest.raises(ChangeLogBroken):
        remove(three_batches.database, days_ago(100), keys=KEYS, by="test")
    assert [each.what for each in verified(three_batches).findings if "missing" in each.what] == [
        "1 of its entries are missing"
    ]


def test_what_somebody_has_made_older_than_it_is_is_not_removed(three_batches: World) -> None:
    old = update(CHANGE_BATCH).where(CHANGE_BATCH.c.number < 3).values(sealed_at="2020-01-01T00:00:00+00:00")
    with three_batches.database.begin() as connection:
        connection.execute(old)
    with pytest.raises(ChangeLogBroken):
        remove(three_batches.database, days_ago(100), keys=KEYS, by="test")
    assert len(log_of(three_batches)) == 4


def test_a_deletion_does_not_pass_for_a_removal_by_a_server(three_batches: World) -> None:
    # given a log whose first batch a server has removed
    a_year_ago(three_batches.database, 1)
    assert remove(three_batches.database, days_ago(100), keys=KEYS, by="test") == 2
    [signature] = signatures(three_batches)
    # when somebody who can write to the database removes the next one, with whatever is at hand
    with three_batches.database.begin() as connection:
        connection.execute(delete(CHANGE).where(CHANGE.c.position == 3))
        mine = update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2)
        for removal in (None, signature, b"x" * 32, CHANGE_BATCH.c.mac):
            connection.execute(mine.values(removed=True, removal=removal))
            # then that is found, and nothing else
            found = verify(connection, KEYS).findings
            assert [(each.batch, each.what) for each in found] == [
                (2, "its entries were removed by nobody who has a key of this server")
            ]


def test_what_was_sealed_before_there_was_a_key_can_be_removed_with_it(world: World) -> None:
    seal_all(world.database, ChainKeys(""))
    world.create("admin", "customer", {"name": "A"})
    seal_all(world.database, KEYS)
    a_year_ago(world.database, 1, keys=ChainKeys(""))
    assert remove(world.database, days_ago(100), keys=KEYS, by="test") == 2
    with world.database.begin() as connection:
        second = connection.execute(select(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2)).one()
        mine = update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2)
        connection.execute(mine.values(mac=KEYS.mac(bytes(second.chain))))
    assert verified(world, unsigned_to=1).findings == ()


def signatures(world: World) -> list[bytes]:
    with world.database.read() as connection:
        found = connection.scalars(select(CHANGE_BATCH.c.removal).where(CHANGE_BATCH.c.removed))
        return [bytes(each) for each in found]


def test_it_can_be_stopped_and_goes_on_another_time(three_batches: World) -> None:
    a_year_ago(three_batches.database, 1, 2)
    answers = iter([False, True])
    assert remove(three_batches.database, days_ago(100), keys=KEYS, by="test", stop=lambda: next(answers)) == 2
    assert remove(three_batches.database, days_ago(100), keys=KEYS, by="test") == 1
