"""What a mask leaves of a text, as SQL: the same on both databases. An empty text field stays empty."""

from typing import Any

from sqlalchemy import LargeBinary, Text, case, cast, func, literal_column, select
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.policy import Effect
from xrm_core.storage.mask_hash import DIGITS
from xrm_core.storage.system import MASK_KEY

LEAST = 8
"""Characters that a text must have for its last four to be shown: never more than half of it."""

Sql = ColumnElement[Any]


def masked(dialect: str, entity: Entity, field: Field, column: Sql, mask: Effect) -> Sql:
    """The text of a column behind a mask.

    Args:
        dialect: of which database.
        entity: whose field it is.
        field: a text field.
        column: its column.
        mask: ``last_4``, ``initial`` or ``hash``.
    """
    match mask:
        case Effect.LAST_4:
            return _last_4(dialect, column)
        case Effect.INITIAL:
            return func.substr(column, _number(1), _number(1)).concat(_text("."))
        case Effect.HASH:
            return _hash(dialect, f"{entity.name}.{field.name}:", column)
    raise ValueError(f"{mask} is no mask")


def _last_4(dialect: str, column: Sql) -> Sql:
    last = func.right(column, _number(4)) if dialect == "postgresql" else func.substr(column, _number(-4))
    return case(
        (func.length(column) >= _number(LEAST), _text("****").concat(last)), (column.is_not(None), _text("****"))
    )


def _hash(dialect: str, place: str, column: Sql) -> Sql:
    """HMAC of the text and its place: the same text in another field has another hash."""
    inner, outer = (select(MASK_KEY.c[name]).scalar_subquery() for name in ("inner_block", "outer_block"))
    text = _text(place).concat(column)
    if dialect == "sqlite":
        return func.xrm_mask_hash(inner, outer, text)
    hashed = func.sha256(inner.concat(func.convert_to(text, _text("UTF8"))), type_=LargeBinary())
    digest = func.encode(func.sha256(outer.concat(hashed)), _text("hex"))
    return cast(func.left(digest, _number(DIGITS)), Text)


def _text(word: str) -> ColumnElement[str]:
    return literal_column(f"'{word}'")


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value))
