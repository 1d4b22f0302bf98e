"""The few functions on texts and numbers that SQLite and PostgreSQL call differently, for SQL that is made of parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, collate, func, literal
from sqlalchemy import Text as SqlText
from sqlalchemy.types import BigInteger, TypeEngine

Sql = ColumnElement[Any]

BLANKS = " \t\n\r\u00a0"
"""What is trimmed off both ends of a text before it is read: the last one is what spreadsheets write."""


def text(value: str) -> Sql:
    """A constant text."""
    return literal(value, SqlText())


def number(value: int) -> Sql:
    """A constant whole number of 64 bits."""
    return literal(value, BigInteger())


@dataclass(frozen=True)
class Words:
    """The functions in the words of one database. ``dialect`` is ``sqlite`` or ``postgresql``."""

    dialect: str

    @property
    def sqlite(self) -> bool:
        """True for SQLite."""
        return self.dialect == "sqlite"

    def trim(self, value: Sql) -> Sql:
        """Without blanks at both ends."""
        return func.trim(value, text(BLANKS)) if self.sqlite else func.btrim(value, text(BLANKS))

    def matches(self, value: Sql, pattern: str, globs: Sequence[str], never: Sequence[str] = ()) -> ColumnElement[bool]:
        """Whether the whole text has a form: a regular expression on PostgreSQL; on SQLite, which has none, all of
        ``globs`` and none of ``never`` (its GLOB: ``*`` is anything, ``[0-9]`` one of these).
        """
        if not self.sqlite:
            return value.op("~", is_comparison=True)(text(f"^({pattern})$"))
        return and_(
            *(value.op("GLOB", is_comparison=True)(text(glob)) for glob in globs),
            *(value.op("NOT GLOB", is_comparison=True)(text(glob)) for glob in never),
        )

    def digits(self, value: Sql) -> ColumnElement[bool]:
        """Whether a text is one or more of the digits 0 to 9."""
        return self.matches(value, "[0-9]+", ["[0-9]*"], ["*[^0-9]*"])

    def before(self, value: Sql, mark: str) -> Sql:
        """What stands before the first ``mark``: all of it if there is none."""
        if not self.sqlite:
            return func.split_part(value, text(mark), 1)
        place = func.instr(value, text(mark))
        return case((place == 0, value), else_=func.substr(value, 1, place - 1))

    def after(self, value: Sql, mark: str) -> Sql:
        """What stands after the first ``mark`` of at most one: nothing if there is none."""
        if not self.sqlite:
            return func.split_part(value, text(mark), 2)
        place = func.instr(value, text(mark))
        return case((place == 0, text("")), else_=func.substr(value, place + 1))

    def integer(self, value: Sql) -> Sql:
        """A text of digits, or a number, as a whole number of 64 bits."""
        return cast(value, BigInteger())

    def bytewise(self, value: Sql) -> Sql:
        """A text that is compared byte by byte, as SQLite always does."""
        return value if self.sqlite else collate(value, "C")

    def modulo(self, value: Sql, by: int) -> Sql:
        """The rest of a division; the sign is that of ``value``."""
        return value.op("%")(number(by)) if self.sqlite else func.mod(value, number(by))

    def as_type(self, value: Sql, type_: TypeEngine[Any]) -> Sql:
        """A value that is certain to fit, as the type of a column."""
        return cast(value, type_)


def sign(value: Sql) -> Sql:
    """``-`` or nothing: the sign of a number written as text."""
    return case((func.substr(value, 1, 1) == text("-"), text("-")), else_=text(""))


def unsigned(value: Sql) -> Sql:
    """A number written as text without its sign."""
    return case((func.substr(value, 1, 1).in_([text("-"), text("+")]), func.substr(value, 2)), else_=value)


def when(condition: ColumnElement[bool], value: Sql) -> Sql:
    """The value where the condition holds, else nothing. What stands in ``value`` is not computed elsewhere."""
    return case((condition, value))
