"""Erasures reach stores of plugins outside of the database, or are not complete (I1, I4, I7, I8, I30)."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import xrm_dsgvo
from sqlalchemy import text
from xrm_dsgvo.erasure import asking_again
from xrm_dsgvo.stores import restored, steps

from tests.dsgvo.canaries import Canaries, Person, tokens_in
from tests.dsgvo.capturing import NAME, SAYS, News
from tests.dsgvo.conftest import KEY
from tests.dsgvo.restoring import Backups, backups  # noqa: F401 - a fixture
from tests.dsgvo.test_canaries import OWN
from tests.dsgvo.test_erasure_jobs import DONE, RESUME, Kills, kills  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import World
from xrm_core.api import enqueue
from xrm_core.testing import Setup, Xrm

PLAN = """query ($run: String!) { dsgvoErasurePlan(run: $run) { status percent
  failures { step code } steps { name count } stores { store status erased kept code } } }"""
NEWS = News(seconds=0.5)


def begin(xrm: Xrm) -> tuple[Person, Person]:
    canaries = Canaries(xrm, but=(*OWN, "legal_hold", "retention_event", "erasure_run"))
    return canaries.fill("A"), canaries.fill("B")


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "news": NEWS}, environment=KEY, begin=begin)


@pytest.fixture
def news() -> News:
    NEWS.clear()
    return NEWS


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.as_role("admin"), *xrm.begun)


def fill(news: News, world: World) -> None:
    """Two items of A, one by a former address, and one of B."""
    former, address = world.a.tokens["contact", "email"], "later@vogel.example"
    world.update("contact", world.a.records["contact"], {"email": address})
    news.put("1", former, note=f"Called {world.a.tokens['contact', 'mobile']}.")
    news.put("2", address.upper(), opened=["2026-01-02"])
    news.put("3", world.b.tokens["contact", "email"], note="B, of whom nothing goes.")


def standing(world: World, run: str) -> dict[str, Any]:
    return dict(world.xrm.as_role("auditor").query(PLAN, run=run)["dsgvoErasurePlan"])


def store(status: str = "done", erased: int = 2, kept: int = 0, code: str = "") -> list[dict[str, Any]]:
    return [{"store": NAME, "status": status, "erased": erased, "kept": kept, "code": code}]


def left(world: World, opened: dict[str, Any]) -> set[tuple[str, str]]:
    """What the database has of A, but for what is no record of theirs, and texts in which they were blackened."""
    planned = {each["entity"]: {f["name"] for f in each["fields"]} for each in opened["records"]}
    texts = {
        (each["entity"], f["name"])
        for each in opened["records"]
        for f in each["fields"]
        if f["strategy"] == "redact_text"
    }
    assert planned
    return {(entity, name) for _, entity, name in tokens_in(world.dump(), [world.a]) if entity in planned} - texts


@pytest.mark.invariant("I1", "I4", "I7", "I30")
def test_what_a_store_has_of_a_person_goes_and_what_it_has_of_others_stays(world: World, news: News) -> None:
    fill(news, world)
    others = [tokens_in(each, [world.b]) for each in (news.dump(), world.dump())]

    # when the person is erased, then their records are out of reach at once, and the run is not complete yet
    opened = world.decided(world.a)
    assert world.run(opened)["status"] == "running"
    assert standing(world, opened["run"])["stores"] == store("open", 0)
    found = world.admin.query("{ contacts { nodes { email firstName } } }")
    assert not tokens_in(json.dumps(found).encode(), [world.a])
    assert set(news.readers) == {"1", "2", "3"}

    # and once a worker has come, it is
    world.xrm.work()
    told = standing(world, opened["run"])
    assert (told["status"] in DONE, told["percent"], told["failures"], told["stores"]) == (True, 100, [], store())
    assert set(news.readers) == {"3"}
    dump = world.dump()
    assert left(world, opened) == set()
    assert not tokens_in(news.dump(), [world.a])
    assert b"later@vogel.example" not in dump.lower() + news.dump().lower()
    assert [tokens_in(each, [world.b]) for each in (news.dump(), dump)] == others
    # it was verified last, by what names nobody else, and not by names that others have, too
    question, about = news.asked[-1]
    assert (question, {each.casefold() for each in about.identifiers} >= {"later@vogel.example"}) == ("verify", True)
    assert not about.identifiers & {world.a.tokens["contact", "first_name"], world.a.tokens["contact", "last_name"]}
    # and nothing of the store's content is in the report
    runs = world.admin.query("{ erasureRuns { nodes { progress report } } }")
    assert not tokens_in(json.dumps(runs).encode(), [world.a])

    # a second erasure has nothing more to do
    again = world.decided(world.a)
    world.run(again)
    world.xrm.work()
    told = standing(world, again["run"])
    assert (told["stores"], {each["count"] for each in told["steps"]}) == (store(erased=0), {0})


ADDRESS = "eva@einzeln.example"


@pytest.fixture
def run(world: World, news: News) -> str:
    """A run about somebody of whom there is one record here, and two items in the store; no worker has come yet."""
    news.put("1", ADDRESS)
    news.put("2", ADDRESS)
    news.put("3", "bo@example.com")
    return begun(world, world.xrm.create("contact", first_name="Eva", last_name="Einzeln", email=ADDRESS))


def begun(world: World, contact: str, **more: Any) -> str:
    opened = world.open(Person("Eva", {"contact": contact}), **more)
    assert world.run(opened)["status"] == "running"
    return str(opened["run"])


@pytest.mark.invariant("I8")
def test_a_worker_that_is_killed_at_every_step_ends_where_one_does_that_is_not(
    world: World,
    news: News,
    run: str,
    kills: Kills,  # noqa: F811 - the fixture
) -> None:
    for _ in range(40):
        with pytest.raises(KeyboardInterrupt):
            world.xrm.work()
        kills.on = standing(world, run)["status"] == "running"
        if not kills.on:
            break
    assert not kills.on
    world.xrm.work()

    told = standing(world, run)
    assert (told["status"], told["stores"][0]["status"], set(news.readers)) == ("complete", "done", {"3"})
    assert ADDRESS.encode() not in world.dump()


def half(news: News) -> Callable[[], Any]:
    """A store that dies when it has erased the half."""

    def die() -> int:
        news.readers.pop("1", None)
        raise ConnectionError(f"connection to {ADDRESS} lost")

    return die


def raising() -> int:
    raise RuntimeError(f"{ADDRESS} is not there")


NEVER = threading.Event()
FAULTS = {
    "raises": (lambda _: raising, "STORE_FAILED"),
    "hangs": (lambda _: lambda: NEVER.wait(1.0) or 2, "STORE_TIMEOUT"),
    "answers nonsense": (lambda _: lambda: "two", "STORE_ANSWER_INVALID"),
    "dies in the middle": (half, "STORE_FAILED"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_erasure_is_not_complete_before_a_store_has_answered(world: World, news: News, run: str, fault: str) -> None:
    made, code = FAULTS[fault]
    news.faults["erase"] = made(news)

    # when it fails, it is told so, what was done stays, and it is still known what to look for
    world.xrm.work(fails=True)
    told = standing(world, run)
    assert (told["status"], told["stores"]) == ("running", store("failed", 0, code=code))
    assert {each["name"]: each["count"] for each in told["steps"]}["history"] == 0
    assert ADDRESS not in json.dumps(told)

    # and it is asked again, until it answers
    del news.faults["erase"]
    world.xrm.clock.set(world.xrm.clock.now() + dt.timedelta(minutes=5))
    world.xrm.work()
    told = standing(world, run)
    assert (told["status"], told["stores"][0]["status"], set(news.readers)) == ("complete", "done", {"3"})
    assert ADDRESS.encode() not in world.dump()


def test_a_store_in_which_something_still_names_the_person_fails_the_erasure(
    world: World, news: News, run: str
) -> None:
    # given a copy that the store does not find by its index
    news.put("4", "nobody@example.com", note=f"Spoke to {ADDRESS.upper()}")

    world.xrm.work(fails=True)

    told = standing(world, run)
    assert (told["status"], told["stores"]) == ("failed", store("failed", code="STORE_STILL_NAMES"))
    assert told["failures"] == [{"step": NAME, "code": "STORE_STILL_NAMES"}]

    # one that says that it has erased what it still has is found out, too
    dsb = world.xrm.as_role("dsb")
    del news.readers["4"]
    news.put("2", ADDRESS)
    news.faults["erase"] = lambda: 1
    dsb.query(RESUME, run=run)
    world.xrm.work(fails=True)
    assert standing(world, run)["stores"] == store("failed", 3, code="STORE_NOT_EMPTY")

    # when somebody has mended it
    news.faults.clear()
    dsb.query(RESUME, run=run)
    world.xrm.work()
    told = standing(world, run)
    assert (told["status"], told["failures"], told["stores"]) == ("complete", [], store(erased=4))


def test_what_a_law_demands_stays_in_a_store_until_its_period_is_over(
    world: World, news: News, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SAYS, "retention", {"class": "LK-8J-BUCHUNGSBELEG"})
    today = dt.datetime.now(dt.UTC).date()
    for id_, began_on in (("1", today), ("2", today.replace(year=today.year - 10, day=1)), ("4", None)):
        news.put(id_, ADDRESS, began_on)

    world.xrm.work()

    told = standing(world, run)
    assert (told["status"], told["stores"]) == ("complete_with_retention", store(erased=1, kept=2))
    assert set(news.readers) == {"1", "3", "4"}, "of what has not begun nobody knows the end"


def test_what_an_activity_needs_that_goes_on_stays_in_a_store(world: World, news: News) -> None:
    news.put("1", ADDRESS)
    contact = world.xrm.create("contact", first_name="Eva", last_name="Einzeln", email=ADDRESS)
    run = begun(world, contact, running=SAYS["activities"])

    world.xrm.work()

    assert standing(world, run)["stores"] == store(erased=0, kept=1)


def test_an_address_that_somebody_else_has_too_is_none_by_which_a_store_is_asked(world: World, news: News) -> None:
    news.put("1", ADDRESS)
    eva, other = (
        world.xrm.create("contact", first_name=name, last_name="Einzeln", email=ADDRESS) for name in ("Eva", "Udo")
    )
    run = begun(world, eva, notTheirs=[{"entity": "contact", "record": other}])

    world.xrm.work()

    assert (standing(world, run)["stores"], set(news.readers)) == (store(erased=0), {"1"})


def test_a_store_whose_plugin_is_gone_keeps_an_erasure_from_being_complete(
    world: World, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "data_stores", lambda _: {})

    world.xrm.work(fails=True)

    told = standing(world, run)
    assert (told["status"], told["stores"]) == ("running", store("failed", 0, code="STORE_GONE"))


def do(world: World, job: str, **payload: Any) -> None:
    """A job, and what comes of it."""
    with world.xrm.database.begin() as connection:
        enqueue(connection, job, payload)
    world.xrm.work()


def test_a_run_that_ended_since_a_store_did_not_answer_goes_on_by_itself_in_the_night(
    world: World, news: News, run: str
) -> None:
    # given a store that is down, and no attempt is left
    news.faults["discover"] = raising
    with world.xrm.database.begin() as connection:
        connection.execute(text("UPDATE xrm_job SET max_attempts = 1 WHERE name = 'dsgvo.erase'"))
    world.xrm.work(fails=True)
    told = standing(world, run)
    assert (told["status"], [each["step"] for each in told["failures"]]) == ("failed", ["stores"])

    # when it is back, and a night passes
    news.faults.clear()
    assert [each.job for each in asking_again.schedules()] == [asking_again.AGAIN]
    do(world, asking_again.AGAIN)

    told = standing(world, run)
    assert (told["status"], told["failures"], told["stores"]) == ("complete", [], store())


def test_stores_are_asked_again_by_ids_alone(world: World, news: News) -> None:
    news.put("1", ADDRESS, record="c1")
    news.put("2", "bo@example.com", record="c2")

    do(world, restored.RESTORED, records=[["contact", "c1"]])

    assert set(news.readers) == {"2"}
    assert {about.identifiers for _, about in news.asked} == {frozenset()}


@pytest.mark.slow
def test_whoever_is_erased_again_after_a_restore_is_asked_for_in_stores_by_ids(
    world: World,
    news: News,
    backups: Backups,  # noqa: F811 - the fixture
) -> None:
    contact = world.xrm.create("contact", first_name="Eva", last_name="Einzeln", email=ADDRESS)
    world.xrm.work()
    backups.save()
    begun(world, contact)
    world.xrm.work()
    platform = backups.bring_back()

    # when what the store has of her has come back, too, and a server starts on the backup
    news.put("1", ADDRESS, record=contact)
    news.put("2", "bo@example.com")
    with backups.serving(platform) as http:
        assert http.get("/health/ready").json() == {"status": "ready"}
        backups.app(platform, http, world.admin).work()

    assert set(news.readers) == {"2"}


@pytest.fixture
def due(world: World, news: News, monkeypatch: pytest.MonkeyPatch) -> str:
    """A contact whose period is over, in an installation in which that goes."""
    monkeypatch.setitem(vars(world.xrm.platform.plugins.settings_of("dsgvo")), "retention", "delete")
    contact = world.xrm.create("contact", first_name="Eva", last_name="Einzeln", email=ADDRESS)
    event = {"event": "contact.relationship_ended", "happened_on": "2015-03-01"}
    world.xrm.create("retention_event", event | {"entity_name": "contact", "record_id": contact})
    news.put("1", ADDRESS)
    news.put("3", "bo@example.com")
    return contact


@pytest.mark.invariant("I19")
def test_what_stores_have_of_somebody_whose_period_is_over_goes_with_them(world: World, news: News, due: str) -> None:
    # given a store that does not answer in the first night
    news.faults["erase"] = raising
    do(world, "dsgvo.retain")
    assert world.xrm.get("contact", due)["email"] == ADDRESS

    # when it does in the next
    news.faults.clear()
    do(world, "dsgvo.retain")

    assert set(news.readers) == {"3"}
    assert ADDRESS.encode() not in world.dump()
