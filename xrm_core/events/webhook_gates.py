"""Whether plugins let data leave for the host of a webhook."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from xrm_core.errors import RefusedByPlugin
from xrm_core.messages.leaving import GATE, WEBHOOK, Connector, Parcel, refusal_of
from xrm_core.records.door import Records

_ALWAYS = {"id", "version"}


def parcel_of(event: Mapping[str, Any]) -> Parcel:
    """What an event tells of a record: the fields whose values it has, and those of which it says that they changed."""
    data = event["data"]
    names = {*(data["record"] or {}), *data.get("changed", ())} - _ALWAYS
    return Parcel(data["entity"], data["id"], frozenset(names))


def is_gated(records: Records) -> bool:
    """Whether any plugin has a say in it."""
    return bool(records.plugins.hooks(GATE))


def held_back_by(connection: Connection, records: Records, url: str, parcels: Sequence[Parcel] = ()) -> str | None:
    """The code with which a plugin lets nothing leave for an address; None: all let it. One that fails lets nothing.

    With parcels the connection is that of a transaction that writes, in which plugins note what leaves.
    """
    try:
        refusal = refusal_of(records, connection, None, Connector(WEBHOOK, urlsplit(url).hostname or url), parcels)
    except RefusedByPlugin as error:
        return error.code
    return None if refusal is None else refusal.code
