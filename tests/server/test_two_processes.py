"""Two server processes on one database: what is taken away at one is gone at both, and no answer mixes old and new."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import select

from tests.cli.conftest import Server
from tests.postgres import PostgresServer
from tests.server.live_kit import Installation, install
from xrm_core.auth import tokens
from xrm_core.permissions.in_force import apply_set
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN

HEAD = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n"
SIGHTS = {
    "red": HEAD + "buyer,product,read,name price,red,allow\n",
    "blue": HEAD + "buyer,product,read,name rank,blue,allow\n",
}
"""The only product that buyers may see, and the policies that say so and with which fields."""

ROLES = {"roles": {"admin": {}, "buyer": {}}, "rules": {name: {"name": {"eq": name}} for name in SIGHTS}}
COUNTS = """{ products { totalCount nodes { name } } red: products(where: {name: {eq: "red"}}) { totalCount }
    blue: products(where: {name: {eq: "blue"}}) { totalCount } }"""


class Two:
    """Two servers and the installation that they serve."""

    def __init__(self, shop: Installation, servers: list[Server]) -> None:
        self.shop = shop
        self.servers = servers

    def show(self, name: str) -> float:
        """Let buyers see one of the products; seconds until both servers do."""
        with closing(Database(self.shop.settings.database_url)) as database:
            apply_set(database, {"roles.json": json.dumps(ROLES), "policies.csv": SIGHTS[name]})
        return self.until(lambda server: seen_of(server, self.shop.buyer) == (name,))

    def until(self, holds: Callable[[Server], bool]) -> float:
        """Seconds until something holds at both."""
        began = time.monotonic()
        while not all(holds(server) for server in self.servers):
            assert time.monotonic() - began < 10
            time.sleep(0.01)
        return time.monotonic() - began


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'shop.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        shop = install(url, folder)
        servers = []
        for number in range(2):
            (place := folder / f"server{number}").mkdir()
            servers.append(Server(place, "--schemas", shop.pack.folder, "--database", url))
            stack.callback(servers[-1].stop)
        for name in SIGHTS:
            status, answer = servers[0].graphql(
                shop.token, f'mutation {{ createProduct(input: {{name: "{name}", price: "1", rank: 1}}) {{ id }} }}'
            )
            assert (status, "errors" in answer) == (200, False), answer
        yield Two(shop, servers)


def seen_of(server: Server, token: str) -> tuple[str, ...]:
    """The names of the products that are shown, or the code of what is wrong."""
    _, answer = server.graphql(token, "{ products { nodes { name } } }")
    if "errors" in answer:
        return (answer["errors"][0]["extensions"]["code"],)
    return tuple(sorted(each["name"] for each in answer["data"]["products"]["nodes"]))


def test_no_answer_mixes_two_policy_sets_and_each_change_is_seen_by_both(two: Two) -> None:
    # Given buyers who see red products with their price, or blue ones with their rank, as policies say in turns
    wrong: list[Any] = []
    codes: set[str] = set()
    rows: dict[str, set[str]] = {"price": set(), "rank": set()}
    done = threading.Event()

    def read(server: Server) -> None:
        while not done.is_set():
            for field, names in rows.items():
                _, answer = server.graphql(two.shop.buyer, f"{{ products {{ nodes {{ name {field} }} }} }}")
                if "errors" in answer:
                    codes.add(answer["errors"][0]["extensions"]["code"])
                else:
                    names.update(each["name"] for each in answer["data"]["products"]["nodes"])
            _, answer = server.graphql(two.shop.buyer, COUNTS)
            data = answer["data"]
            shown = [each["name"] for each in data["products"]["nodes"]]
            if len(shown) != 1 or data["products"]["totalCount"] != 1 or data[shown[0]]["totalCount"] != 1:
                wrong.append(answer)
            if data["red"]["totalCount"] + data["blue"]["totalCount"] != 1:
                wrong.append(answer)

    two.show("blue")
    readers = [threading.Thread(target=read, args=[server]) for server in two.servers for _ in range(2)]
    for reader in readers:
        reader.start()
    # When the policies change under their eyes
    try:
        for name in list(SIGHTS) * 4:
            two.show(name)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    # Then each answer was of one set, and whoever may not is told so
    assert wrong == []
    assert codes == {"BAD_QUERY"}
    assert rows == {"price": {"red"}, "rank": {"blue"}}


def test_a_token_that_is_revoked_under_load_ends_at_both(two: Two) -> None:
    # Given requests by a token, without end, at both
    two.show("red")
    with closing(Database(two.shop.settings.database_url)) as database, database.begin() as connection:
        user = connection.scalar(select(TOKEN.c.user_id).where(TOKEN.c.token_hash == tokens.digest(two.shop.buyer)))
        token = tokens.create_token(connection, str(user), "another")
        token_id = connection.scalar(select(TOKEN.c.id).where(TOKEN.c.token_hash == tokens.digest(token)))
    after: list[float] = []
    codes: set[str] = set()
    done = threading.Event()

    def ask(server: Server) -> None:
        while not done.is_set():
            began = time.monotonic()
            status, answer = server.graphql(token, "{ products { nodes { name } } }")
            if status == 200:
                after.append(began)
            else:
                codes.add(answer["errors"][0]["extensions"]["code"])

    askers = [threading.Thread(target=ask, args=[server]) for server in two.servers]
    for asker in askers:
        asker.start()
    deadline = time.monotonic() + 10
    while len(after) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # When it is revoked
    with closing(Database(two.shop.settings.database_url)) as database, database.begin() as connection:
        tokens.revoke_token(connection, str(token_id))
    revoked = time.monotonic()
    two.until(lambda server: seen_of(server, token) == ("UNAUTHENTICATED",))
    ended = time.monotonic()
    time.sleep(0.2)
    done.set()
    for asker in askers:
        asker.join()
    # Then it opened nothing any more once both had said so, and nobody had another answer than these two
    assert max(after) < ended
    assert codes == {"UNAUTHENTICATED"}
    assert any(began < revoked for began in after)
