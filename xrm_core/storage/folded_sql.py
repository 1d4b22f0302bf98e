"""Text without differences of case, or of case and accents, as an SQL expression: the same on both databases."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column

from xrm_core.metadata.predicate import Ignoring
from xrm_core.storage.folding import ACCENTED, BASES, LIGATURES, LOWER, MARKS, UPPER

_FREQUENT = " enirstaldhugcmobfkwvzpyjxq0123456789.-,@/"
"""What becomes itself. PostgreSQL's translate() goes through its table from the start for each character of a text, so
what texts are made of stands first: that makes it ten times as fast."""

_PLAIN = dict(zip(UPPER, LOWER, strict=True)) | dict(zip(ACCENTED, BASES, strict=True))
_PLAIN |= {upper: _PLAIN[lower] for upper, lower in zip(UPPER, LOWER, strict=True) if lower in _PLAIN}
_PLAIN = dict(sorted(_PLAIN.items()))  # those of the languages of Western Europe stand first


def folded(dialect: str, column: ColumnElement[Any], ignoring: Ignoring) -> ColumnElement[Any]:
    """A text column without the differences that are ignored."""
    if dialect == "sqlite":
        return func.xrm_fold(column) if ignoring == "CASE" else func.xrm_fold_accents(column)
    ascii_ = func.lower(column)  # of a column with the collation C: A to Z alone
    if ignoring == "CASE":
        small = func.translate(ascii_, _text(_FREQUENT + UPPER), _text(_FREQUENT + LOWER))
        return case((column.op("~")(_text(f"[{UPPER}]")), small), else_=ascii_)
    letters, bases = "".join(_PLAIN), "".join(_PLAIN.values())
    # what has no counterpart goes
    plain = func.translate(ascii_, _text(_FREQUENT + letters + MARKS), _text(_FREQUENT + bases))
    for ligature, two in LIGATURES.items():
        plain = func.replace(plain, _text(ligature), _text(two))
    return case((column.op("~")(_text("[^ -~]")), plain), else_=ascii_)


def _text(letters: str) -> ColumnElement[str]:
    return literal_column(f"'{letters}'")
