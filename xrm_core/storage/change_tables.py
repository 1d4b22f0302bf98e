"""The system tables of the change log: its entries, and the batches by which they are sealed."""

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    func,
    select,
    text,
    update,
)

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
    Index("ix_xrm_change_unsealed", "id", postgresql_where=_UNSEALED).ddl_if(dialect="postgresql"),
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


def unsealed(connection: Connection) -> ColumnElement[bool]:
    """What is not sealed yet, so that it is found without looking through the log.

    On SQLite one writes at a time, so ids rise with commits, and it is all behind the last one that is sealed: writes
    have one index less to care for.
    """
    if connection.dialect.name != "sqlite":
        return CHANGE.c.position.is_(None)
    of = CHANGE.alias("sealed").c
    last = select(of.id).where(of.position.is_not(None)).order_by(of.position.desc()).limit(1)
    return CHANGE.c.id > func.coalesce(last.scalar_subquery(), 0)


def put_unsealed_last(connection: Connection) -> None:
    """Give what is not sealed yet ids behind all others, in its order, where :func:`unsealed` looks for it.

    On PostgreSQL, from where entries may have come to SQLite, ids do not rise with commits.
    """
    is_sealed = CHANGE.c.position.is_not(None)
    first = connection.scalar(select(func.min(CHANGE.c.id)).where(~is_sealed))
    sealed, all_ = connection.execute(select(func.max(CHANGE.c.id).filter(is_sealed), func.max(CHANGE.c.id))).one()
    if connection.dialect.name == "sqlite" and first is not None and sealed is not None and first < sealed:
        connection.execute(update(CHANGE).where(~is_sealed).values(id=CHANGE.c.id + (all_ - first + 1)))
