"""One record changed on PostgreSQL by one statement, which nobody has to look at in between: a round trip less.

It holds the record and what its row rules look at, changes it, logs what it was, and asks whether all that a whole
record must be still holds. That takes fields whose former values PostgreSQL writes into the log as the platform does,
and limits of the other fields that can be asked in SQL; for anything else the answer is None.

A statement sees everything as it was when it began, but what it holds as it is then. So the record is read where it is
held; and where a rule looks at another record, that must be the same one row when it is held. Where rules or the answer
look beyond the record, the record must be, too: else it would be shown as it has become to those who saw what it was.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.sql.selectable import NamedFromClause

from xrm_core.changes import log
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import TEXTUAL, FieldType
from xrm_core.permissions.caller import User
from xrm_core.query.scan import Scope
from xrm_core.records.fitting import fits
from xrm_core.records.logged import in_log
from xrm_core.records.reach import Step, only_step
from xrm_core.records.rights import ONE, VERSION, Conditions, values_for, written_required
from xrm_core.records.stored import canonical, to_columns
from xrm_core.records.written import Written
from xrm_core.storage.driver_statements import DriverStatement, written_in
from xrm_core.storage.requirements import Requirement
from xrm_core.storage.written_rows import WithWritten, looks_beyond

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AS_DIGITS = frozenset({FieldType.DECIMAL, FieldType.BIG_INTEGER})
"""Types of whose values the log has the digits, as a text."""

_TYPES = TEXTUAL | _AS_DIGITS | {FieldType.ENUM, FieldType.INTEGER, FieldType.BOOLEAN, FieldType.DATE}

_FOUND, _HELD, _PLACE = "xrm_found", "xrm_held", "xrm_place"
_ONE_MORE: ColumnElement[int] = literal_column("1", Integer())
_NOW, _BY, _NEW, _JSON = "xrm_now", "xrm_by", "xrm_new_", "xrm_json_"


@dataclass(frozen=True, slots=True)
class InOne:
    """The statements of a change of some fields, out of which one is made.

    ``row_as_seen`` changes the record unless somebody has changed it while it was waited for. ``beyond``: its rules
    rely on that.
    """

    looked_at: tuple[tuple[str, DriverStatement], ...]
    row: DriverStatement
    row_as_seen: DriverStatement
    entry: DriverStatement
    required: list[Requirement]
    beyond: bool


def _is_simple(field: Field) -> bool:
    return field.type in _TYPES and field.custom_type is None and field.sealing is None


def change_in_one(scope: Scope, kind: Entity, names: Collection[str], conditions: Conditions) -> InOne | None:
    """The change of these fields under some conditions; None: it takes more than one statement."""
    fields = [kind.fields[name] for name in names if name in kind.fields]
    if len(fields) < len(names) or not all(_is_simple(each) for each in fields):
        return None
    step = only_step(conditions.reach)
    if conditions.reach.steps and step is None:
        return None
    required = written_required(scope, kind, conditions) if conditions else []
    row = WithWritten(scope.tables, kind.name).row
    holds = fits(kind, [name for name in kind.fields if name not in names], row)
    if required is None or holds is None:
        return None
    entire = select(literal_column("1")).select_from(row).where(holds).exists()
    wanted = [*required, Requirement(("fits", kind.name, frozenset(names)), lambda: entire, {})]
    mine = scope.tables[kind.name]
    columns = {each.name: each.columns[0] for each in fields}
    found = _found(mine, columns.values(), step)
    holding = DriverStatement(_holding(mine, found, conditions), scope.dialect)
    looked_at = [(_FOUND, holding)]
    if step is not None:
        other = scope.tables[step.entity]
        looked_at.append((_HELD, DriverStatement(_holding_other(other, found, step), scope.dialect)))
        wanted.append(Requirement(("held as seen", kind.name, step), lambda: _other_as_seen(other, found, step), {}))
    entry = {
        "record_id": found.c.id,
        "version": found.c.version + _ONE_MORE,
        "at": _moment(found),
        "fields": _differences(kind, mine, columns, found),
    }
    return InOne(
        tuple(looked_at),
        DriverStatement(_changing(mine, columns.values(), mine.c.id == _one(found.c.id)), scope.dialect),
        DriverStatement(_changing(mine, columns.values(), _as_seen(mine, found)), scope.dialect),
        log.deriving(scope.dialect, kind.name, found, entry),
        wanted,
        looks_beyond(holding.sql, scope.tables, kind.name),
    )


def changing_in_one(
    records: "Records",
    caller: User,
    kind: Entity,
    id_: str,
    changes: Mapping[str, Any],
    ready: InOne,
    version: int | None,
    now: dt.datetime,
    *,
    beyond: bool,
) -> Written | None:
    """What changes a record, if it has this version (None: whichever it has); None: the change is not as it should be.

    Args:
        records: the door.
        caller: who changes it.
        kind: its entity, without hooks and formats of plugins.
        id_: its id.
        changes: the fields of ``ready``.
        ready: as the caller may change them.
        version: of the record.
        now: the moment; a later one, if somebody has changed it later while this waited.
        beyond: whether the answer shows more than the record, or shows it by what else there is.
    """
    final = canonical(kind, changes)
    if None in final.values() or not records.validator.are_fit(kind, final):
        return None
    values = values_for(caller, {ONE: id_, VERSION: version, _NOW: now, _BY: caller.actor})
    values.update(log.derived(caller.actor, caller.causes))
    for name, value in to_columns(kind, final).items():
        values[f"{_NEW}{name}"] = value
    for name, value in final.items():
        field = kind.fields[name]
        values[f"{_JSON}{field.columns[0]}"] = orjson.dumps(in_log(field, value)).decode()
    looked_at = tuple((name, statement.call(values)) for name, statement in ready.looked_at)
    row = ready.row_as_seen if beyond or ready.beyond else ready.row
    return Written([], row.call(values), ready.entry.call(values), ready.required, True, looked_at)


def _found(mine: Table, columns: Collection[str], step: Step | None) -> FromClause:
    """What is known of the record where it is held."""
    names = dict.fromkeys(["id", "version", "updated_at", *columns, *([] if step is None else [step.column])])
    return table(_FOUND, *(column(name, mine.c[name].type) for name in names), column(_PLACE))


def _holding(mine: Table, found: FromClause, conditions: Conditions) -> Any:
    its = mine.c.version == func.coalesce(bindparam(VERSION, type_=Integer()), mine.c.version)
    one = mine.c.id == bindparam(ONE, type_=mine.c.id.type)
    columns = [mine.c[each.name] for each in found.c if each.name != _PLACE]
    return select(*columns, _place(mine)).where(one, its, *conditions).with_for_update(key_share=True)


def _holding_other(other: Table, found: FromClause, step: Step) -> Any:
    it = other.alias("xrm_other")
    return select(_place(it)).where(it.c.id == _one(found.c[step.column])).with_for_update(read=True)


def _other_as_seen(other: Table, found: FromClause, step: Step) -> ColumnElement[bool]:
    """That nobody has changed a record, or taken it away, before it was held."""
    it, held = other.alias("xrm_seen"), table(_HELD, column(_PLACE))
    seen = select(_place(it)).where(it.c.id == _one(found.c[step.column]))
    return seen.scalar_subquery().is_not_distinct_from(_one(held.c[_PLACE]))


def _as_seen(mine: Table, found: FromClause) -> ColumnElement[bool]:
    """The record where it is held: a statement does not find there what was written after it began."""
    place: ColumnElement[bool] = literal_column(f'"{mine.name}".ctid') == _one(found.c[_PLACE])
    return place


def _place(row: NamedFromClause) -> ColumnElement[Any]:
    """Where a row is stored, which is another place after each change; see ``ctid`` in PostgreSQL's manual."""
    found: ColumnElement[Any] = literal_column(f'"{row.name}".ctid').label(_PLACE)
    return found


