"""Root fields about webhooks, for roles that may see or change them.

What they do stands outside this room, behind :class:`WebhookAdministration`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, InputType, ObjectType
from xrm_core.graphql.scalars import DateTime, Json
from xrm_core.graphql.types import Types
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import WEBHOOKS, Action

_STATES = {"ACTIVE": "It is sent what it wants.", "PAUSED": "It is sent nothing; what it would hear waits."}
_OPERATIONS = {
    "CREATE": "A record is new.",
    "UPDATE": "It was changed.",
    "DELETE": "It was deleted, or the webhook does not see it any more.",
    "RESTORE": "It is back out of the trash.",
}


class WebhookAdministration(Protocol):
    """Sees and changes webhooks, as far as a caller may. Blocking. Answers have the shape of the GraphQL types below.

    All raise Forbidden and BadQuery. Those that change something also PermissionsChanged.
    """

    def webhooks(self, caller: User, address: str | None) -> list[dict[str, Any]]:
        """All of them."""

    def webhook(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """One; None if there is none."""

    def webhook_deliveries(
        self,
        caller: User,
        address: str | None,
        id: str,
        failed: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> list[dict[str, Any]] | None:
        """Attempts to deliver; None if there is no such webhook."""

    def create_webhook(self, caller: User, address: str | None, input: Mapping[str, Any]) -> dict[str, Any]:
        """Make one. Raises WebhookInvalid, SecretKeyNeeded."""

    def update_webhook(
        self, caller: User, address: str | None, id: str, input: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Change one; None if there is none. Raises WebhookInvalid."""

    def rotate_webhook_secret(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Another secret; None if there is no such webhook. Raises SecretKeyNeeded."""

    def pause_webhook(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Send it nothing; None if there is none."""

    def resume_webhook(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let it go on; None if there is none."""

    def replay_webhook(self, caller: User, address: str | None, id: str, since: str) -> int | None:
        """Send it once more what was written since a moment; None if there is none."""

    def test_webhook(self, caller: User, address: str | None, id: str) -> str | None:
        """Send it a test; None if there is none."""

    def delete_webhook(self, caller: User, address: str | None, id: str) -> bool:
        """Remove it; False if there is none."""


def add_webhook_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    may = [action for action in (Action.READ, Action.UPDATE) if types.access.may(WEBHOOKS, action)]
    if Action.READ not in may:
        return
    state = builder.enum_type("WebhookState", _STATES, _STATES, "Whether a webhook gets anything.")
    operation = builder.enum_type("WebhookOperation", _OPERATIONS, _OPERATIONS, "What happens to a record.")
    types.know(state, operation)
    found, delivery = _webhook(types, state, operation), _delivery()
    types.know(found, delivery)

    field = types.beside_records
    id_ = Argument("id", strawberry.ID, "Of the webhook.")
    field(types.query, "webhooks", "webhooks", builder.list_of(found), "All webhooks, the oldest first.")
    field(types.query, "webhook", "webhook", builder.optional(found), "A webhook; null if there is none.", id_)
    field(
        types.query,
        "webhookDeliveries",
        "webhook_deliveries",
        builder.optional(builder.list_of(delivery)),
        "What was sent and what came of it, the newest first; null if there is no such webhook.",
        id_,
        Argument("failed", bool | None, "Only those that did not arrive."),
        Argument("first", int | None, "At most so many; 50 if left out, 200 at most."),
        Argument("after", builder.optional(strawberry.ID), "Id of a delivery; only older ones."),
    )
    if Action.UPDATE in may:
        _add_changes(types, field, found, operation, id_)


def _add_changes(types: Types, field: Any, found: ObjectType, operation: Any, id_: Argument) -> None:
    made = builder.object_type("NewWebhook", "A webhook with a secret that was just made.")
    builder.add(made, "webhook", found)
    builder.add(made, "secret", str, "By which the receiver checks signatures; it can never be read again.")
    subject = builder.input_type("WebhookSubjectInput", "Changes of records of one entity.")
    builder.add(subject, "entity", str, "As its file calls it.")
    operations = builder.optional(builder.list_of(operation))
    builder.add(subject, "operations", operations, "Only these; all if absent or empty.")
    builder.add(subject, "filter", builder.optional(Json), "Only records for which this holds, in the words of rules.")
    fields = builder.optional(builder.list_of(str))
    builder.add(subject, "fields", fields, "Only these; all that may be read if absent.")
    created = _input("CreateWebhookInput", "A webhook that is to be.", subject, required=True)
    changed = _input("UpdateWebhookInput", "What is changed; what is left out stays.", subject, required=False)
    types.know(made, subject, created, changed)
    change, one = types.mutation, builder.optional(found)
    text = "Make a webhook, which hears of what is written from now on. It sees no more than you."
    field(change, "createWebhook", "create_webhook", made, text, Argument("input", created))
    text = "Change a webhook. Null if there is none."
    field(change, "updateWebhook", "update_webhook", one, text, id_, Argument("input", changed))
    text = "Give a webhook another secret; for a day the former one signs, too. Null if there is none."
    field(change, "rotateWebhookSecret", "rotate_webhook_secret", builder.optional(made), text, id_)
    field(change, "pauseWebhook", "pause_webhook", one, "Send a webhook nothing. Null if there is none.", id_)
    text = "Let a webhook go on where it was paused, and try again what waits or was given up. Null if there is none."
    field(change, "resumeWebhook", "resume_webhook", one, text, id_)
    text = "Send again what was written since a moment, as it is now; answers how many changes are gone through."
    since = Argument("since", DateTime, "The moment.")
    field(change, "replayWebhook", "replay_webhook", int | None, f"{text} Null if there is none.", id_, since)
    text = "Have a worker send a test; answers the id of its event, as in webhookDeliveries. Null if there is none."
    field(change, "testWebhook", "test_webhook", builder.optional(strawberry.ID), text, id_)
    text = "Remove a webhook with all that is kept of it; false if there is none."
    field(change, "deleteWebhook", "delete_webhook", bool, text, id_)


def _input(name: str, text: str, subject: InputType, *, required: bool) -> InputType:
    found = builder.input_type(name, text)
    builder.add(found, "name", str if required else str | None, "What it is called, for people.")
    builder.add(found, "url", str if required else str | None, "Where to send: https://host/path.")
    subjects = builder.list_of(subject)
    builder.add(found, "subjects", subjects if required else builder.optional(subjects), "What it is told of.")
    builder.add(found, "role", str | None, "With the rights of this role.")
    builder.add(
        found, "service", builder.optional(strawberry.ID), "Or with those of the service whose token has this id."
    )
    return found


def _webhook(types: Types, state: Any, operation: Any) -> ObjectType:
    subject = builder.object_type("WebhookSubject", "Changes of records of one entity.")
    builder.add(subject, "entity", str)
    builder.add(subject, "operations", builder.list_of(operation), "Only these; empty: all.")
    builder.add(subject, "filter", builder.optional(Json), "Only records for which this holds.")
    builder.add(subject, "fields", builder.optional(builder.list_of(str)), "Only these; null: all that may be read.")
    types.know(subject)
    found = builder.object_type("Webhook", "Somebody outside who is told of changes.")
    builder.add(found, "id", strawberry.ID)
    builder.add(found, "name", str, "What it is called, for people.")
    builder.add(found, "url", str, "Where it is sent.")
    builder.add(found, "role", str | None, "With the rights of this role.")
    builder.add(
        found, "service", builder.optional(strawberry.ID), "Or with those of the service whose token has this id."
    )
    builder.add(found, "subjects", builder.list_of(subject), "What it is told of.")
    builder.add(found, "state", state)
    builder.add(found, "reason", str | None, "Why it is paused: BY_HAND, GONE, NOTHING_DELIVERED or SUBSCRIBER_GONE.")
    builder.add(found, "failures", int, "Changes that failed at their first attempt, since something was delivered.")
    builder.add(found, "failedSince", builder.optional(DateTime), "Since when nothing was delivered.")
    builder.add(found, "waiting", int, "Changes that wait after a failure, or behind one.")
    builder.add(found, "dead", int, "Changes that were given up.")
    builder.add(found, "createdAt", DateTime)
    builder.add(found, "createdBy", builder.optional(strawberry.ID), "Id of the user, or of a service's token.")
    return found


def _delivery() -> ObjectType:
    found = builder.object_type("WebhookDelivery", "An attempt to deliver.")
    builder.add(found, "id", strawberry.ID)
    builder.add(found, "event", strawberry.ID, "Id of the event, the header webhook-id; repeats have the same.")
    builder.add(found, "attempt", int, "From 1.")
    builder.add(found, "status", int | None, "Of the answer.")
    builder.add(found, "error", str | None, "Why it did not arrive.")
    builder.add(found, "milliseconds", int, "How long it took.")
    builder.add(found, "at", DateTime)
    builder.add(found, "test", bool, "Whether it was a test.")
    return found
