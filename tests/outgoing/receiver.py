"""A receiver on loopback that behaves as a test wants."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

Behave = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request; ``body`` is what was sent."""

    protocol_version = "HTTP/1.1"
    body: bytes
    server: "Server"

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self.body = self.rfile.read(length)
        if len(self.body) < length:  # whoever sent it has ended in the middle of it
            self.close_connection = True
            return
        self.server.got.append((self.path, dict(self.headers.items()), self.body))
        self.server.behave(self)

    def do_GET(self) -> None:
        self.do_POST()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


class Server(socketserver.ThreadingTCPServer):
    """Takes requests in threads that end with the test."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, behave: Behave) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave = behave
        self.got: list[tuple[str, Mapping[str, str], bytes]] = []

    def handle_error(self, *_: Any) -> None: ...


@dataclass
class Receiver:
    """Where it is, and what has come."""

    server: Server
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def got(self) -> list[tuple[str, Mapping[str, str], bytes]]:
        return self.server.got

    def behave(self, how: Behave) -> None:
        self.server.behave = how


def well(handler: Handler) -> None:
    handler.answer(204)


@contextmanager
def receiving(how: Behave = well) -> Iterator[Receiver]:
    server = Server(how)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    found = Receiver(server)
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def drip(handler: Handler) -> None:
    """Headers that never end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        handler.wfile.write(f"x-{number}: y\r\n".encode())
        time.sleep(0.05)
