"""A client that keeps records by the feed has what it may see, hears of nothing else, and misses nothing."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.graphql.feed.kit import Following
from tests.records.kit import World, build
from xrm_core.storage.engines import Database

STEPS, AT_ONCE = 50, 6


class Script:
    """Random changes in a world: customers of anna, and, if they are wanted, others that she never sees."""

    def __init__(self, world: World, seed: int, *, hidden: bool) -> None:
        self.world, self.hidden = world, hidden
        self._random, self._aside = random.Random(seed), random.Random(seed + 1)
        self.names: dict[str, str] = {}
        self._there: list[str] = []
        self._secret: list[str] = []
        self._number = 0

    def step(self) -> None:
        """Change something; beside it something hidden."""
        self._change()
        while self.hidden and self._aside.random() < 0.6:
            self._change_hidden()

    def _change(self) -> None:
        chance = self._random.random()
        owner = self.world.users[self._random.choice(["anna", "ben"])]
        if not self._there or chance < 0.3:
            self._number += 1
            name = f"{'ab'[self.hidden]}n{self._number}"  # unique among both worlds
            id_ = self.world.create("admin", "customer", {"name": name, "owner": self.world.users["anna"]})
            self.names[id_] = name
            self._there.append(id_)
            return
        id_ = self._random.choice(self._there)
        if chance < 0.5:
            self.world.update("admin", "customer", id_, {"city": f"c{self._random.random()}"})
        elif chance < 0.85:
            self.world.update("admin", "customer", id_, {"owner": owner})
        else:
            self._there.remove(id_)
            self.world.delete("admin", "customer", id_)

    def _change_hidden(self) -> None:
        ben = self.world.users["ben"]
        if not self._secret or self._aside.random() < 0.4:
            name = f"s{self._aside.random()}"
            self._secret.append(self.world.create("admin", "customer", {"name": name[:20], "owner": ben}))
        elif self._aside.random() < 0.7:
            self.world.update("admin", "customer", self._aside.choice(self._secret), {"city": f"{self._number}"})
        else:
            gone = self._aside.choice(self._secret)
            self._secret.remove(gone)
            self.world.delete("admin", "customer", gone)


class Replica:
    """What a client has of the customers of anna."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self.cursor = following.start("rep")
        self.has: dict[str, str] = {}

    def follow(self, first: int) -> list[Any]:
        """Take one page."""
        page = self._following.feed("rep", self.cursor, first=first, entities=["customer"])
        assert (page["reload"], page["incomplete"]) == (None, [])
        self.cursor = page["cursor"]
        for each in page["changes"]:
            if each["operation"] == "REMOVE":
                self.has.pop(each["id"], None)
            else:
                self.has[each["id"]] = each["node"]["name"]
        return [page["hasMore"], *page["changes"]]


def visible(following: Following) -> dict[str, str]:
    nodes = following.body("rep", "{ customers(first: 100) { nodes { id name } } }")["data"]["customers"]["nodes"]
    return {node["id"]: node["name"] for node in nodes}


@pytest.mark.parametrize("seed", [1, 2])
def test_two_worlds_that_differ_in_what_is_hidden_have_one_feed(database: Database, tmp_path: Path, seed: int) -> None:
    heard = []
    for hidden in (False, True):
        folder = tmp_path / str(hidden)
        folder.mkdir()
        # One after the other in one database, where the users of the second world are others.
        following = Following(build(database, folder))
        try:
            heard.append(_play(following, seed, hidden=hidden))
        finally:
            following.close()
    assert heard[0] == heard[1]
    assert sum(len(page) for page in heard[0]) > STEPS // 2


def _play(following: Following, seed: int, *, hidden: bool) -> list[Any]:
    script, replica, pace = Script(following.world, seed, hidden=hidden), Replica(following), random.Random(seed)
    heard: list[Any] = []

    def follow() -> bool:
        more, *changes = replica.follow(pace.randint(1, AT_ONCE))
        told = [
            (each["operation"], script.names[each["id"]][1:], each["node"] and each["node"]["name"][1:])
            for each in changes
        ]
        heard.append([more, *told])
        return bool(more)

    for _ in range(STEPS):
        script.step()
        if pace.random() < 0.4:
            follow()
    while follow():
        pass
    assert replica.has == visible(following)
    return heard
