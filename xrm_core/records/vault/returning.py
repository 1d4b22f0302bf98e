"""A deposit comes back: records with their ids, links and versions, values where nobody has written another one."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from xrm_core.changes import log
from xrm_core.changes.entry import Change, Operation
from xrm_core.changes.relocating import put_back
from xrm_core.errors import VaultRefused
from xrm_core.metadata.model import Entity, Model
from xrm_core.permissions.policy import Action
from xrm_core.query.trash import former_names
from xrm_core.records import coming_back, logged, looking
from xrm_core.records.aside import give_aside
from xrm_core.records.locking import locked
from xrm_core.records.log_values import close_again
from xrm_core.records.refusals import translated
from xrm_core.records.stored import to_columns
from xrm_core.records.trash import values_of
from xrm_core.records.vault.contents import give_files
from xrm_core.records.vault.deposits import OF_FIELDS, RECORD, TRASHED, Deposit, Writing, kind_of, opened, rows_of
from xrm_core.records.vault.trashed import given_to_trash
from xrm_core.records.wording import noun
from xrm_core.storage.trash_tables import TRASH
from xrm_core.storage.vault_tables import VAULT, VAULT_FILE
from xrm_core.translation import say


def bring_back(context: Writing, deposit: str) -> Deposit:
    """Bring a deposit back, all of it or, if something is refused, nothing.

    Relations that others have lost are filled where they are still empty. Entries of the change log have their values
    again. Nobody's hooks are asked. A value that somebody has written meanwhile stays, and what was there before goes.

    Args:
        context: as of :func:`~xrm_core.records.vault.move_to_vault`.
        deposit: its id.

    Returns:
        What has come back.

    Raises:
        KeyError: there is no such deposit.
        VaultRefused: an entity is not there any more, or a record whose values it are was moved itself since.
        ValidationFailed: something does not fit any more, such as a unique value that another record has by now.
        SealingUnavailable, SealedKeyDestroyed: it cannot be opened, or nobody can open it any more.
        FilesUnavailable: the content of a file lies where nobody answers.
    """
    records, connection, caller = context.records, context.connection, context.system
    now = dt.datetime.now(dt.UTC)
    contents = list(opened(records, connection, rows_of(connection, deposit)))
    for row, _ in contents:
        _kind(records.model, row.entity)
    whole = [(row, content) for row, content in contents if row.kind == RECORD]
    could = (coming_back.back_of(records, caller, row.entity, content["record"], now) for row, content in whole)
    back = coming_back.checked(records, connection, caller, [each for each in could if each is not None])
    ordered = list(coming_back.in_order(back))
    coming_back.store(records, connection, caller, ordered)
    entries = [
        logged.entry(caller, each.kind, Operation.RESTORE, each.record, logged.state(each.kind, each.record))
        for each in ordered
    ]
    lost = [json.dumps(content["lost"]) for _, content in whole]
    given = coming_back.given_back(records, connection, caller, lost, back, now)
    log.append(connection, [*entries, *given], now)
    values = [(row, content) for row, content in contents if row.kind in OF_FIELDS]
    trashed = [(row, content, _files(context, row.id)) for row, content in contents if row.kind == TRASHED]
    given_to_trash(connection, trashed)
    changed = [change for row, content in values for change in _values(context, row, content, now)]
    log.append(connection, changed, now)
    for row, content in contents:
        put_back(connection, content["log"])
        give_aside(connection, _kind(records.model, row.entity), row.record_id, content.get("aside", {}))
        close_again(records, connection, row.record_id)
    files = [file for row, _ in contents for file in _files(context, row.id)]
    connection.execute(delete(VAULT).where(VAULT.c.deposit == deposit))
    give_files(context, files)
    counts: dict[str, int] = {}
    others = [row.entity for row, _ in contents if row.kind != RECORD]
    for entity in (*(each.kind.name for each in ordered), *others):
        counts[entity] = counts.get(entity, 0) + 1
    return Deposit(deposit, counts)


def _kind(model: Model, then: str) -> Entity:
    """The entity that had a name. Raises VaultRefused: it is not there any more."""
    kind = kind_of(model, then)
    if kind is None:
        raise VaultRefused(
            say("There is no entity {entity} any more.", entity=then),
            hint=say("Undo the change of the schema by which it went."),
        )
    return kind


def _files(context: Writing, vault_id: str) -> list[str]:
    mine = select(VAULT_FILE.c.file_id).where(VAULT_FILE.c.vault_id == vault_id)
    return [str(file) for file in context.connection.scalars(mine)]


def _values(context: Writing, row: Any, content: Mapping[str, Any], now: dt.datetime) -> Iterator[Change]:
    records, connection, caller = context.records, context.connection, context.system
    kind = _kind(records.model, row.entity)
    table, scope = records.tables[kind.name], records.scope(connection, caller)
    if looking.read(records, connection, kind.name, row.record_id) is None:
        _into_trash(context, kind, row, content)
        return
    [record] = locked(connection, scope, caller, kind, [row.record_id], Action.UPDATE, [])
    values, instead = values_of(kind, content["values"]), values_of(kind, content["instead"])
    back = {name: value for name, value in values.items() if record[name] == instead[name]}
    pairs = logged.differences(kind, record, back)
    if not pairs:
        return
    stamped = {"version": table.c.version + 1, "updated_at": now, "updated_by": caller.actor}
    change = update(table).where(table.c.id == row.record_id).values({**to_columns(kind, back), **stamped})
    try:
        connection.execute(change)
    except IntegrityError as error:
        raise translated(error, kind, caller) from None
    after = {"id": row.record_id, "version": record["version"] + 1}
    yield logged.entry(caller, kind, Operation.UPDATE, after, pairs)


def _into_trash(context: Writing, kind: Entity, row: Any, content: Mapping[str, Any]) -> None:
    """The record was deleted since: its values come back where it lies. It was purged: there is no place for them."""
    connection = context.connection
    whole = select(VAULT.c.id).where(VAULT.c.record_id == row.record_id, VAULT.c.kind.not_in(OF_FIELDS)).limit(1)
    if connection.scalar(whole) is not None:
        raise VaultRefused(
            say("The {entity} {id} was moved into the vault itself since.", entity=noun(kind), id=row.record_id),
            hint=say("Bring that back first."),
        )
    mine = TRASH.c.entity.in_(former_names(kind)), TRASH.c.record_id == row.record_id
    kept = connection.scalar(select(TRASH.c.record).where(*mine).with_for_update())
    if kept is not None:
        back = {
            type_: {
                name: content["values"].get(type_, {}).get(name, value)
                if value == content["instead"].get(type_, {}).get(name, value)
                else value
                for name, value in columns.items()
            }
            for type_, columns in kept.items()
        }
        connection.execute(update(TRASH).where(*mine).values(record=back))
