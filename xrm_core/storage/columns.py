"""Column types that keep the same value, the same order and the same JSON text on PostgreSQL and SQLite.

=========== ===================== ===================================================
field       PostgreSQL            SQLite (STRICT tables)
=========== ===================== ===================================================
text, …     VARCHAR COLLATE "C"   TEXT (compared byte by byte, too)
decimal     NUMERIC(p, s)         INTEGER, the value times 10^s: exact, sortable, summable
date        DATE                  TEXT, ``2026-11-22``
datetime    TIMESTAMPTZ           TEXT in the words of PostgreSQL's JSON in UTC: ``2026-11-22T10:00:00.5+00:00``
uuid, id    UUID                  TEXT, lower case with hyphens
big integer BIGINT                INTEGER
time        TIME                  TEXT, ``08:30:00.5``
duration    BIGINT, seconds       INTEGER, seconds
money       NUMERIC and VARCHAR   INTEGER as decimals, and TEXT
set         TEXT[]                TEXT, a JSON list
json        JSONB                 TEXT, keys in the order of JSONB
boolean     BOOLEAN               INTEGER 0 or 1
=========== ===================== ===================================================

Bind values are JSON values as a record has them (text for dates and ids) or the Python objects that stand for them.
"""

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Integer, Numeric, Text, Time, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from xrm_core.metadata.clock import duration_seconds, duration_text, instant_text, time_text
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.json_text import json_text, read_json
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType


class Id(TypeDecorator[str]):
    """A UUID, given and returned as text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """UUID where the database has it."""
        return dialect.type_descriptor(Uuid(as_uuid=False) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Lower-case text."""
        return None if value is None else str(value).lower()


def is_id(text: str) -> bool:
    """Whether a text is a UUID in the form in which ids are; PostgreSQL refuses to look for what is none."""
    try:
        return str(UUID(text)) == text.lower()
    except (ValueError, AttributeError, TypeError):
        return False


class String(TypeDecorator[str]):
    """Text compared byte by byte on both databases."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The C collation is SQLite's only one."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal with a fixed number of digits after the point; never a float."""

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An integer on SQLite, whose only other number is a float."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(self.precision, self.scale))
        return dialect.type_descriptor(Integer())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Text, int or Decimal → Decimal, or the scaled integer on SQLite."""
        if value is None:
            return None
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if dialect.name == "postgresql":
            return number
        return int(number.scaleb(self.scale).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Always a Decimal with ``scale`` digits."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else Decimal(value).scaleb(-self.scale)


class Flag(TypeDecorator[bool]):
    """True or false."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An integer on SQLite: its STRICT tables know no BOOLEAN."""
        return dialect.type_descriptor(Boolean() if dialect.name == "postgresql" else Integer())

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        """Always a bool."""
        return None if value is None else bool(value)


class Day(TypeDecorator[str]):
    """A calendar date, given as text ``YYYY-MM-DD`` or a date."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """DATE where the database has it."""
        return dialect.type_descriptor(Date() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """A date on PostgreSQL, text on SQLite."""
        if value is None:
            return None
        day = value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
        return day if dialect.name == "postgresql" else day.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Text on both."""
        return value.isoformat() if isinstance(value, dt.date) else value


class Instant(TypeDecorator[str]):
    """A moment in time, given as RFC 3339 text or an aware datetime, returned as text in UTC."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TIMESTAMPTZ where the database has it."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """An aware datetime on PostgreSQL, canonical text on SQLite."""
        if value is None:
            return None
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
        moment = moment.astimezone(dt.UTC)
        return moment if dialect.name == "postgresql" else instant_text(moment)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Canonical text on both."""
        return instant_text(value.astimezone(dt.UTC)) if isinstance(value, dt.datetime) else value


class Whole(TypeDecorator[int]):
    """A whole number of 64 bits."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite's INTEGER has 64 bits; its STRICT tables know no other word for it."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "postgresql" else Integer())

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Number or text → number."""
        return None if value is None else int(value)


class Seconds(TypeDecorator[str]):
    """A duration, given and returned as text such as ``PT1H30M``, kept as whole seconds."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """64 bits on both."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "postgresql" else Integer())

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Text → seconds."""
        return None if value is None else duration_seconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Seconds → text."""
        return None if value is None else duration_text(int(value))


class Words(TypeDecorator[list[str]]):
    """A set of enum values, given and returned as a list."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where the database has it."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """A list on PostgreSQL, JSON text on SQLite."""
        if value is None:
            return None
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value), separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> list[str] | None:
        """A list on both."""
        found: list[str] | None = json.loads(value) if isinstance(value, str) else value
        return found


class JsonObject(TypeDecorator[dict[str, Any]]):
    """A JSON object, given and returned as a mapping."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSONB where the database has it."""
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """A mapping on PostgreSQL, its canonical text on SQLite."""
        if value is None:
            return None
        return thaw(value) if dialect.name == "postgresql" else json_text(value)

    def literal_processor(self, dialect: Dialect) -> Any:
        """The text between quotes: the default of a new column."""
        quoted = Text().dialect_impl(dialect).literal_processor(dialect)
        end = "::JSONB" if dialect.name == "postgresql" else ""
        return lambda value: f"{quoted(json_text(value)) if quoted else ''}{end}"

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, Any] | None:
        """A mapping on both."""
        found: dict[str, Any] | None = read_json(json.loads(value) if isinstance(value, str) else value)
        return found


class WholeRecord(JsonObject):
    """All fields of a record as a JSON object, as large as they are."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """A mapping on PostgreSQL, its canonical text on SQLite."""
        if value is None:
            return None
        return thaw(value) if dialect.name == "postgresql" else json_text(value, whole_record=True)


class TimeOfDay(TypeDecorator[str]):
    """A local time of day, given as text or ``datetime.time``, returned as text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TIME where the database has it."""
        return dialect.type_descriptor(Time() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """A time on PostgreSQL, canonical text on SQLite."""
        if value is None:
            return None
        text = time_text(value)
        return dt.time.fromisoformat(text) if dialect.name == "postgresql" else text

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Canonical text on both."""
        return None if value is None else time_text(value)


def column_type(field: Field, column: str = "") -> TypeEngine[Any]:
    """The type of a field's column, or of one of its columns by name."""
    for part in field.parts.values():
        if not column or part.columns == (column,):
            return column_type(part)
    match field.type:
        case FieldType.UUID | FieldType.RELATION | FieldType.FILE:
            return Id()
        case FieldType.INTEGER:
            return Integer()
        case FieldType.BIG_INTEGER:
            return Whole()
        case FieldType.DURATION:
            return Seconds()
        case FieldType.SET:
            return Words()
        case FieldType.JSON:
            return JsonObject()
        case FieldType.TIME:
            return TimeOfDay()
        case FieldType.DECIMAL:
            return ExactDecimal(field.precision, field.scale)
        case FieldType.BOOLEAN:
            return Flag()
        case FieldType.DATE:
            return Day()
        case FieldType.DATETIME:
            return Instant()
        case _:
            return String()
