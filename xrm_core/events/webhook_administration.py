"""Webhooks as those see and change them who have the right to it, none of whom gives away more than they hold."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from xrm_core.errors import BadQuery, Forbidden, NotFound
from xrm_core.events import webhook_changes, webhook_deliveries, webhook_tests, webhooks
from xrm_core.events.waiting import numbers
from xrm_core.events.webhook_changes import Author
from xrm_core.events.webhook_subscribers import roles_of
from xrm_core.events.webhooks import Secrets, Subject, Wanted, Webhook
from xrm_core.permissions.access import Access
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.grants import told
from xrm_core.permissions.policy import WEBHOOKS, Action
from xrm_core.records.pages import TIMEOUT, changing, known_id, page_size
from xrm_core.storage.engines import Database


@dataclass(frozen=True)
class WebhookAdministration:
    """The webhooks of one database. Blocking.

    All raise Forbidden: the caller has no right to it. Those that change something raise ModelOutOfDate and
    PermissionsChanged if others hold by now, and what ``held`` raises; then nothing was changed.

    Args:
        database: has the webhooks.
        authority: model and policies that the callers' rights come from.
        box: seals their secrets.
        beyond: what roles give that somebody does not hold, in words.
        held: refuses, in a transaction, callers who have lost by now what they were let in with.
    """

    database: Database
    authority: Authority
    box: Secrets
    beyond: Callable[[Access, Iterable[str]], Sequence[str]]
    held: Callable[[Connection, User], None]

    def webhooks(self, caller: User, address: str | None) -> list[dict[str, Any]]:  # noqa: ARG002
        """All of them, the oldest first."""
        self._require(caller, Action.READ)
        with self.database.read(TIMEOUT) as connection:
            return self._shown(connection, webhooks.webhooks(connection))

    def webhook(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """One of them; None if there is none. Raises BadQuery: this is no id."""
        self._require(caller, Action.READ)
        with self.database.read(TIMEOUT) as connection, suppress(NotFound):
            return self._shown(connection, [webhooks.webhook(connection, known_id(id))])[0]
        return None

    def webhook_deliveries(
        self,
        caller: User,
        address: str | None,  # noqa: ARG002
        id: str,
        failed: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> list[dict[str, Any]] | None:
        """Attempts to deliver, the newest first; None if there is no such webhook. Raises BadQuery."""
        self._require(caller, Action.READ)
        limit = page_size(first)
        before = None if after is None else known_id(after)
        with self.database.read(TIMEOUT) as connection, suppress(NotFound):
            found = webhooks.webhook(connection, known_id(id))
            rows = webhook_deliveries.deliveries(connection, found.id, limit, failed=bool(failed), before=before)
            return [
                {
                    "id": row.id,
                    "event": row.event,
                    "attempt": row.attempt,
                    "status": row.status,
                    "error": row.error,
                    "milliseconds": row.milliseconds,
                    "at": row.at,
                    "test": row.position is None,
                }
                for row in rows
            ]
        return None

    def create_webhook(self, caller: User, address: str | None, input: Mapping[str, Any]) -> dict[str, Any]:
        """Make a webhook. Raises WebhookInvalid, SecretKeyNeeded; Forbidden: it would see more than the caller."""
        wanted = _wanted(input, Wanted("", "", ()))

        def create(connection: Connection, by: Author) -> dict[str, Any]:
            self._require_within(connection, caller, wanted)
            id_, secret = webhook_changes.create(connection, self.box, self.authority, wanted, by)
            return {"webhook": self._one(connection, id_), "secret": secret}

        return self._change(caller, address, create)  # type: ignore[no-any-return]

    def update_webhook(
        self, caller: User, address: str | None, id: str, input: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Change a webhook; None if there is none. Raises as :meth:`create_webhook`."""

        def update(connection: Connection, by: Author, found: Webhook) -> dict[str, Any]:
            wanted = _wanted(input, found.wanted)
            self._require_within(connection, caller, wanted)
            webhook_changes.change(connection, self.authority, found.id, wanted, by)
            return self._one(connection, found.id)

        return self._change_one(caller, address, id, update)  # type: ignore[no-any-return]

    def rotate_webhook_secret(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Give a webhook another secret; None if there is none. Raises SecretKeyNeeded."""

        def rotate(connection: Connection, by: Author, found: Webhook) -> dict[str, Any]:
            secret = webhook_changes.rotate(connection, self.box, found.id, by)
            return {"webhook": self._one(connection, found.id), "secret": secret}

        return self._change_one(caller, address, id, rotate)  # type: ignore[no-any-return]

    def pause_webhook(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Send a webhook nothing; None if there is none."""

        def pause(connection: Connection, by: Author, found: Webhook) -> dict[str, Any]:
            webhook_changes.pause(connection, found.id, "BY_HAND", by)
            return self._one(connection, found.id)

        return self._change_one(caller, address, id, pause, takes=True)  # type: ignore[no-any-return]

    def resume_webhook(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let a webhook go on, also with what was given up; None if there is none."""

        def resume(connection: Connection, by: Author, found: Webhook) -> dict[str, Any]:
            webhook_changes.resume(connection, found.id, by)
            return self._one(connection, found.id)

        return self._change_one(caller, address, id, resume)  # type: ignore[no-any-return]

    def replay_webhook(self, caller: User, address: str | None, id: str, since: str) -> int | None:
        """Send what was written since a moment once more; answers how many changes; None if there is none."""
        moment = dt.datetime.fromisoformat(since)

        def replay(connection: Connection, by: Author, found: Webhook) -> int:
            return webhook_changes.replay(connection, found.id, moment, by)

        return self._change_one(caller, address, id, replay)  # type: ignore[no-any-return]

    def test_webhook(self, caller: User, address: str | None, id: str) -> str | None:
        """Have a worker send a test; answers the id of its event, None if there is no such webhook."""

        def test(connection: Connection, _by: Author, found: Webhook) -> str:
            return webhook_tests.enqueue_test(connection, found.id)

        return self._change_one(caller, address, id, test)  # type: ignore[no-any-return]

    def delete_webhook(self, caller: User, address: str | None, id: str) -> bool:
        """Remove a webhook with all that is kept of it; False if there is none."""

        def delete(connection: Connection, by: Author, found: Webhook) -> bool:
            webhook_changes.remove(connection, found.id, by)
            return True

        return bool(self._change_one(caller, address, id, delete, takes=True))

    def _change(self, caller: User, address: str | None, change: Callable[[Connection, Author], Any]) -> Any:
        self._require(caller, Action.UPDATE)
        by = Author(caller.actor, address)
        model, policies = self.authority.model, self.authority.policies.version
        with changing(self.database, caller, model, policies, self.held) as connection:
            return change(connection, by)

    def _change_one(
        self,
        caller: User,
        address: str | None,
        id_: str,
        change: Callable[[Connection, Author, Webhook], Any],
        *,
        takes: bool = False,
    ) -> Any:
        """Change one that is there; unless it only ``takes``, the caller has to hold what it sees by."""

        def work(connection: Connection, by: Author) -> Any:
            try:
                found = webhooks.webhook(connection, known_id(id_), held=True)
            except NotFound:
                return None
            if not takes:
                self._require_within(connection, caller, found.wanted)
            return change(connection, by, found)

        return self._change(caller, address, work)

    def _require_within(self, connection: Connection, caller: User, wanted: Wanted) -> None:
        """Refuse to have something sent that the caller could not read: who names the address reads it there.

        A subscriber that is gone sees nothing; that there is none is told by who checks what is wanted.
        """
        roles = roles_of(connection, wanted) & self.authority.policies.roles.keys()
        if missing := self.beyond(caller.access, roles):
            raise Forbidden(
                "The webhook would see more than you may.",
                hint="Nothing was changed. Name another role, or have somebody do it who holds this.",
                details={"beyond": told(caller.access, self.authority.model, missing)},
            )

    @staticmethod
    def _require(caller: User, action: Action) -> None:
        if not all(caller.access.may(WEBHOOKS, each) for each in {Action.READ, action}):
            raise Forbidden("You may not administer webhooks.")

    def _one(self, connection: Connection, id_: str) -> dict[str, Any]:
        return self._shown(connection, [webhooks.webhook(connection, id_)])[0]

    @staticmethod
    def _shown(connection: Connection, found: Sequence[Webhook]) -> list[dict[str, Any]]:
        """In the shape of GraphQL's type ``Webhook``."""
        waiting = numbers(connection, [each.reader for each in found])
        return [_shape(each, *waiting.get(each.reader, (0, 0))) for each in found]


def _shape(webhook: Webhook, waiting: int, dead: int) -> dict[str, Any]:
    wanted = webhook.wanted
    return {
        "id": webhook.id,
        "name": wanted.name,
        "url": wanted.url,
        "role": wanted.role,
        "service": wanted.service,
        "subjects": [
            {
                "entity": each.entity,
                "operations": [operation.upper() for operation in each.operations],
                "filter": each.filter,
                "fields": each.fields,
            }
            for each in wanted.subjects
        ],
        "state": webhook.state.upper(),
        "reason": webhook.reason,
        "failures": webhook.failures,
        "failedSince": webhook.failed_since,
        "waiting": waiting,
        "dead": dead,
        "createdAt": webhook.created_at,
        "createdBy": webhook.created_by,
    }


def _wanted(given: Mapping[str, Any], now: Wanted) -> Wanted:
    """What it is to be; what is not given stays. Who names a role takes the service away, and the other way round."""
    role, service = given.get("role"), given.get("service")
    if role is None and service is None:
        role, service = now.role, now.service
    subjects = now.subjects
    if given.get("subjects") is not None:
        subjects = [_subject(each) for each in given["subjects"]]
    name, url = given.get("name"), given.get("url")
    return Wanted(now.name if name is None else name, now.url if url is None else url, subjects, role, service)


def _subject(given: Mapping[str, Any]) -> Subject:
    filter_ = given.get("filter")
    if filter_ is not None and not isinstance(filter_, Mapping):
        raise BadQuery("The filter of a webhook is a JSON object.", hint='Write {"status": {"eq": "active"}}.')
    operations = tuple(each.lower() for each in given.get("operations") or ())
    fields = given.get("fields")
    return Subject(given["entity"], operations, filter_, None if fields is None else tuple(fields))
