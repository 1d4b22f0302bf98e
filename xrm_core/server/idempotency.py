"""Answers that were kept for repeats go by themselves when they have expired."""

import asyncio
import datetime as dt

import structlog

from xrm_core.records.idempotency import remove_expired
from xrm_core.server.site import Site
from xrm_core.storage.tenants import State

TIMEOUT = 30.0
"""Seconds that a statement may take."""

_log = structlog.get_logger(__name__)


async def remove_expired_answers(site: Site) -> None:
    """Remove them from the database of a site. What goes wrong is for the server's own log alone."""
    if site.state is not State.ACTIVE:
        return
    try:
        await asyncio.to_thread(_remove, site)
    except Exception as error:
        _log.warning("idempotency_keys_not_cleaned", tenant=site.name, kind=type(error).__name__)


def _remove(site: Site) -> None:
    with site.database.begin(TIMEOUT) as connection:
        remove_expired(connection, dt.datetime.now(dt.UTC))
