"""What a record has aside: values of columns that changes of the schema have put aside in its table.

They are the record's as its fields are: what is erased or moved away must not come back by an undo.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, column, inspect, select, table, update

from xrm_core import naming
from xrm_core.metadata.model import Entity
from xrm_core.query.trash import columns_then
from xrm_core.storage.columns import Id
from xrm_core.storage.system import ASIDE


def take_aside(connection: Connection, kind: Entity, id_: str, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Empty what a record has aside.

    Args:
        connection: in a write transaction.
        kind: its entity.
        id_: which.
        names: of fields whose former values go, with those of fields that are gone: nobody says any more what they
            were about. None: all.

    Returns:
        What :func:`give_aside` takes, in JSON types; what was empty is not among it.
    """
    columns = _columns(connection, kind, None if names is None else frozenset(names))
    if not columns:
        return {}
    mine = table(naming.table(kind.name), column("id", Id()), *map(column, columns))
    as_text = connection.dialect.name == "postgresql"
    shown = [cast(mine.c[name], Text).label(name) if as_text else mine.c[name] for name in columns]
    row = connection.execute(select(*shown).where(mine.c.id == id_)).mappings().first()
    found = {name: value for name, value in (row or {}).items() if value is not None}
    if found:
        connection.execute(update(mine).where(mine.c.id == id_).values(dict.fromkeys(found)))
    return found


def give_aside(connection: Connection, kind: Entity, id_: str, values: Mapping[str, Any]) -> None:
    """Put back what was taken, as far as it still has a place: ``contract`` or an undo may have been in between."""
    columns = [name for name in _columns(connection, kind, None) if name in values]
    if not columns:
        return
    mine = table(naming.table(kind.name), column("id", Id()), *map(column, columns))
    given: dict[str, Any] = {name: values[name] for name in columns}
    if connection.dialect.name == "postgresql":
        types = {each["name"]: each["type"] for each in inspect(connection).get_columns(mine.name)}
        given = {name: cast(bindparam(None, value, Text), types[name]) for name, value in given.items()}
    connection.execute(update(mine).where(mine.c.id == id_).values(given))


def _columns(connection: Connection, kind: Entity, names: frozenset[str] | None) -> list[str]:
    rows = connection.execute(
        select(ASIDE.c.name, ASIDE.c.former).where(ASIDE.c.place == naming.table(kind.name), ASIDE.c.former != "")
    ).all()
    of = {then: field.name for field in kind.all_fields() for known in columns_then(field) for then in known}
    return [row.name for row in rows if names is None or row.former not in of or of[row.former] in names]
