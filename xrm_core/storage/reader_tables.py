"""The system tables of the readers of the change log: how far each has read, and what waits to be tried again."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String, Whole
from xrm_core.storage.system import METADATA

LOG_READER = Table(
    "xrm_log_reader",
    METADATA,
    Column("name", String, nullable=False),
    Column("position", Whole, nullable=False),
    Column("lease", Id),
    Column("beat", Whole, nullable=False),
    Column("worker", String),
    Column("failures", Integer, nullable=False),
    Column("due_at", Instant),
    Column("error", String),
    Column("read_at", Instant),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("name", name="pk_xrm_log_reader"),
    sqlite_strict=True,
)
"""Readers. All entries up to ``position`` are done with, or stand in :data:`LOG_WAITING`.

While one reads, ``lease`` is a name by chance of this run, and ``beat`` goes up as long as ``worker`` lives. After
``failures`` that were not those of one entry it waits until ``due_at``; ``error`` is the code of the last one.
"""

LOG_WAITING = Table(
    "xrm_log_waiting",
    METADATA,
    Column("reader", String, nullable=False),
    Column("position", Whole, nullable=False),
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant),
    Column("error", String),
    Column("failed_at", Instant),
    PrimaryKeyConstraint("reader", "position", name="pk_xrm_log_waiting"),
    Index("ix_xrm_log_waiting_record_id", "reader", "record_id", "state", "position"),
    sqlite_strict=True,
)
"""Entries that a reader has passed by without being done with them.

``state`` is ``waiting`` (to be tried again, or behind such a one of the same record) or ``dead`` (all attempts have
failed). ``error`` says why the last attempt failed: a code, or the name of a Python exception.
"""
