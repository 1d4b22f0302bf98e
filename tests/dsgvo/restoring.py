"""A backup of the app of a test, brought back elsewhere with the plugins and the key store of the original."""

import copy
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.cli.test_backup import DUMP
from tests.postgres import PostgresServer
from xrm_core.server.app import create_app
from xrm_core.storage.backup import back_up, restore
from xrm_core.storage.backup.contents import installation
from xrm_core.storage.backup.postgres_tools import PostgresTools
from xrm_core.storage.engines import Database
from xrm_core.testing import Client, Xrm
from xrm_core.testing.working import Worker


@dataclass
class Backups:
    """What ``xrm backup`` and ``xrm restore`` do."""

    xrm: Xrm
    folder: Path
    request: pytest.FixtureRequest
    stack: ExitStack

    def save(self) -> None:
        """Make one, of what is there now."""
        assert self.xrm.http.get("/health/ready").status_code == 200  # the journal knows the data from now on
        what = installation(self.xrm.database.url.render_as_string(hide_password=False), self.folder / "data")
        back_up(what, self.folder / "saved", PostgresTools(DUMP), None)

    def bring_back(self) -> Any:
        """A platform on it."""
        url = f"sqlite:///{self.folder / 'other' / 'xrm.db'}"
        if not self.xrm.database.is_sqlite:
            server: PostgresServer = self.request.getfixturevalue("postgres_server")
            url = self.stack.enter_context(server.database(empty=True))
        restore(self.folder / "saved", url, self.folder / "other", {}, PostgresTools(DUMP))
        settings = self.xrm.platform.settings.model_copy(update={"database_url": url})
        database = self.stack.enter_context(closing(Database(url)))
        return replace(self.xrm.platform, settings=settings, database=database)

    def serving(self, platform: Any) -> TestClient:
        """A server on it; it has the schemas of that of the original."""
        return TestClient(create_app(platform, blueprint=self.xrm._blueprint(platform)))

    def app(self, platform: Any, http: TestClient, client: Client) -> Xrm:
        """The app as tests know it, asked by a server on it; a client's user was there when the backup was made."""
        app = copy.copy(self.xrm)
        app.platform = platform
        app.__dict__["http"] = http
        app._clients = {frozenset({"admin"}): Client(http, client.token, client.user_id)}
        app._worker = Worker(platform, lambda: self.xrm._blueprint(platform).records)
        return app


@pytest.fixture
def backups(xrm: Xrm, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Backups]:
    with ExitStack() as stack:
        yield Backups(xrm, tmp_path, request, stack)
