"""The system tables of jobs: what is to be done and was done, and when schedules fire next."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, text

from xrm_core.storage.columns import Flag, Id, Instant, String
from xrm_core.storage.system import METADATA

_PENDING = text("state = 'pending'")

JOB = Table(
    "xrm_job",
    METADATA,
    Column("id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("payload", String, nullable=False),
    Column("key", String),
    Column("state", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("scheduled_for", Instant),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer),
    Column("lease", Id),
    Column("beat", Integer, nullable=False),
    Column("worker", String),
    Column("cancel", Flag, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("message", String),
    Column("result", String),
    Column("error", String),
    Column("owner", Id),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    PrimaryKeyConstraint("id", name="pk_xrm_job"),
    Index("uq_xrm_job_key", "key", unique=True, postgresql_where=_PENDING, sqlite_where=_PENDING),
    Index("ix_xrm_job_due", "state", text("priority DESC"), "due_at"),
    Index("ix_xrm_job_owner", "owner"),
    Index("ix_xrm_job_finished_at", "finished_at"),
    sqlite_strict=True,
)
"""Jobs. ``payload``, ``result`` and ``error`` are JSON texts, ``owner`` is the user or token for whom it is done.

While one runs, ``lease`` is a name by chance of this run, and ``beat`` goes up as long as ``worker`` lives; ``cancel``:
it shall stop. At most one job of a ``key`` is pending. ``scheduled_for`` is the tick of the schedule that made it.
"""

SCHEDULE = Table(
    "xrm_schedule",
    METADATA,
    Column("name", String, nullable=False),
    Column("cron", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("last_at", Instant),
    PrimaryKeyConstraint("name", name="pk_xrm_schedule"),
    sqlite_strict=True,
)
"""When schedules fire next, by ``cron`` and ``zone``, and the tick for which they fired last."""
