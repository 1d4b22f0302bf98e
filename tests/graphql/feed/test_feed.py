"""The feed of changes: what has become of records since a cursor, for whoever may see them."""

import datetime as dt

import pytest
from sqlalchemy import update

from tests.graphql.feed.kit import FEED, Following, short
from xrm_core.changes import sealing
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.retention import remove
from xrm_core.metadata.clock import instant_text
from xrm_core.storage.change_tables import CHANGE_BATCH


def test_the_first_answer_is_a_cursor_to_begin_with(following: Following) -> None:
    following.world.create("admin", "customer", {"name": "A"})
    page = following.feed("admin")
    assert (page["changes"], page["hasMore"], page["reload"]) == ([], False, "START")
    assert following.feed("admin", page["cursor"])["changes"] == []


def test_a_record_comes_once_as_it_is_now_in_the_order_of_newest_changes(following: Following) -> None:
    world = following.world
    old = world.create("admin", "customer", {"name": "Old"})
    start = following.start("admin")
    first = world.create("admin", "customer", {"name": "A"})
    second = world.create("admin", "customer", {"name": "B"})
    for number in range(5):
        world.update("admin", "customer", old, {"city": f"c{number}"})
    world.update("admin", "customer", first, {"name": "A2"})
    page = following.feed("admin", start)
    assert short(page["changes"]) == [
        ("CREATE", second, {"name": "B"}),
        ("UPDATE", old, {"name": "Old"}),
        ("CREATE", first, {"name": "A2"}),
    ]
    assert (page["hasMore"], page["reload"], page["incomplete"]) == (False, None, [])
    assert following.feed("admin", page["cursor"])["changes"] == []


def test_what_is_not_sealed_comes_later_and_not_never(following: Following) -> None:
    start = following.start("admin")
    id_ = following.world.create("admin", "customer", {"name": "A"})
    seal, following.seal = following.seal, lambda: None  # type: ignore[method-assign]
    page = following.feed("admin", start)
    assert page["changes"] == []
    following.seal = seal  # type: ignore[method-assign]
    assert short(following.feed("admin", page["cursor"])["changes"]) == [("CREATE", id_, {"name": "A"})]


def test_a_deleted_record_is_removed_and_what_came_and_went_never_was(following: Following) -> None:
    world = following.world
    gone = world.create("admin", "customer", {"name": "Gone"})
    note = world.create("admin", "note", {"text": "goes along", "customer": gone})
    start = following.start("admin")
    world.delete("admin", "customer", gone)
    changes = following.feed("admin", start)["changes"]
    assert short(changes) == [("REMOVE", note, None), ("REMOVE", gone, None)]
    assert [each["entity"] for each in changes] == ["note", "customer"]


def test_a_record_that_came_after_the_cursor_and_went_is_removed(following: Following) -> None:
    """Whoever loads all records after they got the cursor may have it."""
    start = following.start("admin")
    brief = following.world.create("admin", "customer", {"name": "Brief"})
    following.world.delete("admin", "customer", brief)
    assert short(following.feed("admin", start)["changes"]) == [("REMOVE", brief, None)]


def test_a_record_out_of_the_trash_is_there_again(following: Following) -> None:
    world = following.world
    id_ = world.create("admin", "customer", {"name": "A"})
    start = following.start("admin")
    world.delete("admin", "customer", id_)
    gone = following.feed("admin", start)
    with world.database.begin() as connection:
        world.records.restore(connection, world.caller("admin"), "customer", id_)
    assert short(gone["changes"]) == [("REMOVE", id_, None)]
    assert short(following.feed("admin", gone["cursor"])["changes"]) == [("CREATE", id_, {"name": "A"})]
    assert short(following.feed("admin", start)["changes"]) == [("UPDATE", id_, {"name": "A"})]
    world.delete("admin", "customer", id_)
    assert short(following.feed("admin", gone["cursor"])["changes"]) == [("REMOVE", id_, None)]


def test_what_is_no_longer_ones_own_is_removed_and_what_becomes_ones_own_comes(following: Following) -> None:
    world = following.world
    anna, ben = world.users["anna"], world.users["ben"]
    lost = world.create("admin", "customer", {"name": "Lost", "owner": anna})
    won = world.create("admin", "customer", {"name": "Won", "owner": ben})
    start = following.start("rep")
    world.update("admin", "customer", lost, {"owner": ben})
    world.update("admin", "customer", won, {"owner": anna})
    page = following.feed("rep", start)
    assert short(page["changes"]) == [("REMOVE", lost, None), ("UPDATE", won, {"name": "Won"})]
    assert page["incomplete"] == []


def test_a_record_that_was_visible_in_between_is_removed(following: Following) -> None:
    """Somebody may have got it then, on a page before or by a query."""
    world = following.world
    id_ = world.create("admin", "customer", {"name": "A", "owner": world.users["ben"]})
    start = following.start("rep")
    for owner in ("anna", "ben"):
        world.update("admin", "customer", id_, {"owner": world.users[owner]})
    world.update("admin", "customer", id_, {"city": "Kiel"})
    assert short(following.feed("rep", start)["changes"]) == [("REMOVE", id_, None)]


