"""Nothing in the database leads from who is nobody now to what still names them (I6)."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import inspect, text

from tests.dsgvo.test_erasures import World, world  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import xrm_setup as xrm_setup  # the same world
from tests.dsgvo.test_requests import DECIDE, IDENTIFY, OPEN, done

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
OF_ALL = ("user", "team")
"""Who works with the platform is named by everything."""


def rows(world: World) -> Iterable[tuple[str, set[str]]]:  # noqa: F811
    """Of each row of each table all ids in it, those in JSON among them."""
    with world.xrm.database.read() as connection:
        for name in inspect(connection).get_table_names():
            if not name.startswith("xrm_change"):
                for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                    yield name, set(ID.findall(" ".join(map(str, row))))


def reached(start: str, found: Iterable[tuple[str, set[str]]], but: set[str]) -> dict[str, str]:
    """All ids to which one comes from an id, from row to row, with the table by which one did."""
    beside: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for name, ids in found:
        for each in ids - but:
            beside[each].append((name, ids - but))
    way, todo = {start: ""}, [start]
    while todo:
        for name, ids in beside[todo.pop()]:
            for each in ids - way.keys():
                way[each] = name
                todo.append(each)
    return way


@pytest.mark.invariant("I6")
def test_no_ids_in_any_table_lead_from_an_anonymised_record_to_one_that_names_the_person(world: World):  # noqa: F811
    # given a receipt that the law keeps, and a request whose case is a proof
    donation, contact = world.a.records["donation"], world.a.records["contact"]
    world.update("donation", donation, {"donated_on": f"{date.today().year}-01-15"})
    asked: dict[str, Any] = {"kind": "erasure", "receivedOn": date.today().isoformat(), "via": "letter"}
    request = done(world.admin, OPEN, **asked, name="Ada Vogel")["request"]
    done(world.admin, IDENTIFY, request=request, grade="known_facts", entity="contact", record=contact)

    # when the person is erased by it
    opened = world.decided(world.a)
    done(world.admin, DECIDE, request=request, decision="granted", erasureRun=opened["run"])
    world.run(opened)

    world.xrm.work()  # the journal has it, beside the keys

    # then their record is there, and along all ids in all tables one comes to neither of the two
    assert world.admin.query("query ($id: ID!) { contact(id: $id) { id } }", id=contact)["contact"] is not None
    with world.xrm.database.read() as connection:
        everybody = {str(id_) for name in OF_ALL for id_ in connection.scalars(text(f'SELECT id FROM "{name}"'))}
    way = reached(contact, rows(world), everybody)
    assert not {name: way[name] for name in (donation, request, opened["run"]) if name in way}
