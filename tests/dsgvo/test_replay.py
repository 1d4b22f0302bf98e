"""What a restored backup brings back of who was erased is erased again before the first request (I3)."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from xrm_dsgvo.erasure import replaying

from tests.dsgvo.canaries import Person, tokens_in
from tests.dsgvo.conftest import KEY
from tests.dsgvo.restoring import Backups, backups  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import World, begin
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, OPEN, done
from xrm_core.api import Refuse
from xrm_core.jobs.replaying import ReplayPending, catch_up
from xrm_core.sealed.journal import prune_entries
from xrm_core.sealed.key_store import KeyStore
from xrm_core.server.journals import JournalState, journal_state
from xrm_core.storage.journal_tables import journal_mark
from xrm_core.testing import Setup, Xrm

Restored = Callable[[], Any]


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], pack="association", environment=KEY, begin=begin)


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.as_role("admin"), *xrm.begun)


@pytest.fixture
def restored(world: World, backups: Backups) -> Restored:  # noqa: F811
    """Brings a backup back in which all are, and of which the journal has all. The law keeps a donation of A."""
    world.update("donation", world.a.records["donation"], {"donated_on": f"{date.today().year}-01-15"})
    world.xrm.work()
    backups.save()
    return backups.bring_back


def erase(world: World, *persons: Person) -> None:
    for each in persons:
        world.run(world.decided(each))
    world.xrm.work()


def left(world: World, platform: Any, person: Person) -> set[tuple[str, str]]:
    """The fields of a person of which anything is in the database."""
    there: Any = replace(world, xrm=platform)  # of which it needs the database alone
    return {(entity, name) for _, entity, name in tokens_in(there.dump(), [person])}


@pytest.mark.invariant("I3")
def test_a_person_who_was_erased_is_gone_from_a_restored_backup_before_it_is_served(
    world: World,
    restored: Restored,
    backups: Backups,  # noqa: F811
) -> None:
    # given a backup, and an erasure after it
    erase(world, world.a)
    stays, others = left(world, world.xrm, world.a), left(world, world.xrm, world.b)
    assert ("donation", "receipt") not in stays  # what the law keeps is in the archive
    platform = restored()
    assert left(world, platform, world.a) > stays  # the backup has brought them back

    # when a server is started on it
    with backups.serving(platform) as http:
        assert http.get("/health/ready").json() == {"status": "ready"}

        # then nothing is there but what the erasure had left, and all of others
        assert left(world, platform, world.a) <= stays
        assert left(world, platform, world.b) == others
    with platform.database.read() as connection:
        runs = platform.records.tables["erasure_run"]
        assert set(connection.scalars(runs.select().with_only_columns(runs.c.status))) & {
            "complete",
            "complete_with_retention",
        }
    # and a second start has nothing to do
    assert catch_up(platform.database, platform.records) == 0


@pytest.mark.invariant("I3", "I8")
@pytest.mark.parametrize("lifted", [True, False])
@pytest.mark.slow
def test_nothing_is_served_until_all_is_erased_again_and_it_goes_on_where_it_ended(
    world: World,
    restored: Restored,
    backups: Backups,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    *,
    lifted: bool,
) -> None:
    # given two erasures, of which the second cannot be done again; the first is of somebody whose data were restricted,
    # for whom nothing can be sealed any more
    given = {"person": {"entity": "contact", "record": world.a.records["contact"]}, "ground": "accuracy"}
    id_ = done(world.admin, OPEN, **given, because="Contested.")["restriction"]
    if lifted:
        done(world.admin, ANNOUNCE, restriction=id_, via="letter")
        done(world.xrm.as_role("dsb"), LIFT, restriction=id_, because="It is right.")
    erase(world, world.a, world.b)
    stays = left(world, world.xrm, world.a), left(world, world.xrm, world.b)
    platform, note = restored(), replaying._note

    def stopped(context: Any, content: Any, was: Any) -> None:
        if content["said"]["record_id"] == world.b.records["contact"]:
            raise Refuse("Something stands in the way.")
        note(context, content, was)

    monkeypatch.setattr(replaying, "_note", stopped)
    with backups.serving(platform) as http:
        # then nothing is answered, and the code says why
        assert http.get("/health/ready").json() == {"status": "not ready", "code": "REPLAY_PENDING"}
        answer = http.post("/graphql", json={"query": "{ contacts { nodes { id } } }"})
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "REPLAY_PENDING")
        assert http.get("/health/live").status_code == 200
        # what was done stays done, the other is as it was, as a whole
        assert left(world, platform, world.a) <= stays[0]
        assert left(world, platform, world.b) > stays[1]

    # when it can be done, then that alone is left to do
    monkeypatch.setattr(replaying, "_note", note)
    assert catch_up(platform.database, platform.records) == 1
    assert left(world, platform, world.b) <= stays[1]


def test_an_erasure_that_was_taken_back_leaves_nothing_in_the_journal(world: World, restored: Restored) -> None:
    # given an erasure that is refused, as others have changed the data since it was planned
    opened = world.decided(world.a)
    world.update("contact", world.a.records["contact"], {"first_name": "Later"})
    given = {"run": opened["run"], "planHash": "0" * 64}
    document = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"
    world.xrm.as_role("dsb").refused(document, "REFUSED_BY_PLUGIN", i=given)
    world.xrm.work()

    # then a restored backup has them
    platform = restored()
    assert catch_up(platform.database, platform.records) == 0
    assert ("contact", "email") in left(world, platform, world.a)


def test_without_the_key_store_of_the_data_nothing_is_served_and_it_is_said(
    world: World, restored: Restored, tmp_path: Path
) -> None:
    # given a restored backup, and another key store than that of the data
    platform = restored()
    another = KeyStore(f"sqlite:///{tmp_path / 'another.db'}", platform.settings.secret_key)
    records = copy.copy(platform.records)
    records.key_store = another

    # then it is not taken for one that has nothing to be done again
    with pytest.raises(ReplayPending, match="not that of this data"):
        catch_up(platform.database, records)
    assert journal_state(platform.database, another) == JournalState(kept=True, usable=True)
    assert journal_state(platform.database, KeyStore("", "")) == JournalState(kept=True)
    # with that of the data all is well
    assert journal_state(platform.database, platform.records.key_store) == JournalState(True, True, True)
    assert catch_up(platform.database, platform.records) == 0
    # but where it has not all of the time since the backup any more, that is told
    with platform.database.read() as connection:
        mark = str(journal_mark(connection))
    prune_entries(platform.records.key_store, mark, "ffffffff-0000-7000-8000-000000000000")
    with pytest.raises(ReplayPending) as told:
        catch_up(platform.database, platform.records)
    assert "older than what the journal still has" in str(told.value.hint)
