"""Merging duplicates: one record stays, with values of the others; what referred to them refers to it; they go.

All of it are changes through the door: the record that stays is updated, whatever is moved is updated, and the others
are moved to the trash, each with the caller's rights, the rules of its entity file and the hooks of plugins. Who may
not change everything that refers to them merges nothing, so nothing is lost and nobody moves what is not theirs.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, case, or_, select
from uuid_utils import uuid7

from xrm_core.errors import BadQuery, Forbidden, QueryTooLarge, XrmError
from xrm_core.metadata.model import USER, Entity
from xrm_core.permissions.caller import Caller, System, led
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Scope
from xrm_core.records import merged
from xrm_core.records.bulk import TOLD, in_parts
from xrm_core.records.conflicts import version_conflict
from xrm_core.records.deleting import remove
from xrm_core.records.links import owned
from xrm_core.records.locking import locked
from xrm_core.records.references import Referring, Values, hidden_in_the_way, referring, unchangeable
from xrm_core.records.rights import check_fields, context, readable, row_conditions
from xrm_core.records.sealed_fields import SEALED_FIELDS
from xrm_core.records.stored import Record, targets_of
from xrm_core.records.updating import alike, change_alike
from xrm_core.records.wording import invalid, noun, plural
from xrm_core.translation import say, say_n

if TYPE_CHECKING:
    from xrm_core.records.door import Records

MOST_MERGED = 100
"""Records that are merged into another at a time."""

MERGE, MERGED_FROM, MERGED_INTO = "merge", "merged_from", "merged_into"
"""Causes in the change log: everything has that of the merge, the record that stays those of the others, they its."""


class MergeConflict(XrmError):
    """Something that refers to the merged records cannot refer to the other; ``details.records`` says what and why."""

    code = "MERGE_CONFLICT"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be merged.

    ``into`` is the id of the record that stays, ``sources`` those of the others. ``take`` has names of fields by the
    record out of which they are taken, ``values`` what is given for others. ``version`` and ``versions`` (in the order
    of ``sources``), if given, must be those of the records now.
    """

    into: str
    sources: Sequence[str]
    take: Mapping[str, Sequence[str]]
    values: Mapping[str, Any]
    version: int | None = None
    versions: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """How many records of an entity were made to refer to the one that stays, and how many links dropped."""

    entity: str
    moved: int
    dropped: int


def merge(records: "Records", connection: Connection, caller: Caller, entity: str, wanted: Wanted) -> list[Moved]:
    """Merge records; see :meth:`xrm_core.records.door.Records.merge`."""
    kind, scope = records.model[entity], records.scope(connection, caller)
    _check(kind, wanted)
    names = owned(kind, {**wanted.values, **{name: None for some in wanted.take.values() for name in some}})
    check_fields(caller, kind, Action.UPDATE, names)
    gone = _hold(connection, scope, caller, kind, wanted, names)
    taken = {
        name: _turned(kind, name, value, wanted)
        for source in gone
        for name, value in _taken(connection, scope, caller, kind, source, wanted.take.get(source["id"], ())).items()
    }
    changes = {**wanted.values, **taken}
    merge_id, now = str(uuid7()), dt.datetime.now(dt.UTC)
    mover = led(caller, (MERGE, merge_id))
    found = referring(records, connection, caller, kind, wanted.into, wanted.sources, changes)
    _require_all(records, connection, caller, found)
    keeper = led(mover, *((MERGED_FROM, id_) for id_ in wanted.sources))
    for each in found:
        wrong = _move(records, connection, mover, each)
        if each.kind.name == entity and wanted.into in wrong and changes.keys() & each.changes[wanted.into].keys():
            # What the caller gave for a relation is wrong, which is no conflict: it is told as an update tells it.
            records.update(connection, keeper, entity, wanted.into, changes, known=taken.keys())
        if wrong:
            raise _conflict(records.scope(connection, caller), connection, caller, each.kind, wrong)
    # Whether they may be deleted is about the records as they were: rules may ask for what has been moved by now.
    remove(records, connection, led(mover, (MERGED_INTO, wanted.into)), entity, wanted.sources, allowed=True)
    records.update(connection, keeper, entity, wanted.into, changes, known=taken.keys())
    merged.note(connection, caller, kind, wanted.into, wanted.sources, merge_id, now)
    return [Moved(each.kind.name, len(each.changes), len(each.dropped)) for each in found]


