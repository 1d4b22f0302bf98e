"""A client of subscriptions over a WebSocket, with the messages of graphql-transport-ws."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

PROTOCOL = "graphql-transport-ws"
ALL = "subscription ($after: String) { customerChanged(after: $after) { operation id cursor node { name } } }"


class Socket:
    """One socket."""

    def __init__(self, session: WebSocketTestSession) -> None:
        self.session = session

    def init(self, token: str | None = None) -> None:
        """Say who one is, and be let in."""
        payload = {} if token is None else {"payload": {"Authorization": f"Bearer {token}"}}
        self.session.send_json({"type": "connection_init", **payload})
        assert self.session.receive_json() == {"type": "connection_ack"}

    def subscribe(self, id_: str = "1", query: str = ALL, **variables: Any) -> None:
        """Subscribe. It takes a moment until it counts."""
        self.session.send_json({"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    def next(self, id_: str = "1") -> Any:
        """The next change."""
        message = self.session.receive_json()
        assert (message["type"], message["id"]) == ("next", id_), message
        return message["payload"]["data"]["customerChanged"]

    def names(self, count: int) -> list[Any]:
        """The names of the next records."""
        return [each["node"] and each["node"]["name"] for each in (self.next() for _ in range(count))]

    def code(self) -> int:
        """The code with which the server closes."""
        message = self.session.receive()
        while message["type"] == "websocket.send":
            message = self.session.receive()
        return int(message["code"])


@contextmanager
def socket(http: TestClient, path: str = "/graphql", protocol: str = PROTOCOL, **headers: str) -> Iterator[Socket]:
    """A socket that has said nothing yet."""
    with http.websocket_connect(path, subprotocols=[protocol], headers=headers) as session:
        yield Socket(session)
