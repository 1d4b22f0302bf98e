"""Run as a program: PDF comes in, its text goes out. It knows nothing of the platform.

It ends with 0, with 3 where a password is needed, with 4 where pages are pictures, with 5 where there are more than it
reads, and with anything else where it is no PDF, or one that takes too much.
"""

import io
import logging
import sys
from typing import Any

SECONDS, BYTES = 45, 1 << 30
PAGES, LETTERS = 2_000, 10_000_000
LOCKED, PICTURES, TOO_LARGE = 3, 4, 5


def main() -> int:
    """Read, and write."""
    _limit()
    # the limits of time and memory hold for it, too, and it writes to nobody
    logging.disable(logging.CRITICAL)
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
    if reader.is_encrypted and not reader.decrypt(""):
        return LOCKED
    written, ended = 0, 0
    for number, page in enumerate(reader.pages):
        text = f"{page.extract_text()}\n{_beside(page)}\n"
        written += len(text)
        if number >= PAGES or written > LETTERS:
            return TOO_LARGE
        if not text.strip():
            ended = PICTURES
            continue
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    for said in (reader.metadata or {}, reader.get_form_text_fields() or {}):
        for each in said.values():
            sys.stdout.buffer.write(f"{each}\n".encode("utf-8", "replace"))
    return ended


def _beside(page: Any) -> str:
    """Notes, and links such as to addresses of mail."""
    found = []
    for reference in page.get("/Annots") or ():
        note = reference.get_object()
        action = note.get("/A")
        target = action.get_object().get("/URI") if action is not None else None
        found += [str(each) for each in (note.get("/Contents"), target) if each]
    return "\n".join(found)


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


if __name__ == "__main__":
    sys.exit(main())
