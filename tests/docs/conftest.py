"""The demo's database, made once for each run of the tests, and servers on copies of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.demo_folder import demo_folder
from tests.docs.pages import REPOSITORY
from xrm_core.demo.loading import load_demo, new_tokens
from xrm_core.permissions.fitting import put_first
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble
from xrm_core.settings import Settings
from xrm_core.storage.apply import apply

Serve = Callable[[Path, Path], AbstractContextManager[tuple[TestClient, dict[str, str]]]]


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo loaded, shared by all test processes. To be copied, not used."""

    def load(folder: Path) -> None:
        platform = assemble(Settings(data_dir=folder, schemas=REPOSITORY / "schemas"))
        policies = platform.authority.policies
        apply(platform.database, platform.model, along=lambda connection, _model: put_first(connection, policies))
        with platform.database.begin() as connection:
            load_demo(platform.records, connection)
        platform.database.close()

    return demo_folder(tmp_path_factory, load)


@pytest.fixture
def copy_of_demo(demo_data: Path) -> Callable[[Path], Path]:
    """Puts a copy of the demo's data folder somewhere."""
    return lambda where: Path(shutil.copytree(demo_data, where))


@pytest.fixture
def serve() -> Serve:
    """A client of a server on a data folder and a pack, and tokens of the demo's users by role."""

    @contextmanager
    def serving(data: Path, schemas: Path) -> Iterator[tuple[TestClient, dict[str, str]]]:
        platform = assemble(Settings(data_dir=data, schemas=schemas))
        with platform.database.begin() as connection:
            tokens = new_tokens(connection)
        with TestClient(create_app(platform)) as client:
            yield client, tokens

    return serving


def xrm(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without settings of the developer's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    return subprocess.run(
        [sys.executable, "-m", "xrm_core.cli.main", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=clean | {"PYTHONPATH": str(REPOSITORY)} | environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
