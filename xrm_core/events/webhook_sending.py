"""The consumers of webhooks: each change that is for one is sent, signed, until the receiver has taken it."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, update
from standardwebhooks.webhooks import Webhook as Signer

from xrm_core.changes.reading import LoggedChange
from xrm_core.events import webhook_deliveries
from xrm_core.events.consumer import Consumer, EntryFailed, Note, Patience, ReaderWaits
from xrm_core.events.webhook_messages import Seer, body, event_of, message
from xrm_core.events.webhooks import Secrets, State, Webhook, webhooks
from xrm_core.jobs import clock
from xrm_core.jobs.place import TIMEOUT, Place
from xrm_core.outgoing.client import Answer, NotAnswered, Outgoing
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.in_force import in_force
from xrm_core.query.scan import Scope
from xrm_core.storage.policy_sets import newest_set
from xrm_core.storage.webhook_tables import WEBHOOK

PATIENCE = Patience(80, 5.0)
"""About three days: ten attempts in the first two hours, then one each hour."""

OPEN_AFTER = 5
"""So many changes that fail one after the other, and it is the receiver: it is left alone for a while."""

GIVE_UP = dt.timedelta(days=3)
"""Without any delivery, and it is paused."""

_LONGEST_RETRY_AFTER = 3600.0
_GONE = 410
_log = structlog.get_logger(__name__)


@dataclass
class WebhookSource:
    """Finds the webhooks of a tenant.

    Args:
        box: opens their secrets.
        outgoing: sends.
    """

    box: Secrets
    outgoing: Outgoing
    _authorities: dict[tuple[str, str], Authority] = field(default_factory=dict)

    def __call__(self, _place: Place, connection: Connection) -> Sequence[Consumer]:
        """Those that are active."""
        return [Sender(self, each) for each in webhooks(connection, State.ACTIVE)]

    def seer(self, place: Place, connection: Connection, role: str) -> Seer:
        """With whose rights a webhook sees, by model and policies as they are now."""
        records = place.records()
        newest = newest_set(connection)
        key = records.model.fingerprint, "" if newest is None else newest.digest
        authority = self._authorities.get(key)
        if authority is None:
            if len(self._authorities) > 50:
                self._authorities.clear()
            authority = self._authorities[key] = Authority(records.model, in_force(connection, records.model))
        access = authority.access(frozenset([role]))
        return Seer(Scope(records.model, records.tables, access, connection.dialect), User(None, access))


@dataclass(frozen=True)
class Sender:
    """Sends to one webhook."""

    source: WebhookSource
    webhook: Webhook
    patience: Patience = PATIENCE

    @property
    def name(self) -> str:
        """Of its reader."""
        return self.webhook.reader

    def wants(self, entry: LoggedChange) -> bool:
        """Whether it is of its entity. What it sees of it has to be asked of the database."""
        return entry.entity == self.webhook.wanted.entity

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:
        """Send it. What it has taken is noted in the transaction in which the reader moves on."""
        with place.database.read(TIMEOUT) as connection:
            seer = self.source.seer(place, connection, self.webhook.wanted.role)
            event = message(connection, seer, self.webhook.wanted, entry, place.name)
            now = clock.now(connection)
        if event is None:
            return lambda _connection: None
        began = time.monotonic()
        try:
            answer: Answer | None = self._send(event, entry, now)
            error = None if answer is not None and 200 <= answer.status < 300 else "REFUSED"
        except NotAnswered as none:
            answer, error = None, none.code
        took = time.monotonic() - began
        status = None if answer is None else answer.status
        if error is None:
            return lambda connection: self._taken(connection, entry, attempt, status, took)
        with place.database.begin(TIMEOUT) as connection:
            webhook_deliveries.note(connection, self.webhook.id, entry, attempt, status, error, took)
            failures = self._failed(connection, attempt, status)
        wait = None if answer is None else _retry_after(answer.headers)
        if failures is None:
            _log.error("webhook_paused", tenant=place.name, webhook=self.webhook.id)
            raise ReaderWaits("WEBHOOK_PAUSED")
        if attempt == 1 and failures > OPEN_AFTER:
            raise ReaderWaits(error, wait)
        raise EntryFailed(error, wait)

    def _send(self, event: Mapping[str, Any], entry: LoggedChange, now: dt.datetime) -> Answer:
        sent, at, id_ = body(event), dt.datetime.now(dt.UTC), event_of(entry)
        keys = [self.source.box.open(self.webhook.secret, self.webhook.owner)]
        former, until = self.webhook.former_secret, self.webhook.former_until
        if former is not None and until is not None and clock.moment(until) > now:
            keys.append(self.source.box.open(former, self.webhook.owner))
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "xrm-webhooks",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(Signer(key).sign(id_, at, sent.decode()) for key in keys),
        }
        return self.source.outgoing.post(self.webhook.wanted.url, sent, headers)

    def _taken(
        self, connection: Connection, entry: LoggedChange, attempt: int, status: int | None, took: float
    ) -> None:
        webhook_deliveries.note(connection, self.webhook.id, entry, attempt, status, None, took)
        well = update(WEBHOOK).where(WEBHOOK.c.id == self.webhook.id, WEBHOOK.c.failed_since.is_not(None))
        connection.execute(well.values(failures=0, failed_since=None))

    def _failed(self, connection: Connection, attempt: int, status: int | None) -> int | None:
        """Count a failure; answers how many there are, None if it is paused now."""
        now = clock.now(connection)
        mine = WEBHOOK.c.id == self.webhook.id
        more = 1 if attempt == 1 else 0
        counted = update(WEBHOOK).where(mine).values(failures=WEBHOOK.c.failures + more)
        row = connection.execute(counted.returning(WEBHOOK.c.failures, WEBHOOK.c.failed_since)).first()
        if row is None:
            return None  # it was removed
        if row.failed_since is None:
            connection.execute(update(WEBHOOK).where(mine).values(failed_since=now))
        long = row.failed_since is not None and now - clock.moment(row.failed_since) > GIVE_UP
        if status == _GONE or long:
            reason = "GONE" if status == _GONE else "NOTHING_DELIVERED"
            connection.execute(update(WEBHOOK).where(mine).values(state=State.PAUSED.value, reason=reason))
            return None
        return int(row.failures)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the receiver asks for, an hour at most."""
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() else None
