"""The first day, or moment, of the day, week, month, quarter or year that a value lies in."""

from typing import Any

from sqlalchemy import Date, DateTime, Text, case, cast, func, literal_column
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Field
from xrm_core.metadata.predicate import Operand
from xrm_core.metadata.types import FieldType
from xrm_core.query.figures_request import DatePart
from xrm_core.query.predicates import operand
from xrm_core.storage.periods import FIRST_MOMENT, SQLITE_DAY, SQLITE_MOMENT


def begin(dialect: str, field: Field, column: ColumnElement[Any], part: DatePart, zone: Operand) -> ColumnElement[Any]:
    """The begin of the period, of the field's own type. Weeks begin on Monday; ``zone`` is that of moments."""
    word: ColumnElement[str] = literal_column(f"'{part.lower()}'")
    moment = field.type is FieldType.DATETIME
    found: ColumnElement[Any]
    if dialect == "postgresql":
        if moment:
            found = func.date_trunc(word, column, operand(zone, Text()), type_=DateTime(timezone=True))
            first: ColumnElement[Any] = literal_column(f"TIMESTAMPTZ '{FIRST_MOMENT}'")
            return case((column.is_not(None), func.greatest(found, first, type_=DateTime(timezone=True))))
        return cast(func.date_trunc(word, cast(column, DateTime(timezone=False))), Date)
    more = [operand(zone, Text())] if moment else []
    found = getattr(func, SQLITE_MOMENT if moment else SQLITE_DAY)(word, column, *more)
    return found
