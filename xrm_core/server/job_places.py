"""The tenants for which a worker works, as the catalogue has them now."""

import time
from collections.abc import Sequence

import structlog

from xrm_core.errors import XrmError
from xrm_core.jobs.place import Place
from xrm_core.plugins import Plugins
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.tenants import State, tenants

_LOOK_SECONDS, _TIMEOUT = 2.0, 5.0
_POOL = 2
_log = structlog.get_logger(__name__)


class JobPlaces:
    """Main database and tenants, less those in which nothing may be changed at the moment.

    Args:
        settings: where the catalogue is, and how many tenants are kept open.
        plugins: asked before writes.
        main: the main database, of which the caller takes care.
        only: the name of the one tenant whose database ``main`` is; None: it is the main one, and there may be others.
    """

    def __init__(self, settings: Settings, plugins: Plugins, main: Database, only: str | None = None) -> None:
        self._settings = settings
        self._plugins = plugins
        self._main = Place(only or "", main, plugins)
        self._alone = only is not None
        self._tenants: dict[str, Place] = {}
        self._leaving: list[Place] = []
        self._looked = -_LOOK_SECONDS

    def __call__(self) -> Sequence[Place]:
        """All of them. Blocking; while the catalogue cannot be read they are those of the last time."""
        if not self._alone and time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            try:
                self._look()
            except XrmError as error:
                _log.warning("catalogue_not_read", code=error.code)
        return [self._main, *self._tenants.values()]

    def close(self) -> None:
        """Close all but the main database."""
        for place in [*self._tenants.values(), *self._leaving]:
            place.close()

    def _look(self) -> None:
        with self._main.database.read(_TIMEOUT) as connection:
            found = {each.url: each for each in tenants(connection, self._settings.data_dir)}
        wanted = {url: each for url, each in found.items() if each.state is State.ACTIVE and not is_missing(url)}
        for url in [each for each in self._tenants if each not in wanted]:
            self._leaving.append(self._tenants.pop(url))
        few = len(wanted) <= self._settings.max_tenants
        for url, tenant in wanted.items():
            if url not in self._tenants:
                database = Database(url, _POOL)
                self._tenants[url] = Place(tenant.name, database, self._plugins, keeps_open=few)
        for place in [each for each in self._leaving if not each.busy]:
            self._leaving.remove(place)
            place.close()
