"""Putting jobs into the queue, in the transaction of whoever wants them done."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Dialect, func, select
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from xrm_core.jobs import clock
from xrm_core.jobs.job import JobInvalid, State
from xrm_core.storage.driver_statements import written_in
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system_statements import SystemStatement, given

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39})?")
"""``name`` for core's jobs, ``plugin.name`` for those of plugins."""

MAX_PAYLOAD = 64 * 1024
"""Bytes of a payload as JSON. It names what is to be done; what that needs stands in records and files."""

MAX_KEY = 200
PRIORITIES = range(-100, 101)
CHANNEL = "xrm_job"
"""PostgreSQL tells workers on it that something may be due."""


def enqueue(
    connection: Connection,
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    due: dt.datetime | None = None,
    delay: dt.timedelta = dt.timedelta(0),
    priority: int = 0,
    max_attempts: int | None = None,
    owner: str | None = None,
    replace: bool = False,
) -> str:
    """Keep a job; a worker does it once the transaction is committed and the job is due. If it is rolled back, none is.

    Args:
        connection: in a write transaction of the tenant that the job is about.
        name: of the handler: ``plugin.name``. A worker that has none of this name leaves the job to others.
        payload: what the handler is given: a JSON object of 64 KiB at most. Ids rather than what they stand for: a
            payload is kept as long as the job, and is not removed with the record that it is about.
        key: of the plugin: at most one job of a key is pending, and at most one runs. If one is pending, none is added:
            the id answered is that one's, which starts only after this transaction. If one runs, the new one comes
            after it.
        due: aware; not before this moment, by the clock of the database. None: as soon as there is a worker.
        delay: not before so long from now; beside ``due`` it counts from there.
        priority: -100 to 100; of those that are due the highest goes first.
        max_attempts: 1 or more; None: as the handler says.
        owner: id of the user, or of a service's token, for whom it is done: they may see, cancel and retry it.
        replace: a pending job of the key gets this payload, moment, priority and number of attempts instead of its own.

    Returns:
        The id of the job.

    Raises:
        JobInvalid: an argument cannot be used; nothing was kept.
        Busy: somebody else has just enqueued a job of the key, and does not end.
    """
    _check(name, key, priority, max_attempts)
    text = payload_text(name, payload or {})
    current = clock.now(connection)
    values = {
        "id": str(uuid7()),
        "name": name,
        "payload": text,
        "key": None if key is None else _kept_key(name, key),
        "priority": priority,
        "due_at": _due(due, delay, current),
        "max_attempts": max_attempts,
        "owner": owner,
        "created_at": current,
    }
    statement = _ADD if key is None else _ADD_AND_REPLACE if replace else _ADD_UNLESS_PENDING
    found = str(statement.value(connection, **values))
    if connection.dialect.name == "postgresql":
        _TELL.rows(connection)
    return found


def payload_text(name: str, payload: Mapping[str, Any]) -> str:
    """The payload of a job as it is kept. Raises JobInvalid: it cannot be."""
    try:
        text = json.dumps(dict(payload), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise JobInvalid(
            f"The payload of the job {name[:80]!r} is no JSON object.",
            hint="It has texts, numbers, booleans, lists and objects only.",
        ) from error
    if size > MAX_PAYLOAD or "\\u0000" in text:
        raise JobInvalid(
            f"The payload of the job {name[:80]!r} has more than {MAX_PAYLOAD} bytes, or a NUL character.",
            hint="Give ids of records or files, and let the handler read them.",
        )
    return text


def _check(name: str, key: str | None, priority: int, max_attempts: int | None) -> None:
    problem = ""
    if not NAME.fullmatch(name):
        problem = "its name is none: a-z, 0-9 and _, after the name of a plugin and a dot"
    elif key is not None and not 0 < len(key) <= MAX_KEY:
        problem = f"its key has not 1 to {MAX_KEY} characters"
    elif priority not in PRIORITIES:
        problem = f"its priority is not {PRIORITIES[0]} to {PRIORITIES[-1]}"
    elif max_attempts is not None and max_attempts < 1:
        problem = "it has less than one attempt"
    if problem:
        raise JobInvalid(f"The job {name[:80]!r} cannot be kept: {problem}.")


def _kept_key(name: str, key: str) -> str:
    """A key as it is kept: of the plugin, so that plugins that know nothing of each other do not take each other's."""
    plugin, dot, _ = name.partition(".")
    return f"{plugin if dot else ''}:{key}"


def _due(due: dt.datetime | None, delay: dt.timedelta, current: dt.datetime) -> dt.datetime:
    if due is not None and due.tzinfo is None:
        raise JobInvalid("The moment when a job is due has no time zone.", hint="Give an aware datetime.")
    try:
        return (due or current).astimezone(dt.UTC) + delay
    except OverflowError:
        raise JobInvalid("The moment when a job is due is outside of the years 1 to 9999.") from None


_FRESH = ("payload", "name", "due_at", "priority", "max_attempts", "attempts", "owner")
"""What a pending job of a key gets from one that replaces it."""


def _adding(dialect: Dialect) -> Any:
    of_it = ("id", "name", "payload", "key", "priority", "due_at", "max_attempts", "owner", "created_at")
    values = {
        **given(JOB, *of_it),
        "state": State.PENDING.value,
        "attempts": 0,
        "beat": 0,
        "cancel": False,
        "progress": 0,
    }
    return (postgresql.insert if dialect.name == "postgresql" else sqlite.insert)(JOB).values(values)


def _adding_once(dialect: Dialect, *, replaces: bool) -> Any:
    # Not «DO NOTHING»: that the pending one is held until the end of this transaction is what makes it see what the
    # transaction has done. Workers pass over jobs that somebody holds.
    statement = _adding(dialect)
    changed = {each: statement.excluded[each] for each in (_FRESH if replaces else ("key",))}
    # As it stands in the partial index: a parameter would not be recognised as its condition.
    pending = JOB.c.state == written_in(State.PENDING.value)
    once = statement.on_conflict_do_update(index_elements=[JOB.c.key], index_where=pending, set_=changed)
    return once.returning(JOB.c.id)


_ADD = SystemStatement(lambda dialect: _adding(dialect).returning(JOB.c.id))
_ADD_UNLESS_PENDING = SystemStatement(partial(_adding_once, replaces=False))
_ADD_AND_REPLACE = SystemStatement(partial(_adding_once, replaces=True))
_TELL = SystemStatement(lambda _: select(func.pg_notify(CHANNEL, "")))
