"""Two server processes on one database, and requests without end at both."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import select

from tests.cli.conftest import Server
from tests.server.live_kit import Installation, install
from xrm_core.auth import tokens
from xrm_core.permissions.in_force import apply_set
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN

PATIENCE = 20.0
"""Seconds that anything may take before it counts as hanging: the machine may be busy with other tests."""

HEAD = "role,entity,action,fields,rule,effect\nadmin,*,*,*,,allow\n"
COLOURS = ("red", "blue")
"""The products that there are, and the rules that hold for one of them each."""

ROLES = {
    "roles": {"admin": {}, "buyer": {}},
    "rules": {name: {"name": {"eq": name}} for name in COLOURS} | {"shared": {"$shared": "read"}},
}


class Two:
    """Two servers and the installation that they serve."""

    def __init__(self, shop: Installation, servers: list[Server]) -> None:
        self.shop = shop
        self.servers = servers
        self.products: dict[str, str] = {}

    @contextmanager
    def database(self) -> Iterator[Database]:
        """What both serve, in this process."""
        with closing(Database(self.shop.settings.database_url)) as database:
            yield database

    def put_in_force(self, *rows: str) -> None:
        """Policies for buyers, in place of all others: when this ends, no write under the former ones is to come."""
        with self.database() as database:
            apply_set(
                database, {"roles.json": json.dumps(ROLES), "policies.csv": HEAD + "".join(f"{row}\n" for row in rows)}
            )

    def buyer(self) -> tuple[str, str]:
        """A new buyer: id and token."""
        made = self.admin('mutation { createUser(input: {name: "Kim", active: true}) { id } }')["createUser"]["id"]
        with self.database() as database, database.begin() as connection:
            tokens.set_roles(connection, made, ["buyer"])
            return made, tokens.create_token(connection, made, "test")

    def token_id(self, token: str) -> str:
        """The id of a token."""
        with self.database() as database, database.read() as connection:
            return str(connection.scalar(select(TOKEN.c.id).where(TOKEN.c.token_hash == tokens.digest(token))))

    def admin(self, query: str) -> Any:
        """What an administrator is answered by the first server."""
        status, answer = self.servers[0].graphql(self.shop.token, query)
        assert (status, "errors" in answer) == (200, False), answer
        return answer["data"]

    def until(self, holds: Callable[[Server], bool]) -> float:
        """Seconds until something holds at both."""
        began = time.monotonic()
        while not all(holds(server) for server in self.servers):
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.01)
        return time.monotonic() - began


@contextmanager
def two_servers(url: str, folder: Path) -> Iterator[Two]:
    """Two servers on an empty database, with a red and a blue product."""
    shop = install(url, folder)
    shop.pack.entities["user"]["active"] = {"type": "boolean"}
    shop.apply()
    with ExitStack() as stack:
        servers = []
        for number in range(2):
            (place := folder / f"server{number}").mkdir()
            servers.append(Server(place, "--schemas", shop.pack.folder, "--database", url))
            stack.callback(servers[-1].stop)
        two = Two(shop, servers)
        for name in COLOURS:
            made = two.admin(f'mutation {{ createProduct(input: {{name: "{name}", price: "1", rank: 1}}) {{ id }} }}')
            two.products[name] = made["createProduct"]["id"]
        yield two


def answer_of(server: Server, token: str, query: str) -> Any:
    """The data of an answer, or the code of what is wrong."""
    _, answer = server.graphql(token, query)
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]


def seen_of(server: Server, token: str) -> Any:
    """The names of the products that are shown, or the code of what is wrong."""
    found = answer_of(server, token, "{ products { nodes { name } } }")
    return found if isinstance(found, str) else tuple(sorted(each["name"] for each in found["products"]["nodes"]))


class Load:
    """The same asked without end at both servers, from ``with`` to its end, however that comes.

    ``answers`` has of each when it was asked, and what came back. Threads are daemons and each request has a time
    limit, so that nothing outlives a test that fails. Each thread rests for ``pause`` seconds after each answer.
    """

    def __init__(self, two: Two, ask: Callable[[Server], Any], threads: int = 1, pause: float = 0.002) -> None:
        self._ask, self._pause = ask, pause
        self._done = threading.Event()
        self._wrong: list[BaseException] = []
        self.answers: list[tuple[float, Any]] = []
        self._threads = [
            threading.Thread(target=self._run, args=[server], daemon=True)
            for server in two.servers
            for _ in range(threads)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(PATIENCE * 2)
        if kind is None:
            assert self._wrong == []
            assert not any(thread.is_alive() for thread in self._threads)

    def await_more(self, number: int = 10) -> None:
        """Wait until so many more were answered."""
        wanted, deadline = len(self.answers) + number, time.monotonic() + PATIENCE
        while len(self.answers) < wanted:
            assert self._wrong == []
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def asked_since(self, moment: float) -> list[Any]:
        """What was answered to who asked at this moment or later."""
        return [answer for began, answer in list(self.answers) if began >= moment]

    def asked_before(self, moment: float) -> list[Any]:
        """What was answered to who asked earlier."""
        return [answer for began, answer in list(self.answers) if began < moment]

    def _run(self, server: Server) -> None:
        try:
            while not self._done.is_set():
                began = time.monotonic()
                self.answers.append((began, self._ask(server)))
                time.sleep(self._pause)
        except BaseException as error:  # told by whoever waits, or at the end
            self._wrong.append(error)
