"""The system tables of files: what there is to say about each, and its content in chunks.

Content lives in the database, so that a backup, a transaction and an export of a tenant have it like all other data.
Where it shall not, ``content_key`` says where it lies, and no chunk is here.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, text

from xrm_core.storage.columns import Flag, Id, Instant, String
from xrm_core.storage.system import METADATA

CHUNK_BYTES = 256 * 1024
"""Greatest size of a chunk. A few of them are in memory at a time, however large the file is."""

FILE = Table(
    "xrm_file",
    METADATA,
    Column("id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Id),
    Column("content_key", String),
    Column("state", String, nullable=False, server_default=text("'ready'")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("sealed", String),
    Column("in_passing", Flag),
    PrimaryKeyConstraint("id", name="pk_xrm_file"),
    Index("ix_xrm_file_created_at", "created_at"),
    Index("ix_xrm_file_state", "state"),
    sqlite_strict=True,
)
"""One row for each file. It never changes: another content is another file.

If its content is ``sealed``, the row describes what lies there, so that a backup and a move need no key; ``sealed`` has
what there is to say of the file itself, encrypted like its content. Content that is ``in_passing`` was written anew
into the database by the transaction that sealed or opened it: it is to be brought to where new content goes.
"""

FILE_CHUNK = Table(
    "xrm_file_chunk",
    METADATA,
    Column("file_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("file_id", "number", name="pk_xrm_file_chunk"),
    ForeignKeyConstraint(["file_id"], ["xrm_file.id"], name="fk_xrm_file_chunk_file_id", ondelete="CASCADE"),
    sqlite_strict=True,
)
"""The content of files, ``number`` 0, 1, …; each chunk but the last has :data:`CHUNK_BYTES`."""

FILE_VERSION = Table(
    "xrm_file_version",
    METADATA,
    Column("file_id", Id, nullable=False),
    Column("former_id", Id, nullable=False),
    PrimaryKeyConstraint("file_id", "former_id", name="pk_xrm_file_version"),
    ForeignKeyConstraint(["file_id"], ["xrm_file.id"], name="fk_xrm_file_version_file_id", ondelete="CASCADE"),
    ForeignKeyConstraint(["former_id"], ["xrm_file.id"], name="fk_xrm_file_version_former_id", ondelete="CASCADE"),
    Index("ix_xrm_file_version_former_id", "former_id"),
    sqlite_strict=True,
)
"""All former versions of a file, not only the last: one condition finds them, without a walk."""

CONTENT_LEFTOVER = Table(
    "xrm_content_leftover",
    METADATA,
    Column("content_key", String, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    PrimaryKeyConstraint("content_key", name="pk_xrm_content_leftover"),
    Index("ix_xrm_content_leftover_due_at", "due_at"),
    sqlite_strict=True,
)
"""Content outside of the database that no file has, or not yet: it is removed from ``due_at`` on. Since ``claimed_at``
that is under way, and no file gets it any more."""
