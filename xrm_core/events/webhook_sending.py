"""The consumers of webhooks: each change that is for one is sent, signed, until the receiver has taken it."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, update

from xrm_core.changes.reading import LoggedChange
from xrm_core.errors import NotFound, XrmError
from xrm_core.events import webhook_deliveries
from xrm_core.events.consumer import Consumer, Delivery, EntryFailed, Note, Patience, ReaderWaits
from xrm_core.events.webhook_changes import pause
from xrm_core.events.webhook_gates import held_back_by, is_gated, parcel_of
from xrm_core.events.webhook_messages import Seer, body, event_of, message, read
from xrm_core.events.webhook_posting import Sent, Signed
from xrm_core.events.webhook_subscribers import subscriber
from xrm_core.events.webhooks import Secrets, State, Wanted, Webhook, webhook, webhooks
from xrm_core.jobs import clock
from xrm_core.jobs.place import TIMEOUT, Place
from xrm_core.messages.leaving import Parcel
from xrm_core.outgoing.client import Outgoing
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.in_force import in_force
from xrm_core.query.scan import Scope
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.storage.policy_sets import newest_set
from xrm_core.storage.retrying import in_transaction
from xrm_core.storage.webhook_tables import WEBHOOK

PATIENCE = Patience(80, 5.0)
"""About three days: ten attempts in the first two hours, then one each hour."""

OPEN_AFTER = 5
"""So many changes that fail one after the other, and it is the receiver: it is left alone for a while."""

GIVE_UP = dt.timedelta(days=3)
"""Without any delivery, and it is paused."""

LANES = 8
"""Requests to one receiver at a time, each about another record."""

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

    def keys(self, hook: Webhook, now: dt.datetime) -> Sequence[str]:
        """The secrets that sign: its own and, for a while, the former one. Raises SecretKeyNeeded."""
        keys = [self.box.open(hook.secret, hook.owner)]
        former, until = hook.former_secret, hook.former_until
        if former is not None and until is not None and clock.moment(until) > now:
            keys.append(self.box.open(former, hook.owner))
        return keys

    def seer(self, place: Place, connection: Connection, wanted: Wanted) -> Seer | None:
        """With whose rights a webhook sees, by model and policies as they are now; None: there is nobody."""
        records = place.records()
        newest = newest_set(connection)
        key = records.model.fingerprint, "" if newest is None else newest.digest
        authority = self._authorities.get(key)
        if authority is None:
            if len(self._authorities) > 50:
                self._authorities.clear()
            authority = self._authorities[key] = Authority(records.model, in_force(connection, records.model))
        caller = subscriber(connection, authority, wanted)
        if caller is None:
            return None
        return Seer(Scope(records.model, records.tables, caller.access, connection.dialect), caller)


@dataclass
class Sender:
    """Sends to one webhook: to several records' changes at a time, those of each one after the other."""

    source: WebhookSource
    webhook: Webhook
    patience: Patience = PATIENCE
    lanes: int = LANES
    _failing: bool = False

    @property
    def name(self) -> str:
        """Of its reader."""
        return self.webhook.reader

    def wants(self, entry: LoggedChange) -> bool:
        """Whether it is of one of its entities. What it sees of it has to be asked of the database."""
        return entry.entity in self.webhook.subjects

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:
        """Send it. What it has taken is noted in the transaction in which the reader moves on."""
        [send] = self.prepare(place, [entry])
        return send(attempt)

    def prepare(self, place: Place, entries: Sequence[LoggedChange]) -> Sequence[Delivery]:
        """What there is to send, by webhook, model, policies and records as they are now.

        Raises:
            ReaderWaits: somebody has paused or removed it, with whose rights it sees is gone, or a rule needs a closed
                value of the log, and the key store is away.
        """
        with place.database.read(TIMEOUT) as connection:
            hook = self._now(connection)
            seer = self.source.seer(place, connection, hook.wanted)
            if seer is not None:
                keys = self._keys(hook, clock.now(connection))
                try:
                    messages = list(self._messages(place, connection, seer, hook, entries))
                except SealingUnavailable as error:
                    raise ReaderWaits(error.code) from None
                return [self._delivery(place, hook, keys, *each) for each in zip(entries, messages, strict=True)]
        with place.database.begin(TIMEOUT) as connection:
            pause(connection, hook.id, "SUBSCRIBER_GONE")
        raise ReaderWaits("WEBHOOK_PAUSED")

    def _keys(self, hook: Webhook, now: dt.datetime) -> Sequence[str]:
        try:
            return self.source.keys(hook, now)
        except XrmError as error:  # whoever runs the platform has to mend it; no change is given up meanwhile
            raise ReaderWaits(error.code) from None

    def _now(self, connection: Connection) -> Webhook:
        try:
            hook = webhook(connection, self.webhook.id)
        except NotFound:
            raise ReaderWaits("WEBHOOK_REMOVED") from None
        if hook.state is not State.ACTIVE:
            raise ReaderWaits("WEBHOOK_PAUSED")
        self._failing = self._failing or hook.failed_since is not None
        return hook

    @staticmethod
    def _messages(
        place: Place, connection: Connection, seer: Seer, hook: Webhook, entries: Sequence[LoggedChange]
    ) -> Iterator[Mapping[str, Any] | None]:
        """What each entry is to be told as; None: not at all. Records are read together."""
        ids: dict[str, list[str]] = {}
        for entry in entries:
            ids.setdefault(entry.entity, []).append(entry.record_id)
        subjects = {name: hook.subjects[name] for name in ids if name in hook.subjects}
        records = {name: read(connection, seer, subject, ids[name]) for name, subject in subjects.items()}
        for entry in entries:
            found, id_ = records.get(entry.entity), event_of(entry, hook.event_salt)
            if found is None:
                yield None
            else:
                yield message(connection, seer, subjects[entry.entity], entry, id_, place.name, found)

    def _delivery(
        self,
        place: Place,
        hook: Webhook,
        keys: Sequence[str],
        entry: LoggedChange,
        event: Mapping[str, Any] | None,
    ) -> Delivery:
        if event is None:
            return lambda _attempt: lambda _connection: None
        signed, parcel = Signed(hook.wanted.url, event["id"], body(event), keys), parcel_of(event)
        return lambda attempt: self._deliver(place, signed, parcel, entry, attempt)

    def _deliver(self, place: Place, signed: Signed, parcel: Parcel, entry: LoggedChange, attempt: int) -> Note:
        if is_gated(place.records()):
            # What leaves is noted before it does: who is killed in between has noted too much rather than too little.
            in_transaction(
                place.database, lambda connection: self._gate(place, connection, signed.url, parcel), TIMEOUT
            )
        sent = signed.post(self.source.outgoing, place.name)
        if sent.error is None:
            return lambda connection: self._taken(connection, signed.id, entry, attempt, sent)
        with place.database.begin(TIMEOUT) as connection:
            webhook_deliveries.note(connection, self.webhook.id, signed.id, entry.position, attempt, sent)
            failures = self._failed(connection, attempt, sent.status)
        if failures is None:
            _log.error("webhook_paused", tenant=place.name, webhook=self.webhook.id)
            raise ReaderWaits("WEBHOOK_PAUSED")
        if attempt == 1 and failures > OPEN_AFTER:
            raise ReaderWaits(sent.error, sent.retry_after)
        raise EntryFailed(sent.error, sent.retry_after)

    @staticmethod
    def _gate(place: Place, connection: Connection, url: str, parcel: Parcel) -> None:
        """Raise if it is held back: of what was noted nothing stays then."""
        held_back = held_back_by(connection, place.records(), url, [parcel])
        if held_back is not None:
            raise ReaderWaits(held_back)

    def _taken(self, connection: Connection, id_: str, entry: LoggedChange, attempt: int, sent: Sent) -> None:
        webhook_deliveries.note(connection, self.webhook.id, id_, entry.position, attempt, sent)
        if self._failing:
            well = update(WEBHOOK).where(WEBHOOK.c.id == self.webhook.id, WEBHOOK.c.failed_since.is_not(None))
            connection.execute(well.values(failures=0, failed_since=None))

    def _failed(self, connection: Connection, attempt: int, status: int | None) -> int | None:
        """Count a failure; answers how many there are, None if it is paused now."""
        self._failing = True
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
            pause(connection, self.webhook.id, "GONE" if status == _GONE else "NOTHING_DELIVERED")
            return None
        return int(row.failures)
