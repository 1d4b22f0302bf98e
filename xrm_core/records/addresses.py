"""An e-mail address is one user's, however it is written. The database only compares it letter by letter."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from xrm_core.metadata.model import EMAIL, USER, Entity
from xrm_core.storage.folding import fold
from xrm_core.translation import say

_ADVISORY_LOCK = 0x78726D05  # «xrm» 5
_NUMBERS = 4096
"""So many locks there are for all addresses: a database server keeps some thousand at a time."""

_ALL = -1
_FEW = 16
_PART = 500


def hold(connection: Connection, entity: Entity, records: Sequence[Mapping[str, Any]]) -> None:
    """Before records are written: let nobody else take their addresses until the transaction ends.

    Args:
        connection: in the transaction of the change.
        entity: of the records; only ``user`` with a unique ``email`` has addresses.
        records: field → value.
    """
    addresses = _addresses(entity, records)
    if not addresses or connection.dialect.name != "postgresql":  # SQLite lets one write at a time
        return
    # In one order for everybody; who takes many at a time, again and again like an import, waits for others like it.
    numbers = sorted({_number(each) for each in addresses})
    wanted = [_ALL, *numbers] if len(numbers) > _FEW else numbers
    asked = text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK}, n) FROM unnest(CAST(:numbers AS integer[])) AS n")
    connection.execute(asked, {"numbers": wanted}).all()


def taken(
    connection: Connection, users: Table, entity: Entity, records: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """After records were written: the problem that another user has one of their addresses in other letters, if so.

    Args:
        connection: in the transaction of the change.
        users: the table of the entity.
        entity: of the records.
        records: as for :func:`hold`.
    """
    addresses = sorted(_addresses(entity, records))
    for part in (addresses[start : start + _PART] for start in range(0, len(addresses), _PART)):
        found = connection.scalars(select(users.c[EMAIL]).where(func.lower(users.c[EMAIL]).in_(part))).all()
        if len(found) > len({fold(each) for each in found}):
            message = say("there is another user with the same email in other letters")
            return [{"field": EMAIL, "rule": "unique", "message": message}]
    return []


def _addresses(entity: Entity, records: Sequence[Mapping[str, Any]]) -> set[str]:
    """The addresses in small letters."""
    if entity.name != USER or EMAIL not in entity.fields or not entity.fields[EMAIL].unique:
        return set()
    values = [record.get(EMAIL) for record in records]
    return {small for value in values if isinstance(value, str) and (small := fold(value))}


def _number(address: str) -> int:
    return int.from_bytes(hashlib.sha256(address.encode()).digest()[:2], "big") % _NUMBERS
