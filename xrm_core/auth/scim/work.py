"""One request under way: its transaction, who asks, and what they may do to whom."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from scim2_models import ForbiddenException
from sqlalchemy import Connection, Table

from xrm_core.auth import events
from xrm_core.metadata.model import USER
from xrm_core.permissions.caller import System, User
from xrm_core.records.door import Records


@dataclass(frozen=True)
class Work:
    """A request of a provisioning service.

    ``writes``: it changes something, so that what it reads is held until the transaction ends.
    """

    connection: Connection
    records: Records
    service: User
    address: str | None
    writes: bool
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def users(self) -> Table:
        """The table of the entity ``user``."""
        return self.records.tables[USER]

    @property
    def author(self) -> System:
        """As whom records are written; the service is named as their author."""
        return System(self.records.full_access, "SCIM", actor=self.service.actor)

    def record(self, event: events.Event, subject: str | None, details: Mapping[str, Any] | None = None) -> None:
        """Keep an event; the service's token did it."""
        by = self.service.actor
        events.record(self.connection, event, user_id=by, subject=subject, address=self.address, details=details or {})

    def require_roles(self, roles: Iterable[str], what: str) -> None:
        """Refuse to do something that is about roles which the token does not have: nobody gives more than they hold.

        Raises:
            ForbiddenException: it does not have all of them.
        """
        missing = sorted(set(roles) - self.service.access.roles)
        if missing:
            raise ForbiddenException(detail=f"{what} {', '.join(missing)}, which this token does not have")


def is_id(text: str | None) -> bool:
    """Whether a text can be an id at all."""
    try:
        return text == str(UUID(text))
    except (ValueError, TypeError, AttributeError):
        return False
