"""Values that the change log does not keep in clear, as the rules of a model say."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from xrm_core.changes.closing import close_all, close_record
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.engines import Database

if TYPE_CHECKING:
    from xrm_core.records.door import Records


def close(database: Database, records: "Records", stop: Callable[[], bool] = lambda: False) -> int:
    """Close what is to be closed in the log of a database, if keys can be kept at all; answers how many values.

    Raises:
        SealingUnavailable: the key store is away.
        DatabaseUnavailable, Busy, Timeout: what was closed until then stays so.
    """
    store = store_for(records)
    return 0 if store is None else close_all(database, store, records.log_rules, stop)


def close_again(records: "Records", connection: Connection, record_id: str) -> int:
    """The same for one record of which values have come back into the log; in a write transaction."""
    store = store_for(records)
    return 0 if store is None else close_record(connection, store, records.log_rules, record_id)


def store_for(records: "Records") -> KeyStore | None:
    """The key store if something is to be closed, and keys can be kept; «xrm doctor» says if they cannot."""
    store = records.key_store
    try:
        if store is None or not records.log_rules:
            return None
        store.require()
    except SealingUnavailable:
        return None
    return store