def test_pages_give_everything_once_also_while_others_write(following: Following) -> None:
    world = following.world
    ids = [world.create("admin", "customer", {"name": f"n{number}"}) for number in range(7)]
    start = following.start("admin")
    for id_ in ids:
        world.update("admin", "customer", id_, {"city": "x"})
    assert [each["id"] for each in following.pages("admin", start, 3)] == ids

    moved: list[str] = []

    def move() -> None:
        if not moved:
            world.update("admin", "customer", ids[6], {"city": "y"})
            world.update("admin", "customer", ids[0], {"city": "y"})
            moved.append("once")

    again = [each["id"] for each in following.pages("admin", start, 3, move)]
    assert again == [*ids[:6], ids[6], ids[0]]


def test_what_was_lost_before_a_page_and_changed_after_it_is_removed(following: Following) -> None:
    """It comes where it was lost: that it was changed later, out of sight, does not show."""
    world = following.world
    anna, ben = world.users["anna"], world.users["ben"]
    lost = world.create("admin", "customer", {"name": "Lost", "owner": anna})
    others = [world.create("admin", "customer", {"name": f"n{number}", "owner": anna}) for number in range(3)]
    start = following.start("rep")
    world.update("admin", "customer", lost, {"owner": ben})
    for id_ in others:
        world.update("admin", "customer", id_, {"city": "x"})
    world.update("admin", "customer", lost, {"city": "y"})
    changes = following.pages("rep", start, 2)
    assert [each["id"] for each in changes] == [lost, *others]
    assert changes[0]["operation"] == "REMOVE"


def test_only_the_entities_asked_for(following: Following) -> None:
    world = following.world
    start = following.start("admin")
    customer = world.create("admin", "customer", {"name": "A"})
    note = world.create("admin", "note", {"text": "n"})
    assert [each["id"] for each in following.feed("admin", start, entities=["note"])["changes"]] == [note]
    assert [each["id"] for each in following.feed("admin", start, entities=["customer"])["changes"]] == [customer]
    assert following.feed("admin", start, entities=[])["changes"] == []


def test_a_change_of_a_hidden_field_alone_is_none(following: Following) -> None:
    """Clerks see the cities of customers, and neither their versions nor when they were changed."""
    world = following.world
    id_ = world.create("admin", "customer", {"name": "A", "city": "Kiel"})
    start = following.start("clerk")
    world.update("admin", "customer", id_, {"name": "B"})
    assert following.feed("clerk", start)["changes"] == []
    world.update("admin", "customer", id_, {"city": "Bonn"})
    [change] = following.feed("clerk", start, entities=["customer"])["changes"]
    assert (change["operation"], change["id"]) == ("UPDATE", id_)


@pytest.mark.parametrize("what", ["START", "changed", "of another"])
def test_a_cursor_that_is_not_ours_is_refused(following: Following, what: str) -> None:
    start = following.start("admin")
    text = {"START": "abc", "changed": start[:-6] + "AAAA==", "of another": start[::-1]}[what]
    body = following.body("admin", FEED, after=text)
    assert body["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


def test_other_rights_or_another_user_load_anew(following: Following) -> None:
    start = following.start("admin")
    following.world.create("admin", "customer", {"name": "A"})
    for role, user in (("rep", "anna"), ("admin", "ben")):
        page = following.feed(role, start, user)
        assert (page["reload"], page["changes"]) == ("RIGHTS_CHANGED", [])
        assert following.feed(role, page["cursor"], user)["reload"] is None


def test_a_cursor_older_than_the_log_loads_anew(following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    world, long_ago = following.world, dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
    monkeypatch.setattr(sealing, "instant_text", lambda _now: instant_text(long_ago))
    start = following.start("admin")
    world.create("admin", "customer", {"name": "A"})
    fresh = following.start("admin")
    remove(world.database, dt.datetime.now(dt.UTC) - dt.timedelta(days=100), keys=ChainKeys(""), by="test")
    assert following.feed("admin", start)["reload"] == "TOO_OLD"
    assert following.feed("admin", fresh)["reload"] is None


def test_a_cursor_of_a_log_that_was_replaced_loads_anew(following: Following) -> None:
    following.world.create("admin", "customer", {"name": "A"})
    following.start("admin")
    following.world.create("admin", "customer", {"name": "B"})
    start = following.start("admin")
    with following.world.database.begin() as connection:
        connection.execute(update(CHANGE_BATCH).where(CHANGE_BATCH.c.number == 2).values(chain=b"another"))
    assert following.feed("admin", start)["reload"] == "LOG_REPLACED"


def test_the_field_stands_alone_and_answers_by_any_name(following: Following) -> None:
    start = following.start("admin")
    id_ = following.world.create("admin", "customer", {"name": "A"})
    beside = following.body("admin", "{ changes { cursor } customers { totalCount } }")
    assert beside["errors"][0]["extensions"]["code"] == "BAD_QUERY"
    document = """query ($after: String) { __typename feed: changes(after: $after) { __typename
        all: changes { __typename a: node { id }
            b: node { __typename ... on Customer { n: name owner { id } } } } } }"""
    answer = following.body("admin", document, after=start)["data"]
    assert answer == {
        "__typename": "Query",
        "feed": {
            "__typename": "Changes",
            "all": [
                {
                    "__typename": "RecordChange",
                    "a": {"id": id_},
                    "b": {"__typename": "Customer", "n": "A", "owner": {"id": following.world.users["anna"]}},
                }
            ],
        },
    }


def test_pages_have_the_limits_of_other_lists(following: Following) -> None:
    body = following.body("admin", FEED, first=100_000)
    assert body["errors"][0]["extensions"]["code"] == "QUERY_TOO_LARGE"
    body = following.body("admin", FEED, first=-1)
    assert body["errors"]
