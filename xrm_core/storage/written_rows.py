"""The row that a statement writes, to be looked at by the same statement, to which PostgreSQL does not show it in its
table.
"""

import re
from typing import Any

from sqlalchemy import Column, MetaData, Table

from xrm_core import naming
from xrm_core.storage.kept_statements import KeptStatements
from xrm_core.storage.system import METADATA
from xrm_core.storage.tables import Tables

WRITTEN = "xrm_written"
"""What it is called there."""


class WithWritten(Tables):
    """The tables of a model, with the row that is written in place of one of them.

    ``asked`` is how often that was asked for: who asks more than once, asks for other rows, too.

    Args:
        tables: all of them.
        entity: that of the row.
    """

    def __init__(self, tables: Tables, entity: str) -> None:
        self.model, self.metadata = tables.model, tables.metadata
        self.statements = KeptStatements()
        self.asked = 0
        self._tables, self._entity = tables, entity
        columns: list[Column[Any]] = [Column(each.name, each.type) for each in tables[entity].c]
        self.row = Table(WRITTEN, MetaData(), *columns)

    def __getitem__(self, entity: str) -> Table:
        if entity != self._entity:
            return self._tables[entity]
        self.asked += 1
        return self.row


def looks_beyond(sql: str, tables: Tables, entity: str) -> bool:
    """Whether a statement looks at more than the table of an entity, perhaps: by the words that stand in it."""
    known = tables.statements.get(
        "names of tables", lambda: {*METADATA.tables, *map(naming.table, tables.model.entities)}
    )
    return not known.isdisjoint({*_WORD.findall(sql)} - {naming.table(entity)})


_WORD = re.compile(r"\w+")