def _check(kind: Entity, wanted: Wanted) -> None:
    """What is wrong with the request by itself."""
    if kind.kind != "entity" or kind.name == USER:  # an account is more than its record
        raise Forbidden(say("Records of {entities} cannot be merged.", entities=plural(kind)))
    if len(wanted.sources) > MOST_MERGED:
        raise QueryTooLarge(
            say("At most {limit} {entities} are merged at once.", limit=MOST_MERGED, entities=plural(kind)),
            hint=say("Merge them in parts."),
        )
    if not wanted.sources:
        raise BadQuery(say("There is nothing to merge: from is empty."))
    if len({wanted.into, *wanted.sources}) <= len(wanted.sources):
        raise BadQuery(
            say("A record stands in this merge twice."), hint=say("Name each once: into, or among those of from.")
        )
    if wanted.versions is not None and len(wanted.versions) != len(wanted.sources):
        raise BadQuery(say("fromVersions must have as many versions as from has ids."))
    if not wanted.take.keys() <= set(wanted.sources):
        raise BadQuery(say("A value is to be taken from a record that does not stand in from."))
    given = [*wanted.values, *(name for names in wanted.take.values() for name in dict.fromkeys(names))]
    strange = [
        name
        for names in wanted.take.values()
        for name in names
        if name not in kind.fields or name in SEALED_FIELDS(kind)
    ]
    if strange:
        message = say("is no field of which a value can be taken")
        raise invalid(kind, [{"field": name, "rule": "merge", "message": message} for name in strange])
    twice = dict.fromkeys(name for name in given if given.count(name) > 1)
    if twice:
        message = say("is given twice; take it from one record, or give its value")
        raise invalid(kind, [{"field": name, "rule": "merge", "message": message} for name in twice])


def _hold(
    connection: Connection, scope: Scope, caller: Caller, kind: Entity, wanted: Wanted, names: Mapping[str, Any]
) -> list[Record]:
    """Hold all of the records until the transaction ends; answers those that are merged into the other.

    All of them in one order, whatever their part in it: two merges of the same records wait for each other, once.
    """
    table = scope.tables[kind.name]
    changing = row_conditions(scope, caller, kind, Action.UPDATE, names)
    deleting = row_conditions(scope, caller, kind, Action.DELETE, ())
    mine = or_(and_(table.c.id == wanted.into, *changing), and_(table.c.id.in_(wanted.sources), *deleting))
    connection.execute(select(table.c.id).where(mine).order_by(table.c.id).with_for_update(), context(caller)).all()
    [survivor] = locked(connection, scope, caller, kind, [wanted.into], Action.UPDATE, changing)
    gone = locked(connection, scope, caller, kind, wanted.sources, Action.DELETE, deleting)
    versions: Sequence[int | None] = wanted.versions or (None,) * len(gone)
    for record, version in zip([survivor, *gone], [wanted.version, *versions], strict=True):
        if version is not None and version != record["version"]:
            raise version_conflict(connection, scope, caller, kind, record, version, {})
    return gone


