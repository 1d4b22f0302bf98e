"""The system tables of workflows: runs with how far each is, and up to when dates were looked at."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.system import METADATA

WORKFLOW_RUN = Table(
    "xrm_workflow_run",
    METADATA,
    Column("id", Id, nullable=False),
    Column("workflow", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("key", String, nullable=False),
    Column("state", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("program", String, nullable=False),
    Column("created", String, nullable=False),
    Column("causes", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", String),
    Column("due_at", Instant),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("id", name="pk_xrm_workflow_run"),
    Index("uq_xrm_workflow_run_key", "workflow", "record_id", "key", unique=True),
    Index("ix_xrm_workflow_run_state", "state", "workflow"),
    Index("ix_xrm_workflow_run_ended_at", "ended_at"),
    sqlite_strict=True,
)
"""Runs. ``key`` says of what: of a change, of a date, of a tick. ``program`` has the steps as they were when it began,
``created`` the ids of records that steps have made, by their names, ``causes`` what has led to it; all JSON texts.

``state`` is ready, waiting (for ``due_at``, as a step says), done, dead or gone (the record is no more). A run that is
ready and has ``due_at`` has failed, and is tried again then.
"""

WORKFLOW_LOOK = Table(
    "xrm_workflow_look",
    METADATA,
    Column("workflow", String, nullable=False),
    Column("until", Instant, nullable=False),
    PrimaryKeyConstraint("workflow", name="pk_xrm_workflow_look"),
    sqlite_strict=True,
)
"""Of workflows that begin with dates, until when they were begun."""
