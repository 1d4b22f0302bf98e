"""One run of a job: its function is called, and what became of it is noted."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Connection

from xrm_core.errors import ModelOutOfDate, TablesChanged, XrmError
from xrm_core.jobs import dying, queue
from xrm_core.jobs.backoff import wait_after
from xrm_core.jobs.context import JobContext, JobFailed, JobInterrupted, ResultInvalid, usable
from xrm_core.jobs.heart import Heart
from xrm_core.jobs.job import Failure
from xrm_core.jobs.place import TIMEOUT, Place
from xrm_core.jobs.queue import Claimed
from xrm_core.jobs.registry import JobHandler
from xrm_core.storage.retrying import in_transaction

_ANEW = dt.timedelta(seconds=2)
"""Wait of a job that met another model than it had begun with."""

_NOTING_SECONDS = 1.0
"""Pause between attempts to note how a run has ended, while the database does not answer."""

_log = structlog.get_logger(__name__)


def run(place: Place, claimed: Claimed, handler: JobHandler, lease_seconds: float, ending: Callable[[], bool]) -> None:
    """Do a job that was taken. Blocking; raises nothing but KeyboardInterrupt, and then the job is given back.

    Args:
        place: the tenant.
        claimed: the run.
        handler: does it.
        lease_seconds: after so long without a sign of life others take the job.
        ending: whether the worker can wait no longer: then the job is given back.
    """
    interrupted: KeyboardInterrupt | None = None
    heart = Heart(place, claimed, lease_seconds)
    heart.start()
    log = _log.bind(tenant=place.name, job=claimed.job.id, name=claimed.job.name, attempt=claimed.job.attempts)
    try:
        note = _outcome(place, claimed, handler, heart, ending, log)
    except KeyboardInterrupt as error:  # a person has ended the command; nothing is wrong with the job
        interrupted = error
        note = _given_back(claimed, log)
    finally:
        heart.stop()
    if note is None:
        return
    noted = False
    while not noted and not heart.lost:
        try:
            noted = in_transaction(place.database, note, TIMEOUT)
            heart.beaten(False if noted else None)
        except Exception as error:
            log.warning("job_not_noted", kind=type(error).__name__)
            time.sleep(_NOTING_SECONDS)
    if not noted:
        log.warning("job_lost")
    if interrupted is not None:
        raise interrupted


Note = Callable[[Connection], bool]


def _outcome(
    place: Place, claimed: Claimed, handler: JobHandler, heart: Heart, ending: Callable[[], bool], log: Any
) -> Note | None:
    """Call the function; answers what is to be noted, None if nothing is."""
    context: JobContext | None = None
    try:
        context = JobContext(place, claimed, place.records(), heart, ending, forgets=handler.forgets)
        with place.timed(claimed.job.name):
            result = usable(handler.run(context, claimed.job.payload))
    except JobInterrupted:
        if heart.cancelled:
            log.info("job_cancelled")
            return lambda connection: queue.stop(connection, claimed)
        if context is not None and context.finished:
            return None
        return _given_back(claimed, log)
    except (ModelOutOfDate, TablesChanged):
        place.forget()
        log.info("job_begun_anew")
        return lambda connection: queue.give_back(connection, claimed, _ANEW)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if context is not None and context.finished:
            return None
        return _failed(place, claimed, handler, heart, error, log)
    if context.finished:
        return None
    return lambda connection: queue.finish(connection, claimed, result, forgets=handler.forgets)


def _given_back(claimed: Claimed, log: Any) -> Note:
    log.info("job_given_back")
    return lambda connection: queue.give_back(connection, claimed)


def _failed(place: Place, claimed: Claimed, handler: JobHandler, heart: Heart, error: BaseException, log: Any) -> Note:
    if heart.cancelled:
        return lambda connection: queue.stop(connection, claimed)
    failure, again = _failure(error)
    # The text of an exception may have values of records in it: it goes to the log only if nobody foresaw it.
    foreseen = isinstance(error, JobFailed | ResultInvalid | XrmError)
    log.warning("job_attempt_failed", exc_info=None if foreseen else error, **failure.to_json())
    if again and claimed.job.attempts < (claimed.job.max_attempts or handler.attempts):
        wait = wait_after(claimed.job.attempts, handler.retry_seconds)
        return lambda connection: queue.fail(connection, claimed, failure, wait)
    log.error("job_dead", code=failure.code)

    def note(connection: Connection) -> bool:
        noted = queue.fail(connection, claimed, failure, None)
        if noted:
            dying.tell(place, handler, connection, claimed.job, failure.code)
        return noted

    return note


def _failure(error: BaseException) -> tuple[Failure, bool]:
    """What is kept of an exception, and whether it is worth another attempt."""
    match error:
        case JobFailed():
            return Failure("FAILED", error.reason), error.retry
        case ResultInvalid():
            return Failure("RESULT_INVALID"), False
        case XrmError():
            return Failure(error.code), True
        case _:
            return Failure(type(error).__name__), True
