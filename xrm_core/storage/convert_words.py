"""Texts into booleans, enum values and UUIDs, and back."""

from sqlalchemy import case, cast, func, literal
from sqlalchemy.types import Boolean, Integer

from xrm_core.metadata.model import Field
from xrm_core.storage.columns import Id
from xrm_core.storage.sql_text import Sql, Words, text, when

TRUE = ("true", "yes", "ja", "1")
"""Texts that mean true, in small or capital letters."""

FALSE = ("false", "no", "nein", "0")
"""Texts that mean false."""

_HEX = "[0-9a-f]"
_GROUPS = (8, 4, 4, 4, 12)
_UUID_GLOB = "-".join(_HEX * length for length in _GROUPS)
_UUID_PATTERN = "-".join(f"{_HEX}{{{length}}}" for length in _GROUPS)


def text_to_boolean(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """``"Ja"`` → true."""
    word = func.lower(words.trim(value))
    return case(
        (word.in_([text(each) for each in TRUE]), _flag(words, truth=True)),
        (word.in_([text(each) for each in FALSE]), _flag(words, truth=False)),
    )


def boolean_to_text(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """True → ``"true"``."""
    return case((_is(words, value, truth=True), text("true")), (_is(words, value, truth=False), text("false")))


def integer_to_boolean(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """1 → true, 0 → false."""
    return case((value == 1, _flag(words, truth=True)), (value == 0, _flag(words, truth=False)))


def boolean_to_integer(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """True → 1, false → 0."""
    one, zero = (literal(number, Integer()) for number in (1, 0))
    return case((_is(words, value, truth=True), one), (_is(words, value, truth=False), zero))


def text_to_enum(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """``" active "`` → the value ``active``, if the field has it in these very letters."""
    word = words.trim(value)
    return when(word.in_([text(each) for each in new.enum]), word)


def text_to_uuid(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """A UUID with hyphens, in small or capital letters."""
    word = func.lower(words.trim(value))
    form = words.matches(word, _UUID_PATTERN, [_UUID_GLOB])
    return when(form, word if words.sqlite else cast(word, Id()))


def uuid_to_text(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """In small letters with hyphens."""
    return words.as_type(value, text("").type)


def _flag(words: Words, *, truth: bool) -> Sql:
    return literal(int(truth), Integer()) if words.sqlite else literal(truth, Boolean())


def _is(words: Words, value: Sql, *, truth: bool) -> Sql:
    return value == _flag(words, truth=truth)
