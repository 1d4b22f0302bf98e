"""Where a worker finds jobs: the database of one tenant, and the model that it has now."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from sqlalchemy import Dialect

from xrm_core.changes.opening import remember
from xrm_core.errors import ModelOutOfDate
from xrm_core.plugins import Plugins
from xrm_core.records.asking import Asks
from xrm_core.records.door import Records
from xrm_core.records.going_along import MOST_ALONG
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.applied import applied_fingerprint, current_model
from xrm_core.storage.contents import Stores
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables

MakesAsks = Callable[[Records, Dialect], Asks]
"""Door for records and dialect of a database → what answers documents of plugins there."""

TIMEOUT = 30.0
"""Seconds that a statement of the queue may take."""


class Place:
    """A tenant with jobs.

    Args:
        name: of the tenant; empty for the main database.
        database: the tenant's.
        plugins: asked before writes.
        keeps_open: whether connections are kept while nothing is to be done: who has hundreds of tenants keeps none.
        most_along: records that one deletion may take along or change.
        asking: makes what answers documents of plugins; None: they cannot ask any.
        key_store: of sealed values; None: they can neither be written nor opened.
        stores: where the content of files lies; None: in the database.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        plugins: Plugins,
        *,
        keeps_open: bool = True,
        most_along: int = MOST_ALONG,
        asking: MakesAsks | None = None,
        key_store: KeyStore | None = None,
        stores: Stores | None = None,
    ) -> None:
        self._key_store, self._stores = key_store, stores
        self._asking = asking
        self._most_along = most_along
        self.name = name
        self.database = database
        remember(database.engine, key_store)
        self._plugins = plugins
        self._keeps_open = keeps_open
        self._records: Records | None = None
        self._reading = threading.Lock()
        self.busy = 0  # runs under way; changed by the worker's own thread only
        self.leaving = False
        """Whether nothing may be changed here any more: runs under way end at their next step, and are given back."""

        self.caught_up = False
        """Whether nothing is left that a restore has taken back; ``later``: it is not looked at again before."""
        self.later = 0.0

    def records(self) -> Records:
        """The door for records of the model that the database had when it was last asked for. Blocking.

        Each transaction of a job finds out whether it has another one by now; then :meth:`forget` it.

        Raises:
            ModelOutOfDate: there is none, or it is not one that this version can read.
            DatabaseUnavailable: the database does not answer.
        """
        with self._reading:
            if self._records is None:
                with self.database.read(TIMEOUT) as connection:
                    model, applied = current_model(connection), applied_fingerprint(connection)
                if model is None or model.fingerprint != applied:
                    raise ModelOutOfDate(
                        "The database has no model, or one that this version of the platform reads in another way.",
                        hint="Look at «xrm schema plan», then run «xrm schema apply».",
                    )
                records = Records(
                    model,
                    Tables(model, lazy=True),
                    self._plugins,
                    most_along=self._most_along,
                    key_store=self._key_store,
                    stores=self._stores,
                )
                records.asks = None if self._asking is None else self._asking(records, self.database.dialect)
                self._records = records
            return self._records

    def timed(self, job: str, function: str = "") -> AbstractContextManager[None]:
        """Around a function of a job of a plugin, for figures; those of the platform are none of a plugin's."""
        plugin, dot, _ = job.partition(".")
        return self._plugins.calls.timed(plugin, "job", f"{job}{function}") if dot else nullcontext()

    def forget(self) -> None:
        """The database has another model by now."""
        with self._reading:
            self._records = None

    def rest(self) -> None:
        """Nothing is asked for a while."""
        if not self._keeps_open and not self.busy:
            self.database.engine.dispose()

    def close(self) -> None:
        """Give connections back."""
        with suppress(Exception):  # a database that is gone
            self.database.close()
