"""Writing to the log: in the transaction of the change, so that there is never one without the other."""

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Dialect, FromClause, bindparam, insert, select
from sqlalchemy.sql import ColumnElement

from xrm_core.changes.commitments import SALT_BYTES
from xrm_core.changes.entry import Causes, Change, Operation, text
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.driver_statements import Call, DriverStatement, written_in
from xrm_core.storage.rows import Row, Rows


def append(connection: Connection, changes: Sequence[Change], at: dt.datetime) -> None:
    """Keep changes, in this order.

    Args:
        connection: in the write transaction in which they were made, after their own statements: an entry's number is
            taken while the record is held, so that entries of one record are in the order of its changes.
        changes: what was changed.
        at: when, aware; the moment that the records themselves show.
    """
    if changes:
        rows, moment = _layout(connection.dialect, at)
        rows.write(connection, _rows(changes, moment), len(changes))


def appending(dialect: Dialect, changes: Sequence[Change], at: dt.datetime) -> list[Call]:
    """What :func:`append` does, to be run together with the statements that make the changes, and after them."""
    rows, moment = _layout(dialect, at)
    return [rows.call(row) for row in _rows(changes, moment)]


def deriving(
    dialect: Dialect, entity: str, row: FromClause, columns: Mapping[str, ColumnElement[Any]]
) -> DriverStatement:
    """What keeps the update of a record that the same statement has found, with what is known of it there alone.

    Its other values are those of :func:`derived`.

    Args:
        dialect: of the database.
        entity: the record's.
        row: what was found.
        columns: ``record_id``, ``version``, ``at`` and ``fields`` as the log has them, out of the row.
    """
    given = {name: bindparam(f"{_DERIVED}{name}", type_=CHANGE.c[name].type) for name in ("actor", "causes", "salt")}
    same = {"entity": entity, "operation": _NAMES[Operation.UPDATE]}
    known = {name: written_in(value) for name, value in same.items()}
    all_ = {**columns, **given, **known}
    return DriverStatement(
        insert(CHANGE).from_select(list(all_), select(*all_.values()).select_from(row), include_defaults=False), dialect
    )


def derived(actor: str | None, causes: Causes) -> dict[str, Any]:
    """The values for :func:`deriving`, by the names of their binds."""
    found = {"actor": actor and actor.lower(), "causes": _json(causes), "salt": os.urandom(SALT_BYTES)}
    return {f"{_DERIVED}{name}": value for name, value in found.items()}


def _layout(dialect: Dialect, at: dt.datetime) -> tuple[Rows, Any]:
    """What writes entries, and the moment as the driver takes it."""
    rows = _ROWS.get(dialect.name)
    if rows is None:
        rows = _ROWS[dialect.name] = Rows(CHANGE, _COLUMNS, dialect)
    ready = rows.processors[rows.columns.index("at")]
    return rows, at if ready is None else ready(at)


def _rows(changes: Sequence[Change], moment: Any) -> Iterator[Row]:
    salts, known, causes = os.urandom(SALT_BYTES * len(changes)), None, ""
    for number, (entity, record_id, operation, version, actor, led_by, fields) in enumerate(changes):
        if led_by != known:  # mostly the same for all
            known, causes = led_by, _json(led_by)
        yield (
            moment,
            entity,
            record_id.lower(),
            _NAMES[operation],
            version,
            actor and actor.lower(),
            causes,
            _json(fields),
            salts[number * SALT_BYTES : (number + 1) * SALT_BYTES],
        )


def _json(fields: Any) -> str:
    """What :func:`text` gives, but for the digits of floats; in a fifth of the time."""
    try:
        return orjson.dumps(fields, option=_OPTIONS).decode()
    except TypeError:  # an integer of more than 64 bits, say
        return text(fields)


_DERIVED = "xrm_log_"
_NAMES = {each: each.value for each in Operation}  # Python looks values of enums up by a function
_COLUMNS = ("at", "entity", "record_id", "operation", "version", "actor", "causes", "fields", "salt")
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_ROWS: dict[str, Rows] = {}
"""For each dialect; the same in all databases."""
