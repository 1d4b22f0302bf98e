"""Root fields about the outbox, for roles that may see or change it.

What they do stands outside this room, behind :class:`MessageAdministration`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.scalars import DateTime
from xrm_core.graphql.types import Types
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import MESSAGES, Action

_STATES = {
    "QUEUED": "It waits, perhaps for another attempt.",
    "HANDING_OVER": "It is being handed over.",
    "SENT": "Somebody else has it.",
    "FAILED": "It was not sent, or nobody knows whether it was: the reason says so.",
    "REFUSED": "It may not be sent, or somebody has cancelled it.",
}


class MessageAdministration(Protocol):
    """Sees and changes the outbox, as far as a caller may. Blocking. Answers have the shape of the GraphQL types below.

    All raise Forbidden and BadQuery. Those that change something also PermissionsChanged and MessageConflict.
    """

    def outbox_messages(
        self,
        caller: User,
        address: str | None,
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of messages."""

    def outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """A message; None if there is none."""

    def cancel_outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let one that waits not leave; None if there is none."""

    def retry_outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Have one that was not sent handed over; None if there is none."""


def add_message_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    if not types.access.may(MESSAGES, Action.READ):
        return
    state = builder.enum_type("OutboxMessageState", _STATES, _STATES, "What became of a message so far.")
    message = _message(state)
    chosen = builder.input_type("OutboxMessageFilter", "Only messages for which all of this is so.")
    builder.add(chosen, "state", builder.optional(state), "It is in this state.")
    builder.add(chosen, "kind", str | None, "It is of this kind: plugin.kind.")
    builder.add(chosen, "recordId", builder.optional(strawberry.ID), "It is about this record, or to it.")
    page = builder.object_type("OutboxMessageConnection", "A page of messages.")
    builder.add(page, "nodes", builder.list_of(message))
    builder.add(page, "pageInfo", types.page_info)
    types.know(state, message, chosen, page)

    field = types.beside_records
    id_, one = Argument("id", strawberry.ID, "Of the message."), builder.optional(message)
    field(
        types.query,
        "outboxMessages",
        "outbox_messages",
        page,
        "Messages to people outside, the newest first.",
        *builder.page_arguments(chosen),
    )
    field(types.query, "outboxMessage", "outbox_message", one, "A message; null if there is none.", id_)
    if types.access.may(MESSAGES, Action.UPDATE):
        text = "Let a message that waits not leave: it is refused, with the reason CANCELLED. Null if there is none."
        field(types.mutation, "cancelOutboxMessage", "cancel_outbox_message", one, text, id_)
        text = "Have a message that failed or was refused handed over after all, if it may. Null if there is none."
        field(types.mutation, "retryOutboxMessage", "retry_outbox_message", one, text, id_)


def _message(state: Any) -> ObjectType:
    found = builder.object_type("OutboxMessage", "A message to somebody outside, without text and address.")
    builder.add(found, "id", strawberry.ID)
    builder.add(found, "kind", str, "plugin.kind")
    builder.add(found, "channel", str, "On which it leaves.")
    builder.add(found, "aboutEntity", str, "Of the record that it is about.")
    builder.add(found, "aboutId", builder.optional(strawberry.ID), "That record; null if you may not see it.")
    builder.add(found, "personEntity", str | None, "Of the record of who gets it, if there is one.")
    builder.add(found, "personId", builder.optional(strawberry.ID), "That record; null if you may not see it.")
    builder.add(found, "state", state)
    builder.add(found, "reason", str | None, "Why it was not sent, or not yet: a code.")
    builder.add(found, "attempts", int, "How often a channel was given it.")
    builder.add(found, "ownerId", builder.optional(strawberry.ID), "Id of the user who has it sent.")
    builder.add(found, "createdAt", DateTime)
    builder.add(found, "handedOverAt", builder.optional(DateTime), "When it was let through for the last time.")
    builder.add(found, "endedAt", builder.optional(DateTime), "When it was sent, or given up.")
    return found
