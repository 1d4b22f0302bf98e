"""Others who share a record stay out of an answer, too, when their own data are restricted."""

import pytest
from xrm_dsgvo.discovery.sources import together

from tests.dsgvo.test_access import SETUP, World
from tests.dsgvo.test_restrictions import restricted
from xrm_core.api import Vaulted
from xrm_core.testing import Setup, Xrm


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


def test_a_text_does_not_name_who_is_restricted_though_nothing_leads_to_them(xrm: Xrm):
    # given a text about A that names B
    world = World(xrm, xrm.as_role("dsgvo_agent"), *xrm.begun)
    named = [world.b.tokens["contact", name] for name in ("first_name", "last_name")]
    world.update("activity", world.a.records["activity"], subject=f"Sie kam mit {' '.join(named)}.")

    # when
    restricted(xrm, world.b)
    request = world.asked()
    world.review(request)
    content = world.access(request)["content"]

    # then
    assert "Sie kam mit ███ ███." in content
    assert not [name for name in named if name in content]


def test_what_was_moved_of_one_record_for_several_persons_is_read_together():
    # given values that went for A, others for B, and the record later on, with what stood in the place of the first
    moved = [
        Vaulted("1", "a", "note", "n", {"text": "A", "place": "Köln"}, whole=False),
        Vaulted("2", "b", "note", "n", {"other": "B", "place": "Bonn"}, whole=False),
        Vaulted("3", "b", "note", "n", {"text": None, "other": None, "place": None, "title": "T"}, whole=True),
        Vaulted("4", "b", "note", "m", {"text": "M"}, whole=True),
    ]

    # then
    whole = {"text": "A", "other": "B", "place": "Bonn", "title": "T"}
    assert together(moved) == together(reversed(moved)) == {"n": whole, "m": {"text": "M"}}


def test_a_text_in_the_trash_does_not_name_who_shares_the_record(xrm: Xrm):
    # given an activity of A with B, whose text names B, in the trash; and former text of it that names them, too
    world = World(xrm, xrm.as_role("dsgvo_agent"), *xrm.begun)
    activity = world.a.records["activity"]
    named = [world.b.tokens["contact", name] for name in ("first_name", "last_name")]
    world.update("activity", activity, subject=f"Zuerst mit {' '.join(named)}.")
    regarding = {"contactId": world.b.records["contact"]}
    world.update("activity", activity, subject=f"Sie kam mit {' '.join(named)}.", regarding=regarding)
    xrm.as_role("admin").query("mutation ($id: ID!) { deleteActivity(id: $id) { id } }", id=activity)

    # when
    request = world.asked()
    world.review(request)
    content = world.access(request)["content"]

    # then both are told without what names B
    assert "Sie kam mit ███ ███." in content
    assert "Zuerst mit ███ ███." in content
    assert not [name for name in named if name in content]