def _changing(mine: Table, columns: Collection[str], which: ColumnElement[bool]) -> Any:
    values: dict[str, Any] = {name: bindparam(f"{_NEW}{name}", type_=mine.c[name].type) for name in columns}
    values["updated_at"] = _moment(mine)
    values["updated_by"] = bindparam(_BY, type_=mine.c.updated_by.type)
    values["version"] = mine.c.version + _ONE_MORE
    return update(mine).where(which).values(values)


def _moment(row: FromClause) -> ColumnElement[Any]:
    return func.greatest(bindparam(_NOW, type_=row.c.updated_at.type), row.c.updated_at)


def _differences(kind: Entity, mine: Table, columns: Mapping[str, str], found: FromClause) -> ColumnElement[str]:
    """What :func:`~xrm_core.records.logged.differences` says, as the text of a JSON object."""
    pairs = []
    comma, end = written_in(","), written_in("]")
    for name, stored in sorted(columns.items()):
        old, new = found.c[stored], bindparam(f"{_NEW}{stored}", type_=mine.c[stored].type)
        shown = cast(old, Text()) if kind.fields[name].type in _AS_DIGITS else old
        was = func.coalesce(cast(func.to_json(shown), Text()), written_in("null"))
        is_ = bindparam(f"{_JSON}{stored}", type_=Text())
        text = written_in(f"{orjson.dumps(name).decode()}:[").concat(was).concat(comma).concat(is_)
        pairs.append(case((old.is_distinct_from(new), text.concat(end))))
    return written_in("{").concat(func.concat_ws(comma, *pairs, type_=String())).concat(written_in("}"))


def _one(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(value).scalar_subquery()
