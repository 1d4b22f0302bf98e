"""The server's process: a free port, a checked database, uvicorn, and a quiet end."""

import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import structlog
import typer

from xrm_core.cli.data_folder import make_data_folder
from xrm_core.cli.draining import Server
from xrm_core.cli.failures import is_about_output
from xrm_core.errors import PortInUse, SettingsError, XrmError
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform, assemble, assemble_applied, kept_files, pack_policies, read_model
from xrm_core.server.open_files import take_all_that_are_allowed
from xrm_core.server.workers import working_beside
from xrm_core.settings import Settings
from xrm_core.storage.applied import applied_fingerprint
from xrm_core.storage.schema_files import schema_files

_LATER_SECONDS = 5.0

_log = structlog.get_logger(__name__)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        PortInUse: somebody else listens there.
        XrmError: settings, files or database are not as they must be.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)  # being told to stop is no failure; uvicorn raises the signal again at its end
    if settings.demo:
        _require_loopback(settings.host)
    take_all_that_are_allowed()
    with ExitStack() as stack:
        if settings.traces:
            from xrm_core.server.tracing import traced

            stack.enter_context(traced())
        listener = stack.enter_context(_bound_socket(settings.host, settings.port))
        listeners = [listener]
        if settings.metrics_port:
            listeners.append(stack.enter_context(_bound_socket(settings.metrics_host, settings.metrics_port)))
        make_data_folder(settings)
        demo = None
        if settings.demo:
            platform = assemble(settings, tenant=kept_files(settings).texts)
            from xrm_core.cli import demo_mode  # and with it Alembic, which takes half a second

            demo = demo_mode.prepare(platform)
        else:
            platform = assemble_applied(settings)
        url = _url(settings.host, listener.getsockname()[1])

        def announce() -> None:
            if not settings.demo:
                _soon(lambda: tell_unapplied(platform))
            typer.echo(f"xRM is running: {url}  (GraphQL: {url}graphql). End it with Ctrl-C.")
            if demo is not None:
                typer.echo(demo.text)
            sys.stdout.flush()

        app = create_app(platform, None if demo is None else demo.page)
        try:
            with working_beside(settings, platform.plugins, platform.database) as worker:
                Server(app, settings.drain_seconds, settings.grace_seconds, announce, worker).run(listeners)
        except OSError as error:
            if is_about_output(error):
                raise
            raise _cannot_listen(error, settings.host, settings.port) from error


def _soon(work: Callable[[], None]) -> None:
    """Do something once the start is over; the process does not wait for it."""
    timer = threading.Timer(_LATER_SECONDS, work)
    timer.daemon = True
    timer.start()


def tell_unapplied(platform: Platform) -> None:
    """Say in the log if the pack's files say something else than what is served: that may be meant, or forgotten."""
    try:
        with platform.database.read() as connection:
            served, kept = applied_fingerprint(connection), schema_files(connection).texts
        wanted = read_model(platform.settings, platform.plugins, kept).fingerprint
        proposed = pack_policies(platform.settings, platform.model) if wanted == served else None
    except XrmError as error:
        _log.warning("entity_files_cannot_be_applied", code=error.code, reason=error.message)
        return
    if wanted != served:
        _log.warning("entity_files_not_applied", hint="Look at «xrm schema plan», then run «xrm schema apply».")
    elif proposed is not None and proposed.version != platform.authority.policies.version:
        _log.info("policy_files_not_in_force", hint="«xrm permissions plan» says what they would change.")


def _end(_number: int, _frame: Any) -> None:
    sys.exit(0)


def _require_loopback(host: str) -> None:
    if host not in _LOOPBACK:
        raise SettingsError(
            f"The demo cannot listen on {host}: whoever reaches it can read its tokens.",
            hint="Leave --host out, or serve without --demo.",
        )


def _bound_socket(host: str, port: int) -> socket.socket:
    """The port, taken before anything else is done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(error, host, port) from error
    return bound


def _cannot_listen(error: Exception, host: str, port: int) -> PortInUse | SettingsError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"The port {port} of {host} is in use by another process.",
            hint="End that process, or take another port by --port (0 takes any free one).",
        )
    return SettingsError(
        f"It is not possible to listen on {host}, port {port}.",
        hint="Check --host (an address of this machine) and --port (below 1024 only for administrators).",
    )


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
