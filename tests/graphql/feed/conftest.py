from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.graphql.feed.kit import Following
from tests.records.kit import build
from xrm_core.storage.engines import Database


@pytest.fixture
def following(database: Database, tmp_path: Path) -> Iterator[Following]:
    """An engine on a world of its own."""
    found = Following(build(database, tmp_path))
    yield found
    found.close()
