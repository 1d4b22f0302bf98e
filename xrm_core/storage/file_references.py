"""Who refers to files: records, the trash, the vault, what was put aside; and the end of those to whom nobody does."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Select, column, delete, exists, false, or_, select, table

from xrm_core.metadata.model import Model
from xrm_core.metadata.types import FieldType
from xrm_core.storage.applied import model_before
from xrm_core.storage.asides import read_asides
from xrm_core.storage.columns import Id
from xrm_core.storage.file_store import READING, FileState, StoredFile, leave
from xrm_core.storage.file_tables import FILE, FILE_VERSION
from xrm_core.storage.tables import Tables
from xrm_core.storage.trash_tables import TRASH_FILE
from xrm_core.storage.vault_tables import VAULT_FILE

_BATCH = 100
"""Files removed at a time: nobody who attaches one meanwhile waits long."""

_COLUMNS = tuple(FILE.c[name] for name in StoredFile.__dataclass_fields__)


def attached(
    model: Model,
    tables: Tables,
    file_id: ColumnElement[str] = FILE.c.id,
    *,
    vault: bool = True,
    but: tuple[str, str] | None = None,
) -> ColumnElement[bool]:
    """Whether any record refers to a file, of the row of ``xrm_file`` or of this id, or one in trash or ``vault``.

    ``but`` is the entity and id of a record that does not count.
    """
    return or_(
        exists().where(TRASH_FILE.c.file_id == file_id),
        exists().where(VAULT_FILE.c.file_id == file_id) if vault else false(),
        *(
            exists().where(
                tables[entity.name].c[field.columns[0]] == file_id,
                *(() if but is None or but[0] != entity.name else (tables[entity.name].c.id != but[1],)),
            )
            for entity in model
            for field in entity.fields.values()
            if field.type is FieldType.FILE
        ),
    )


def held(model: Model, tables: Tables, *, vault: bool = True) -> ColumnElement[bool]:
    """Whether any record refers to a row of ``xrm_file``, or to a file of which it is a former version."""
    later = FILE_VERSION.alias()
    former = exists().where(later.c.former_id == FILE.c.id, attached(model, tables, later.c.file_id, vault=vault))
    return attached(model, tables, vault=vault) | former


def _put_aside(connection: Connection) -> ColumnElement[bool]:
    """Whether a field refers to the file that a change of the model has put aside: an undo would bring it back."""
    later = FILE_VERSION.alias()
    found = []
    for aside in read_asides(connection):
        entity = model_before(connection, aside.change)[aside.entity]
        for field in entity.fields.values():
            if field.type is FieldType.FILE and aside.column in ("", *field.columns):
                place = table(aside.table, column(aside.name or field.columns[0], Id()))
                referred = place.c[aside.name or field.columns[0]]
                found.append(exists().where(referred == FILE.c.id))
                found.append(exists().where(later.c.former_id == FILE.c.id, referred == later.c.file_id))
    return or_(false(), *found)


def of_the_vault_alone(connection: Connection, model: Model, tables: Tables, ids: Sequence[str]) -> list[StoredFile]:
    """Those of some files to which nothing refers but what lies in the vault, held until the transaction ends."""
    # Locked first, as where files are removed.
    connection.execute(select(FILE.c.id).where(FILE.c.id.in_(ids)).order_by(FILE.c.id).with_for_update())
    unused = ~held(model, tables, vault=False) & ~_put_aside(connection)
    chosen = FILE.c.id.in_(ids), FILE.c.state != FileState.VAULTED, unused
    return [StoredFile(*row) for row in connection.execute(select(*_COLUMNS).where(*chosen).order_by(FILE.c.id))]


def is_attached(
    connection: Connection, model: Model, tables: Tables, file_id: str, but: tuple[str, str] | None = None
) -> bool:
    """Whether anything refers to a file, beside a record of this entity and id."""
    row = FILE.c.id == file_id, attached(model, tables, but=but)
    return connection.scalar(select(FILE.c.id).where(*row)) is not None


def _awaited(before: dt.datetime) -> ColumnElement[bool]:
    """Whether the file is a former version of one that still waits for its record."""
    later, file = FILE_VERSION.alias(), FILE.alias()
    waiting = later.c.file_id == file.c.id, file.c.created_at >= before
    return exists().where(later.c.former_id == FILE.c.id, *waiting)


def has_unattached(connection: Connection, model: Model, tables: Tables, before: dt.datetime) -> bool:
    """Whether there is anything that :func:`remove_unattached` would remove."""
    return connection.scalar(_old(connection, model, tables, before).limit(1)) is not None


def _old(connection: Connection, model: Model, tables: Tables, before: dt.datetime) -> Select[tuple[str]]:
    unused = ~held(model, tables) & ~_put_aside(connection) & ~_awaited(before)
    return select(FILE.c.id).where(FILE.c.created_at < before, unused).order_by(FILE.c.created_at)


def remove_unattached(connection: Connection, model: Model, tables: Tables, before: dt.datetime) -> int:
    """Remove some files that are older than ``before`` and that no record refers to; answers how many.

    A file that is being attached at this moment stays. Call it, each time in a transaction of its own, until it
    answers 0.
    """
    # Locked first, then looked at again: who attaches a file holds a lock on its row until the end.
    old = _old(connection, model, tables, before).limit(_BATCH)
    ids: list[str] = list(connection.scalars(old.with_for_update(skip_locked=True)))
    if not ids:
        return 0
    return remove_unattached_of(connection, model, tables, ids)


def remove_unattached_of(
    connection: Connection, model: Model, tables: Tables, ids: Sequence[str], reading: dt.timedelta = READING
) -> int:
    """Remove those of some files that no record refers to; answers how many. Who reads content outside of the database
    has some time for it.
    """
    unused = ~held(model, tables) & ~_put_aside(connection)
    gone = connection.scalars(delete(FILE).where(FILE.c.id.in_(ids), unused).returning(FILE.c.content_key)).all()
    leave(connection, (name for name in gone if name is not None), reading)
    return len(gone)
