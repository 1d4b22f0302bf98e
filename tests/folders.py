"""Folders of the tests in memory, where that has room for them: databases and files there wait for no disk."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")
_BYTES = 8 << 30
"""All that the tests of a run, and PostgreSQL's, have at the same moment, several times over."""


def in_memory() -> None:
    """From now on, unless somebody has said where: by ``--basetemp`` or ``PYTEST_DEBUG_TEMPROOT``."""
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        return
    may_run = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC  # tests write programs, and install a distribution
    if may_run and shutil.disk_usage(_MEMORY).free > _BYTES:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_MEMORY)
