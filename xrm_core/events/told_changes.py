"""What listeners are told of the values of an entry: closed ones are opened where a listener looks at them."""

import json
from collections.abc import Collection, ItemsView, Iterator, Mapping, ValuesView
from typing import Any

from sqlalchemy import Connection

from xrm_core.changes.entry import Operation
from xrm_core.changes.reading import LoggedChange, opened
from xrm_core.events.consumer import ReaderWaits
from xrm_core.sealed.errors import SealingUnavailable


class ToldChanges(Mapping[str, tuple[Any, Any]]):
    """Field → old and new value of an entry. It takes a key to get a closed value, and none to ask whether it is there.
    Values are copies: a plugin may change them.

    Args:
        connection: of the transaction in which the listener is called, and only in it a closed value can be had.
        entry: as it was read, with nothing opened.
    """

    def __init__(self, connection: Connection, entry: LoggedChange) -> None:
        self._connection = connection
        self._entry = entry

    def fields(self) -> dict[str, Any]:
        """All as the log has it: of an update pairs, else values alone."""
        self._open(self._entry.closed)
        found: dict[str, Any] = json.loads(json.dumps(dict(self._entry.fields)))
        return found

    def __getitem__(self, name: str) -> tuple[Any, Any]:
        if name not in self._entry.fields:
            raise KeyError(name)
        self._open({name})
        value = json.loads(json.dumps(self._entry.fields[name]))
        if self._entry.operation == Operation.UPDATE:
            old, new = value
            return old, new
        return (value, None) if self._entry.operation == Operation.DELETE else (None, value)

    def __contains__(self, name: object) -> bool:
        return name in self._entry.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._entry.fields)

    def __len__(self) -> int:
        return len(self._entry.fields)

    def items(self) -> ItemsView[str, tuple[Any, Any]]:
        """With all values, by one look into the key store."""
        self._open(self._entry.closed)
        return super().items()

    def values(self) -> ValuesView[tuple[Any, Any]]:
        """All of them, as :meth:`items`."""
        self._open(self._entry.closed)
        return super().values()

    def _open(self, names: Collection[str]) -> None:
        """Raises ReaderWaits: the key store is away, which is no fault of the entry."""
        try:
            [self._entry] = opened(self._connection, [self._entry], names)
        except SealingUnavailable as error:
            raise ReaderWaits(error.code) from None
