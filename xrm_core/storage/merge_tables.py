"""The system table of merges: which record has become part of which other one."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.system import METADATA

MERGE = Table(
    "xrm_merge",
    METADATA,
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("into_id", Id, nullable=False),
    Column("merge_id", Id, nullable=False),
    Column("merged_at", Instant, nullable=False),
    Column("merged_by", Id),
    PrimaryKeyConstraint("entity", "record_id", name="pk_xrm_merge"),
    Index("ix_xrm_merge_into_id", "entity", "into_id"),
    sqlite_strict=True,
)
"""One row for each record that was merged into another and is not back since.

``into_id`` is the record that is there now: when that is merged into a third one, it becomes the third. ``merge_id`` is
the name of the cause ``merge`` of everything that the merge has changed, in the change log.
"""
