"""The text of PDF files, read in a process of its own: what takes too long, or too much memory, ends there."""

import subprocess
import sys
from pathlib import Path

from xrm_dsgvo.contents.result import Missing, Text, limited

_PROGRAM = Path(__file__).with_name("pdf_process.py")
_SECONDS = 60
_ANSWERS = {3: Missing.ENCRYPTED, 4: Missing.PICTURE, 5: Missing.TOO_LARGE}
"""By its exit code; with 4 and 5 there may be text of other pages."""


def of_pdf(content: bytes) -> Text:
    """All text of it; pages that are pictures, such as scans, are missing."""
    # -I: nothing of where the platform was started, or of its environment, is looked at
    command = [sys.executable, "-I", str(_PROGRAM)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=_SECONDS, check=False, env={})  # noqa: S603
    except subprocess.TimeoutExpired:
        return Text(missing=Missing.TOO_LARGE)
    except OSError:
        return Text(missing=Missing.BROKEN)
    if done.returncode and done.returncode not in _ANSWERS:
        return Text(missing=Missing.BROKEN)
    text = limited(done.stdout.decode("utf-8", "replace"))
    return Text(text.text, _ANSWERS.get(done.returncode) or text.missing)
