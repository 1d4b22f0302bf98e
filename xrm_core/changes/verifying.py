"""Whether the log is what was sealed: every entry there, none added, none changed, no batch exchanged."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from xrm_core.changes.commitments import Stored, chain_of, entry_hash, root_of
from xrm_core.changes.comparing import Comparing
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.sealing import entries
from xrm_core.errors import SettingsError, XrmError
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH

_UNSIGNED = (
    "it and all before it have no signature, so whoever can write to the database may have made them; if there was no "
    "XRM_SECRET_KEY then, say so: --unsigned-to {number}"
)
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


class ChangeLogBroken(XrmError):
    """The change log is not what was sealed."""

    code = "CHANGE_LOG_BROKEN"

    def __init__(self, findings: int) -> None:
        super().__init__(
            f"The change log is not what was written: {findings} findings.",
            hint="Compare it with a backup. Whoever can write to the database may have changed it.",
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed: in which batch, and what."""

    batch: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome. ``unsigned`` batches have no signature; ``removed`` ones no entries any more; ``unsealed`` entries
    are not in a batch yet; ``unopened`` closed values could not be compared with what was committed to, since there is
    no key store, or their keys are destroyed. ``head`` is number and hash of the newest batch, to be kept elsewhere: a
    later log that does not have it was replaced or cut.
    """

    batches: int
    entries: int
    unsigned: int
    removed: int
    unsealed: int
    unopened: int
    head: str | None
    findings: tuple[Finding, ...]


def verify(
    connection: Connection,
    keys: ChainKeys,
    expected: str | None = None,
    unsigned_to: int = 0,
    between: Callable[[], object] = lambda: None,
) -> Verified:
    """Check the whole log, in one read transaction.

    Args:
        connection: of a transaction that reads one snapshot.
        keys: by which batches are signed; without any, signatures are not checked.
        expected: a ``head`` of former times that must still be in the chain.
        unsigned_to: number of the last batch that was sealed before there was a key. Whoever can write to the database
            can make a whole chain without signatures, so nobody but the operator can know.
        between: called after each batch; what it raises ends the check.

    Raises:
        SettingsError: ``expected`` is no head.
    """
    findings: list[Finding] = []
    closed = Comparing(connection)
    count = unsigned = removed = checked = without = 0
    before: Row[Any] | None = None
    wanted = None if expected is None else head_of(expected)
    for batch in connection.execute(select(CHANGE_BATCH).order_by(CHANGE_BATCH.c.number)):
        count, removed, unsigned = count + 1, removed + bool(batch.removed), unsigned + (batch.mac is None)
        findings += [Finding(batch.number, what) for what in problems(connection, batch, before, keys, closed)]
        if wanted is not None and wanted[0] == batch.number:
            if wanted[1] != bytes(batch.chain).hex():
                findings.append(Finding(batch.number, "is not the batch that was expected"))
            wanted = None
        checked += 0 if batch.removed else batch.last - batch.first + 1
        if batch.mac is None and unsigned == count:  # else it is a finding of its own
            without = batch.number
        before = batch
        between()
    if keys and without > unsigned_to:
        findings.append(Finding(without, _UNSIGNED.format(number=without)))
    if wanted is not None:
        findings.append(Finding(wanted[0], "is missing: it was expected"))
    findings += _strays(connection, before)
    unsealed = connection.scalar(select(func.count()).select_from(CHANGE).where(CHANGE.c.position.is_(None))) or 0
    head = None if before is None else f"{before.number}:{bytes(before.chain).hex()}"
    return Verified(count, checked, unsigned, removed, unsealed, closed.unopened, head, tuple(findings))


def head_of(text: str) -> tuple[int, str]:
    """Number and hash of a batch out of a ``head``.

    Raises:
        SettingsError: the text is none.
    """
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise SettingsError(
            f"{text[:100]!r} is no head.", hint="«xrm log verify» tells it: a number, a colon and 64 hex digits."
        )
    return int(found[1]), found[2]


def problems(
    connection: Connection, batch: Row[Any], before: Row[Any] | None, keys: ChainKeys, closed: Comparing | None = None
) -> list[str]:
    """What is wrong with a batch, and between it and the one before it; ``closed`` compares closed values, too."""
    return [*_link(batch, before, keys), *_content(connection, batch, before, closed), *_removal(batch, keys)]


def _removal(batch: Row[Any], keys: ChainKeys) -> Iterator[str]:
    """What is wrong with how its entries went. One that is not signed itself was sealed when there was no key."""
    if not (keys and batch.removed) or (batch.mac is None and batch.removal is None):
        return
    if batch.removal is None or not keys.right_removal(bytes(batch.chain), bytes(batch.removal)):
        yield "its entries were removed by nobody who has a key of this server"


def _link(batch: Row[Any], before: Row[Any] | None, keys: ChainKeys) -> Iterator[str]:
    """What is wrong between a batch and the one before it."""
    if batch.number != (1 if before is None else before.number + 1):
        yield "batches before it are missing"
        return
    if batch.first != (1 if before is None else before.last + 1) or batch.last < batch.first:
        yield "its positions do not follow those of the batch before it"
    former = b"" if before is None else bytes(before.chain)
    chain = chain_of(former, batch.number, batch.first, batch.last, batch.sealed_at, bytes(batch.root))
    if chain != bytes(batch.chain):
        yield "its hash does not follow from the one before it"
    if keys and batch.mac is None and before is not None and before.mac is not None:
        yield "it has no signature although the one before it has"
    if keys and batch.mac is not None and not keys.right(bytes(batch.chain), bytes(batch.mac)):
        yield "its signature is not by a key of this server"


def _content(
    connection: Connection, batch: Row[Any], before: Row[Any] | None, closed: Comparing | None
) -> Iterator[str]:
    """What is wrong with the entries of a batch."""
    found: list[int] = []
    broken: list[int] = []

    def seen() -> Iterator[Stored]:
        for entry in entries(connection, batch.first, batch.last):
            found.append(entry.position)
            try:
                entry_hash(entry)
            except (KeyError, ValueError, TypeError):
                broken.append(entry.position)
                continue
            if closed is not None and entry.closed():
                compared.append(entry)
            yield entry

    compared: list[Stored] = []
    root = root_of(seen())
    wrong = closed.wrong(compared) if closed is not None else ()
    if batch.removed:
        if found:
            yield "has entries although they were removed"
        if before is not None and not before.removed:
            yield "was removed although older ones were not"
        return
    expected = range(batch.first, batch.last + 1)
    if missing := len(expected) - len(found):
        yield f"{missing} of its entries are missing"
    for position in broken:
        yield f"its entry {position} cannot be read"
    for position in wrong:
        yield f"a closed value of its entry {position} is not what was written"
    if root != bytes(batch.root) and not missing and not broken:
        yield "one of its entries was changed"


def _strays(connection: Connection, last: Row[Any] | None) -> Iterator[Finding]:
    """Entries that claim a position which no batch has."""
    end = 0 if last is None else last.last
    beyond = CHANGE.c.position.is_not(None) & ((CHANGE.c.position > end) | (CHANGE.c.position < 1))
    if count := connection.scalar(select(func.count()).select_from(CHANGE).where(beyond)):
        yield Finding(0 if last is None else last.number, f"{count} entries after it are in no batch")
