"""Create, update, delete: the functions through which every change of data goes, whoever asks for it.

Order: permission → validation → before-hooks → SQL with the row rule in it → the rule once more on what was stored →
change log.
All of it in the caller's transaction: an error that leaves here must end it (roll it back).
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from xrm_core.metadata.in_log import LogRules, log_rules
from xrm_core.metadata.model import EMAIL, USER, Entity, Model
from xrm_core.metadata.uses import Place
from xrm_core.permissions.access import Access, full_access
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.plugins import Plugins
from xrm_core.query.scan import Scope
from xrm_core.records import (
    accounts,
    addresses,
    bulk,
    creating,
    deleting,
    going_along,
    logged,
    merging,
    nesting,
    purging,
    restoring,
    sealing,
    shares,
    upserting,
)
from xrm_core.records.actions import Actions
from xrm_core.records.asking import Asks
from xrm_core.records.coming import by_key, coming_from
from xrm_core.records.conflicts import version_conflict
from xrm_core.records.defaults import own
from xrm_core.records.files import Files
from xrm_core.records.formats import Formats
from xrm_core.records.hooks import RecordHooks, Then
from xrm_core.records.links import change_links, owned, split
from xrm_core.records.locking import locked
from xrm_core.records.nested_input import has_nested
from xrm_core.records.numbers import number_changed
from xrm_core.records.reach import hold_for
from xrm_core.records.refusals import refuse, refuse_unwritable, translated
from xrm_core.records.relationships import conflicts, stands_alone
from xrm_core.records.rights import (
    check_fields,
    holding,
    holds,
    in_sight,
    not_so,
    row_conditions,
    target_problems,
)
from xrm_core.records.sealed_files import open_attached
from xrm_core.records.stored import canonical
from xrm_core.records.updating import changing_one
from xrm_core.records.validation import Validator
from xrm_core.sealed.box import Opened
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.contents import Stores
from xrm_core.storage.driver_statements import run_together
from xrm_core.storage.tables import Tables


class Records:
    """The write door of one model. Stateless: the connection, with its open transaction, is the caller's.

    Args:
        model: what records look like.
        tables: where they are.
        plugins: whose before-hooks are asked (``hooks``), and whose ``actions`` there are.
        most_along: records that one deletion may take along or change.
        key_store: of sealed values; None: they can neither be written nor opened.
        stores: where the content of files lies; None: in the database.

    Raises:
        PluginLoadError: a plugin registers an action or a hook that cannot be used.
    """

    def __init__(
        self,
        model: Model,
        tables: Tables,
        plugins: Plugins,
        *,
        most_along: int = going_along.MOST_ALONG,
        key_store: KeyStore | None = None,
        stores: Stores | None = None,
    ) -> None:
        self.key_store = key_store
        self.stores = stores or Stores()
        self.model = model
        self.most_along = most_along
        self.tables = tables
        self.plugins = plugins
        self.formats = Formats(plugins, model)
        self.validator = Validator(model, self.formats)
        self.files = Files(model, tables, lambda: sealing.store_of(self))
        self.hooks = RecordHooks(plugins, model)
        self.actions = Actions(plugins, model)
        self.asks: Asks | None = None
        """What answers documents of plugins; whoever puts the rooms together sets it."""

    @cached_property
    def log_rules(self) -> LogRules:
        """Of which fields the change log does not keep values in clear."""
        return log_rules(self.plugins, self.model)

    @cached_property
    def full_access(self) -> Access:
        """All rights there are: the platform's own."""
        return full_access(self.model)

    def create(self, connection: Connection, caller: Caller, entity: str, values: Mapping[str, Any]) -> str:
        """Create a record and return its id.

        Raises:
            Forbidden, ValidationFailed, RefusedByPlugin: nothing was stored.
        """
        return self.create_many(connection, caller, entity, [values])[0]

    def create_many(
        self, connection: Connection, caller: Caller, entity: str, rows: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Create records in one statement and return their ids; the first that is wrong refuses all.

        Others may stand in their values, in place of those of relations: see :mod:`xrm_core.records.nested_input`.
        """
        kind, now = self.model[entity], _now()
        if any(has_nested(kind, values) for values in rows):
            return nesting.create_nested(self, connection, caller, kind, rows, now)
        ready, wrong = creating.prepare(self, connection, caller, kind, rows, now)
        if wrong:
            raise wrong[min(wrong)]
        creating.store(self, connection, caller, kind, ready, now)
        return [each.record["id"] for each in ready]

    def update(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        id_: str,
        changes: Mapping[str, Any],
        version: int | None = None,
        *,
        touch: bool = True,
        known: Collection[str] = (),
    ) -> bool:
        """Change some fields of a record; ``version``, if given, must be its version now.

        ``touch``: it counts as a change also if all values are what they were; without, only if the caller does not see
        some of these. Answers whether anything was written.
        ``known`` are fields whose values come out of a record that the caller may read: their files need not be found.

        Raises:
            NotFound, Forbidden, VersionConflict, ValidationFailed, RefusedByPlugin: nothing was changed.
        """
        kind = self.model[entity]
        scope = self.scope(connection, caller)
        mine = owned(kind, changes)
        check_fields(caller, kind, Action.UPDATE, mine)
        conditions = row_conditions(scope, caller, kind, Action.UPDATE, mine)
        changes, links = split(kind, changes)
        changes = self.canonical(kind, changes)
        [before] = locked(connection, scope, caller, kind, [id_], Action.UPDATE, conditions)
        if version is not None and version != before["version"]:
            raise version_conflict(connection, scope, caller, kind, before, version, changes)
        self._validate(kind, {**own(before), **changes}, caller, changes)
        then = Then(self, connection, caller)
        final = self.canonical(kind, self.hooks.before_update(entity, before, dict(changes), then))
        refuse_unwritable(kind, changes, final)
        if final != changes:
            self._validate(kind, {**own(before), **final}, caller, final)
        self._check_targets(connection, scope, caller, kind, changes, final, known)
        final = sealing.sealed(self, connection, kind, before, final, id_)
        open_attached(self, connection, kind, final)
        untouched = not touch and not logged.differences(kind, before, final)
        if untouched and in_sight(caller.access, kind, final):
            if not change_links(self, connection, caller, kind, id_, links, touch=False):
                return False
            links = {}
        hold_for(connection, scope, kind, [final], conditions.reach)
        number_changed(connection, self.tables[entity], kind, final)
        moved = [final] if EMAIL in final and final[EMAIL] != before.get(EMAIL) else []
        addresses.hold(connection, kind, moved)
        calls = changing_one(scope, caller, kind, before, final, conditions, _now())
        alone = stands_alone(kind) and not links and bool(conditions)
        # Where nobody else writes, rules that look at nothing of this hold after it as they did before.
        settled = alone and connection.dialect.name == "sqlite" and not _touched(kind, final) & conditions.places
        question = None if settled else holding(scope, caller, kind, id_, conditions)
        if alone and question is not None:  # else the rules are asked after all that follows from the change
            calls.append(question)
        try:
            outcomes = run_together(connection, calls)
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        changed, found = outcomes[0][1], outcomes[-1][0]
        if changed == 1 and not alone:
            refuse(conflicts(connection, self.tables, kind, [id_]), kind, caller)
            refuse(addresses.taken(connection, self.tables[entity], kind, moved), kind, caller)
            change_links(self, connection, caller, kind, id_, links)
            if entity == USER:
                accounts.follow(connection, caller, before, final)
        hold = settled or (found if alone else holds(connection, scope, caller, kind, id_, conditions))
        if changed != 1 or not hold:
            raise not_so(connection, conditions, kind)
        then.follow(entity, id_)
        return True

    def upsert(
        self, connection: Connection, caller: Caller, entity: str, by: Sequence[str], values: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """Change the record that has the values of a key, or create it; answers its id, and whether it was created.

        One that would become what it is stays as it is. A record that the caller cannot see is not changed; that its
        key is taken is told as by :meth:`create`.

        Args:
            connection: in a write transaction.
            caller: who writes it; may have to create as to update.
            entity: of the record.
            by: a key, one of :func:`~xrm_core.records.keys.keys_of`.
            values: those of its key, all of them, and whatever else it shall have.

        Raises:
            Forbidden, ValidationFailed, RefusedByPlugin: nothing was stored.
        """
        with coming_from(by_key(caller)):
            return upserting.upsert_one(self, connection, caller, entity, by, values)

    def delete(self, connection: Connection, caller: Caller, entity: str, id_: str, version: int | None = None) -> None:
        """Move a record to the trash; ``version``, if given, must be its version now.

        Raises:
            NotFound, Forbidden, VersionConflict, RecordInUse, DeletionTooLarge, RefusedByPlugin: nothing was deleted.
        """
        deleting.remove(self, connection, caller, entity, [id_], version)

    def hold(self, connection: Connection, caller: Caller, entity: str, id_: str) -> None:
        """Hold a record that is to be deleted, so that what is read of it now is what goes.

        Raises:
            NotFound, Forbidden: the caller may not delete it.
        """
        if connection.dialect.name == "sqlite":  # one writer at a time
            return
        kind, scope = self.model[entity], self.scope(connection, caller)
        conditions = row_conditions(scope, caller, kind, Action.DELETE, ())
        locked(connection, scope, caller, kind, [id_], Action.DELETE, conditions)

    def create_bulk(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        skip: bool = False,
    ) -> bulk.Outcome:
        """Create up to :data:`~xrm_core.records.bulk.MOST` records. ``skip``: leave out what is wrong.

        Raises:
            QueryTooLarge: they are more.
            Forbidden, BulkRefused: nothing was stored.
        """
        return bulk.create(self, connection, caller, entity, rows, skip=skip)

    def upsert_bulk(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        by: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        *,
        skip: bool = False,
    ) -> upserting.Upserted:
        """As :meth:`upsert` for up to :data:`~xrm_core.records.bulk.MOST` records, and as :meth:`create_bulk`."""
        with coming_from(by_key(caller)):
            return upserting.upsert(self, connection, caller, entity, by, rows, skip=skip)

    def update_bulk(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        ids: Sequence[str],
        changes: Mapping[str, Any],
        *,
        skip: bool = False,
    ) -> bulk.Outcome:
        """Change records, each named once, in the same way. As :meth:`create_bulk`."""
        return bulk.update(self, connection, caller, entity, ids, changes, skip=skip)

    def delete_bulk(
        self, connection: Connection, caller: Caller, entity: str, ids: Sequence[str], *, skip: bool = False
    ) -> bulk.Outcome:
        """Move records, each named once, to the trash. As :meth:`create_bulk`."""
        return bulk.delete(self, connection, caller, entity, ids, skip=skip)

    def restore_bulk(
        self, connection: Connection, caller: Caller, entity: str, ids: Sequence[str], *, skip: bool = False
    ) -> bulk.Outcome:
        """Bring records, each named once, back out of the trash. As :meth:`create_bulk`."""
        return bulk.restore(self, connection, caller, entity, ids, skip=skip)

    def purge_bulk(
        self,
        connection: Connection,
        caller: Caller,
        entity: str,
        ids: Sequence[str],
        *,
        skip: bool = False,
        address: str | None = None,
    ) -> bulk.Outcome:
        """End records in the trash, each named once, for good. As :meth:`create_bulk` and :meth:`purge`."""
        return bulk.purge(self, connection, caller, entity, ids, skip=skip, address=address)

    def purge(
        self, connection: Connection, caller: Caller, entity: str, ids: Sequence[str], address: str | None = None
    ) -> None:
        """End records that are in the trash for good, with their files. See :mod:`xrm_core.records.purging`.

        Raises:
            Forbidden, NotFound: nothing was ended.
        """
        purging.purge(self, connection, caller, entity, ids, address)

    def restore(self, connection: Connection, caller: Caller, entity: str, id_: str) -> None:
        """Bring a record back out of the trash, with what was deleted with it.

        Raises:
            NotFound: there is no such record in the trash, or none that the caller may delete and read.
            Forbidden, ValidationFailed, RefusedByPlugin: it cannot come back as things are now; nothing was restored.
        """
        restoring.restore(self, connection, caller, entity, [id_])

    def merge(self, connection: Connection, caller: Caller, entity: str, wanted: merging.Wanted) -> list[merging.Moved]:
        """Merge records into another; answers what was moved to it, by entity.

        Raises:
            BadQuery, QueryTooLarge: it cannot be done like this.
            NotFound, Forbidden, VersionConflict, ValidationFailed, MergeConflict, RecordInUse, RefusedByPlugin:
                nothing was merged.
        """
        return merging.merge(self, connection, caller, entity, wanted)

    def open_sealed(
        self, connection: Connection, caller: Caller, entity: str, id_: str, fields: Sequence[str] = ()
    ) -> dict[str, Opened]:
        """Sealed values of a record, in clear: field → what is in it. Who has opened them is logged.

        Args:
            connection: in a write transaction, if the caller is a user.
            caller: who opens them; takes the right to read the object ``xrm_sealed``, and these fields.
            entity: of the record.
            id_: its id.
            fields: which; none: all that the caller may open.

        Raises:
            Forbidden, NotFound: the caller may not.
            SealingUnavailable, SealedValueForeign: they cannot be opened.
        """
        return sealing.open_values(self, connection, caller, entity, id_, fields)[0]

    def find_sealed(self, connection: Connection, caller: Caller, entity: str, field: str, text: str) -> list[str]:
        """Ids of records whose sealed field has a value, by its blind index; of those that the caller may open.

        Raises:
            Forbidden: the caller may not.
            FieldSealed: the field has no blind index.
            SealingUnavailable: there is no key store.
        """
        return sealing.find_equal(self, connection, caller, entity, field, text)

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

    def canonical(self, kind: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values in the one form that records have, also those in formats of plugins.

        Raises:
            RefusedByPlugin: a plugin failed.
        """
        return canonical(kind, self.formats.normal(kind, values))

    def scope(self, connection: Connection, caller: Caller) -> Scope:
        """What statements for a caller are compiled for."""
        return Scope(self.model, self.tables, caller.access, connection.dialect)

    def _validate(
        self, kind: Entity, record: Mapping[str, Any], caller: Caller, changed: Mapping[str, Any] | None = None
    ) -> None:
        refuse(self.validator.problems(kind, record, changed=changed), kind, caller)

    def _check_targets(
        self,
        connection: Connection,
        scope: Scope,
        caller: Caller,
        kind: Entity,
        changes: Mapping[str, Any],
        final: Mapping[str, Any],
        known: Collection[str] = (),
    ) -> None:
        new = {name: value for name, value in final.items() if name not in known}
        problems = self.files.problems(connection, caller, kind, changes, new)
        if not isinstance(caller, System):  # it sees everything; whether the target exists is the foreign key's to say
            problems += target_problems(connection, scope, caller, kind, changes)
        refuse(problems, kind, caller)


_STAMPS = ("updated_at", "updated_by", "version")


def _touched(kind: Entity, final: Mapping[str, Any]) -> set[Place]:
    """What a change makes another value of, or may."""
    return {(kind.name, name) for name in (*final, *_STAMPS)}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
