"""Where a record comes in the feed, and whether at all, says nothing of changes that somebody cannot notice."""

from typing import Any

import pytest

from tests.graphql.feed.kit import FEED, Following, short
from xrm_core.records.feed import backwards, changed
from xrm_core.records.feed.backwards import Backwards

KEEPERS = FEED.replace("{ ... on Customer { name } ... on Note { text } }", "{ ... on Customer { name revenue } }")


def kept(following: Following, after: str | None = None) -> Any:
    """A page as keepers see it: revenue and status of leads only, of addresses the first letter, no versions."""
    return following.body("keeper", KEEPERS, after=after)["data"]["changes"]


def test_a_hidden_change_moves_no_record_behind_others(following: Following) -> None:
    world = following.world
    first, second = (world.create("admin", "customer", {"name": name}) for name in "AB")
    start = following.start("clerk")
    for id_ in (first, second):
        world.update("admin", "customer", id_, {"city": "Ulm"})
    page = following.feed("clerk", start, first=1)
    world.update("admin", "customer", first, {"name": "hidden"})
    assert [each["id"] for each in following.feed("clerk", start)["changes"]] == [first, second]
    assert [each["id"] for each in page["changes"]] == [first]
    assert [each["id"] for each in following.feed("clerk", page["cursor"])["changes"]] == [second]


def test_what_is_hidden_on_a_record_changes_unnoticed(following: Following) -> None:
    world = following.world
    lead = world.create("admin", "customer", {"name": "L", "status": "lead", "revenue": "1"})
    active = world.create("admin", "customer", {"name": "A", "status": "active", "revenue": "1"})
    start = kept(following)["cursor"]
    for id_ in (lead, active):
        world.update("admin", "customer", id_, {"revenue": "2"})
    assert short(kept(following, start)["changes"]) == [("UPDATE", lead, {"name": "L", "revenue": "2.00"})]


@pytest.mark.parametrize(("before", "after"), [("lead", "active"), ("active", "lead")])
def test_what_comes_and_goes_with_another_field_is_noticed(following: Following, before: str, after: str) -> None:
    world = following.world
    id_ = world.create("admin", "customer", {"name": "L", "status": before, "revenue": "1"})
    bare = world.create("admin", "customer", {"name": "B", "status": before})
    start = kept(following)["cursor"]
    for each in (id_, bare):
        world.update("admin", "customer", each, {"status": after})
    for each in (id_, bare):
        world.update("admin", "customer", each, {"number": each})  # which keepers never see
    revenue = "1.00" if after == "lead" else None
    changes = [each for each in short(kept(following, start)["changes"]) if each[1] == id_]
    assert changes == [("UPDATE", id_, {"name": "L", "revenue": revenue})]


def test_a_masked_field_is_noticed(following: Following) -> None:
    id_ = following.world.create("admin", "customer", {"name": "A", "email": "a@example.com"})
    start = kept(following)["cursor"]
    following.world.update("admin", "customer", id_, {"email": "b@example.com"})
    assert [each["id"] for each in kept(following, start)["changes"]] == [id_]


def test_a_record_that_was_changed_very_often_is_read_in_pieces(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, sizes = following.world, list[int]()
    real = Backwards.piece

    def piece(self: Backwards, trails: Any) -> Any:
        found = real(self, trails)
        sizes.append(sum(len(each) for each in found.values()))
        return found

    often = world.create("admin", "customer", {"name": "A", "city": "Kiel"})
    lost = world.create("admin", "customer", {"name": "B", "owner": world.users["anna"]})
    clerk, rep = following.start("clerk"), following.start("rep")
    world.update("admin", "customer", often, {"city": "Ulm"})
    world.update("admin", "customer", lost, {"owner": world.users["ben"]})
    for number in range(12):
        world.update("admin", "customer", often, {"name": f"n{number}"})
        world.update("admin", "customer", lost, {"name": f"m{number}"})
    monkeypatch.setattr(backwards, "MOST", 5)
    monkeypatch.setattr(backwards, "_OF_ONE", 3)
    monkeypatch.setattr(Backwards, "piece", piece)
    assert short(following.feed("clerk", clerk)["changes"]) == [("UPDATE", often, {"city": "Ulm"})]
    assert short(following.feed("rep", rep, entities=["customer"])["changes"])[0] == ("REMOVE", lost, None)
    assert max(sizes) <= 5
    assert len(sizes) > 6


def test_a_page_looks_at_so_much_and_goes_on(following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    world = following.world
    id_ = world.create("admin", "customer", {"name": "A"})
    start = following.start("clerk")
    for number in range(9):
        world.update("admin", "customer", id_, {"name": f"n{number}"})
    world.update("admin", "customer", id_, {"city": "Ulm"})
    monkeypatch.setattr(changed, "_AT_ONCE", 2)
    monkeypatch.setattr(changed, "_MOST", 4)
    first = following.feed("clerk", start)
    assert (first["changes"], first["hasMore"]) == ([], True)
    assert [each["id"] for each in following.pages("clerk", first["cursor"], 5)] == [id_]
