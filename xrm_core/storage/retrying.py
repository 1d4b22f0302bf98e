"""Transactions that are done again when they met another one: a deadlock, or what was read has changed since."""

import math
import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from xrm_core.errors import Busy
from xrm_core.storage.engines import Database
from xrm_core.storage.prepared_steps import is_stale

RETRIES = 3
_CONFLICTS = frozenset({"40001", "40P01"})  # serialization failure, deadlock: the database asks for another try
_PAUSE_SECONDS = 0.05

Result = TypeVar("Result")


def in_transaction(database: Database, work: Callable[[Connection], Result], timeout: float | None = None) -> Result:
    """Do something in a write transaction, as a whole again if the database had to break it off. Blocking.

    Args:
        database: where.
        work: does nothing that a rollback does not undo.
        timeout: as of :meth:`~xrm_core.storage.engines.Database.begin`.

    Raises:
        Busy: it was broken off four times, or once after its time, or others held for too long what it needs.
        DatabaseUnavailable, Timeout: nothing was done.
    """
    until = math.inf if timeout is None else time.monotonic() + timeout
    for retry in range(RETRIES + 1):
        try:
            with database.begin(timeout) as connection:
                return work(connection)
        except Busy as error:
            if retry == RETRIES or time.monotonic() >= until or not is_conflict(error):
                raise
        pause(retry)
    raise AssertionError  # the last try has returned or raised


def pause(retry: int) -> None:
    """Wait before the next try: by chance, so that those who met do not meet again."""
    time.sleep(_PAUSE_SECONDS * 2**retry * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


def is_conflict(error: BaseException) -> bool:
    """Whether an error, of a driver or in words of ours, is one after which the database asks for another try."""
    cause = error.__cause__ if isinstance(error, Busy) else error
    state = getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
    return state in _CONFLICTS or (isinstance(cause, DBAPIError) and is_stale(cause.orig))
