"""Workers as the command line starts them: beside a server, or in a process of their own."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network

from xrm_core.auth.secret_box import SecretBox
from xrm_core.changes.keys import ChainKeys
from xrm_core.contributions.data_store import stores_of
from xrm_core.events.listeners import listeners
from xrm_core.events.readers import Readers, Source
from xrm_core.events.webhook_sending import WebhookSource
from xrm_core.events.webhook_tests import test_job
from xrm_core.jobs import registry as registries
from xrm_core.jobs.core_jobs import core_jobs
from xrm_core.jobs.listener import Listener
from xrm_core.jobs.registry import Registry
from xrm_core.jobs.worker import Pace, Worker
from xrm_core.messages import message_jobs
from xrm_core.outgoing import Outgoing
from xrm_core.plugins import Plugins
from xrm_core.server.job_places import JobPlaces
from xrm_core.server.worker_figures import Watching, WorkerMetrics
from xrm_core.server.worker_port import telling
from xrm_core.server.workflow_files import workflow_engine
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database

_LOOK_SECONDS = 5.0
"""For a look that is under way when a worker stops."""


def webhook_source(settings: Settings) -> WebhookSource:
    """What sends to webhooks in a process with these settings."""
    return WebhookSource(SecretBox(settings.secret_key), Outgoing(map(ip_network, settings.webhook_networks)))


def job_registry(settings: Settings, plugins: Plugins, webhooks: WebhookSource | None = None) -> Registry:
    """What a process with these settings and plugins can do; ``webhooks``: what sends tests of them.

    Raises:
        PluginLoadError: a plugin registers what cannot be used.
        SchemaFilesInvalid: a workflow file has a mistake.
    """
    handlers, schedules = core_jobs(settings.job_days, settings.trash_days, settings.journal_days)
    test = test_job(webhooks or webhook_source(settings))
    sending, timed = message_jobs(settings, plugins)
    flows = workflow_engine(settings, plugins)
    done, fired = [*handlers, *sending, *flows.handlers, test], [*schedules, *timed, *flows.schedules]
    return registries.registry(plugins, settings.time_zone, done, fired)


def log_readers(settings: Settings, plugins: Plugins, webhooks: WebhookSource | None = None) -> Readers:
    """Who reads the change log in a process with these settings and plugins."""
    heard = [*listeners(plugins), *workflow_engine(settings, plugins).readers]
    sources: list[Source] = [lambda _place, _connection: heard, webhooks or webhook_source(settings)]
    return Readers(sources, ChainKeys(settings.secret_key), settings.job_lease_seconds)


@contextmanager
def worker(
    settings: Settings,
    plugins: Plugins,
    main: Database,
    only: str | None = None,
    concurrency: int | None = None,
    *,
    tells: bool = False,
) -> Iterator[Worker]:
    """A worker that does not work yet; what it has opened is closed at the end.

    Args:
        settings: how it works.
        plugins: register jobs, and are asked before writes.
        main: the main database, which has the catalogue.
        only: the name of the only tenant that counts; None: all do, and the main database.
        concurrency: jobs at a time; None: as the settings say.
        tells: whether it tells figures and its health on the port for that, if the settings want one.

    Raises:
        PluginLoadError: a plugin registers what cannot be used.
        SettingsError: it is not possible to listen on that port.
    """
    pace = Pace(concurrency or settings.job_concurrency, lease_seconds=settings.job_lease_seconds)
    with ExitStack() as stack:
        places = JobPlaces(settings, plugins, main, only)
        stack.callback(places.close)
        webhooks = webhook_source(settings)
        registry = job_registry(settings, plugins, webhooks)
        stores_of(plugins)  # one that cannot be used is found now, not when somebody is to be erased there
        readers = log_readers(settings, plugins, webhooks)
        watching = Watching(readers) if tells and settings.worker_metrics_port else None
        made = Worker(registry, places, pace, watching or readers)
        if watching is not None:
            metrics = WorkerMetrics(made, watching, plugins.calls)
            stack.enter_context(telling(settings.metrics_host, settings.worker_metrics_port, metrics, main))
        if not main.is_sqlite:
            listener = Listener(main, made.wake)
            stack.callback(listener.close)
            listener.start()
        yield made


@contextmanager
def working_beside(settings: Settings, plugins: Plugins, main: Database) -> Iterator[Worker | None]:
    """While the block runs, a worker works in threads of this process, if the settings want one here."""
    if settings.worker == "off" or (settings.worker == "auto" and not main.is_sqlite):
        yield None
        return
    with worker(settings, plugins, main) as made:
        thread = threading.Thread(target=made.run, name="xrm-worker", daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.stop(0)  # who has waited for jobs to end has done so before
            thread.join(_LOOK_SECONDS)  # it may be reading, and what it reads is closed next
