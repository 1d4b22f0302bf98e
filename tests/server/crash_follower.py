"""Somebody who follows changes while servers are killed: with each new connection they go on from their last cursor."""

import json
import random
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from tests.server.crash_world import PASSING, PATIENCE, Site

BEGIN = "{ changes(entities: [product], first: 1) { cursor } }"
FOLLOW = """subscription ($after: String) {
    productChanged(after: $after) { operation id cursor node { version } } }"""


@dataclass
class Follower:
    """``told`` has what was told, in order: id and version, None where a record is gone."""

    site: Site
    ended: threading.Event
    told: list[tuple[str, int | None]] = field(default_factory=list)
    wrong: list[BaseException] = field(default_factory=list)
    connections: int = 0
    cursor: str = ""

    def begin(self) -> None:
        """From here on nothing may be missed."""
        with self._ask(BEGIN, "application/json") as answer:
            self.cursor = json.load(answer)["data"]["changes"]["cursor"]

    def run(self) -> None:
        """Until ``ended``."""
        try:
            while not self.ended.is_set():
                # A server that is killed ends the connection, or is not there at all.
                with suppress(OSError, HTTPException, ValueError):
                    self._follow()
                time.sleep(0.05 + random.random() / 10)
        except BaseException as error:
            self.wrong.append(error)

    @property
    def last(self) -> dict[str, int | None]:
        """What was told of each record at last."""
        return dict(list(self.told))

    @property
    def in_order(self) -> bool:
        """Whether no record went back, from one connection to the next either."""
        seen: dict[str, int] = {}
        for id_, version in list(self.told):
            if version is not None and version < seen.get(id_, 0):
                return False
            seen[id_] = version or seen.get(id_, 0)
        return True

    def _follow(self) -> None:
        with self._ask(FOLLOW, "text/event-stream") as answer:
            self.connections += 1
            kind = b""
            for line in answer:
                if self.ended.is_set():
                    return
                if line.startswith(b"event: "):
                    kind = line[7:].strip()
                elif line.startswith(b"data:") and kind == b"next":
                    self._hear(json.loads(line[5:]))

    def _hear(self, message: Any) -> None:
        if "errors" in message:
            code = message["errors"][0]["extensions"]["code"]
            if code not in PASSING:  # a gap would be one, too
                raise AssertionError(message)
            return
        change = message["data"]["productChanged"]
        self.told.append((change["id"], (change["node"] or {}).get("version")))
        self.cursor = change["cursor"]

    def _ask(self, query: str, accept: str) -> Any:
        url = random.choice(self.site.servers).url
        body = json.dumps({"query": query, "variables": {"after": self.cursor} if self.cursor else {}}).encode()
        headers = {"Content-Type": "application/json", "Accept": accept}
        headers["Authorization"] = f"Bearer {self.site.shop.token}"
        request = urllib.request.Request(f"{url}graphql", body, headers)
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE / 4)
        except urllib.error.HTTPError as error:
            with error:
                told = error.read()
            with suppress(ValueError, KeyError, IndexError):
                if json.loads(told)["errors"][0]["extensions"]["code"] in PASSING:
                    raise ConnectionError(told) from None
            raise AssertionError(error.code, told) from None
