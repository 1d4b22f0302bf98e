"""Places in the change log: how far it is sealed, and whether what comes after a place is all still there."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from xrm_core.storage.change_tables import CHANGE_BATCH

_PREFIX = 12  # bytes of a chain hash that tell two logs apart


@dataclass(frozen=True, slots=True)
class Head:
    """The last ``position`` that is given, and the ``batch`` that has it with the beginning of its hash."""

    position: int = 0
    batch: int = 0
    chain: str = ""


def head(connection: Connection) -> Head:
    """Where the sealed log ends; what comes later has no position yet."""
    row = connection.execute(select(CHANGE_BATCH).order_by(CHANGE_BATCH.c.number.desc()).limit(1)).first()
    return Head() if row is None else Head(row.last, row.number, _short(row.chain))


def first_hash(connection: Connection) -> bytes:
    """The hash of the first batch, which only this log has, and which stays as long as it; empty: there is none."""
    return bytes(connection.scalar(select(CHANGE_BATCH.c.chain).where(CHANGE_BATCH.c.number == 1)) or b"")


def has_batch(connection: Connection, seen: Head) -> bool:
    """Whether this is still the log that somebody has seen, and not another one out of a backup."""
    if not seen.batch:
        return True
    chain = connection.scalar(select(CHANGE_BATCH.c.chain).where(CHANGE_BATCH.c.number == seen.batch))
    return chain is not None and _short(chain) == seen.chain


def has_all_after(connection: Connection, position: int) -> bool:
    """Whether no entry after a position was removed by its age."""
    gone = select(CHANGE_BATCH.c.number).where(CHANGE_BATCH.c.removed, CHANGE_BATCH.c.last > position).limit(1)
    return connection.scalar(gone) is None


def _short(chain: bytes) -> str:
    return bytes(chain)[:_PREFIX].hex()
