"""What plugins look for is made a statement once for each form of a filter; its values are those of each time."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.records.kit import World, build
from xrm_core.errors import BadQuery
from xrm_core.records import looking
from xrm_core.storage.engines import Database

CUSTOMERS = (
    {"name": "Anna", "city": "Ulm", "revenue": "10.50", "since": "2024-02-29", "status": "lead"},
    {"name": "Bert", "city": "Köln", "revenue": "99.00", "since": "2025-01-01", "status": "active"},
    {"name": "Cleo", "city": "ULM", "status": "active"},
)

FORMS: list[tuple[dict[str, Any], dict[str, Any], list[str], list[str]]] = [
    ({"city": {"eq": "Ulm"}}, {"city": {"eq": "Köln"}}, ["Anna"], ["Bert"]),
    ({"city": {"eq": None}}, {"city": {"eq": "Ulm"}}, [], ["Anna"]),
    ({"since": {"isNull": True}}, {"since": {"isNull": False}}, ["Cleo"], ["Anna", "Bert"]),
    ({"name": {"in": ["Anna"]}}, {"name": {"in": ["Bert", "Cleo", "X"]}}, ["Anna"], ["Bert", "Cleo"]),
    ({"city": {"eq": "ulm", "ignoring": "CASE"}}, {"city": {"eq": "ulm"}}, ["Anna", "Cleo"], []),
    ({"revenue": {"gt": 10.5}}, {"revenue": {"gt": 1}}, ["Bert"], ["Anna", "Bert"]),
    ({"since": {"lt": "2024-03-01"}}, {"since": {"lt": "2024-02-29"}}, ["Anna"], []),
    (
        {"not": {"name": {"startsWith": "A"}}},
        {"not": {"name": {"startsWith": "B"}}},
        ["Bert", "Cleo"],
        ["Anna", "Cleo"],
    ),
    ({"or": [{"name": {"eq": "Anna"}}]}, {"or": [{"name": {"eq": "X"}}, {"city": {"eq": "ULM"}}]}, ["Anna"], ["Cleo"]),
    (
        {"notes": {"some": {"text": {"eq": "one"}}}},
        {"notes": {"none": {"text": {"eq": "one"}}}},
        ["Anna"],
        ["Bert", "Cleo"],
    ),
    ({"notes": {"some": {"text": {"eq": "two"}}}}, {"notes": {"some": {"text": {"eq": "one"}}}}, ["Bert"], ["Anna"]),
]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    made = build(database, tmp_path)
    ids = [made.create("admin", "customer", each) for each in CUSTOMERS]
    for id_, text in zip(ids, ("one", "two"), strict=False):
        made.create("admin", "note", {"text": text, "customer": id_})
    return made


def test_each_time_it_is_what_is_asked_then(world: World) -> None:
    # Given filters of one form, or nearly, with other values
    def found(where: dict[str, Any]) -> list[str]:
        return [each["name"] for each in looking.find(world.records, connection, "customer", where, 100)]

    with world.database.read() as connection:
        for one, other, by_one, by_other in FORMS:
            # When they are looked for in turns, then each gives its own
            assert [found(one), found(other), found(one), found(other)] == [by_one, by_other, by_one, by_other], one


def test_pages_go_on_and_have_what_was_asked_for(world: World) -> None:
    with world.database.read() as connection:
        all_ = looking.find(world.records, connection, "customer", {}, 100)
        # When they are read in pages of other sizes
        for size in (1, 2, 3):
            pages, after = [], ""
            while page := looking.find(world.records, connection, "customer", {}, size, after):
                assert len(page) <= size
                pages, after = [*pages, *page], str(page[-1]["id"])
            # Then they are all
            assert pages == all_


def test_who_listens_hears_of_it_and_mistakes_are_told_each_time(world: World) -> None:
    heard: list[str] = []
    with world.database.read() as connection:
        quietly = looking.find(world.records, connection, "customer", {"city": {"eq": "Ulm"}}, 5)
        event.listen(connection, "before_cursor_execute", lambda *given: heard.append(given[2]))
        assert looking.find(world.records, connection, "customer", {"city": {"eq": "Ulm"}}, 5) == quietly
        assert len([each for each in heard if each.startswith("SELECT")]) == 1
        for _ in range(2):
            with pytest.raises(BadQuery, match="2025"):
                looking.find(world.records, connection, "customer", {"since": {"eq": "2025"}}, 5)
