"""Create, update, delete: the functions through which every change of data goes, whoever asks for it.

Order: permission → validation → before-hooks → SQL with the row rule in it → the rule once more on what was stored →
change log.
All of it in the caller's transaction: an error that leaves here must end it (roll it back).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from xrm_core.changes import log
from xrm_core.changes.entry import Change, Operation
from xrm_core.errors import Forbidden
from xrm_core.metadata.model import EMAIL, USER, Entity, Model
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.plugins import Plugins
from xrm_core.query.scan import Scope
from xrm_core.records import accounts, addresses, logged, restoring, shares, trash
from xrm_core.records.conflicts import version_conflict
from xrm_core.records.constraints import translate
from xrm_core.records.defaults import SYSTEM_NAMES, defaults, own
from xrm_core.records.files import Files
from xrm_core.records.going_along import Gone, going_along, let_go
from xrm_core.records.links import change_links, owned, split
from xrm_core.records.numbers import number_changed, number_new
from xrm_core.records.refusals import refuse, translated
from xrm_core.records.relationships import conflicts
from xrm_core.records.rights import (
    check_fields,
    context,
    denied,
    holds,
    no_record,
    row_conditions,
    target_problems,
)
from xrm_core.records.stored import Record, canonical, from_row, to_columns
from xrm_core.records.validation import Validator
from xrm_core.records.wording import invalid, noun
from xrm_core.storage.tables import Tables
from xrm_core.translation import say


class Records:
    """The write door of one model. Stateless: the connection, with its open transaction, is the caller's.

    Args:
        model: what records look like.
        tables: where they are.
        plugins: whose before-hooks are asked.
    """

    def __init__(self, model: Model, tables: Tables, plugins: Plugins) -> None:
        self.model = model
        self.tables = tables
        self.plugins = plugins
        self.validator = Validator(model)
        self.files = Files(model, tables)

    def create(self, connection: Connection, caller: Caller, entity: str, values: Mapping[str, Any]) -> str:
        """Create a record and return its id.

        Raises:
            Forbidden, ValidationFailed, RefusedByPlugin: nothing was stored.
        """
        return self.create_many(connection, caller, entity, [values])[0]

    def create_many(
        self, connection: Connection, caller: Caller, entity: str, rows: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Create records in one statement and return their ids; the first that is wrong refuses all."""
        kind = self.model[entity]
        scope = self.scope(connection, caller)
        conditions = {}
        parts = [split(kind, values) for values in rows]
        mine = [tuple(owned(kind, values)) for values in rows]
        for names in set(mine):
            check_fields(caller, kind, Action.CREATE, names)
            conditions[names] = row_conditions(scope, caller, kind, Action.CREATE, names)
        now = _now()
        prepared = [self._prepare(connection, scope, caller, kind, fields, now) for fields, _ in parts]
        if not prepared:
            return []
        number_new(connection, self.tables[entity], kind, prepared)
        addresses.hold(connection, kind, prepared)
        try:
            connection.execute(insert(self.tables[entity]), [to_columns(kind, record) for record in prepared])
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        refuse(conflicts(connection, self.tables, kind, [record["id"] for record in prepared]), kind, caller)
        refuse(addresses.taken(connection, self.tables[entity], kind, prepared), kind, caller)
        entries = [logged.entry(caller, kind, Operation.CREATE, each, logged.state(kind, each)) for each in prepared]
        log.append(connection, entries, now)
        for (_, links), record in zip(parts, prepared, strict=True):
            change_links(self, connection, caller, kind, record["id"], links)
        for names, record in zip(mine, prepared, strict=True):  # after the links, which rules may be about
            if not holds(connection, scope, caller, kind, record["id"], conditions[names]):
                raise Forbidden(
                    say("You may not create such a {entity}.", entity=noun(kind)),
                    hint=say("The record would not be one of those that your role may create, e.g. not your own."),
                )
        return [record["id"] for record in prepared]

    def update(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        id_: str,
        changes: Mapping[str, Any],
        version: int | None = None,
    ) -> None:
        """Change some fields of a record; ``version``, if given, must be its version now.

        Raises:
            NotFound, Forbidden, VersionConflict, ValidationFailed, RefusedByPlugin: nothing was changed.
        """
        kind = self.model[entity]
        scope = self.scope(connection, caller)
        mine = owned(kind, changes)
        check_fields(caller, kind, Action.UPDATE, mine)
        conditions = row_conditions(scope, caller, kind, Action.UPDATE, mine)
        changes, links = split(kind, changes)
        changes = canonical(kind, changes)
        before = self._locked(connection, scope, caller, kind, id_, Action.UPDATE, conditions)
        if version is not None and version != before["version"]:
            raise version_conflict(connection, scope, caller, kind, before, version, changes)
        self._validate(kind, {**own(before), **changes}, caller)
        final = canonical(kind, self.plugins.before_update(entity, before, dict(changes)))
        _refuse_unwritable(kind, changes, final)
        if final != changes:
            self._validate(kind, {**own(before), **final}, caller)
        self._check_targets(connection, scope, caller, kind, final)
        number_changed(connection, self.tables[entity], kind, final)
        moved = [final] if EMAIL in final and final[EMAIL] != before.get(EMAIL) else []
        addresses.hold(connection, kind, moved)
        now, version = _now(), before["version"] + 1
        stamped = {**to_columns(kind, final), "updated_at": now, "updated_by": caller.actor, "version": version}
        table = self.tables[entity]
        statement = update(table).where(table.c.id == id_, table.c.version == before["version"], *conditions)
        try:
            changed = connection.execute(statement.values(stamped), context(caller)).rowcount
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        if changed == 1:
            refuse(conflicts(connection, self.tables, kind, [id_]), kind, caller)
            refuse(addresses.taken(connection, self.tables[entity], kind, moved), kind, caller)
            record, fields = {"id": id_, "version": version}, logged.differences(kind, before, final)
            log.append(connection, [logged.entry(caller, kind, Operation.UPDATE, record, fields)], now)
            change_links(self, connection, caller, kind, id_, links)
            if entity == USER:
                accounts.follow(connection, caller, before, final)
        if changed != 1 or not holds(connection, scope, caller, kind, id_, conditions):
            raise Forbidden(
                say("You may not change the {entity} in this way.", entity=noun(kind)),
                hint=say("After the change it would not be one of the records that your role may change."),
            )

    def delete(self, connection: Connection, caller: Caller, entity: str, id_: str, version: int | None = None) -> None:
        """Move a record to the trash; ``version``, if given, must be its version now.

        Raises:
            NotFound, Forbidden, VersionConflict, RecordInUse, RefusedByPlugin: nothing was deleted.
        """
        kind = self.model[entity]
        scope = self.scope(connection, caller)
        conditions = row_conditions(scope, caller, kind, Action.DELETE, ())
        before = self._locked(connection, scope, caller, kind, id_, Action.DELETE, conditions)
        if version is not None and version != before["version"]:
            raise version_conflict(connection, scope, caller, kind, before, version, {})
        self.plugins.before_delete(entity, before)
        table, now = self.tables[entity], _now()
        along = going_along(connection, self.model, self.tables, kind, id_)
        going = [(entity, id_), *((each.kind.name, each.record["id"]) for each in along)]
        try:
            entries = let_go(connection, self.model, self.tables, caller, going, now)
            gone = connection.execute(sql_delete(table).where(table.c.id == id_, *conditions), context(caller)).rowcount
        except IntegrityError as error:
            raise translate(error, kind, deleting=True) from None
        if gone != 1:
            raise no_record(kind, id_)
        if kind.kind != "link":  # who removes a link makes it again
            trash.put(connection, caller, [Gone(kind, before), *along], entries, now)
        entries += [self._gone(caller, each.kind, each.record) for each in reversed(along)]
        log.append(connection, [*entries, self._gone(caller, kind, before)], now)
        for name, of in going:
            if name == USER:
                accounts.forget(connection, of)
        shares.forget(connection, going)

    def restore(self, connection: Connection, caller: Caller, entity: str, id_: str) -> None:
        """Bring a record back out of the trash, with what was deleted with it.

        Raises:
            NotFound: there is no such record in the trash, or none that the caller may delete and read.
            Forbidden, ValidationFailed, RefusedByPlugin: it cannot come back as things are now; nothing was restored.
        """
        restoring.restore(self, connection, caller, entity, id_)

    def share(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        id_: str,
        grantee: shares.Grantee,
        given: shares.Share | None,
        address: str | None = None,
    ) -> None:
        """Share a record with somebody, or no longer (None). See :mod:`xrm_core.records.shares` for errors.

        ``address`` is the client's, for the event.
        """
        scope, kind = self.scope(connection, caller), self.model[entity]
        if given is None:
            shares.unshare(connection, scope, caller, kind, id_, grantee, address)
        else:
            shares.share(connection, scope, caller, kind, id_, grantee, given, address)

    def scope(self, connection: Connection, caller: Caller) -> Scope:
        """What statements for a caller are compiled for."""
        return Scope(self.model, self.tables, caller.access, connection.dialect)

    def _prepare(
        self,
        connection: Connection,
        scope: Scope,
        caller: Caller,
        kind: Entity,
        values: Mapping[str, Any],
        now: dt.datetime,
    ) -> Record:
        given = {name: value for name, value in values.items() if name not in SYSTEM_NAMES}
        record = canonical(kind, {**defaults(kind, caller), **given})
        self._validate(kind, record, caller)
        final = canonical(kind, self.plugins.before_create(kind.name, record))
        _refuse_unwritable(kind, record, final)
        if final != record:
            self._validate(kind, final, caller)
        self._check_targets(connection, scope, caller, kind, given)
        system = {"id": str(uuid7()), "created_at": now, "updated_at": now, "version": 1}
        system |= {"created_by": caller.actor, "updated_by": caller.actor}
        system |= {name: value for name, value in values.items() if name in SYSTEM_NAMES}
        empty = dict.fromkeys(kind.fields)  # every row of a statement names the same columns
        return {**empty, **final, **system}

    def _gone(self, caller: Caller, kind: Entity, record: Record) -> Change:
        after = {"id": record["id"], "version": record["version"] + 1}
        return logged.entry(caller, kind, Operation.DELETE, after, logged.last_state(kind, record))

    def _validate(self, kind: Entity, record: Mapping[str, Any], caller: Caller) -> None:
        refuse(self.validator.problems(kind, record), kind, caller)

    def _check_targets(
        self, connection: Connection, scope: Scope, caller: Caller, kind: Entity, changes: Mapping[str, Any]
    ) -> None:
        problems = self.files.problems(connection, caller, kind, changes)
        if not isinstance(caller, System):  # it sees everything; whether the target exists is the foreign key's to say
            problems += target_problems(connection, scope, caller, kind, changes)
        refuse(problems, kind, caller)

    def _locked(
        self,
        connection: Connection,
        scope: Scope,
        caller: Caller,
        kind: Entity,
        id_: str,
        action: Action,
        conditions: list[Any],
    ) -> Record:
        """The record as it is stored, held until the transaction ends, if the caller may do this with it."""
        table = self.tables[kind.name]
        # Ids never change, so others may go on to refer to a record that is only updated, but not to one that goes.
        keeps_id = action is not Action.DELETE
        query = select(table).where(table.c.id == id_, *conditions).with_for_update(key_share=keeps_id)
        row = connection.execute(query, context(caller)).mappings().first()
        if row is None:
            raise denied(connection, scope, caller, kind, id_, action)
        return from_row(kind, dict(row))


def _refuse_unwritable(kind: Entity, given: Mapping[str, Any], final: Mapping[str, Any]) -> None:
    """A plugin's hook gives no values to fields that the platform sets."""
    problems = [
        {"field": name, "rule": "system", "message": say("is set by the platform, not by a plugin")}
        for name, value in final.items()
        if name in kind.fields and not kind.fields[name].writable and given.get(name) != value
    ]
    if problems:
        raise invalid(kind, problems)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
