"""``phone: {number: "…"}``: records with a phone number, in whatever notation; see :mod:`xrm_core.storage.phone`."""

from typing import Any

from sqlalchemy import Dialect, Text, and_, func, literal_column, or_
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeDecorator

from xrm_core.query.scan import Condition
from xrm_core.storage.phone import LEAST_DIGITS, phone_digits


class PhoneDigits(TypeDecorator[str]):
    """A phone number bound as its digits."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - the same on both
        """See :func:`~xrm_core.storage.phone.phone_digits`."""
        return phone_digits(value)


def digits_of(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What :func:`~xrm_core.storage.phone.phone_digits` makes of a column."""
    if dialect == "sqlite":
        return func.xrm_phone_digits(column)
    bare = func.regexp_replace(
        func.replace(column, literal_column("'(0)'"), literal_column("''")),
        literal_column("'[^0-9]'"),
        literal_column("''"),
        literal_column("'g'"),
    )
    return func.ltrim(bare, literal_column("'0'"))


def same_number(dialect: str, column: ColumnElement[Any], digits: ColumnElement[Any]) -> Condition:
    """The condition that a column has a number; ``digits`` is a bind value of the type :class:`PhoneDigits`."""
    own = digits_of(dialect, column)
    least: ColumnElement[int] = literal_column(str(LEAST_DIGITS))
    none: ColumnElement[str] = literal_column("''")
    ends = or_(
        and_(func.length(digits) >= least, _ends_with(dialect, own, digits)),
        and_(func.length(own) >= least, _ends_with(dialect, digits, own)),
    )
    return and_(own != none, or_(own == digits, ends))


def _ends_with(dialect: str, whole: ColumnElement[Any], end: ColumnElement[Any]) -> Condition:
    size = func.length(end)
    if dialect == "postgresql":
        return func.right(whole, size) == end
    return func.substr(whole, -size) == end
