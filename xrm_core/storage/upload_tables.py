"""The system tables of uploads that are under way: what their senders have said, and the content that has come."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.system import METADATA

UPLOAD = Table(
    "xrm_upload",
    METADATA,
    Column("id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("media_type", String),
    Column("size", Integer, nullable=False),
    Column("sha256", String),
    Column("received", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("former_id", Id),
    Column("sealed", String),
    PrimaryKeyConstraint("id", name="pk_xrm_upload"),
    Index("ix_xrm_upload_created_by", "created_by"),
    Index("ix_xrm_upload_expires_at", "expires_at"),
    sqlite_strict=True,
)
"""One row for each upload that can be resumed; the file that becomes of it has its id. Of ``size`` bytes ``received``
are there. If it is ``sealed``, that has what its sender has said of it, encrypted like what has come."""

UPLOAD_CHUNK = Table(
    "xrm_upload_chunk",
    METADATA,
    Column("upload_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("upload_id", "number", name="pk_xrm_upload_chunk"),
    ForeignKeyConstraint(["upload_id"], ["xrm_upload.id"], name="fk_xrm_upload_chunk_upload_id", ondelete="CASCADE"),
    sqlite_strict=True,
)
"""What has come, ``number`` 0, 1, …; each chunk but the last has the size of a file's chunk, in clear."""
