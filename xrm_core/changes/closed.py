"""Closed values of the log: encrypted each by a key of its record, so that they end with it. No I/O in here.

Of an entry that is in a batch, a closed value stands where it stood, as a text; what was committed to it stands beside,
and its salt is inside. So the chain verifies with the keys and without, as it does of what was erased.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xrm_core.changes.commitments import Stored, commitment
from xrm_core.changes.entry import text
from xrm_core.sealed.envelope import PREFIX, Place, decrypted, encrypted, key_id_of
from xrm_core.sealed.key_store import DataKey

_OWN = "xl1."
_LOG = "xrm_change"
"""Stands for the entity: entries are no records."""


def with_closed(entry: Stored, keys: Mapping[str, DataKey], mark: str) -> dict[str, str]:
    """``fields`` and ``erased`` of an entry of which values have been closed, and which verifies as before; it has no
    ``salt`` of its own any more.

    Args:
        entry: of a batch: its position is known.
        keys: field → key of the record, for values that are there in clear.
        mark: of the database.
    """
    values = entry.values()
    salts, fields = entry.salts(values), json.loads(entry.fields)  # orjson would round what is longer than 64 bits
    for name, key in keys.items():
        said = text([salts[name].hex(), values[name]])
        sealed = encrypted(key.id, key.content, said, _place(mark, entry, name))
        fields[name] = _OWN + sealed[len(PREFIX) :]
    committed = {name: commitment(salts[name], name, values[name]) for name in keys}
    erased = {
        "commitments": {name: value.hex() for name, value in entry.gone().items()},
        "salts": {name: salts[name].hex() for name in values if name not in keys},
        "closed": {name: value.hex() for name, value in {**entry.closed(), **committed}.items()},
    }
    return {"fields": text(fields), "erased": text(erased)}


def opened(key: bytes, mark: str, entry: Stored, name: str, said: str) -> tuple[Any, bytes]:
    """The value, and its salt.

    Raises:
        SealedValueForeign: it was not closed there by this key.
    """
    salt, value = json.loads(decrypted(key, PREFIX + said[len(_OWN) :], _place(mark, entry, name)))
    return value, bytes.fromhex(salt)


def is_right(key: bytes, mark: str, entry: Stored, name: str, said: str) -> bool:
    """Whether a closed value is what was committed to. Raises as :func:`opened`."""
    value, salt = opened(key, mark, entry, name, said)
    return commitment(salt, name, value) == entry.closed()[name]


def key_of(said: Any) -> str:
    """The id of the key of a closed value. Raises SealedValueForeign: it has not the form of one."""
    return key_id_of(PREFIX + str(said).removeprefix(_OWN))


def in_clear(entry: Stored, values: dict[str, Any]) -> Stored:
    """An entry with what has been opened in place of what was closed: for reading, it does not verify."""
    return replace(entry, fields=text({**json.loads(entry.fields), **values}))


def _place(mark: str, entry: Stored, name: str) -> Place:
    return Place(mark, _LOG, entry.record_id, f"{entry.position}:{name}")
