"""The outbox, as those see and change it who have the right to it: records that they may not see are not named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from xrm_core.messages import by_hand
from xrm_core.messages.by_hand import Listed
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import MESSAGES, Action
from xrm_core.records.door import Records
from xrm_core.records.pages import TIMEOUT, changing, known_id, page_of, page_size, require_right
from xrm_core.records.visible import visible
from xrm_core.storage.engines import Database
from xrm_core.translation import say


@dataclass(frozen=True)
class MessageAdministration:
    """The outbox of one database. Blocking.

    All raise Forbidden: the caller has no right to it; and BadQuery: an argument is not understood. Those that change
    something raise ModelOutOfDate and PermissionsChanged if others hold by now, and what ``held`` raises.

    Args:
        database: has the messages.
        records: the door for records, which says what callers may see.
        policies: digest of the policies that the callers' rights come from.
        tenant: its name; empty for the main database.
        held: refuses, in a transaction, callers who have lost by now what they were let in with.
    """

    database: Database
    records: Records
    policies: str
    tenant: str
    held: Callable[[Connection, User], None]

    def outbox_messages(
        self,
        caller: User,
        address: str | None,  # noqa: ARG002
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of messages, the newest first; ``where``: ``state``, ``kind``, ``recordId``."""
        _require(caller, Action.READ)
        limit = page_size(first)
        given = where or {}
        state, record = given.get("state"), given.get("recordId")
        with self.database.read(TIMEOUT) as connection:
            found = by_hand.messages(
                connection,
                state=None if state is None else state.lower(),
                kind=given.get("kind"),
                record_id=None if record is None else known_id(record),
                after=None if after is None else known_id(after),
                limit=limit + 1,
            )
            page = self._shown(connection, caller, found[:limit])
        return page_of(page, more=len(found) > limit, after=after)

    def outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """A message; None if there is none."""
        _require(caller, Action.READ)
        with self.database.read(TIMEOUT) as connection:
            return self._one(connection, caller, by_hand.message(connection, known_id(id)))

    def cancel_outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Let a message that waits not leave; None if there is none. Raises MessageConflict."""
        return self._change(
            caller, lambda connection: by_hand.cancel(self.records, connection, self.tenant, known_id(id))
        )

    def retry_outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Have a message that was not sent handed over after all; None if there is none. Raises MessageConflict."""
        return self._change(caller, lambda connection: by_hand.retry(self.records.plugins, connection, known_id(id)))

    def _change(self, caller: User, change: Callable[[Connection], Listed | None]) -> dict[str, Any] | None:
        _require(caller, Action.READ)
        _require(caller, Action.UPDATE)
        with changing(self.database, caller, self.records.model, self.policies, self.held) as connection:
            return self._one(connection, caller, change(connection))

    def _one(self, connection: Connection, caller: User, found: Listed | None) -> dict[str, Any] | None:
        return None if found is None else self._shown(connection, caller, [found])[0]

    def _shown(self, connection: Connection, caller: User, found: Sequence[Listed]) -> list[dict[str, Any]]:
        """In the shape of GraphQL's type ``OutboxMessage``."""
        refs = [ref for each in found for ref in (each.about, each.person) if ref is not None]
        seen = visible(self.records, connection, caller, refs)
        return [
            {
                "id": each.id,
                "kind": each.kind,
                "channel": each.channel,
                "aboutEntity": each.about[0],
                "aboutId": each.about[1] if each.about in seen else None,
                "personEntity": None if each.person is None else each.person[0],
                "personId": each.person[1] if each.person is not None and each.person in seen else None,
                "state": each.state.value.upper(),
                "reason": each.reason,
                "attempts": each.attempts,
                "ownerId": each.owner,
                "createdAt": each.created_at,
                "handedOverAt": each.handed_over_at,
                "endedAt": each.ended_at,
            }
            for each in found
        ]


def _require(caller: User, action: Action) -> None:
    require_right(caller, MESSAGES, action, say("You have no right to the outbox."))
