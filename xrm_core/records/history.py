"""What the change log and the log of reads have of one record, for plugins: whoever may see it."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from xrm_core.changes.reading import LoggedChange, logged, logged_of_many
from xrm_core.records import read_log
from xrm_core.records.read_log import LoggedRead
from xrm_core.records.vault.former import with_vaulted

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 1_000


class _Reading(Protocol):
    @property
    def records(self) -> "Records": ...
    @property
    def connection(self) -> Connection: ...


def changes_of(
    context: _Reading, id_: str, *, vaulted: bool = False, fields: Collection[str] | None = None
) -> list[LoggedChange]:
    """All entries of a record that are still there, the newest first; it need not be there any more.

    Args:
        context: of an action, of what follows a write, of a command, or ``job.within(connection)``.
        id_: of the record.
        vaulted: with those of their values that lie in the vault, whoever may open it: for the function to judge.
        fields: those whose values are looked at; None: all. Of others it is there that they have changed, and no key is
            used for them: those that are closed in the log are named in ``closed``, and have no value.

    Raises:
        SealingUnavailable: what is closed, or lies in the vault, cannot be opened.
    """
    found: list[LoggedChange] = []
    before = None
    while page := list(logged(context.connection, record_id=id_, before=before, limit=_AT_ONCE, opens=fields)):
        found += page
        if len(page) < _AT_ONCE:
            break
        before = page[-1].id
    return with_vaulted(context.records, context.connection, id_, found, fields) if vaulted else found


def changes_of_many(
    context: _Reading, ids: Collection[str], fields: Collection[str] | None = None
) -> dict[str, list[LoggedChange]]:
    """The same of some records, by few statements: of hundreds at a time, not of thousands.

    Args:
        context: as of :func:`changes_of`.
        ids: of the records.
        fields: as of :func:`changes_of`.

    Returns:
        The entries of each record by its id; without any, an empty list.

    Raises:
        SealingUnavailable: what is closed cannot be opened.
    """
    found: dict[str, list[LoggedChange]] = {id_: [] for id_ in ids}
    for each in logged_of_many(context.connection, list(found), fields):
        found[each.record_id].append(each)
    return found


def reads_of(context: _Reading, id_: str) -> list[LoggedRead]:
    """All lines of the log of reads that showed a record, the newest first; none if reads of its entity are not logged.

    Args:
        context: as of :func:`changes_of`.
        id_: of the record.
    """
    found: list[LoggedRead] = []
    before = None
    while page := list(read_log.logged(context.connection, record_id=id_, before=before, limit=_AT_ONCE)):
        found += page
        if len(page) < _AT_ONCE:
            break
        before = page[-1].id
    return found
