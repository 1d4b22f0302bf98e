"""One run of a reader: in the order of each record, at least once; what fails holds up its own record only."""

import datetime as dt

import pytest
from sqlalchemy import Connection, update

from tests.changes.kit import a_year_ago
from tests.events.kit import Notebook, ReaderWorld
from tests.jobs.conftest import Clock
from xrm_core.changes.reading import LoggedChange
from xrm_core.changes.retention import held_by, removable, remove
from xrm_core.errors import DatabaseUnavailable, NotFound
from xrm_core.events import by_hand, cursors, run, waiting
from xrm_core.events.consumer import EntryFailed, Patience, ReaderWaits
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.reader_tables import LOG_WAITING


class Failing(Notebook):
    """Fails for the entries of one record."""

    def __init__(self, record: str, error: BaseException | None = None, **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self.record, self.error = record, error or EntryFailed("NO")
        self.fails = self._fail

    def _fail(self, entry: LoggedChange) -> None:
        if entry.record_id == self.record:
            raise self.error


def test_a_reader_gets_what_is_for_it_from_where_it_begins(world: ReaderWorld) -> None:
    world.customer("before")
    world.begin()
    one = world.customer("A", updates=2)
    world.world.create("admin", "note", {"text": "not for it"})
    reader = Notebook()
    world.read(reader)
    world.read(reader)
    assert reader.told == [(one, 1), (one, 2), (one, 3)]
    assert (world.state().lag_entries, world.state().lag_seconds, world.state().worker) == (0, 0.0, None)


def test_what_fails_holds_up_its_own_record_only(world: ReaderWorld, time: Clock) -> None:
    world.begin()
    one, two = world.customer("A", updates=1), world.customer("B", updates=1)
    reader = Failing(one)
    world.read(reader)
    world.world.update("admin", "customer", one, {"city": "X"})
    world.read(reader)
    assert reader.told == [(two, 1), (two, 2)]
    assert (world.state().waiting, world.state().dead, world.state().lag_entries) == (3, 0, 3)
    reader.record = ""
    world.read(reader)
    assert len(reader.got) == 2  # not due yet
    time.forward(seconds=11)
    world.read(reader)
    assert reader.told[2:] == [(one, 1), (one, 2), (one, 3)]
    assert world.state().waiting == 0


def test_later_changes_of_a_record_wait_behind_the_one_that_failed(world: ReaderWorld, time: Clock) -> None:
    world.begin()
    one = world.customer("A", updates=1)
    bad = [True]

    def fail(entry: LoggedChange) -> None:
        if bad[0] and entry.version == 1:
            raise EntryFailed("NO")

    reader = Notebook(fails=fail)
    world.read(reader)  # the second stands in the same batch
    world.world.update("admin", "customer", one, {"city": "third"})
    world.read(reader)  # the third comes when the first waits already
    assert reader.told == []
    assert world.state().waiting == 3
    bad[0] = False
    time.forward(seconds=11)
    world.read(reader)
    assert reader.told == [(one, 1), (one, 2), (one, 3)]


def test_after_all_attempts_it_is_dead_and_the_record_goes_on(world: ReaderWorld, time: Clock) -> None:
    world.begin()
    one = world.customer("A", updates=1)
    first = [True]

    def fail(entry: LoggedChange) -> None:
        if entry.version == 1 and first[0]:
            raise ValueError("Ada Lovelace, 36")

    reader = Notebook(fails=fail)
    for _ in range(3):
        world.read(reader)
        time.forward(hours=2)
    world.read(reader)
    assert reader.told == [(one, 2)]
    with world.database.read() as connection:
        [dead] = by_hand.dead(connection, "test", 10)
    assert (dead.record_id, dead.attempts, dead.error) == (one, 3, "ValueError")
    assert (world.state().dead, world.state().lag_entries) == (1, 0)

    first[0] = False
    assert world.write(by_hand.retry, "test", [dead.position]) == 1
    world.read(reader)
    assert reader.told == [(one, 2), (one, 1)]
    assert world.state().dead == 0


def test_what_no_attempt_would_help_is_dead_at_once(world: ReaderWorld) -> None:
    world.begin()
    one = world.customer("A", updates=1)
    reader = Failing(one, EntryFailed("NEVER", final=True))
    world.read(reader)
    assert (world.state().dead, world.state().waiting) == (2, 0)


@pytest.mark.parametrize("error", [ReaderWaits("DOWN", 60), DatabaseUnavailable("gone")])
def test_what_is_no_entrys_fault_lets_the_reader_wait_where_it_is(
    world: ReaderWorld, time: Clock, error: Exception
) -> None:
    world.begin()
    one = world.customer("A", updates=1)
    reader = Failing(one, error)
    world.read(reader)
    state = world.state()
    assert (state.waiting, state.dead, state.lag_entries) == (0, 0, 2)
    assert state.error == getattr(error, "code", None)
    with world.database.read() as connection:
        assert not cursors.cursors(connection, ["test"])["test"].due
    time.forward(seconds=61)
    with world.database.read() as connection:
        assert cursors.cursors(connection, ["test"])["test"].due
    reader.record = ""
    world.read(reader)
    assert reader.told == [(one, 1), (one, 2)]
    assert world.state().error is None


def test_the_cursor_moves_in_the_transaction_of_the_delivery(world: ReaderWorld) -> None:
    world.begin()
    one = world.customer("A")
    before = world.state().position

    def break_off(connection: Connection) -> None:
        world.world.records.update(connection, world.world.caller("admin"), "customer", one, {"city": "never"})
        raise ValueError

    reader = Notebook(note=break_off, patience=Patience(1))
    world.read(reader)
    stored = world.world.stored("customer", one)
    assert stored is not None
    assert stored["city"] is None
    assert world.state().position == before + 1
    assert world.state().dead == 1


def test_who_has_lost_the_lease_writes_nothing_more(world: ReaderWorld) -> None:
    world.begin()
    one = world.customer("A")
    taken: list[bool] = []

    def lose(_entry: LoggedChange) -> None:
        if not taken:
            with world.database.begin() as connection:
                cursor = cursors.cursors(connection, ["test"])["test"]
                taken.append(cursors.take_away(connection, "test", cursor.lease or "", cursor.beat))

    reader = Notebook(fails=lose)
    before = world.state().position
    world.read(reader)
    assert taken == [True]
    assert world.state().position == before
    world.read(reader)
    assert reader.told == [(one, 1), (one, 1)]


def test_only_one_has_the_lease(world: ReaderWorld) -> None:
    world.begin()
    lease = world.write(cursors.claim, "test", "a")
    assert world.write(cursors.claim, "test", "b") is None
    beat = world.database
    with beat.read() as connection:
        cursor = cursors.cursors(connection, ["test"])["test"]
    world.write(cursors.beat, lease)
    assert not world.write(cursors.take_away, "test", lease.id, cursor.beat)  # it has shown a sign of life


def test_a_reader_with_too_much_that_waits_reads_no_further(
    world: ReaderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_WAITING", 1)
    world.begin()
    one = world.customer("A")
    world.read(Failing(one))
    world.customer("B")
    reader = Failing(one)
    world.read(reader)
    assert reader.told == []
    assert world.state().lag_entries == 2


def test_what_is_not_read_yet_is_not_removed_from_the_log(world: ReaderWorld) -> None:
    world.begin()
    one = world.customer("A")
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
    world.write(
        lambda connection: connection.execute(update(CHANGE).where(CHANGE.c.record_id == one).values(at=long_ago))
    )
    world.read(Failing(one))
    reader = Notebook("other")
    a_year_ago(world.database)
    hundred = dt.datetime.now(dt.UTC) - dt.timedelta(days=100)
    before = world.state().position - 1
    with world.database.read() as connection:
        assert held_by(connection) == ("test", before)
        old = removable(connection, hundred)
    assert remove(world.database, hundred, keys=world.keys, by="test") == old
    assert world.state().lag_seconds > 30_000_000  # the entry is there
    world.write(by_hand.retry, "test")
    world.read(reader := Notebook())
    assert reader.told == [(one, 1)]
    assert remove(world.database, hundred, keys=world.keys, by="test") == 1


def test_an_entry_that_was_removed_waits_no_more(world: ReaderWorld) -> None:
    world.begin()
    one = world.customer("A")
    world.read(Failing(one))
    world.write(lambda connection: connection.execute(update(LOG_WAITING).values(position=10**9, due_at=None)))
    world.read(reader := Notebook())
    assert reader.told == []
    assert world.state().waiting == 0


def test_readers_are_forgotten(world: ReaderWorld) -> None:
    world.begin()
    one = world.customer("A")
    world.read(Failing(one))
    world.write(by_hand.forget, "test")
    with world.database.read() as connection:
        assert by_hand.states(connection) == []
        assert waiting.count(connection, "test") == 0
    with pytest.raises(NotFound):
        world.write(by_hand.forget, "test")
