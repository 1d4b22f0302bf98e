"""Documents that plugins ask: answered in a transaction that is open, with the rights of a caller.

What a document is, the rooms above know; whoever makes a door for records gives it what answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection

from xrm_core.permissions.caller import Caller
from xrm_core.records.read_log import Reads

if TYPE_CHECKING:
    from xrm_core.records.door import Records


@dataclass(frozen=True, slots=True)
class Asked:
    """What a document has answered: ``data``, what it shows of entities whose reads are logged, and what it cost."""

    data: dict[str, Any]
    reads: Reads
    cost: int


class Asks(Protocol):
    """Answers documents."""

    def ask(
        self, connection: Connection, caller: Caller, document: str, variables: Mapping[str, Any] | None = None
    ) -> Asked:
        """The answer to a GraphQL query for records, out of the transaction of the connection.

        Raises:
            DocumentInvalid: it is no query for records, or none that fits the model: a mistake of whoever wrote it.
            Forbidden: the caller may not see something that it asks for.
            BadCursor, BadQuery, QueryTooLarge: it asks for too much, or cannot be asked with these variables.
        """


class DocumentInvalid(Exception):
    """A document of a plugin cannot be asked of anybody. The plugin's author has to know, no client."""


def asks_of(records: "Records") -> Asks:
    """What answers documents about records. Raises TypeError: whoever has made the door has not said what does."""
    if records.asks is None:
        raise TypeError("nothing answers documents here")
    return records.asks
