"""Erasing what names somebody from the platform's own tables, wherever that ends or harms nothing else."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, update

from xrm_core.contributions.in_system import InSystem, hits, id_of
from xrm_core.jobs.job import FINISHED
from xrm_core.messages import by_hand
from xrm_core.messages.message import MessageState
from xrm_core.records.door import Records
from xrm_core.storage.message_tables import MESSAGE

_NAMELESS = "-"
_EMPTIED: Mapping[str, Mapping[str, str | None]] = {
    "xrm_log_reader": {"error": None},
    "xrm_log_waiting": {"error": None},
    "xrm_passkey": {"name": _NAMELESS},
    "xrm_share": {"reason": None},
    "xrm_token": {"label": _NAMELESS},
    "xrm_upload": {"name": _NAMELESS},
    "xrm_webhook_delivery": {"error": None},
    "xrm_workflow_run": {"error": None},
}
"""What is said there beside what the row is for, and what stands there then."""


class _Writing(Protocol):
    @property
    def records(self) -> Records: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def tenant(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What has become of it.

    Args:
        erased: from how many rows it went.
        left: where it stands yet, since somebody needs it there: a job that is to run or runs, a message that is being
            handed over, the account at a provider or a directory.
    """

    erased: int
    left: tuple[InSystem, ...]


def forget_in_system(context: _Writing, needles: Collection[str]) -> Forgotten:
    """Erase what :func:`~xrm_core.contributions.in_system.find_in_system` finds, in the transaction of the context.

    Messages that wait are cancelled, and all lose their payload and key; jobs that are over go as a whole, as do
    notices that were to be sent to an address; reasons, labels and errors are emptied, and in events what is written.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
        needles: as of ``find_in_system``.
    """
    erased, left = 0, list[InSystem]()
    for table, row, columns in list(hits(context, needles)):
        if _forgets(table.name)(context, table, row, columns):
            erased += 1
        else:
            left += [InSystem(table.name, column, id_of(table, row)) for column in columns]
    return Forgotten(erased, tuple(left))


_Forget = Callable[[_Writing, Table, Row[Any], list[str]], bool]


def _forgets(name: str) -> _Forget:
    special: Mapping[str, _Forget] = {
        "xrm_auth_event": _event,
        "xrm_job": _job,
        "xrm_message": _message,
        "xrm_notice": _gone,
    }
    return special.get(name, _emptied if name in _EMPTIED else _stays)


def _stays(_context: _Writing, _table: Table, _row: Row[Any], _columns: list[str]) -> bool:
    return False


def _emptied(context: _Writing, table: Table, row: Row[Any], columns: list[str]) -> bool:
    values = {name: value for name, value in _EMPTIED[table.name].items() if name in columns}
    context.connection.execute(update(table).where(_this(table, row)).values(values))
    return len(values) == len(columns)


def _gone(context: _Writing, table: Table, row: Row[Any], _columns: list[str]) -> bool:
    context.connection.execute(delete(table).where(_this(table, row)))
    return True


def _job(context: _Writing, table: Table, row: Row[Any], columns: list[str]) -> bool:
    return row.state in [each.value for each in FINISHED] and _gone(context, table, row, columns)


def _message(context: _Writing, table: Table, row: Row[Any], columns: list[str]) -> bool:
    if row.state == MessageState.HANDING_OVER:
        return False
    if row.state == MessageState.QUEUED:
        by_hand.cancel(context.records, context.connection, context.tenant or "", str(row.id))
    values: dict[str, Any] = {"payload": "{}", "key": None}
    values |= {"reason": None} if "reason" in columns else {}
    context.connection.execute(update(MESSAGE).where(_this(table, row)).values(values))
    return True


def _event(context: _Writing, table: Table, row: Row[Any], columns: list[str]) -> bool:
    """What has happened, when and to whom stays."""
    values: dict[str, Any] = {"subject": None} if "subject" in columns else {}
    if "details" in columns:
        kept = {name: each for name, each in json.loads(row.details).items() if not isinstance(each, str | list | dict)}
        values["details"] = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    context.connection.execute(update(table).where(_this(table, row)).values(values))
    return True


def _this(table: Table, row: Row[Any]) -> ColumnElement[bool]:
    return and_(*(each == row._mapping[each] for each in table.primary_key.columns))
