"""Rows ⇄ lines of JSON that are the same whichever database they come from.

A line is one JSON object, column → value, keys in alphabetical order. Decimals, dates, times and ids are texts, bytes
are base64. Lines are in the order of the primary key, so equal tables have equal checksums.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, select

_BATCH, _BATCH_OF_BYTES = 500, 16
_LIMIT = 2**63


def batch_size(table: Table) -> int:
    """Rows of a table that are held at a time: few if they are the content of files (bytes of any length)."""
    endless = any(isinstance(column.type, LargeBinary) and column.type.length is None for column in table.columns)
    return _BATCH_OF_BYTES if endless else _BATCH


def lines(connection: Connection, table: Table) -> Iterator[bytes]:
    """The rows of a table, one line each, with the line's end. Never all of them in memory."""
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=batch_size(table))
    for row in connection.execute(query).mappings():
        yield line_of(dict(row))


def line_of(row: Mapping[str, Any]) -> bytes:
    """The line of a row, with its end."""
    content = {name: _plain(value) for name, value in row.items()}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def row_of(table: Table, line: bytes) -> dict[str, Any]:
    """The row of a line, as an insert takes it.

    Raises:
        ValueError: the line is not one of this table.
    """
    content = json.loads(line)
    if not isinstance(content, dict) or content.keys() != {column.name for column in table.columns}:
        raise ValueError(f"not a row of {table.name}")
    for column in table.columns:
        if isinstance(column.type, LargeBinary) and content[column.name] is not None:
            content[column.name] = base64.b64decode(content[column.name], validate=True)
    return content


@dataclass
class Tally:
    """Counts lines and takes their checksum."""

    rows: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes) -> None:
        """One more line."""
        self.rows += 1
        self._hash.update(line)

    def to_json(self) -> dict[str, Any]:
        """``{"rows", "sha256"}``."""
        return {"rows": self.rows, "sha256": self._hash.hexdigest()}


def tally(connection: Connection, table: Table) -> dict[str, Any]:
    """Count and checksum of a table as it is now."""
    found = Tally()
    for line in lines(connection, table):
        found.add(line)
    return found.to_json()


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int() | float():
            # A JSON column may give 1 or 1.0 for what somebody wrote as 1.0, and all digits of what he wrote as 1e30:
            # beyond 64 bits only that is taken.
            if value != int(value):
                return value
            return int(value) if -_LIMIT <= value < _LIMIT else float(value)
        case Decimal():
            return format(value, "f")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {key: _plain(each) for key, each in value.items()}
    raise TypeError(f"no form for {type(value).__name__}")
