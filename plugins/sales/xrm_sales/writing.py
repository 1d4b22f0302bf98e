"""A transaction in which the plugin writes, whoever has opened it: an action, what follows a write, a route, a job."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Connection

from xrm_core.api import Record


class Looking(Protocol):
    """What reads records: a hook before a write, and all below."""

    def read(self, entity: str, id_: str) -> Record | None:
        """A record as it is stored now."""

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100) -> list[Record]:
        """Records for which a filter holds."""


class Writing(Looking, Protocol):
    """What all of them have."""

    def hold(self, entity: str, id_: str) -> None:
        """Let nobody else change a record before the end."""

    @property
    def records(self) -> Any:
        """The door for records."""

    @property
    def connection(self) -> Connection:
        """With the transaction."""

    @property
    def caller(self) -> Any:
        """Whoever has begun it."""

    @property
    def system(self) -> Any:
        """The platform, on behalf of whoever has begun it."""

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a query answers to the platform."""


def change(context: Writing, entity: str, id_: str, values: Mapping[str, Any]) -> None:
    """Change a record on behalf of whoever has begun."""
    context.records.update(context.connection, context.system, entity, id_, values)


def create(context: Writing, entity: str, values: Mapping[str, Any]) -> str:
    """Create a record on behalf of whoever has begun; its id."""
    return str(context.records.create(context.connection, context.system, entity, values))
