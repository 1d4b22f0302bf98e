"""Fixtures for those who write plugins: an app with their plugin, on a database of its own for each test.

``pytest -p xrm_core.testing`` brings them, and so does ``pytest_plugins = ["xrm_core.testing"]`` in a ``conftest.py``;
``docs/plugins/testing.md`` has the contract. Nothing that serves imports this.
"""

from xrm_core.testing.app import Xrm
from xrm_core.testing.client import Client, Refusal
from xrm_core.testing.clock import Clock
from xrm_core.testing.events import Happened
from xrm_core.testing.fixtures import xrm, xrm_database, xrm_postgres, xrm_setup, xrm_setups, xrm_with
from xrm_core.testing.setup import Setup
from xrm_core.testing.working import Failure, Work

__all__ = [
    "Client",
    "Clock",
    "Failure",
    "Happened",
    "Refusal",
    "Setup",
    "Work",
    "Xrm",
    "xrm",
    "xrm_database",
    "xrm_postgres",
    "xrm_setup",
    "xrm_setups",
    "xrm_with",
]
