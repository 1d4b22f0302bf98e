"""The system tables of the trash: records that were deleted, each with what was deleted with it."""

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint, Table
from sqlalchemy.types import TypeEngine

from xrm_core.storage.columns import ExactDecimal, Id, Instant, String, WholeRecord
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.system import METADATA

TRASH = Table(
    "xrm_trash",
    METADATA,
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("deletion", Id, nullable=False),
    Column("place", Integer, nullable=False),
    Column("deleted_at", Instant, nullable=False),
    Column("record", WholeRecord, nullable=False),
    Column("lost", String),
    PrimaryKeyConstraint("entity", "record_id", name="pk_xrm_trash"),
    Index("ix_xrm_trash_deletion", "deletion", "place"),
    Index("ix_xrm_trash_deleted_at", "deleted_at"),
    sqlite_strict=True,
)
"""One row for each record. Those of one deletion have its id; ``place`` 0 has the record that was asked for.

``record`` has its columns by their types, ``{"string": {"name": "A"}, "day": {…}}``: what has another type by now is
not taken for a value of that. ``lost`` is a JSON list of the relations of other records to those of the deletion that
it has emptied, each ``[entity, id, field, value]``; empty but for the place 0.
"""

TRASH_FILE = Table(
    "xrm_trash_file",
    METADATA,
    Column("file_id", Id, nullable=False),
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    PrimaryKeyConstraint("file_id", "entity", "record_id", name="pk_xrm_trash_file"),
    ForeignKeyConstraint(["file_id"], [FILE.c.id], name="fk_xrm_trash_file_file_id", ondelete="RESTRICT"),
    ForeignKeyConstraint(
        ["entity", "record_id"],
        [TRASH.c.entity, TRASH.c.record_id],
        name="fk_xrm_trash_file_record_id",
        ondelete="CASCADE",
    ),
    Index("ix_xrm_trash_file_record_id", "entity", "record_id"),
    sqlite_strict=True,
)
"""The files of records in the trash: as long as they are there, their files stay."""


def type_name(type_: TypeEngine[Any]) -> str:
    """What the trash calls the type of a column: equal for columns whose values have one form."""
    name = type(type_).__name__.lower()
    return f"{name}_{type_.scale}" if isinstance(type_, ExactDecimal) else name
