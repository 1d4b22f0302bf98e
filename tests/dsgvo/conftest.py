"""An app with the plugin for data protection."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import make_url

from xrm_core.testing import Setup, Xrm

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


@pytest.fixture
def same_keys(xrm: Xrm) -> Iterator[None]:
    """The key store is as it was afterwards: keys that are destroyed here are those of all tests of the setup."""
    path = make_url(xrm.platform.settings.key_store_url).database
    with closing(sqlite3.connect(path or "")) as store, closing(sqlite3.connect(":memory:")) as kept:
        store.backup(kept)
        yield
        kept.backup(store)
