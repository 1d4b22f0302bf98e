"""For the platform's own tests, which run those of this plugin without installing it; authors need no such file.

That it stands here makes ``xrm_fleet`` importable. Both databases are shown by ``tests/testing``.
"""

import pytest


@pytest.fixture
def xrm_database() -> str:
    """One kind is enough here."""
    return "sqlite"
