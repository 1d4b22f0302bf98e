"""Statements over system tables, which are the same in all databases of a kind: each is made once, and run often.

To make one with SQLAlchemy takes longer than to run it, and workers say the same few again and again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, Connection, Dialect, Select, Table, bindparam
from sqlalchemy.sql.expression import UpdateBase

from xrm_core.storage.driver_statements import DriverStatement
from xrm_core.storage.prepared_steps import Row

Statement = Select[Any] | CompoundSelect[Any] | UpdateBase


def given(table: Table, *names: str) -> dict[str, BindParameter[Any]]:
    """Values of columns that are given with each call, by the names of the columns."""
    return {name: bindparam(name, type_=table.c[name].type) for name in names}


class SystemStatement:
    """A statement. All methods take a connection in a transaction and the values of its binds, by name.

    Args:
        make: gives it; called once for each dialect.

    All raise SQLAlchemy's DBAPIError, as for any statement.
    """

    def __init__(self, make: Callable[[Dialect], Statement]) -> None:
        self._make = make
        self._made: dict[str, DriverStatement] = {}

    def rows(self, connection: Connection, **values: Any) -> Sequence[Row]:
        """The rows that it finds, or that it gives of those that it has changed (``RETURNING``)."""
        return self._of(connection).rows(connection, values)

    def first(self, connection: Connection, **values: Any) -> Row | None:
        """The first of its rows, if there is one."""
        return self._of(connection).first(connection, values)

    def value(self, connection: Connection, **values: Any) -> Any:
        """What the first of its rows begins with; None if there is none."""
        found = self.first(connection, **values)
        return None if found is None else found[0]

    def named(self, connection: Connection, **values: Any) -> Mapping[str, Any] | None:
        """The first of its rows, by the names of its columns, if there is one."""
        made = self._of(connection)
        found = made.first(connection, values)
        return None if found is None else dict(zip(made.names, found, strict=True))

    def all_named(self, connection: Connection, **values: Any) -> list[Mapping[str, Any]]:
        """All of its rows, as :meth:`named`."""
        made = self._of(connection)
        return [dict(zip(made.names, row, strict=True)) for row in made.rows(connection, values)]

    def changed(self, connection: Connection, **values: Any) -> int:
        """How many rows it has changed; it gives none."""
        return self._of(connection).changed(connection, values)

    def _of(self, connection: Connection) -> DriverStatement:
        dialect = connection.dialect
        found = self._made.get(dialect.name)
        if found is None:
            found = self._made[dialect.name] = DriverStatement(self._make(dialect), dialect)
        return found
