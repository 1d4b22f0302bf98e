"""The system tables of the change log: its entries, and the batches by which they are sealed."""

from sqlalchemy import Column, Identity, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, text

from xrm_core.storage.columns import Flag, Id, Instant, String, Whole
from xrm_core.storage.system import METADATA

_UNSEALED = text("position IS NULL")
_SEALED = text("position IS NOT NULL")

CHANGE = Table(
    "xrm_change",
    METADATA,
    Column("id", Whole, Identity(), nullable=False),
    Column("position", Whole),
    Column("at", Instant, nullable=False),
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("operation", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", Id),
    Column("causes", String, nullable=False),
    Column("fields", String, nullable=False),
    Column("salt", LargeBinary(32)),
    Column("erased", String),
    PrimaryKeyConstraint("id", name="pk_xrm_change"),
    Index("ix_xrm_change_record_id", "record_id", "id"),
    Index("ix_xrm_change_unsealed", "id", postgresql_where=_UNSEALED, sqlite_where=_UNSEALED),
    Index("uq_xrm_change_position", "position", unique=True, postgresql_where=_SEALED, sqlite_where=_SEALED),
    sqlite_strict=True,
)
"""One row for each change of a record, written in its transaction.

``id`` rises with the changes of one record; between records it says nothing, since who has taken a number may commit
after others. ``position`` does: it is given, without a gap, to what is committed, when a batch is sealed. ``version``
is the record's after the change. ``causes`` is a JSON list of what has led to it, the first cause first, each
``[kind, name]``. ``fields`` is a JSON object: field → new value of a created or restored record, ``[old, new]`` of a
changed one, old value of a deleted one. ``salt`` are the 32 bytes that the commitments to the values are made of;
where values were erased, it is empty, and ``erased`` is a JSON object with the salts of those that are left and the
commitments to those that are gone.
"""

CHANGE_BATCH = Table(
    "xrm_change_batch",
    METADATA,
    Column("number", Whole, nullable=False, autoincrement=False),
    Column("first", Whole, nullable=False),
    Column("last", Whole, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("chain", LargeBinary(32), nullable=False),
    Column("mac", LargeBinary(32)),
    Column("removed", Flag, nullable=False),
    Column("removal", LargeBinary(32)),
    PrimaryKeyConstraint("number", name="pk_xrm_change_batch"),
    sqlite_strict=True,
)
"""The sealed batches: numbers without a gap from 1, each with the positions of its ``first`` and ``last`` entry.

``root`` is the hash of its entries, ``chain`` that of the batch and the chain before it, ``mac`` the same with a key of
the server, if it has one. The entries of a batch that is ``removed`` are gone, since they were too old; ``removal`` is
the signature of the server that has removed them.
"""
