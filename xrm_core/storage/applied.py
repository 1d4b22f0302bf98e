"""The models that a database has had: the rows of ``xrm_model``, of which the newest is the current one."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, inspect, select

from xrm_core.errors import ModelOutOfDate
from xrm_core.metadata.model import Model, fingerprint
from xrm_core.metadata.snapshot import from_snapshot
from xrm_core.storage.schema_files import schema_files
from xrm_core.storage.system import MODEL
from xrm_core.storage.system_statements import SystemStatement

_FINGERPRINT = SystemStatement(lambda _: select(MODEL.c.fingerprint).order_by(MODEL.c.id.desc()).limit(1))


def current_model(connection: Connection) -> Model | None:
    """The applied model, or None if none was applied yet.

    Raises:
        ModelOutOfDate: a newer version of the platform wrote it in a form that this one cannot read.
    """
    if not has_models(connection):
        return None
    text = connection.scalar(select(MODEL.c.snapshot).order_by(MODEL.c.id.desc()).limit(1))
    return None if text is None else _read(text)


def model_before(connection: Connection, change: int) -> Model:
    """The model before a change, by its number; an empty one before the first. Raises as :func:`current_model`."""
    found = select(MODEL.c.snapshot).where(MODEL.c.id < change).order_by(MODEL.c.id.desc()).limit(1)
    text = connection.scalar(found)
    return Model({}) if text is None else _read(text)


def _read(text: str) -> Model:
    try:
        return from_snapshot(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelOutOfDate(
            "The model in the database cannot be read by this version of the platform.",
            hint="Use the version that applied it, or a newer one.",
        ) from error


def applied_fingerprint(connection: Connection) -> str | None:
    """The fingerprint of the applied model, None if there is none: one indexed row.

    Raises:
        TablesChanged: the database has no system tables.
    """
    found: str | None = _FINGERPRINT.value(connection)
    return found


def tables_version(connection: Connection) -> int | None:
    """A number that goes up with every change of tables on SQLite; None on PostgreSQL, where values know their type."""
    if connection.dialect.name != "sqlite":
        return None
    found: int = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    return found


def has_models(connection: Connection) -> bool:
    """Whether the database has the table of models at all."""
    return inspect(connection).has_table(MODEL.name)


def require_model(connection: Connection, model: Model) -> None:
    """Refuse to go on if the database has another model by now: one indexed row, cheap enough for each write.

    Raises:
        ModelOutOfDate: says which commands to run.
    """
    applied = applied_fingerprint(connection)
    if applied != model.fingerprint:
        raise ModelOutOfDate(
            "The database has no model yet." if applied is None else "The database has another model than the files.",
            hint="Look at «xrm schema plan», then run «xrm schema apply».",
        )


def save_model(
    connection: Connection, snapshot: Mapping[str, Any], operations: Mapping[str, Any], *, reverts: int | None = None
) -> None:
    """Make the model of ``snapshot`` the current one; ``operations`` is what is kept of the plan that led to it.

    ``reverts`` is the number of the change that was taken back. The number of this one is the next.
    """
    connection.execute(
        insert(MODEL).values(
            id=(connection.scalar(select(func.max(MODEL.c.id))) or 0) + 1,
            fingerprint=fingerprint(snapshot),
            snapshot=json.dumps(snapshot, ensure_ascii=False),
            operations=json.dumps(operations, ensure_ascii=False, default=str),
            applied_at=dt.datetime.now(dt.UTC),
            reverts=reverts,
            schema_files=json.dumps(dict(schema_files(connection).texts), ensure_ascii=False),
        )
    )
