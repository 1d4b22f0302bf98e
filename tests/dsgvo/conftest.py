"""An app with the plugin for data protection."""

import pytest

from xrm_core.testing import Setup


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"])
