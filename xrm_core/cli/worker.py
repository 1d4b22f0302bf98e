"""``xrm worker``."""

import os
import signal
import sys
import threading
from typing import Annotated, Any

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas


def work(
    schemas: Schemas = None,
    database: DatabaseUrl = None,
    concurrency: Annotated[
        int | None,
        typer.Option(help="Jobs at a time. Default: $XRM_JOB_CONCURRENCY, else 2.", min=1, max=64, show_default=False),
    ] = None,
) -> None:
    """Do jobs that are due, of all tenants or of one, until the process is told to stop."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import find_plugins, no_model, require_there
    from xrm_core.server.workers import worker as made
    from xrm_core.settings import load_settings
    from xrm_core.storage.applied import has_models
    from xrm_core.storage.engines import Database

    told = threading.Event()

    def end(_number: int, _frame: Any) -> None:
        if told.is_set():
            os._exit(1)  # told twice: at once, whatever is under way
        told.set()

    start(schemas, database)  # which refuses a tenant that is not there
    settings = load_settings(schemas=schemas, database_url=database)  # the catalogue is in the main database
    plugins = find_plugins(settings)
    require_there(settings)
    main = Database(settings.database_url)
    try:
        main.check()
        with main.read() as connection:
            if not has_models(connection):
                raise no_model()
        with made(settings, plugins, main, chosen_tenant() or None, concurrency, tells=True) as worker:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, end)
            thread = threading.Thread(target=worker.run, name="xrm-worker", daemon=True)
            thread.start()
            typer.echo(f"xRM worker {worker.name} is working. End it with Ctrl-C.")
            sys.stdout.flush()
            told.wait()
            worker.stop(settings.grace_seconds)
            thread.join(5)  # it may be reading, and what it reads is closed next
    finally:
        main.close()
