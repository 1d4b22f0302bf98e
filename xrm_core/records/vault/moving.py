"""Records and values are moved into the vault.

For all who read it is as if the record had been deleted: it and what cannot be without it leave their tables, relations
to them are emptied, and what the change log holds of their values goes along. But nobody's hooks are asked: the record
is not at its end.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from xrm_core.changes import log
from xrm_core.changes.entry import Change, Operation
from xrm_core.changes.relocating import take_out
from xrm_core.errors import VaultRefused
from xrm_core.metadata.clock import instant_text
from xrm_core.metadata.model import TEAM, USER, Entity
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action
from xrm_core.records import logged, shares
from xrm_core.records.aside import take_aside
from xrm_core.records.coming_back import Back, in_order
from xrm_core.records.former_names import entries_of, gone_fields, names_then
from xrm_core.records.going_along import Gone, going_along, let_go
from xrm_core.records.locking import locked
from xrm_core.records.refusals import translated
from xrm_core.records.stored import Record, canonical, to_columns
from xrm_core.records.trash import kept_of
from xrm_core.records.vault.contents import files_meant, take_files
from xrm_core.records.vault.deposits import RECORD, TRASHED, VALUES, Deposit, Writing, kind_of, sealed, sealing
from xrm_core.records.vault.trashed import taken_from_trash
from xrm_core.storage import file_store
from xrm_core.storage.vault_tables import KEPT, VAULT, VAULT_FILE
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500
_BY = ("cascade", "restrict")
"""What refers to a record by such a relation could not be without it."""

Key = tuple[str, str]
"""Entity and id of a record."""


def move_to_vault(
    context: Writing,
    subject: str,
    records: Iterable[Key],
    values: Mapping[Key, Mapping[str, Any]] | None = None,
    trashed: Iterable[Key] = (),
    *,
    searched: bool = True,
) -> Deposit:
    """Move records, and values of others, out of their tables into the vault.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
        subject: id of whose they are: their key seals them, and once that is destroyed nothing brings them back.
        records: entity and id of each; what refers to them and cannot be without them goes along.
        values: entity and id of a record that stays → what stands in some of its fields meanwhile.
        trashed: entity and id of each that is in the trash; if it was deleted on its own, what went with it goes along.
        searched: whether ``vaulted`` finds the ``values`` by their entity alone. What is to lie there for years is not
            opened by everybody who looks for somebody: it is found by the ids of its records.

    Returns:
        What :func:`bring_back` brings back.

    Raises:
        KeyError: there is no such entity or field.
        NotFound: there is no such record.
        VaultRefused: a user or team is among them.
        DeletionTooLarge: they are too many.
        SealingUnavailable, SealedKeyDestroyed: nothing can be sealed for the subject.
        FilesUnavailable: the content of a file that goes along lies where nobody answers.
    """
    move = _Move(context, subject, VALUES if searched else KEPT)
    roots = sorted(set(records))
    gone = _held(context, roots)
    for (entity, id_), replaced in sorted((values or {}).items()):
        if not any((each.kind.name, each.record["id"]) == (entity, id_) for each in gone):
            move.values(context.records.model[entity], id_, replaced)
    if gone:
        move.records(gone)
    for entity, id_ in sorted(set(trashed)):
        move.trashed(context.records.model[entity], id_)
    return Deposit(move.deposit, move.stored())


class _Move:
    """One deposit, as it is made."""

    def __init__(self, context: Writing, subject: str, of_fields: str) -> None:
        self.context, self.subject, self._of_fields = context, subject, of_fields
        self.deposit = str(uuid7())
        self._box = sealing(context)
        self._now = dt.datetime.now(dt.UTC)
        self._rows: list[dict[str, Any]] = []
        self._files: list[dict[str, str]] = []

    def records(self, gone: Sequence[Gone]) -> None:
        """Whole records."""
        records, connection, caller = self.context.records, self.context.connection, self.context.system
        keys = [(each.kind.name, each.record["id"]) for each in gone]
        most = records.most_along
        emptied = let_go(connection, records.model, records.tables, caller, keys, self._now, most)
        lost = [_lost(change) for change in emptied]
        for number, each in enumerate(gone):
            taken = take_out(connection, each.record["id"])
            stamped = {**each.record, "version": each.record["version"] + 1}
            stamped |= {"updated_at": instant_text(self._now), "updated_by": caller.actor}
            content = {"record": kept_of(each.kind, stamped), "log": taken, "lost": [] if number else lost}
            content["aside"] = take_aside(connection, each.kind, each.record["id"])
            self._keep(RECORD, each.kind, each.record, content, each.kind.fields)
        _delete(records, connection, gone)
        entries = [_entry(caller, each) for each in gone]
        log.append(connection, [*emptied, *entries], self._now)
        shares.forget(connection, keys)

    def values(self, kind: Entity, id_: str, replaced: Mapping[str, Any]) -> None:
        """Some values of a record that stays."""
        records, connection, caller = self.context.records, self.context.connection, self.context.system
        names = sorted(kind[name].name for name in replaced)
        scope = records.scope(connection, caller)
        [record] = locked(connection, scope, caller, kind, [id_], Action.UPDATE, [])
        table = records.tables[kind.name]
        stamped = {"version": table.c.version + 1, "updated_at": self._now, "updated_by": caller.actor}
        change = update(table).where(table.c.id == id_).values({**to_columns(kind, dict(replaced)), **stamped})
        try:
            connection.execute(change)
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        pairs = logged.differences(kind, record, dict(replaced))
        after = {"id": id_, "version": record["version"] + 1}
        log.append(connection, [logged.entry(caller, kind, Operation.UPDATE, after, pairs)], self._now)
        former = {name: record[name] for name in names}
        taken = take_out(connection, id_, names_then(kind, names) | gone_fields(kind, entries_of(connection, id_)))
        instead = kept_of(kind, canonical(kind, dict(replaced)))
        aside = take_aside(connection, kind, id_, names)
        content = {"values": kept_of(kind, former), "instead": instead, "log": taken, "aside": aside}
        self._keep(self._of_fields, kind, record, content, names)

    def trashed(self, kind: Entity, id_: str) -> None:
        """A record of the trash."""
        connection = self.context.connection
        for row, content, files in taken_from_trash(connection, kind, id_):
            taken = take_out(connection, row.record_id)
            self._put(TRASHED, row.entity, row.record_id, {**content, "log": taken}, files)

    def stored(self) -> dict[str, int]:
        """Keep it all; answers how much of each entity."""
        connection = self.context.connection
        for some in _parts(self._rows):
            connection.execute(insert(VAULT), some)
        for some in _parts(self._files):
            connection.execute(insert(VAULT_FILE), some)
        take_files(self.context, self._box, self.subject, [each["file_id"] for each in self._files])
        counts: dict[str, int] = {}
        for row in self._rows:
            counts[row["entity"]] = counts.get(row["entity"], 0) + 1
        return counts

    def _keep(self, how: str, kind: Entity, record: Record, content: Mapping[str, Any], names: Iterable[str]) -> None:
        files = {record[name] for name in names if kind[name].type is FieldType.FILE} - {None}
        self._put(how, kind.name, record["id"], content, map(str, files))

    def _put(self, how: str, entity: str, record_id: str, content: Mapping[str, Any], files: Iterable[str]) -> None:
        connection, model = self.context.connection, self.context.records.model
        meant = files_meant(kind_of(model, entity), content)
        kept = {*files, *(file_store.known(connection, meant) if meant else ())}
        id_ = str(uuid7())
        self._rows.append(
            {
                "id": id_,
                "deposit": self.deposit,
                "place": len(self._rows),
                "subject": self.subject,
                "kind": how,
                "entity": entity,
                "record_id": record_id,
                "moved_at": self._now,
                "content": sealed(self._box, self.subject, entity, record_id, content),
            }
        )
        self._files += [{"file_id": file, "vault_id": id_} for file in sorted(kept)]


def _held(context: Writing, roots: Sequence[Key]) -> list[Gone]:
    """The records, with what cannot be without them, each once, and held."""
    records, connection, caller = context.records, context.connection, context.system
    scope, model = records.scope(connection, caller), records.model
    found: dict[Key, Gone] = {}
    for entity, some in groupby(roots, lambda key: key[0]):
        kind, ids = model[entity], [id_ for _, id_ in some]
        for record in locked(connection, scope, caller, kind, ids, Action.DELETE, []):
            found[entity, record["id"]] = Gone(kind, record)
    for entity, some in groupby(roots, lambda key: key[0]):
        ids = [id_ for _, id_ in some]
        along = going_along(connection, model, records.tables, model[entity], ids, records.most_along, _BY)
        for each in along:
            found.setdefault((each.kind.name, each.record["id"]), each)
    if any(entity in (USER, TEAM) for entity, _ in found):
        raise VaultRefused(
            say("Users and teams cannot be moved out of their tables."),
            hint=say("Deactivate the user instead."),
        )
    return list(found.values())


def _delete(records: "Records", connection: Connection, gone: Sequence[Gone]) -> None:
    """What refers to others before those; where that goes round, some relations are emptied first."""
    ordered = [*in_order([Back(each.kind, each.record) for each in gone])]
    for each in ordered:
        if each.later:
            table = records.tables[each.kind.name]
            empty = to_columns(each.kind, dict.fromkeys(each.later))
            connection.execute(update(table).where(table.c.id == each.record["id"]).values(empty))
    for entity, some in groupby(reversed(ordered), lambda each: each.kind.name):
        table = records.tables[entity]
        for part in _parts([each.record["id"] for each in some]):
            connection.execute(delete(table).where(table.c.id.in_(part)))


def _entry(caller: Any, gone: Gone) -> Change:
    after = {"id": gone.record["id"], "version": gone.record["version"] + 1}
    return logged.entry(caller, gone.kind, Operation.DELETE, after, {})


def _lost(change: Change) -> list[Any]:
    [(field, (old, _))] = change.fields.items()
    return [change.entity, change.record_id, field, json.loads(json.dumps(old))]


def _parts(all_: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
