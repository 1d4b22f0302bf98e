"""What is installed is read once: to look through all distributions takes as long as most commands that the tests run.

It is read anew where a folder from which modules come is another one, or has changed.
"""

import os
import sys
from importlib.metadata import EntryPoints, entry_points

from xrm_core.plugins import loading

_FOUND: dict[object, EntryPoints] = {}


def read_once() -> None:
    """In this process, from now on."""

    def found(*, group: str) -> EntryPoints:
        place = group, tuple((folder, _changed(folder)) for folder in sys.path)
        if place not in _FOUND:
            _FOUND[place] = entry_points(group=group)
        return _FOUND[place]

    loading.entry_points = found  # type: ignore[assignment]


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns  # noqa: PTH116 - of every folder at every command
    except OSError:
        return 0
