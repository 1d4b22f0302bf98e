"""Whether closed values of the log are what was committed to, as far as there are keys."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from xrm_core.changes.closed import is_right, key_of
from xrm_core.changes.commitments import Stored
from xrm_core.changes.opening import store_of
from xrm_core.sealed.errors import SealedValueForeign, SealingUnavailable
from xrm_core.sealed.key_store import DataKey, KeyStore
from xrm_core.storage.sealed_tables import mark_of


class Comparing:
    """Compares them; ``unopened`` is of how many that cannot be said.

    Args:
        connection: of the database, whose key store is known to :mod:`~xrm_core.changes.opening`.
    """

    def __init__(self, connection: Connection) -> None:
        self.unopened = 0
        self._store, self._mark = store_of(connection), mark_of(connection) or ""

    def wrong(self, entries: Sequence[Stored]) -> list[int]:
        """The positions of those of some entries that have a closed value which is not right."""
        found = []
        keys = self._keys(entries)
        for entry in entries:
            fields = json.loads(entry.fields)
            if not all(self._is_right(entry, name, fields[name], keys) for name in entry.closed()):
                found.append(entry.position)
        return found

    def _is_right(self, entry: Stored, name: str, said: str, keys: dict[str, DataKey | None]) -> bool:
        try:
            key = keys.get(key_of(said))
            if key is None:
                self.unopened += 1
                return True
            return is_right(key.content, self._mark, entry, name, said)
        except (SealedValueForeign, ValueError):
            return False

    def _keys(self, entries: Sequence[Stored]) -> dict[str, DataKey | None]:
        ids = set[str]()
        for entry in entries:
            fields = json.loads(entry.fields)
            for name in entry.closed():
                try:
                    ids.add(key_of(fields[name]))
                except SealedValueForeign:
                    continue  # it is found to be wrong when it is looked at
        store: KeyStore | None = self._store
        try:
            return {} if store is None else store.by_ids(self._mark, ids, known=True)
        except SealingUnavailable:
            return {}
