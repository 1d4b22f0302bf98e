"""The job that hands a message to its channel: once at most.

In one transaction the gates are asked and the message is made and noted as being handed over; then it goes to its
channel, outside of any; then the end is noted. Whoever finds a message that is noted as being handed over knows nothing
of it: a worker was killed in between. It is not sent again.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Connection

from xrm_core.jobs import clock
from xrm_core.jobs.context import JobContext, JobFailed
from xrm_core.jobs.dying import JobDied
from xrm_core.messages import outbox
from xrm_core.messages.context import MessageContext
from xrm_core.messages.ending import caller_of, end
from xrm_core.messages.gate import asked
from xrm_core.messages.message import (
    Channel,
    HandOver,
    MessageContent,
    MessageOutcome,
    MessageRefusal,
    MessageState,
    Moment,
    NotHandedOver,
)
from xrm_core.messages.outbox import Kept
from xrm_core.messages.registry import MessageRegistry
from xrm_core.messages.sending import MOST_ATTEMPTS, address_of, hand_over
from xrm_core.messages.watching import TrackedLink, Watching, unwatched
from xrm_core.plugins import Plugins

NO_KIND, NO_CHANNEL, UNKNOWN = "NO_KIND", "NO_CHANNEL", "OUTCOME_UNKNOWN"
NOT_MADE = "NOT_MADE"
"""The plugin failed when it made the message, or a gate did."""

TRACKED_LINK = "TRACKED_LINK"
"""It has a link that counts who clicks, no gate allows that, and nobody can tell where it leads."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class HandingOver:
    """Hands messages over, of these kinds, to these channels; what is made such that openings and clicks are counted
    goes out of them by ``watching``, unless a gate allows it.
    """

    registry: MessageRegistry
    channels: Mapping[str, Channel]
    watching: Watching

    def run(self, job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """One attempt."""
        id_ = str(payload["message"])
        try:
            ready = job.transact(lambda connection: self._prepared(job, connection, id_))
        except TrackedLink:  # what gates have noted is taken back: nothing leaves
            ready = job.transact(lambda connection: self._refused(job, connection, id_))
        except JobFailed as error:
            self._gave_up(job, id_, error.reason)
            raise
        except Exception:
            self._gave_up(job, id_, NOT_MADE)
            raise
        if isinstance(ready, MessageOutcome):
            return {"state": ready.state.value, "reason": ready.reason}
        return ready if ready is None else self._hand_over(job, *ready)

    def _prepared(
        self, job: JobContext, connection: Connection, id_: str
    ) -> "tuple[Kept, HandOver, Channel] | MessageOutcome | None":
        kept = outbox.held(connection, id_)
        if kept is None or kept.state in (MessageState.SENT, MessageState.FAILED, MessageState.REFUSED):
            return None
        if kept.state is MessageState.HANDING_OVER:
            return self._ended(job, connection, kept, MessageState.FAILED, UNKNOWN)
        kind, channel = self.registry.kinds.get(kept.message.kind), self.channels.get(kept.message.channel)
        if kind is None or channel is None:
            raise JobFailed(NO_KIND if kind is None else NO_CHANNEL)
        caller, tenant = caller_of(job.records, kept), job.tenant
        bare = replace(kept, attempts=kept.attempts + 1).outgoing(kind.purpose, None, Moment.HANDED_OVER)
        seen = replace(bare, address=address_of(job.records, connection, caller, kind, bare, tenant))
        found = asked(job.records, connection, caller, seen, tenant)
        if found.refusal is not None and found.refusal[1].until is not None:
            return self._waits(connection, kept, kind.attempts, found.refusal[1])
        if found.refusal is not None:
            return self._ended(job, connection, kept, MessageState.REFUSED, found.refusal[1].code)
        seen = replace(seen, unsubscribe=found.unsubscribe, tracking=found.tracking)
        plugin = kind.name.partition(".")[0]
        with job.records.plugins.following(plugin, "message", "message", f"{kind.name}/compose"):
            content = kind.compose(MessageContext(job.records, connection, caller, seen, plugin, tenant))
        content = content if found.tracking else unwatched(content, self.watching)
        content = replace(content, unsubscribe=content.unsubscribe or found.unsubscribe)
        outbox.begin(connection, id_)
        settings = job.records.plugins.settings_of(channel.name.partition(".")[0])
        return kept, HandOver(kept.id, str(seen.address), content, tenant, settings, found.tracking), channel

    def _refused(self, job: JobContext, connection: Connection, id_: str) -> MessageOutcome | None:
        kept = outbox.held(connection, id_)
        if kept is None or kept.state is not MessageState.QUEUED:
            return None
        return self._ended(job, connection, kept, MessageState.REFUSED, TRACKED_LINK)

    def _waits(self, connection: Connection, kept: Kept, attempts: int, refusal: MessageRefusal) -> MessageOutcome:
        """Not now: another job comes for it, with all of its attempts."""
        outbox.back(connection, kept.id, refusal.code)
        hand_over(connection, kept.id, attempts, refusal.until)
        return MessageOutcome(MessageState.QUEUED, refusal.code, clock.now(connection))

    def _hand_over(self, job: JobContext, kept: Kept, given: HandOver, channel: Channel) -> Mapping[str, Any]:
        """Outside of any transaction; whatever becomes of the job meanwhile, what has happened is noted."""
        try:
            made = replace(given, content=_whole(given.content))
        except Exception as error:
            _log.error("message_not_made", message=kept.id, kind=kept.message.kind, exc_info=error)
            failure: NotHandedOver | None = NotHandedOver(NOT_MADE)
        else:
            failure = _failure(job.records.plugins, channel, made)
        state, reason = MessageState.SENT, None
        if failure is not None:
            reason = failure.code
            last = job.attempt >= self.registry.kinds[kept.message.kind].attempts
            if failure.retry and not last:
                job.transact_anyway(lambda connection: outbox.back(connection, kept.id, failure.code))
                raise JobFailed(failure.code)
            state = MessageState.FAILED
        job.transact_anyway(lambda connection: self._ended(job, connection, kept, state, reason))
        return {"state": state.value, "reason": reason}

    def _gave_up(self, job: JobContext, id_: str, reason: str) -> None:
        """Note that nothing could be made of it, if this was the last attempt."""

        def note(connection: Connection) -> None:
            kept = outbox.held(connection, id_)
            if kept is None or kept.state is not MessageState.QUEUED:
                return
            kind = self.registry.kinds.get(kept.message.kind)
            if job.attempt >= (kind.attempts if kind else MOST_ATTEMPTS):
                self._ended(job, connection, kept, MessageState.FAILED, reason)
            else:
                outbox.back(connection, id_, reason)

        job.transact(note)

    def gave_up(self, job: JobDied, payload: Mapping[str, Any]) -> None:
        """No attempt is left, and nobody has noted an end: a worker was lost each time, say."""
        kept = outbox.held(job.connection, str(payload.get("message")))
        if kept is not None and kept.state in (MessageState.QUEUED, MessageState.HANDING_OVER):
            reason = job.code if kept.state is MessageState.QUEUED else UNKNOWN
            end(job.records, job.connection, job.tenant, kept, MessageState.FAILED, reason)

    def _ended(
        self, job: JobContext, connection: Connection, kept: Kept, state: MessageState, reason: str | None
    ) -> MessageOutcome:
        return end(job.records, connection, job.tenant, kept, state, reason)


def _failure(plugins: Plugins, channel: Channel, made: HandOver) -> NotHandedOver | None:
    """Why a channel has not taken a message, as far as it is known."""
    plugin, dot, _ = channel.name.partition(".")
    try:
        with plugins.calls.timed(plugin, "channel", channel.name) if dot else nullcontext():
            channel.hand_over(made)
    except NotHandedOver as error:
        return error
    except Exception as error:
        _log.error("message_outcome_unknown", message=made.id, channel=channel.name, exc_info=error)
        return NotHandedOver(UNKNOWN, retry=False)
    return None


def _whole(content: MessageContent) -> MessageContent:
    """With the content of attachments."""
    return replace(content, attachments=[replace(each, content=each.made()) for each in content.attachments])
