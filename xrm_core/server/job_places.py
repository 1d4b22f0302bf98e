"""The tenants for which a worker works, as the catalogue has them now."""

import time
from collections.abc import Sequence
from functools import partial

import structlog

from xrm_core.errors import XrmError
from xrm_core.jobs.place import Place
from xrm_core.jobs.replaying import catch_up, replays_of
from xrm_core.plugins import Plugins
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.blueprints import asking_of
from xrm_core.server.content_stores import content_stores
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database, is_missing
from xrm_core.storage.tenants import State, Tenant, tenants

_LOOK_SECONDS, _TIMEOUT = 2.0, 5.0
_AGAIN_SECONDS = 5.0
_POOL = 2
_log = structlog.get_logger(__name__)


class JobPlaces:
    """Main database and tenants, less those in which nothing may be changed at the moment.

    Args:
        settings: where the catalogue is, and how many tenants are kept open.
        plugins: asked before writes.
        main: the main database, of which the caller takes care.
        only: the name of the only tenant that counts; None: all do, and the main database.
    """

    def __init__(self, settings: Settings, plugins: Plugins, main: Database, only: str | None = None) -> None:
        self._settings = settings
        self._plugins = plugins
        self._database = main
        self._asking = partial(asking_of, settings)
        self._main = [self._place("", main)] if only is None else []
        self._only = only
        self._tenants: dict[str, Place] = {}
        self._leaving: list[Place] = []
        self._looked = -_LOOK_SECONDS
        self._may_be_behind = bool(replays_of(plugins))

    def __call__(self) -> Sequence[Place]:
        """All of them. Blocking; while the catalogue cannot be read they are those of the last time."""
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            try:
                self._look()
            except XrmError as error:
                _log.warning("catalogue_not_read", code=error.code)
        return [place for place in (*self._main, *self._tenants.values()) if self._is_caught_up(place)]

    def close(self) -> None:
        """Close all but the main database."""
        for place in [*self._tenants.values(), *self._leaving]:
            place.close()

    def _is_caught_up(self, place: Place) -> bool:
        """Whether nothing is left that a restore has taken back: no work is done on what is to be erased again."""
        if not self._may_be_behind:
            return True
        if place.caught_up or time.monotonic() < place.later:
            return place.caught_up
        try:
            catch_up(place.database, place.records(), place.name)
            place.caught_up = True
        except XrmError as error:
            place.later = time.monotonic() + _AGAIN_SECONDS
            place.forget()
            _log.warning("not_caught_up", tenant=place.name, code=error.code)
        return place.caught_up

    def _look(self) -> None:
        with self._database.read(_TIMEOUT) as connection:
            found = tenants(connection, self._settings.data_dir)
        wanted = {each.url: each.name for each in found if self._is_wanted(each)}
        for url in [each for each in self._tenants if each not in wanted]:
            place = self._tenants.pop(url)
            place.leaving = True
            self._leaving.append(place)
        few = len(wanted) <= self._settings.max_tenants
        for url, name in wanted.items():
            if url not in self._tenants:
                self._tenants[url] = self._place(name, Database(url, _POOL, name, makes=False), keeps_open=few)
        for place in [each for each in self._leaving if not each.busy]:
            self._leaving.remove(place)
            place.close()

    def _place(self, name: str, database: Database, *, keeps_open: bool = True) -> Place:
        return Place(
            name,
            database,
            self._plugins,
            keeps_open=keeps_open,
            most_along=self._settings.max_deletion,
            asking=self._asking,
            key_store=keys_of(self._settings),
            stores=content_stores(self._settings),
        )

    def _is_wanted(self, tenant: Tenant) -> bool:
        return tenant.state is State.ACTIVE and self._only in (None, tenant.name) and not is_missing(tenant.url)
