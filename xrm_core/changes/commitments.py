"""Commitments: hashes that bind the log to its values, and still hold when a value was erased.

An entry has a random salt, out of which each of its values gets one of its own. A commitment is the hash of that salt
and the value: whoever has both can check it, and whoever has lost the salt cannot find the value by trying. The chain
is over commitments. To erase a value, its commitment is kept and its salt forgotten, and with it the salt of the entry;
the salts of the values that stay are written down instead.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from xrm_core.changes.entry import text
from xrm_core.changes.keyed_hash import keyed_hash

SALT_BYTES = 32

ACTOR, CAUSES = "$actor", "$causes"
"""Names under which author and causes are committed to; no field begins with a dollar."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it is stored; texts are JSON. See :data:`~xrm_core.storage.change_tables.CHANGE`."""

    position: int
    at: str
    entity: str
    record_id: str
    operation: str
    version: int
    actor: str | None
    causes: str
    fields: str
    salt: bytes | None
    erased: str | None

    def values(self) -> dict[str, Any]:
        """Everything that is committed to and there in clear. ValueError: something is there again that was erased, or
        something is not there that is closed.
        """
        found, gone, closed = json.loads(self.fields), self.gone(), self.closed()
        if found.keys() & gone.keys() or closed.keys() - found.keys():
            raise ValueError("a value that was erased is there, or one that is closed is not")
        found |= {ACTOR: self.actor, CAUSES: json.loads(self.causes)}
        return {name: value for name, value in found.items() if name not in gone and name not in closed}

    def gone(self) -> Mapping[str, bytes]:
        """The commitments to what was erased."""
        return _bytes(json.loads(self.erased)["commitments"]) if self.erased else {}

    def closed(self) -> Mapping[str, bytes]:
        """The commitments to what stands there in a form that takes a key to read."""
        return _bytes(json.loads(self.erased).get("closed", {})) if self.erased else {}

    def salts(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """The salt of each value that is there, by its name. KeyError or ValueError: somebody has meddled with them."""
        if self.salt is not None:
            return {name: salt_of(self.salt, name) for name in names}
        return _bytes(json.loads(self.erased or "{}")["salts"])


def salt_of(salt: bytes, name: str) -> bytes:
    """The salt of one value of an entry."""
    return keyed_hash(salt, name.encode())


def commitment(salt: bytes, name: str, value: Any) -> bytes:
    """The commitment to a value.

    Args:
        salt: the value's own.
        name: of the field.
        value: in JSON types.
    """
    return keyed_hash(salt, text([name, value]).encode())


def commitments(entry: Stored) -> dict[str, bytes]:
    """The commitments to all that an entry has or had. KeyError or ValueError: somebody has meddled with it."""
    values = entry.values()
    salts = entry.salts(values)
    found = {name: commitment(salts[name], name, value) for name, value in values.items()}
    return {**found, **entry.gone(), **entry.closed()}


def entry_hash(entry: Stored) -> bytes:
    """What the chain knows of an entry: where it stands, what it is about, and the commitments to its values."""
    about = [entry.position, entry.at, entry.entity, entry.record_id, entry.operation, entry.version]
    values = [[name, value.hex()] for name, value in sorted(commitments(entry).items())]
    return sha256(text([about, values]).encode()).digest()


def root_of(entries: Iterator[Stored]) -> bytes:
    """The hash of the entries of a batch, in the order of their positions."""
    found = sha256(b"xrm change batch")
    for entry in entries:
        found.update(entry_hash(entry))
    return found.digest()


def chain_of(before: bytes, number: int, first: int, last: int, sealed_at: str, root: bytes) -> bytes:
    """The hash of a batch and of all before it (``before``: empty for the first)."""
    return sha256(text([before.hex(), number, first, last, sealed_at, root.hex()]).encode()).digest()


def erased(entry: Stored, names: frozenset[str]) -> str:
    """What stands in the column ``erased`` after these values are gone, too; the entry's salt must then go."""
    values, found = entry.values(), commitments(entry)
    salts, gone = entry.salts(values), names.intersection(found) | entry.gone().keys()
    left = {name: salts[name].hex() for name in values if name not in gone}
    closed = {name: value.hex() for name, value in entry.closed().items() if name not in gone}
    said = {"commitments": {name: found[name].hex() for name in gone}, "salts": left}
    return text({**said, "closed": closed} if closed else said)


def _bytes(texts: Mapping[str, str]) -> dict[str, bytes]:
    return {name: bytes.fromhex(value) for name, value in texts.items()}
