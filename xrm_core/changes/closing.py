"""Closing values of the log: those of which a plugin says so are encrypted, or go, once their entry is in a batch.

A write does not wait for it, and what reads the log soon after does not have to open anything. What cannot be closed,
since the key store is away, is closed when it is back.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from xrm_core.changes.closed import with_closed
from xrm_core.changes.commitments import Stored
from xrm_core.changes.entry import text
from xrm_core.changes.erasing import without
from xrm_core.changes.sealing import stored
from xrm_core.metadata.in_log import LogRules
from xrm_core.sealed.key_store import DataKey, KeyStore
from xrm_core.storage.advisory import is_alone
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database
from xrm_core.storage.log_closed_table import LOG_CLOSED
from xrm_core.storage.sealed_tables import made_mark, mark_of

MOST = 500
"""Entries in a transaction."""

_PASSED = 200
_ADVISORY_LOCK = 0x78726D48  # «xrm» 72
_TIMEOUT = 30.0

_CHANGED = (
    update(CHANGE)
    .where(CHANGE.c.id == bindparam("of"))
    .values(fields=bindparam("said"), erased=bindparam("left"), salt=None)
)
"""Author and causes stay: they are no values of the record."""

Keys = dict[tuple[str, str], DataKey]


def close_all(database: Database, store: KeyStore, rules: LogRules, stop: Callable[[], bool] = lambda: False) -> int:
    """Close what is in clear and shall not be; answers how many values. Blocking.

    Args:
        database: whose log.
        store: has the keys, one for each record and :attr:`~xrm_core.metadata.in_log.InLog.key_class`.
        rules: of which values.
        stop: asked before each transaction; True: leave the rest for another time.

    Raises:
        SealingUnavailable: there is no key store; what is to be closed stays as it is.
        DatabaseUnavailable, Busy, Timeout: what was closed until then stays so.
    """
    total = 0
    while rules and not stop():
        with database.read(_TIMEOUT) as connection:
            begin = _begin(connection, rules)
            end, there = _next(connection, begin, rules)
        if end == begin:
            break
        if not there:
            if end - begin < _PASSED:  # not worth a transaction: the next one looks at these again
                break
            _pass(database, rules, end)
            continue
        count = _close(database, store, rules, begin)
        if count is None:
            break
        total += count
    return total


def close_record(connection: Connection, store: KeyStore, rules: LogRules, record_id: str) -> int:
    """Close what is in clear of one record, since it came back from elsewhere; answers how many values.

    Args:
        connection: in a write transaction.
        store: as of :func:`close_all`.
        rules: of which values.
        record_id: whose.

    Raises:
        SealingUnavailable: there is no key store.
    """
    query = select(CHANGE).where(CHANGE.c.record_id == record_id, CHANGE.c.position.is_not(None)).order_by(CHANGE.c.id)
    rows = _open(connection.execute(query.with_for_update()), rules)
    mark = made_mark(connection) if rows else ""
    keys = store.keys(mark, _wanted(rows, rules))
    return _write(connection, rows, rules, mark, keys)


def in_clear(connection: Connection, rules: LogRules) -> int:
    """How many entries have values in clear that shall be closed, but for those of the last seconds."""
    begin = _begin(connection, rules)
    named = select(CHANGE.c.position, CHANGE.c.entity, CHANGE.c.fields, CHANGE.c.erased)
    rows = connection.execute(named.where(CHANGE.c.position > begin, CHANGE.c.entity.in_(list(rules))))
    return sum(bool(_names(row, rules)) for row in rows)


def _close(database: Database, store: KeyStore, rules: LogRules, begin: int) -> int | None:
    """Close the next entries after a position; None: another server is at it."""
    with database.read(_TIMEOUT) as connection:
        (_, rows), mark = _next(connection, begin, rules), mark_of(connection)
    if not rows:  # another server has closed them since they were seen
        return 0
    if mark is None:
        with database.begin(_TIMEOUT) as connection:
            mark = made_mark(connection)
    keys = store.keys(mark, _wanted(rows, rules))
    with database.begin(_TIMEOUT) as connection:
        if not is_alone(connection, _ADVISORY_LOCK):
            return None
        ids = [row.id for row in rows]
        again = select(CHANGE).where(CHANGE.c.id.in_(ids)).order_by(CHANGE.c.id).with_for_update()
        count = _write(connection, _open(connection.execute(again), rules), rules, mark, keys)
        _keep(connection, rules, rows[-1].position)
        return count


def _write(connection: Connection, rows: Sequence[Row[Any]], rules: LogRules, mark: str, keys: Keys) -> int:
    """Close the values of entries."""
    if rows:
        connection.execute(_CHANGED, [{"of": row.id, **_columns(row, rules, mark, keys)} for row in rows])
    return sum(len(_names(row, rules)) for row in rows)


def _columns(row: Row[Any], rules: LogRules, mark: str, keys: Keys) -> dict[str, object]:
    """What becomes of an entry; values whose key was destroyed go."""
    entry, said = stored(row), rules[row.entity]
    names = _names(row, rules)
    there, gone = dict[str, DataKey](), set[str]()
    for name in names:
        key = keys.get((entry.record_id, said[name].key_class)) if said[name].mode == "sealed" else None
        if key is None:
            gone.add(name)
        else:
            there[name] = key
    values = without(entry, frozenset(gone)) if gone else {}
    if there:
        values = {**with_closed(_after(entry, values), there, mark)}
    return {"said": values["fields"], "left": values["erased"]}


def _after(entry: Stored, values: dict[str, object]) -> Stored:
    if not values:
        return entry
    return replace(entry, fields=str(values["fields"]), salt=None, erased=str(values["erased"]))


def _wanted(rows: Iterable[Row[Any]], rules: LogRules) -> set[tuple[str, str]]:
    return {
        (str(row.record_id), rule.key_class)
        for row in rows
        for name in _names(row, rules)
        if (rule := rules[row.entity][name]).mode == "sealed"
    }


def _next(connection: Connection, begin: int, rules: LogRules) -> tuple[int, list[Row[Any]]]:
    """The position up to which the next entries reach, and those of them that have something to be closed."""
    mine = CHANGE.c.position > begin, CHANGE.c.entity.in_(list(rules))
    query = select(CHANGE).where(*mine).order_by(CHANGE.c.position).limit(MOST)
    rows = connection.execute(query).all()
    return (rows[-1].position if rows else begin), _open(rows, rules)


def _open(rows: Iterable[Row[Any]], rules: LogRules) -> list[Row[Any]]:
    return [row for row in rows if _names(row, rules)]


def _names(row: Any, rules: LogRules) -> Sequence[str]:
    """The values of an entry that are in clear and shall not be."""
    said = rules.get(row.entity)
    if not said:
        return ()
    known = orjson.loads(row.erased).get("closed", {}) if row.erased else {}
    return [name for name in orjson.loads(row.fields) if name in said and name not in known]


def _begin(connection: Connection, rules: LogRules) -> int:
    row = connection.execute(select(LOG_CLOSED)).first()
    return 0 if row is None or _fields(rules) - set(json.loads(row.fields)) else int(row.position)


def _pass(database: Database, rules: LogRules, end: int) -> None:
    with database.begin(_TIMEOUT) as connection:
        if is_alone(connection, _ADVISORY_LOCK):
            _keep(connection, rules, end)


def _keep(connection: Connection, rules: LogRules, position: int) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"id": 1, "position": position, "fields": text(sorted(_fields(rules)))}
    statement = dialect.insert(LOG_CLOSED).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))


def _fields(rules: LogRules) -> set[str]:
    return {f"{entity}.{name}" for entity, fields in rules.items() for name in fields}
