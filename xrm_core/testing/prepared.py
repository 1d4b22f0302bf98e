"""Setups made ready: model, plugins, policies and schemas once for all tests, and a database to be copied for each."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg
from sqlalchemy import delete, make_url

from xrm_core.jobs.replaying import replays_of
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.fitting import put_first
from xrm_core.permissions.plugin_roles import brought, put_upon
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.records.asking import Asks
from xrm_core.records.door import Records
from xrm_core.sealed.key_store import keys_of
from xrm_core.server.assembly import Platform, policy_folders, read_model
from xrm_core.server.blueprints import Blueprint, Blueprints
from xrm_core.server.content_stores import content_stores
from xrm_core.settings import Settings, load_settings
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.journal_tables import JOURNAL_MARK
from xrm_core.storage.tables import Tables
from xrm_core.testing.app import Beginning, Xrm, opened
from xrm_core.testing.events import NAME, Recorder
from xrm_core.testing.kept_keys import KeptKeys
from xrm_core.testing.mails import SETTINGS
from xrm_core.testing.setup import Setup
from xrm_core.testing.working import Worker

_KEY = "of tests alone so that nothing is hidden by it"


class Prepared:
    """One setup.

    Args:
        setup: what there is.
        folder: for its files.
        postgres: URL of a PostgreSQL server on which databases may be made; None: there is none.

    Raises:
        XrmError, LookupError: something of the setup is wrong.
    """

    def __init__(self, setup: Setup, folder: Path, postgres: str | None) -> None:
        self._folder, self._begin = folder, setup.begin
        self.settings = _settings(setup, folder)
        self.recorder = Recorder()
        installed = [*setup.installed(), InstalledPlugin(NAME, self.recorder)]
        self._plugins = Plugins(installed, environment=setup.environment)
        self._model = read_model(self.settings, self._plugins)
        self._tables = Tables(self._model, lazy=True)
        self._records = Records(
            self._model,
            self._tables,
            self._plugins,
            most_along=self.settings.max_deletion,
            key_store=keys_of(self.settings),
            stores=content_stores(self.settings),
        )
        policies = policy.load(policy_folders(self.settings), self._model)
        for each in brought(self._plugins) if setup.plugin_roles else ():
            policies = policy.parse_files(put_upon(policies.files, each, self._model), self._model)
        self._authority = Authority(self._model, policies)
        self._replays = bool(replays_of(self._plugins))
        self._postgres = None if postgres is None else _Postgres(postgres)
        self._pattern: Path | None = None
        self._blueprints: dict[str, Blueprint] = {}
        self._asking: dict[str, Asks | None] = {}
        self._beginnings: dict[str, Beginning] = {}
        self._keys = KeptKeys(self.settings.key_store_url)

    @contextmanager
    def app(self, kind: str, folder: Path) -> Iterator[Xrm]:
        """An app on a fresh copy of its database.

        Args:
            kind: ``sqlite`` or ``postgresql``.
            folder: for the copy.
        """
        self._keys.bring_back()
        with self._copy(kind, folder) as url:
            if self._replays:  # it is no backup that has come back: what other copies have done is not theirs
                with closing(Database(url)) as database, database.begin() as connection:
                    connection.execute(delete(JOURNAL_MARK))
            platform, beginning = self._platform(url), self._beginnings.get(kind)
            with opened(platform, self._blueprint, self.recorder, beginning) as app:
                yield app

    def close(self) -> None:
        """Remove what is on the server."""
        self._keys.forget()
        if self._postgres is not None:
            self._postgres.close()

    @contextmanager
    def _copy(self, kind: str, folder: Path) -> Iterator[str]:
        if kind == "postgresql":
            if self._postgres is None:
                raise LookupError("There is no PostgreSQL: the fixture xrm_postgres names none.")
            with self._postgres.copy(self._make) as url:
                yield url
            return
        if self._pattern is None:
            pattern = self._folder / "pattern.db"
            self._make(f"sqlite:///{pattern}")
            self._pattern = pattern
        file = folder / "xrm.db"
        shutil.copyfile(self._pattern, file)
        yield f"sqlite:///{file}"

    def _blueprint(self, platform: Platform) -> Blueprint:
        """What an app serves by. To make schemas and plans takes longer than most tests, so all apps share them."""
        dialect = platform.database.dialect
        if dialect.name not in self._blueprints:
            blueprints = Blueprints(self.settings, self._plugins)
            self._blueprints[dialect.name] = blueprints.add(self._model, self._records, self._authority, dialect)
            self._asking[dialect.name] = self._records.asks
        self._records.asks = self._asking[dialect.name]
        return self._blueprints[dialect.name].for_another_loop()

    def _make(self, url: str) -> None:
        platform = self._platform(url)
        with closing(platform.database):
            policies = self._authority.policies
            apply(platform.database, self._model, along=lambda connection, _model: put_first(connection, policies))
            Worker(platform, lambda: self._records).begin()
        if self._begin is not None:
            platform = self._platform(url)
            with opened(platform, self._blueprint, self.recorder) as app:
                self._beginnings[platform.database.dialect.name] = app._beginning(self._begin(app))
            self._keys.keep()

    def _platform(self, url: str) -> Platform:
        settings = self.settings.model_copy(update={"database_url": url})
        return Platform(
            settings, self._plugins, self._model, self._tables, Database(url), self._records, self._authority
        )


class _Postgres:
    """Databases on a server: one that is made, and copies of it."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._pattern = ""

    @contextmanager
    def copy(self, make: Callable[[str], None]) -> Iterator[str]:
        if not self._pattern:
            name = _name()
            self._do(f"CREATE DATABASE {name}")
            make(self._of(name))
            self._pattern = name
        name = self._take()
        try:
            yield self._of(name)
        finally:
            self._give_back(name)

    def _take(self) -> str:
        name = _name()
        self._do(f"CREATE DATABASE {name} TEMPLATE {self._pattern}", since_15=" STRATEGY FILE_COPY")
        return name

    def _give_back(self, name: str) -> None:
        self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        if self._pattern:
            self._do(f"DROP DATABASE {self._pattern} WITH (FORCE)")

    def _of(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _do(self, statement: str, *, since_15: str = "") -> None:
        """Run a statement; ``since_15`` goes with it on a PostgreSQL that knows it.

        Many small files are copied in a third of the time if each block need not go through the log.
        """
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            more = since_15 if connection.info.server_version >= 150_000 else ""
            connection.execute(f"{statement}{more}".encode())


def _name() -> str:
    return f"xrm_testing_{secrets.token_hex(6)}"


def _settings(setup: Setup, folder: Path) -> Settings:
    """Those of the setup, and none of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    data = folder / "data"
    data.mkdir()
    with patch.dict(os.environ, kept, clear=True):
        return load_settings(
            **{
                "schemas": setup.folder(folder / "pack"),
                "data_dir": data,
                "secret_key": _KEY,
                **SETTINGS,
                **setup.settings,
            }
        )
