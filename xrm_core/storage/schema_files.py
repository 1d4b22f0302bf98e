"""The tenant layer: entity and extension files that are kept in the database, beside the model made of them."""

import datetime as dt
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, inspect, select

from xrm_core.errors import SchemaChangeRefused
from xrm_core.storage.system import MODEL, SCHEMA_FILE

FILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}\.json")
"""What a file of the tenant layer may be called: no folder, nothing hidden."""


@dataclass(frozen=True)
class SchemaFiles:
    """The files of the tenant layer at one moment: name → text."""

    texts: Mapping[str, str]

    def require_unchanged(self, connection: Connection) -> None:
        """Refuse to apply a model that was made of files which are no longer those in the database.

        Raises:
            SchemaChangeRefused: somebody changed them meanwhile.
        """
        if schema_files(connection).texts != self.texts:
            raise SchemaChangeRefused(
                "Somebody else changed the tenant's schema files meanwhile.",
                hint="Nothing was changed. Make the plan again, look at it, and apply it.",
            )


def schema_files(connection: Connection) -> SchemaFiles:
    """The files as they are now, by name; none if the database has no system tables yet."""
    if not inspect(connection).has_table(SCHEMA_FILE.name):
        return SchemaFiles({})
    rows = connection.execute(select(SCHEMA_FILE.c.name, SCHEMA_FILE.c.text).order_by(SCHEMA_FILE.c.name))
    return SchemaFiles({row.name: row.text for row in rows})


def save_schema_files(
    connection: Connection, files: Mapping[str, str], remove: Collection[str], changed_by: str | None
) -> None:
    """Put files in the place of those of the same names, and take others away."""
    names = [*files, *remove]
    connection.execute(delete(SCHEMA_FILE).where(SCHEMA_FILE.c.name.in_(names)))
    now = dt.datetime.now(dt.UTC)
    rows = [{"name": name, "text": text, "changed_at": now, "changed_by": changed_by} for name, text in files.items()]
    if rows:
        connection.execute(insert(SCHEMA_FILE), rows)


def restore_schema_files(connection: Connection, before: int) -> None:
    """Have the files again that the layer had before change number ``before``."""
    query = select(MODEL.c.schema_files).where(MODEL.c.id < before).order_by(MODEL.c.id.desc()).limit(1)
    text = connection.scalar(query)
    if text is not None:
        save_schema_files(connection, json.loads(text), schema_files(connection).texts, None)
