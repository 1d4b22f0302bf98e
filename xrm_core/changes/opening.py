"""Opening what is closed in the log, for whoever reads it: many values with one look into the key store.

Whose rights they are is not asked here: what is closed is seen by who would see it if it were not.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row

from xrm_core.changes.closed import in_clear, key_of, opened
from xrm_core.changes.commitments import Stored
from xrm_core.changes.entry import text
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.sealed_tables import mark_of

_STORE = "xrm_key_store"
_CLOSED = '"closed"'

IN_ANSWER = f"xrm_{secrets.token_hex(16)}"
"""Begins what statements answer in place of a closed value; nobody can know it, so no value looks like it."""

_PLACE = re.compile(rf'"{IN_ANSWER},(\d+),([0-9a-f-]{{36}}),(\w+),([01v]),([^"]*)"'.encode())
"""Position, record, field, what of it (the old value, the new one, or the only one), and the closed value."""


def remember(engine: Engine, store: KeyStore | None) -> None:
    """Have what is closed in a database opened by a key store, wherever it is read."""
    if store is not None:
        engine.update_execution_options(**{_STORE: store})


def store_of(connection: Connection) -> KeyStore | None:
    """The key store that :func:`remember` was told."""
    found: KeyStore | None = connection.engine.get_execution_options().get(_STORE)
    return found


def in_clear_all(
    connection: Connection, entries: Sequence[Stored], only: Collection[str] | None = None
) -> list[Stored]:
    """Entries with what is closed in them; a value whose key was destroyed is empty.

    With ``only`` no other fields are opened: they stay as they are, and nobody may take them for values.

    Raises:
        SealingUnavailable: there is no key store, or it is not that of this data.
        SealedValueForeign: somebody has meddled with a value.
    """
    wanted = [(entry, name) for entry in entries for name in entry.closed() if only is None or name in only]
    if not wanted:
        return list(entries)
    values = dict[int, dict[str, Any]]()
    fields = {id(entry): orjson.loads(entry.fields) for entry, _ in wanted}
    found = _opened(connection, [(entry, name, fields[id(entry)].get(name)) for entry, name in wanted])
    for (entry, name), value in zip(wanted, found, strict=True):
        values.setdefault(id(entry), {})[name] = value
    return [in_clear(entry, _shaped(entry, values[id(entry)])) if id(entry) in values else entry for entry in entries]


def opened_rows(
    connection: Connection, found: Iterable[Row[Any]], only: Collection[str] | None = None
) -> list[Sequence[Any]]:
    """Rows of which ``id``, ``position``, ``record_id``, ``operation``, ``fields`` and ``erased`` were read, in that
    order, with what is closed in their fields, or in ``only`` some of them. Raises as :func:`in_clear_all`.
    """
    rows = list(found)
    closed = [number for number, row in enumerate(rows) if row.erased and _CLOSED in row.erased]
    there = [rows[number] for number in closed]
    entries = [part_of(row.position, row.record_id, row.operation, row.fields, row.erased) for row in there]
    fields = dict(zip(closed, (entry.fields for entry in in_clear_all(connection, entries, only)), strict=True))
    return [(*row[:4], fields[number], row.erased) if number in fields else row for number, row in enumerate(rows)]


def in_answers(connection: Connection, answers: Iterable[bytes | None]) -> list[bytes | None]:
    """Answers of statements with the closed values in them as they were; raises as :func:`in_clear_all`."""
    texts = list(answers)
    places = {match[0]: match for each in texts if each is not None for match in _PLACE.finditer(each)}
    if not places:
        return texts
    asked = [
        (part_of(int(match[1]), match[2].decode()), match[3].decode(), match[5].decode()) for match in places.values()
    ]
    found = dict(zip(places, _opened(connection, asked), strict=True))

    def told(match: re.Match[bytes]) -> bytes:
        value, part = found[match[0]], match[4]
        if part != b"v" and value is not None:
            value = value[int(part)]
        return text(value).encode()

    return [None if each is None else _PLACE.sub(told, each) for each in texts]


def _opened(connection: Connection, wanted: Sequence[tuple[Stored, str, Any]]) -> list[Any]:
    store, mark = store_of(connection), mark_of(connection)
    if store is None or mark is None:
        raise SealingUnavailable(
            "There is no key store for closed values of the change log.",
            hint="Whoever runs the server names it by XRM_KEY_STORE_URL.",
        )
    keys = store.by_ids(mark, {key_of(said) for _, _, said in wanted})
    found = []
    for entry, name, said in wanted:
        key = keys[key_of(said)]
        found.append(None if key is None else opened(key.content, mark, entry, name, said)[0])
    return found


def _shaped(entry: Stored, values: Mapping[str, Any]) -> dict[str, Any]:
    """A pair where an entry has pairs, also of what is gone with its key."""
    empty: Any = [None, None] if entry.operation == "update" else None
    return {name: empty if value is None else value for name, value in values.items()}


def part_of(
    position: int, record_id: Any, operation: str = "", fields: str = "{}", erased: str | None = None
) -> Stored:
    """So much of an entry as it takes to open its values."""
    return Stored(position, "", "", str(record_id), operation, 0, None, "[]", fields, None, erased)
