"""The port on which ``xrm worker`` tells how it is: ``/metrics``, ``/health/live`` and ``/health/ready``."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client.exposition import choose_encoder

from xrm_core.errors import DatabaseUnavailable, NotFound, SettingsError, ShuttingDown, XrmError
from xrm_core.graphql import answers
from xrm_core.server.health import READY_SECONDS
from xrm_core.server.metrics import METRICS
from xrm_core.server.worker_figures import WorkerMetrics
from xrm_core.storage.engines import Database

_JSON = "application/json"
_SLOW_SECONDS = 10.0


class _Port(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], metrics: WorkerMetrics, database: Database) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.metrics, self.database = metrics, database

    def handle_error(self, *_: Any) -> None:
        """Whoever asks may go away."""


class _Handler(BaseHTTPRequestHandler):
    server: _Port
    timeout = _SLOW_SECONDS
    server_version, sys_version = "xrm", ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == METRICS:
            encode, media_type = choose_encoder(self.headers.get("accept", ""))
            self._answer(200, encode(self.server.metrics.registry), media_type)
        elif path == "/health/live":
            self._answer(200, orjson.dumps({"status": "live"}))
        elif path == "/health/ready":
            try:
                self._check()
            except XrmError as error:
                self._answer(503, orjson.dumps({"status": "not ready", "code": error.code}))
            else:
                self._answer(200, orjson.dumps({"status": "ready"}))
        else:
            missing = NotFound("There is nothing at this address.")
            self._answer(missing.http_status, orjson.dumps({"errors": [answers.shape(missing)]}))

    def _check(self) -> None:
        if not self.server.metrics.is_ready:
            raise ShuttingDown("The worker is about to end, or does not get on.")
        try:
            with self.server.database.read(READY_SECONDS) as connection:
                connection.exec_driver_sql("SELECT 1")
        except XrmError:
            raise
        except Exception:
            raise DatabaseUnavailable("The database does not answer.") from None

    def _answer(self, status: int, body: bytes, media_type: str = _JSON) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", media_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is said of probes."""


@contextmanager
def telling(host: str, port: int, metrics: WorkerMetrics, database: Database) -> Iterator[int]:
    """Answer on a port while the block runs; gives the port.

    Args:
        host: the address on which it listens.
        port: 0 takes any that is free.
        metrics: what is told.
        database: the main one, of which it is told whether it answers.

    Raises:
        SettingsError: it is not possible to listen there.
    """
    try:
        server = _Port((host, port), metrics, database)
    except OSError as error:
        raise SettingsError(
            f"It is not possible to listen on {host}, port {port}: {error.strerror}.",
            hint="Check XRM_METRICS_HOST and XRM_WORKER_METRICS_PORT; each worker here needs a port of its own.",
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="xrm-worker-port", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
