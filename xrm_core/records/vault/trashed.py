"""Records of the trash in the vault: they come back into the trash."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select
from uuid_utils import uuid7

from xrm_core.metadata.model import Entity
from xrm_core.query.trash import former_names
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE


def taken_from_trash(
    connection: Connection, kind: Entity, id_: str
) -> Iterator[tuple[Row[Any], dict[str, Any], list[str]]]:
    """A record of the trash, and what went along if it was the one that was deleted: row, content and files of each."""
    mine = TRASH.c.entity.in_(former_names(kind)), TRASH.c.record_id == id_
    root = connection.execute(select(TRASH).where(*mine).with_for_update()).first()
    if root is None:
        return
    rows = [root]
    if root.place == 0:
        along = select(TRASH).where(TRASH.c.deletion == root.deletion, TRASH.c.place > 0).order_by(TRASH.c.place)
        rows += connection.execute(along.with_for_update()).all()
    for row in rows:
        this = TRASH_FILE.c.entity == row.entity, TRASH_FILE.c.record_id == row.record_id
        files = [str(file) for file in connection.scalars(select(TRASH_FILE.c.file_id).where(*this))]
        content = {
            "deletion": row.deletion,
            "place": row.place,
            "deleted_at": str(row.deleted_at),
            "record": row.record,
            "lost": row.lost,
        }
        yield row, content, files
        connection.execute(delete(TRASH).where(TRASH.c.entity == row.entity, TRASH.c.record_id == row.record_id))


def given_to_trash(connection: Connection, rows: Iterable[tuple[Row[Any], Mapping[str, Any], Iterable[str]]]) -> None:
    """Put records back; one whose deletion has ended meanwhile is there on its own."""
    back = list(rows)
    with_roots = {content["deletion"] for _, content, _ in back if content["place"] == 0}
    for row, content, files in back:
        deletion, place = content["deletion"], content["place"]
        if place and deletion not in with_roots and not _there(connection, deletion):
            deletion, place = str(uuid7()), 0
        key = {"entity": row.entity, "record_id": row.record_id}
        connection.execute(delete(TRASH).where(TRASH.c.entity == row.entity, TRASH.c.record_id == row.record_id))
        values = {
            "deletion": deletion,
            "place": place,
            "deleted_at": dt.datetime.fromisoformat(content["deleted_at"]),
            "record": content["record"],
            "lost": content["lost"],
        }
        connection.execute(insert(TRASH).values({**key, **values}))
        for file in files:
            connection.execute(insert(TRASH_FILE).values({**key, "file_id": file}))


def _there(connection: Connection, deletion: str) -> bool:
    root = select(TRASH.c.record_id).where(TRASH.c.deletion == deletion, TRASH.c.place == 0)
    return connection.scalar(root.limit(1)) is not None
