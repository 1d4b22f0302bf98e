"""Whether plugins let data leave for the host of a webhook."""

from urllib.parse import urlsplit

from sqlalchemy import Connection

from xrm_core.errors import RefusedByPlugin
from xrm_core.messages.leaving import GATE, WEBHOOK, Connector, refusal_of
from xrm_core.records.door import Records


def is_gated(records: Records) -> bool:
    """Whether any plugin has a say in it."""
    return bool(records.plugins.hooks(GATE))


def held_back_by(connection: Connection, records: Records, url: str) -> str | None:
    """The code with which a plugin lets nothing leave for an address; None: all let it. One that fails lets nothing."""
    try:
        refusal = refusal_of(records, connection, None, Connector(WEBHOOK, urlsplit(url).hostname or url))
    except RefusedByPlugin as error:
        return error.code
    return None if refusal is None else refusal.code
