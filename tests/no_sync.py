"""SQLite in this process does not wait for the disk: no test pulls the plug, and waiting takes longer than most tests.

Processes that tests start wait as always. PostgreSQL, see ``tests/postgres.py``, does not either.
"""

from xrm_core.storage import engines, exclusive

PRAGMAS = engines.SQLITE_PRAGMAS
"""Those of the platform."""


def do_not_wait() -> None:
    """For all connections that are opened from now on."""
    unhurried = tuple(pragma for pragma in PRAGMAS if not pragma.startswith("synchronous="))
    # before the others: to turn a file to WAL is waited for as well
    for module in (engines, exclusive):
        module.SQLITE_PRAGMAS = ("synchronous=OFF", *unhurried)  # type: ignore[attr-defined]
