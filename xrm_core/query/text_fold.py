"""Text without differences of case, or of case and accents, as SQL: the same on both databases."""

from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, case, func, literal_column
from sqlalchemy.types import TypeDecorator

from xrm_core.metadata.predicate import Ignoring
from xrm_core.storage.folding import ACCENTED, BASES, LIGATURES, LOWER, MARKS, UPPER, fold, fold_accents


class FoldedText(TypeDecorator[str]):
    """A text bound without the differences that are ignored."""

    impl = Text
    cache_ok = True

    def __init__(self, ignoring: Ignoring) -> None:
        super().__init__()
        self.ignoring = ignoring

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - the same on both
        """The text as :func:`folded` has it."""
        return fold(value) if self.ignoring == "CASE" else fold_accents(value)


def folded(dialect: str, column: ColumnElement[Any], ignoring: Ignoring) -> ColumnElement[Any]:
    """A text column without the differences that are ignored."""
    if dialect == "sqlite":
        return func.xrm_fold(column) if ignoring == "CASE" else func.xrm_fold_accents(column)
    # translate() looks at its whole table for each character, so only where there is something for it to do.
    ascii_ = func.lower(column)  # of a column with the collation C: A to Z alone
    small = _where(column, UPPER, func.translate(ascii_, _text(UPPER), _text(LOWER)), ascii_)
    if ignoring == "CASE":
        return small
    plain = func.translate(small, _text(ACCENTED + MARKS), _text(BASES))  # what has no counterpart goes
    for ligature, letters in LIGATURES.items():
        plain = func.replace(plain, _text(ligature), _text(letters))
    return case((column.op("~")(_text("[^ -~]")), plain), else_=ascii_)


def _where(
    column: ColumnElement[Any], letters: str, found: ColumnElement[Any], otherwise: ColumnElement[Any]
) -> ColumnElement[Any]:
    return case((column.op("~")(_text(f"[{letters}]")), found), else_=otherwise)


def _text(letters: str) -> ColumnElement[str]:
    return literal_column(f"'{letters}'")
