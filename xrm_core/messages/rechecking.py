"""Asking the gates again about messages that wait: what they refuse by now ends at once, not when it would leave."""

from collections.abc import Mapping
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from xrm_core.errors import XrmError
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.enqueue import enqueue
from xrm_core.messages import outbox
from xrm_core.messages.ending import caller_of, end
from xrm_core.messages.gate import asked
from xrm_core.messages.message import MessageState, Moment, RecordRef
from xrm_core.messages.outbox import Kept
from xrm_core.messages.registry import registered_messages
from xrm_core.messages.sending import address_of
from xrm_core.records.door import Records

RECHECK = "message_recheck"
"""The job that asks about all that wait."""

_AT_A_TIME = 100
_log = structlog.get_logger(__name__)


class Transacting(Protocol):
    """A transaction: a context of an action, a route, a hook or a job; an event of an after-hook."""

    @property
    def records(self) -> Records:
        """The door for records."""

    @property
    def connection(self) -> Connection:
        """With a write transaction."""


def recheck_messages(context: Transacting, person: RecordRef | None = None) -> int:
    """Ask the gates again about the messages that wait: those that one refuses now have ended, as ``refused``.

    None of them would leave anyway, as gates are asked once more then; this is for whoever looks at the outbox, and
    at what the kinds of messages show on records.

    Args:
        context: of an action, a route, a hook, an after-hook or a job: with the transaction in which something has
            changed that gates go by.
        person: entity and id of the record of who gets them: they are asked about in this transaction. None: a job asks
            about all that wait, once this transaction is committed.

    Returns:
        How many have ended; 0 where a job finds that out.
    """
    if person is not None:
        return _recheck_person(context, person)
    if outbox.waiting(context.connection, limit=1):
        enqueue(context.connection, RECHECK, key="message recheck")
    return 0


def _recheck_person(context: Transacting, person: RecordRef) -> int:
    refused, after = 0, None
    while True:
        waiting = outbox.waiting(context.connection, person=person, after=after, limit=_AT_A_TIME)
        refused += sum(_refused(context.records, context.connection, kept, None) for kept in waiting)
        if len(waiting) < _AT_A_TIME:
            return refused
        after = waiting[-1].id


def recheck_all(job: JobContext, _payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """All that wait, the oldest first."""
    refused, after = 0, None
    while True:
        with job.transaction() as connection:
            waiting = outbox.waiting(connection, after=after, limit=_AT_A_TIME)
            refused += sum(_refused(job.records, connection, kept, job.tenant) for kept in waiting)
        if len(waiting) < _AT_A_TIME:
            return {"refused": refused}
        after = waiting[-1].id


def _refused(records: Records, connection: Connection, kept: Kept, tenant: str | None) -> bool:
    """Whether a gate refuses a message, which has ended then. One of which nobody knows goes on waiting."""
    kind = registered_messages(records.plugins).kinds.get(kept.message.kind)
    if kind is None:
        return False
    caller = caller_of(records, kept)
    try:
        with connection.begin_nested():
            bare = kept.outgoing(kind.purpose, None, Moment.ASKED)
            address = address_of(records, connection, caller, kind, bare, tenant)
            seen = kept.outgoing(kind.purpose, address, Moment.ASKED)
            found = asked(records, connection, caller, seen, tenant).refusal
    except XrmError as error:
        _log.warning("message_not_rechecked", message=kept.id, kind=kind.name, code=error.code)
        return False
    if found is None or found[1].until is not None:
        return False
    end(records, connection, tenant, kept, MessageState.REFUSED, found[1].code)
    return True
