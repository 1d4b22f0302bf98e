"""Servers in this process do not look for what has expired until a test says when: most end before anything can have.

``tests/server/test_files_live.py`` shows that they do; processes that tests start do it as always.
"""

from xrm_core.server import app


def do_not_clean() -> None:
    """From now on."""
    app.FIRST_CLEAN_SECONDS = app.CLEAN_SECONDS
