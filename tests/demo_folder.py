"""The demo's data folder, made once for each run of the tests: to load the demo takes longer than to copy it."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def demo_folder(folders: pytest.TempPathFactory, make: Callable[[Path], object]) -> Path:
    """A data folder with the demo loaded, shared by all test processes. To be copied, not used.

    Args:
        folders: where those of this run are.
        make: makes one at a path, if no test has done it yet.
    """
    folder = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made = folder / "demo-data"
    with (folder / "demo-data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = folder / "demo-data.making"
            make(making)
            making.rename(made)
    return made
