from pathlib import Path

import pytest

from tests.records.kit import World, build
from xrm_core.storage.engines import Database


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path)