def _taken(
    connection: Connection, scope: Scope, caller: Caller, kind: Entity, source: Record, names: Sequence[str]
) -> dict[str, Any]:
    """Values out of a record, which the caller must be able to read there: else they would be copied into the open.

    Whether there is a value must not be told either: who may not read it hears so also if it is empty, and a relation
    to a record that they cannot see is as empty as it is shown to them.
    """
    if isinstance(caller, System) or not names:
        return {name: source[name] for name in names}
    for name in names:
        if not caller.access.readable_in_full(kind.name, name):
            raise _unreadable(kind, name)
    found = scan(scope, kind)
    guards = {name: found.guard(kind[name]) for name in names}
    told = [case((guard, 1), else_=0).label(name) for name, guard in guards.items() if guard is not None]
    rule = [] if found.rule is None else [found.rule]
    query = select(found.source.c.id, *told).where(found.source.c.id == source["id"], *rule)
    row = connection.execute(query, context(caller)).mappings().first()
    for name in names:
        if row is None or not row.get(name, 1):
            raise _unreadable(kind, name)
    return {name: _shown(connection, scope, caller, kind, name, source[name]) for name in names}


def _shown(connection: Connection, scope: Scope, caller: Caller, kind: Entity, name: str, value: Any) -> Any:
    """The value of a field that the caller may read, as they see it."""
    targets = targets_of(kind.fields[name], value)
    return value if all(_seen(scope, connection, caller, scope.model[of], id_) for of, id_ in targets) else None


def _unreadable(kind: Entity, name: str) -> Forbidden:
    return Forbidden(
        say("You may not read the field {field} of this {entity}.", field=name, entity=noun(kind)),
        hint=say("Leave it out, or give a value for it."),
    )


def _turned(kind: Entity, name: str, value: Any, wanted: Wanted) -> Any:
    """A value that was taken: what would refer to one of these records, so to itself, is empty."""
    ids = {wanted.into, *wanted.sources}
    to_itself = any(target == kind.name and id_ in ids for target, id_ in targets_of(kind.fields[name], value))
    return None if to_itself else value


def _require_all(records: "Records", connection: Connection, caller: Caller, found: Sequence[Referring]) -> None:
    wrong = unchangeable(records, connection, caller, found)
    count = wrong.seen
    if wrong.hidden:  # how many they are is nobody's business, nor whether others are in the way as well
        raise hidden_in_the_way()
    if count:
        raise Forbidden(
            say_n(
                "{number} record that refers to those that are to be merged is not yours to change.",
                "{number} records that refer to those that are to be merged are not yours to change.",
                count,
            ),
            hint=say("Nothing was merged. Ask somebody who may change all of them."),
            details={"unchangeable": count},
        )


def _move(records: "Records", connection: Connection, caller: Caller, found: Referring) -> dict[str, XrmError]:
    """Let them refer to the record that stays; answers those that cannot, each with what is wrong."""
    kind = found.kind
    if found.dropped:
        remove(records, connection, caller, kind.name, found.dropped)
    wrong: dict[str, XrmError] = {}
    for values, ids in found.alike():

        def work(some: Sequence[str], values: Values = values) -> None:
            if alike(kind, values):
                change_alike(records, connection, caller, kind, some, values)
                return
            for id_ in some:
                records.update(connection, caller, kind.name, id_, values)

        in_parts(connection, ids, work, lambda id_, error: wrong.update({id_: error}), skip=False)
    return wrong


def _conflict(
    scope: Scope, connection: Connection, caller: Caller, kind: Entity, wrong: Mapping[str, XrmError]
) -> MergeConflict:
    told = [
        {"entity": kind.name, "id": id_ if _seen(scope, connection, caller, kind, id_) else None, **error.to_json()}
        for id_, error in list(wrong.items())[:TOLD]
    ]
    return MergeConflict(
        say(
            "Nothing was merged: a {entity} cannot refer to the record that stays. {message}",
            entity=noun(kind),
            message=next(iter(wrong.values())).message,
        ),
        hint=say("Change it beforehand, or delete it if it is a duplicate, too."),
        details={"records": told},
    )


def _seen(scope: Scope, connection: Connection, caller: Caller, kind: Entity, id_: str) -> bool:
    if not caller.access.may(kind.name, Action.READ):
        return False
    return readable(connection, scope, caller, kind, id_)
