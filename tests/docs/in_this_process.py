"""The command line as a function: a process of its own wants a second before it begins.

That commands work as processes is shown by ``tests/e2e``, ``test_readme.py`` and ``tests/cli/test_main.py``.
"""

import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from tests.plain_logs import plain
from xrm_core.cli.main import main


def xrm(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as ``tests.docs.conftest.xrm`` does, without settings of the developer's, in this process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    with (
        io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) as out,
        io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) as err,
        Path(os.devnull).open() as nothing,
        patch.dict(os.environ, {**kept, "COLUMNS": "80", **environment}, clear=True),
        patch.object(sys, "stdin", nothing),
        redirect_stdout(out),
        redirect_stderr(err),
        chdir(cwd),
        _nothing_left(),
    ):
        try:
            main(list(words))
        except SystemExit as ended:
            code = ended.code
        said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(words, code if isinstance(code, int) else 0, *said)


@contextmanager
def _nothing_left() -> Iterator[None]:
    """What a command leaves in its process goes."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = list(logging.getLogger().handlers)
    try:
        yield
    finally:
        plain()
        logging.getLogger().handlers[:] = handlers
        for number, handler in signals.items():
            signal.signal(number, handler)
