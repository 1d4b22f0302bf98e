"""Subscriptions: what is told of records of one entity, and to whom."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.graphql.feed.kit import Following
from xrm_core.errors import BadCursor
from xrm_core.graphql.engine import Request
from xrm_core.graphql.subscription_operations import ChangesGap

ALL = "subscription { customerChanged { operation id node { name } } }"
CURSORS = """subscription ($after: String, $where: CustomerFilter, $operations: [ChangeOperation!]) {
    customerChanged(after: $after, where: $where, operations: $operations) { operation id cursor node { name } } }"""


class Subscriber:
    """One subscription, asked for what it has to tell."""

    def __init__(
        self, following: Following, role: str, document: str = ALL, user: str = "anna", **variables: Any
    ) -> None:
        self._following, self._role, self._user = following, role, user
        self._request = Request(document, variables)
        self._place: Any = None
        self.more()

    def more(self) -> list[Any]:
        """What has happened since the last time."""
        self._following.seal()
        found = []
        while True:
            caller = self._following.world.caller(self._role, self._user)
            batch = self._following.run(self._following.engine.batch(self._request, caller, self._place))
            self._place = batch.place
            for body in batch.bodies:
                answer = json.loads(body)
                assert "errors" not in answer, answer
                found.append(answer["data"]["customerChanged"])
            if not batch.more:
                return found

    def short(self) -> list[tuple[str, Any]]:
        """Operation and name of each."""
        return [(each["operation"], each["node"] and each["node"]["name"]) for each in self.more()]


def test_only_what_comes_is_told_in_its_order(following: Following) -> None:
    world = following.world
    id_ = world.create("admin", "customer", {"name": "Old"})
    subscriber = Subscriber(following, "admin")
    world.create("admin", "customer", {"name": "A"})
    world.create("admin", "note", {"text": "of another entity"})
    world.update("admin", "customer", id_, {"city": "Kiel"})
    assert subscriber.short() == [("CREATE", "A"), ("UPDATE", "Old")]
    world.delete("admin", "customer", id_)
    assert subscriber.more() == [{"operation": "REMOVE", "id": id_, "node": None}]
    assert subscriber.more() == []


def test_what_is_hidden_is_not_told(following: Following) -> None:
    world = following.world
    anna, ben = world.users["anna"], world.users["ben"]
    subscriber = Subscriber(following, "rep")
    hidden = world.create("admin", "customer", {"name": "Ben's", "owner": ben})
    world.update("admin", "customer", hidden, {"city": "Kiel"})
    assert subscriber.more() == []
    world.update("admin", "customer", hidden, {"owner": anna})
    assert subscriber.short() == [("UPDATE", "Ben's")]
    world.update("admin", "customer", hidden, {"owner": ben})
    assert subscriber.short() == [("REMOVE", None)]
    world.delete("admin", "customer", hidden)
    assert subscriber.more() == []


def _by_literal(_following: Following) -> tuple[str, dict[str, Any]]:
    return ALL.replace("customerChanged", 'customerChanged(where: {city: {eq: "Kiel"}})'), {}


def _by_variable(_following: Following) -> tuple[str, dict[str, Any]]:
    return CURSORS, {"where": {"city": {"eq": "Kiel"}}}


@pytest.mark.parametrize("filtered", [_by_literal, _by_variable])
def test_what_does_not_meet_the_condition_any_more_is_removed_and_others_are_not_told(
    following: Following, filtered: Callable[[Following], tuple[str, dict[str, Any]]]
) -> None:
    world = following.world
    ids = [world.create("admin", "customer", {"name": name, "city": name}) for name in ("Kiel", "Bonn")]
    document, variables = filtered(following)
    subscriber = Subscriber(following, "admin", document, **variables)
    for id_ in ids:
        world.update("admin", "customer", id_, {"status": "active"})
    assert subscriber.short() == [("UPDATE", "Kiel")]
    world.update("admin", "customer", ids[0], {"city": "Ulm"})
    world.update("admin", "customer", ids[1], {"city": "Ulm"})
    assert subscriber.short() == [("REMOVE", None)]
    world.update("admin", "customer", ids[1], {"city": "Kiel"})
    assert subscriber.short() == [("UPDATE", "Bonn")]


def test_only_the_operations_asked_for(following: Following) -> None:
    world = following.world
    subscriber = Subscriber(following, "admin", CURSORS, operations=["CREATE", "REMOVE"])
    id_ = world.create("admin", "customer", {"name": "A"})
    assert subscriber.short() == [("CREATE", "A")]
    world.update("admin", "customer", id_, {"city": "x"})
    assert subscriber.more() == []
    world.delete("admin", "customer", id_)
    assert subscriber.short() == [("REMOVE", None)]


def test_a_subscription_goes_on_from_each_of_its_cursors_and_from_one_of_the_feed(following: Following) -> None:
    world = following.world
    start = following.start("admin")
    first = Subscriber(following, "admin", CURSORS)
    for name in "ABC":
        world.create("admin", "customer", {"name": name})
    told = first.more()
    for number, each in enumerate(told):
        again = Subscriber.__new__(Subscriber)
        again._following, again._role, again._user, again._place = following, "admin", "anna", None
        again._request = Request(CURSORS, {"after": each["cursor"]})
        assert [name for _, name in again.short()] == list("ABC")[number + 1 :]
    again._request, again._place = Request(CURSORS, {"after": start}), None
    assert [name for _, name in again.short()] == list("ABC")


def test_many_changes_at_once_come_all(following: Following) -> None:
    subscriber = Subscriber(following, "admin")
    for number in range(230):
        following.world.create("admin", "customer", {"name": f"n{number}"})
    assert [name for _, name in subscriber.short()] == [f"n{number}" for number in range(230)]


def test_other_rights_end_it(following: Following) -> None:
    subscriber = Subscriber(following, "admin")
    subscriber._role = "rep"
    with pytest.raises(ChangesGap) as caught:
        subscriber.more()
    assert caught.value.details == {"reason": "RIGHTS_CHANGED"}


def test_a_cursor_of_nobody_is_refused(following: Following) -> None:
    with pytest.raises(BadCursor):
        Subscriber(following, "admin", CURSORS, after="abc")


def test_by_http_alone_it_is_refused(following: Following) -> None:
    answer = following.body("admin", ALL)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_QUERY"
