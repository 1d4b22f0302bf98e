"""Sets of enum values and single values into each other: an array on PostgreSQL, a JSON list on SQLite."""

from sqlalchemy import Text as SqlText
from sqlalchemy import and_, case, cast, func, literal, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Integer

from xrm_core.metadata.model import Field
from xrm_core.storage.convert_words import text_to_enum
from xrm_core.storage.sql_text import Sql, Words, text, when


def text_to_set(old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """``active`` → the set of this value alone."""
    word = text_to_enum(old, new, words, value)
    one = (
        func.json_array(word)
        if words.sqlite
        else func.array_append(cast(literal_column("'{}'"), ARRAY(SqlText())), word)
    )
    return when(word.is_not(None), one)


def set_to_set(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """The same set, if the new field allows all of its values."""
    if not words.sqlite:
        return when(value.op("<@", is_comparison=True)(_array(new)), value)
    return when(func.json_array_length(value) == _allowed(new, value), value)


def set_to_text(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """The only value of a set; for an enum, if it has that value."""
    if words.sqlite:
        single, one = func.json_array_length(value) == 1, func.json_extract(value, text("$[0]"))
    else:
        single, one = func.cardinality(value) == 1, func.array_to_string(value, text(","))
    return when(and_(single, one.in_([text(each) for each in new.enum])) if new.enum else single, one)


def _array(new: Field) -> Sql:
    # Enum values match naming.ENUM_VALUE, so they need no escaping.
    return cast(literal_column("'{" + ",".join(new.enum) + "}'"), ARRAY(SqlText()))


def _allowed(new: Field, value: Sql) -> Sql:
    found: Sql = literal_column("0", Integer())
    one, none = literal(1, Integer()), literal(0, Integer())
    for each in new.enum:
        found = found + case((func.instr(value, text(f'"{each}"')) > 0, one), else_=none)
    return found
