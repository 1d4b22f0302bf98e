"""An app with the plugin for data protection."""

import pytest

from xrm_core.testing import Setup

OFFICER = "dsb@kern.example"
KEY = {
    "XRM_DSGVO_SUPPRESSION_KEY": "0123456789abcdef" * 4,
    "XRM_DSGVO_OWN_CONNECTORS": "channel:mail",
    "XRM_DSGVO_OFFICER_EMAIL": OFFICER,
}
"""Without a key nothing may be sent; mails go by a server of their own."""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment=KEY)
