"""Checks by which plugins say whether they are well."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection

from xrm_core.permissions.caller import System
from xrm_core.plugins import Plugins, wrong_name
from xrm_core.records.asking import asks_of
from xrm_core.storage.engines import Database

if TYPE_CHECKING:
    from xrm_core.records.door import Records

MOST_SECONDS = 5.0
_THREADS = 4
_MOST_SAID = 500
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class HealthCheck:
    """A look at something that a plugin needs: a service outside, a record that must be there.

    Args:
        name: ``plugin.check``.
        run: a function of a :class:`HealthContext`; it returns None if all is well, else a sentence that says what is
            not. An exception counts as such.
        critical: while it is not well, the server takes no requests.
        seconds: that it may take.
        remedy: how to mend it, for whoever runs the platform.
    """

    name: str
    run: Callable[..., Any]
    critical: bool = False
    seconds: float = 2.0
    remedy: str = ""


class HealthContext:
    """What a check is given: the database of one tenant, to read, and the plugin's settings."""

    def __init__(self, records: "Records", connection: Connection, tenant: str, settings: Any) -> None:
        self._records = records
        self._connection = connection
        self.tenant = tenant
        self.settings = settings

    @property
    def plugins(self) -> Plugins:
        """Those that are loaded, for what asks them."""
        return self._records.plugins

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query for records answers to the platform itself: its ``data``."""
        caller = System(self._records.full_access, "health check")
        return asks_of(self._records).ask(self._connection, caller, document, variables).data


@dataclass(frozen=True, slots=True)
class Health:
    """How a check has ended. ``says`` is what is wrong; empty: nothing is."""

    check: HealthCheck
    says: str


class HealthChecks:
    """The checks of all plugins.

    Args:
        plugins: are asked.

    Raises:
        PluginLoadError: a plugin registers what cannot be used.
    """

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._threads = ThreadPoolExecutor(_THREADS, "xrm-health")
        self._running: dict[tuple[str, str], Future[str]] = {}
        self.found: dict[str, HealthCheck] = {}
        for plugin, check in plugins.registered("register_health", HealthCheck):
            problem = _wrong(plugin, check, self.found)
            if problem:
                raise plugins.load_error(plugin, f"the health check {check.name!r} {problem}")
            self.found[check.name] = check

    def look(self, records: "Records", database: Database, tenant: str) -> Sequence[Health]:
        """How all of them are. Blocking, for as long as the one that may take longest; one that hangs is left alone."""
        if not self.found:
            return ()
        running = [(check, self._begun(check, records, database, tenant)) for check in self.found.values()]
        until = time.monotonic()
        return [Health(check, _outcome(check, future, until + check.seconds)) for check, future in running]

    def _begun(self, check: HealthCheck, records: "Records", database: Database, tenant: str) -> "Future[str]":
        """A check under way; one that has hung since the last look is not begun once more."""
        key = (tenant, check.name)
        found = self._running.get(key)
        if found is None or found.done():
            found = self._running[key] = self._threads.submit(self._ask, check, records, database, tenant)
        return found

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, check: HealthCheck, records: "Records", database: Database, tenant: str) -> str:
        plugin = check.name.partition(".")[0]
        with database.read(check.seconds) as connection:
            context = HealthContext(records, connection, tenant, self._plugins.settings_of(plugin))
            with self._plugins.calls.timed(plugin, "health", check.name):
                said = check.run(context)
        return "" if said is None else str(said)[:_MOST_SAID] or "It says that it is not well."


def _outcome(check: HealthCheck, future: "Future[str]", until: float) -> str:
    try:
        return future.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        return f"It did not answer within {check.seconds:g} s."
    except Exception as error:
        _log.warning("plugin_health_failed", check=check.name, exc_info=error)
        return f"The check itself failed ({type(error).__name__})."


def _wrong(plugin: str, check: HealthCheck, known: Mapping[str, HealthCheck]) -> str:
    if problem := wrong_name(plugin, check.name, known, "plugin.check"):
        return problem
    if not callable(check.run):
        return "has no function to run"
    if not isinstance(check.seconds, int | float) or not 0 < check.seconds <= MOST_SECONDS:
        return f"has seconds that are none: more than 0, and {MOST_SECONDS:g} at most"
    return ""
