"""Sequence numbers at the write door: in order, unique, and gapless where asked, with many creators at once."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from xrm_core.api import hookimpl
from xrm_core.errors import Forbidden, ValidationFailed
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.permissions.access import full_access
from xrm_core.permissions.caller import User, system
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan
from xrm_core.storage.system import SEQUENCE
from xrm_core.storage.tables import Tables

GAPLESS = {"format": "ANG-{YYYY}-{0000}", "gapless": True}
LOOSE = {"format": "T{000}", "start": 10}
NOW = "2026-11-25T10:00:00+00:00"


def number(sequence: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "string", "x-sequence": sequence, **more}


def model(**fields: Any) -> Model:
    properties = {"name": {"type": "string", "maxLength": 20, "x-unique": True}, **fields}
    offer = {"x-entity": "offer", "type": "object", "properties": properties}
    user = {"x-entity": "user", "type": "object", "properties": {"name": {"type": "string"}}}
    return load_texts([(f"{each['x-entity']}.json", json.dumps(each), "core") for each in (offer, user)])


class Offers:
    """A database of offers, and its door."""

    def __init__(self, database: Database, of: Model, plugin: object | None = None) -> None:
        self.database, self.model = database, of
        apply(database, of)
        installed = [InstalledPlugin("test", plugin)] if plugin is not None else []
        self.records = Records(of, Tables(of), Plugins(installed))
        self.history = system(of, "test", sets_system_fields=True)
        self.user = User("00000000-0000-7000-8000-000000000001", full_access(of))

    def create(self, *rows: dict[str, Any], caller: Any = None) -> list[str]:
        with self.database.begin() as connection:
            return self.records.create_many(connection, caller or self.user, "offer", rows)

    def numbers(self, field: str = "number") -> list[str]:
        """In the order in which the records were created."""
        table = self.records.tables["offer"]
        with self.database.read() as connection:
            return list(connection.scalars(select(table.c[field]).order_by(table.c.created_at, table.c.id)))


@pytest.fixture
def offers(database: Database) -> Iterator[Offers]:
    return Offers(database, model(number=number(GAPLESS), ticket=number(LOOSE)))


def test_new_records_are_numbered_in_order_from_the_start(offers: Offers) -> None:
    offers.create({"name": "a", "created_at": NOW}, caller=offers.history)
    offers.create(*({"name": f"b{each}", "created_at": NOW} for each in range(3)), caller=offers.history)
    assert offers.numbers() == ["ANG-2026-0001", "ANG-2026-0002", "ANG-2026-0003", "ANG-2026-0004"]
    assert offers.numbers("ticket") == ["T010", "T011", "T012", "T013"]


def test_each_year_has_numbers_of_its_own(offers: Offers) -> None:
    years = ("2024", "2026", "2025", "2024")
    rows = [{"name": str(each), "created_at": f"{year}-06-01T00:00:00Z"} for each, year in enumerate(years)]
    offers.create(*rows, caller=offers.history)
    assert sorted(offers.numbers()) == ["ANG-2024-0001", "ANG-2024-0002", "ANG-2025-0001", "ANG-2026-0001"]


def test_callers_cannot_give_a_number(offers: Offers) -> None:
    [id_] = offers.create({"name": "a"})
    for action in (
        lambda connection: offers.records.create(connection, offers.user, "offer", {"number": "ANG-2026-0009"}),
        lambda connection: offers.records.update(connection, offers.user, "offer", id_, {"number": "ANG-2026-0009"}),
        lambda connection: offers.records.create(
            connection, system(offers.model, "worker"), "offer", {"number": "ANG-2026-0009"}
        ),
    ):
        with (
            pytest.raises(Forbidden, match="number of a offer is set"),
            offers.database.begin() as opened,
        ):
            action(opened)
    assert len(offers.numbers()) == 1


def test_numbers_of_history_are_stepped_over(offers: Offers) -> None:
    given = {"name": "old", "number": "ANG-2026-0041", "ticket": "T99", "created_at": NOW}
    offers.create(given, {"name": "older", "number": "Angebot 7", "created_at": NOW}, caller=offers.history)
    offers.create({"name": "new", "created_at": NOW}, caller=offers.history)
    assert offers.numbers() == ["ANG-2026-0041", "Angebot 7", "ANG-2026-0042"]
    # «T99» is not what the sequence writes (T099), so it stands in nobody's way
    assert offers.numbers("ticket") == ["T99", "T010", "T011"]
    # And a number given when the counter runs already moves it, too; a lower one does not
    given = [{"name": name, "number": f"ANG-2026-00{name}", "created_at": NOW} for name in ("60", "50")]
    offers.create(*given, {"name": "next", "created_at": NOW}, caller=offers.history)
    assert offers.numbers()[-1] == "ANG-2026-0061"


def test_history_may_change_a_number_but_not_take_it_away(offers: Offers) -> None:
    [id_] = offers.create({"name": "a", "created_at": NOW}, caller=offers.history)
    with offers.database.begin() as connection:
        offers.records.update(connection, offers.history, "offer", id_, {"number": "ANG-2026-0100"})
    with pytest.raises(ValidationFailed, match="number: is missing"), offers.database.begin() as connection:
        offers.records.update(connection, offers.history, "offer", id_, {"number": None})
    offers.create({"name": "b", "created_at": NOW}, caller=offers.history)
    assert offers.numbers() == ["ANG-2026-0100", "ANG-2026-0101"]


def test_a_number_that_is_there_already_is_refused(offers: Offers) -> None:
    rows = [{"name": name, "number": "ANG-2026-0001", "created_at": NOW} for name in "ab"]
    with pytest.raises(ValidationFailed, match="another offer with the same number"):
        offers.create(*rows, caller=offers.history)


def test_a_counter_outgrows_its_width(offers: Offers) -> None:
    offers.create({"name": "a", "number": "ANG-2026-9999", "created_at": NOW}, caller=offers.history)
    offers.create({"name": "b", "created_at": NOW}, {"name": "c", "created_at": NOW}, caller=offers.history)
    assert offers.numbers()[1:] == ["ANG-2026-10000", "ANG-2026-10001"]
    # And a counter that is lost is found again, by the longest and highest number
    with offers.database.begin() as connection:
        connection.execute(SEQUENCE.delete())
    offers.create({"name": "d", "created_at": NOW}, caller=offers.history)
    assert offers.numbers()[3:] == ["ANG-2026-10002"]


def test_a_deleted_record_does_not_give_its_number_back(offers: Offers) -> None:
    [id_] = offers.create({"name": "a", "created_at": NOW}, caller=offers.history)
    with offers.database.begin() as connection:
        offers.records.delete(connection, offers.user, "offer", id_)
    offers.create({"name": "b", "created_at": NOW}, caller=offers.history)
    assert offers.numbers() == ["ANG-2026-0002"]


def test_creates_that_fail_leave_no_gap(offers: Offers) -> None:
    offers.create({"name": "a", "created_at": NOW}, caller=offers.history)
    for wrong in ({"name": "a"}, {"name": "x" * 21}):
        with pytest.raises(ValidationFailed):
            offers.create({"created_at": NOW, **wrong}, caller=offers.history)
    offers.create({"name": "b", "created_at": NOW}, caller=offers.history)
    assert offers.numbers() == ["ANG-2026-0001", "ANG-2026-0002"]


def test_what_is_left_out_of_many_leaves_no_gap(offers: Offers) -> None:
    offers.create({"name": "taken", "created_at": NOW}, caller=offers.history)
    rows = [{"name": name, "created_at": NOW} for name in ("a", "taken", "b", "x" * 21, "taken", "c")]
    with offers.database.begin() as connection:
        outcome = offers.records.create_bulk(connection, offers.history, "offer", rows, skip=True)
    assert sorted(outcome.errors) == [1, 3, 4]
    assert sorted(offers.numbers()) == [f"ANG-2026-{each:04d}" for each in (1, 2, 3, 4)]


def test_many_creators_at_once_leave_no_gap_even_if_some_fail(offers: Offers) -> None:
    # given 6 threads that create 60 records, every third of which is refused by the database
    offers.create({"name": "taken", "created_at": NOW}, caller=offers.history)

    def create(each: int) -> bool:
        try:
            name = "taken" if each % 3 == 0 else f"n{each}"
            offers.create({"name": name, "created_at": NOW}, caller=offers.history)
        except ValidationFailed:
            return False
        return True

    # when they run
    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(create, range(60)))
    # then the numbers are 1 to 41, each once
    assert done.count(True) == 40
    assert sorted(offers.numbers()) == [f"ANG-2026-{each:04d}" for each in range(1, 42)]
    assert len(set(offers.numbers("ticket"))) == 41


def test_creators_of_a_sequence_with_gaps_do_not_wait_for_each_other(postgres_url: str) -> None:
    database = Database(postgres_url)
    offers = Offers(database, model(number=number({"format": "{0}"})))
    with database.begin() as slow:
        # given a create whose transaction is still open
        offers.records.create(slow, offers.user, "offer", {"name": "slow"})
        # when somebody else creates
        others = threading.Thread(target=offers.create, args=({"name": "quick"},))
        others.start()
        others.join(8)
        # then it is done already, with the next number
        assert not others.is_alive()
        assert offers.numbers() == ["2"]
    assert sorted(offers.numbers()) == ["1", "2"]
    database.close()


def test_a_hook_gives_no_numbers(database: Database) -> None:
    @hookimpl
    def before_record_create(entity: str, record: dict[str, Any]) -> dict[str, Any]:
        return {"number": f"mine of {entity}: {record['name']}"}

    plugin = SimpleNamespace(before_record_create=before_record_create)
    offers = Offers(database, model(number=number(GAPLESS)), plugin)
    with pytest.raises(ValidationFailed, match="set by the platform, not by a plugin"):
        offers.create({"name": "a"})


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_field_that_is_added_numbers_the_records_that_are_there(database: Database, zone: str) -> None:
    # given records out of order in two years of UTC, one of which is in the next year already in Berlin
    before = Offers(database, model())
    times = {"c": "2026-05-01", "a": "2025-02-01", "d": "2026-05-02", "b": "2025-12-31T23:30:00.5"}
    rows = [{"name": name, "created_at": f"{when[:10]}T{when[11:] or '12:00:00'}Z"} for name, when in times.items()]
    before.create(*rows, caller=before.history)
    # when a sequence is added
    sequence = {"format": "{00}/{YY}{MM}", "zone": zone} if zone == "UTC" else {"format": "{YYYY}-{0}", "zone": zone}
    with database.read() as connection:
        [operation] = plan(connection, before.model, model(number=number(sequence))).operations[:1]
    after = Offers(database, model(number=number(sequence)))
    # then the plan says so, they are numbered in the order of their creation, and it goes on behind them
    assert (operation.risk, operation.rows) == ("safe", 4)
    assert operation.text == "Add the field offer.number; 4 records get numbers in the order of their creation."
    utc = ["01/2502", "01/2512", "01/2605", "02/2605"]
    assert after.numbers() == (utc if zone == "UTC" else ["2025-1", "2026-1", "2026-2", "2026-3"])
    after.create({"name": "e", "created_at": "2026-05-03T00:00:00Z"}, caller=after.history)
    assert after.numbers()[-1] == ("03/2605" if zone == "UTC" else "2026-4")


def test_a_renamed_field_or_entity_keeps_its_counter(database: Database) -> None:
    # given two counters, the last record of which is deleted
    first = Offers(database, model(number=number({"format": "{0}"}), ticket=number({"format": "{0}", "start": 50})))
    ids = first.create({"name": "a"}, {"name": "b"})
    with database.begin() as connection:
        first.records.delete(connection, first.user, "offer", ids[1])
    # when the fields are renamed
    second = Offers(
        database,
        model(
            label=number({"format": "{0}"}, **{"x-renamed-from": "number"}),
            slip=number({"format": "{0}", "start": 50}, **{"x-renamed-from": "ticket"}),
        ),
    )
    second.create({"name": "c"})
    # then the numbers go on
    assert (second.numbers("label"), second.numbers("slip")) == (["1", "3"], ["50", "52"])
    # and so they do under another name of the entity
    properties = {"name": {"type": "string"}, "label": number({"format": "{0}"})}
    quote = {"x-entity": "quote", "x-renamed-from": "offer", "type": "object", "properties": properties}
    third = load_texts([("quote.json", json.dumps(quote), "core")])
    apply(database, third, ["drop_field:quote.slip", "drop_entity:user"])
    with database.begin() as connection:
        caller = system(third, "test")
        id_ = Records(third, Tables(third), Plugins([])).create(connection, caller, "quote", {"name": "d"})
        table = Tables(third)["quote"]
        assert connection.scalar(select(table.c.label).where(table.c.id == id_)) == "4"


def test_a_raised_start_counts_from_the_next_record_on(database: Database) -> None:
    Offers(database, model(number=number({"format": "{0}"}))).create({"name": "a"})
    raised = Offers(database, model(number=number({"format": "{0}", "start": 1000})))
    raised.create({"name": "b"}, {"name": "c"})
    assert raised.numbers() == ["1", "1000", "1001"]
