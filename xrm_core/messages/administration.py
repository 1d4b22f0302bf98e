"""The outbox, as those see and change it who have the right to it: records that they may not see are not named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from xrm_core.errors import BadQuery, Forbidden
from xrm_core.messages import by_hand
from xrm_core.messages.by_hand import Listed
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import MESSAGES, Action
from xrm_core.records.door import Records
from xrm_core.records.visible import visible
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import require_current
from xrm_core.translation import say

USUAL, MOST = 50, 200
"""Messages on a page: if nobody says, and at most."""

_TIMEOUT = 5.0


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
        limit = USUAL if first is None else first
        if not 1 <= limit <= MOST:
            raise BadQuery(f"«first» is 1 to {MOST}, not {limit}.")
        given = where or {}
        state, record = given.get("state"), given.get("recordId")
        with self.database.read(_TIMEOUT) as connection:
            found = by_hand.messages(
                connection,
                state=None if state is None else state.lower(),
                kind=given.get("kind"),
                record_id=None if record is None else _known(record),
                after=None if after is None else _known(after),
                limit=limit + 1,
            )
            page = self._shown(connection, caller, found[:limit])
        return {
            "nodes": page,
            "pageInfo": {
                "hasNextPage": len(found) > limit,
                "hasPreviousPage": after is not None,
                "startCursor": page[0]["id"] if page else None,
                "endCursor": page[-1]["id"] if page else None,
            },
        }

    def outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """A message; None if there is none."""
        _require(caller, Action.READ)
        with self.database.read(_TIMEOUT) as connection:
            return self._one(connection, caller, by_hand.message(connection, _known(id)))

    def cancel_outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Let a message that waits not leave; None if there is none. Raises MessageConflict."""
        return self._change(
            caller, lambda connection: by_hand.cancel(self.records, connection, self.tenant, _known(id))
        )

    def retry_outbox_message(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Have a message that was not sent handed over after all; None if there is none. Raises MessageConflict."""
        return self._change(caller, lambda connection: by_hand.retry(self.records.plugins, connection, _known(id)))

    def _change(self, caller: User, change: Callable[[Connection], Listed | None]) -> dict[str, Any] | None:
        _require(caller, Action.READ)
        _require(caller, Action.UPDATE)
        with self.database.begin(_TIMEOUT) as connection:
            require_current(connection, self.records.model, self.policies)
            self.held(connection, caller)
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
    if not caller.access.may(MESSAGES, action):
        raise Forbidden(say("You have no right to the outbox."), hint=say("Ask an administrator for the permission."))


def _known(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise BadQuery("This is no id.", hint="Ids look like 01a2170d-fdba-726c-8456-14ba50d381ce.") from None
