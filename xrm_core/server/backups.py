"""Backing an installation up, and bringing it back: with the event that data has left, and what settings say."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from xrm_core.auth.events import Event, record
from xrm_core.errors import XrmError
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.content_stores import content_stores
from xrm_core.server.journals import NO_STORE, journal_state
from xrm_core.settings import Settings
from xrm_core.storage.applied import has_models
from xrm_core.storage.backup import back_up, restore
from xrm_core.storage.backup.contents import installation
from xrm_core.storage.backup.manifest import Manifest
from xrm_core.storage.backup.postgres_tools import PostgresTools
from xrm_core.storage.backup.writing import refuse_existing
from xrm_core.storage.engines import Database

MAIN = "main"
"""What the main database is called in events."""


def back_up_installation(settings: Settings, folder: Path, *, files: bool = True) -> Manifest:
    """Write the main database and all tenants into a folder. Raises as :func:`~xrm_core.storage.backup.back_up`.

    Args:
        settings: where they are.
        folder: where to.
        files: whether the content of files goes along that lies outside of databases.
    """
    refuse_existing(folder)
    what = installation(settings.database_url, settings.data_dir)
    for source in what.sources:
        with closing(Database(source.url)) as database, database.begin() as connection:
            if has_models(connection):  # before it: no data leaves without an event
                details = {"file": folder.name}
                record(connection, Event.EXPORT, subject=source.place.name or MAIN, details=details)
    return back_up(what, folder, PostgresTools(settings.postgres_bin), content_stores(settings) if files else None)


def restore_installation(
    settings: Settings, folder: Path, elsewhere: Mapping[str, str], *, files: bool = True
) -> Manifest:
    """Bring a backup back. Raises as :func:`~xrm_core.storage.backup.restore`.

    Args:
        settings: where to.
        folder: the backup.
        elsewhere: databases of tenants that had a place of their own.
        files: whether the content of files that is in it goes where the settings say.
    """
    tools = PostgresTools(settings.postgres_bin)
    stores = content_stores(settings) if files else None
    return restore(folder, settings.database_url, settings.data_dir, elsewhere, tools, stores)


def what_came_back(settings: Settings) -> Iterator[str]:
    """Sentences on what was done since the backup that is restored, and is not to be taken back by that."""
    store = keys_of(settings)
    for source in installation(settings.database_url, settings.data_dir).sources:
        where = source.place.name or MAIN
        try:
            with closing(Database(source.url)) as database:
                state = journal_state(database, store)
        except XrmError as error:
            yield f"{where}: what was erased since is not known, and no server serves it: {error.message}"
            continue
        if not state.kept:
            continue
        if not state.usable:
            yield f"{where}: {NO_STORE} Erase it again before anybody is served."
        elif not state.there:
            yield f"{where}: the key store is not there. Without it nobody knows what was erased since: bring it back."
        elif state.lost:
            yield f"{where}: a server that starts does again what was done since ({state.lost}), before it serves."
