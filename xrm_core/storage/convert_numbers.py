"""Texts, whole numbers and decimals into each other. Nothing is rounded: what does not fit exactly does not convert.

A text is a number if it has a sign or none, digits, and for a decimal a point and digits or none. In place of the point
there may be one comma, unless the three digits behind it could be thousands: ``12,5`` is, ``1,234`` is not, ``0,125``
is. Thousands are never marked. A decimal is its value times 10^scale on SQLite (see ``columns``).
"""

from sqlalchemy import ColumnElement, and_, case, cast, func, or_
from sqlalchemy.types import BigInteger, Integer, Numeric

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import SPANS, FieldType
from xrm_core.storage.sql_text import Sql, Words, number, sign, text, unsigned, when

_SAFE_DIGITS = 18
"""So many digits are in the range of 64 bits, whatever they are."""

_WHOLE_DIGITS = 19


def text_to_integer(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """``"  -42 "`` → -42."""
    trimmed = words.trim(value)
    digits = func.ltrim(unsigned(trimmed), text("0"))
    length = func.length(digits)
    # Of texts of 19 digits the order is that of the numbers; the least number of 64 bits is one beyond the greatest.
    greatest = case((sign(trimmed) == text("-"), text(str(2**63))), else_=text(str(2**63 - 1)))
    short = and_(
        words.digits(unsigned(trimmed)),
        or_(length <= _SAFE_DIGITS, and_(length == _WHOLE_DIGITS, words.bytewise(digits) <= greatest)),
    )
    whole = words.integer(trimmed)
    return when(short, when(_in_range(new, whole), _whole(new, whole)))


def integer_to_integer(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """Whole numbers of 32 and 64 bits."""
    return when(_in_range(new, value), _whole(new, words.integer(value)))


def text_to_decimal(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """``"1234.5"`` or ``"1234,5"`` → 1234.50."""
    trimmed = words.trim(value)
    body = unsigned(trimmed)
    plain = func.replace(body, text(","), text("."))
    whole = func.ltrim(words.before(plain, "."), text("0"))
    fraction = func.rtrim(words.after(plain, "."), text("0"))
    fits = and_(func.length(whole) <= new.precision - new.scale, func.length(fraction) <= new.scale)
    if words.sqlite:
        padded = func.substr(fraction.op("||")(text("0" * new.scale)), 1, new.scale)
        exact = words.integer(sign(trimmed).op("||")(whole).op("||")(padded))
    else:
        exact = cast(sign(trimmed).op("||")(plain), Numeric(new.precision, new.scale))
    return when(or_(_with_point(words, body), _with_comma(words, body)), when(fits, exact))


def integer_to_decimal(_old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """12 → 12.00."""
    limit = 10 ** (new.precision - new.scale)
    fits = words.integer(value).between(number(1 - limit), number(limit - 1))
    exact = words.integer(value) * number(10**new.scale)
    return when(fits, exact if words.sqlite else cast(value, Numeric(new.precision, new.scale)))


def decimal_to_decimal(old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """12.340 → 12.34, but not 12.345."""
    limit = 10**new.precision
    if not words.sqlite:
        target = Numeric(new.precision, new.scale)
        fits = and_(func.abs(value) < 10 ** (new.precision - new.scale), value == func.round(value, new.scale))
        return when(fits, cast(value, target))
    scaled = words.integer(value)
    if new.scale >= old.scale:
        factor = 10 ** (new.scale - old.scale)
        most = (limit - 1) // factor
        return when(scaled.between(number(-most), number(most)), scaled * number(factor))
    factor = 10 ** (old.scale - new.scale)
    smaller = scaled.op("/")(number(factor))
    fits = and_(words.modulo(scaled, factor) == 0, smaller.between(number(1 - limit), number(limit - 1)))
    return when(fits, smaller)


def decimal_to_integer(old: Field, new: Field, words: Words, value: Sql) -> Sql:
    """12.00 → 12, but not 12.50."""
    if not words.sqlite:
        return when(and_(value == func.trunc(value), _in_range(new, value)), _whole(new, value))
    scaled = words.integer(value)
    whole = scaled.op("/")(number(10**old.scale))
    return when(and_(words.modulo(scaled, 10**old.scale) == 0, _in_range(new, whole)), whole)


def integer_to_text(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """-42 → ``"-42"``."""
    return words.as_type(value, text("").type)


def decimal_to_text(old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """12.5 → ``"12.50"``, with as many digits after the point as the field has."""
    if not words.sqlite:
        return words.as_type(value, text("").type)
    scaled = words.integer(value)
    size, factor = func.abs(scaled), number(10**old.scale)
    minus = case((scaled < 0, text("-")), else_=text(""))
    whole = minus.op("||")(words.as_type(size.op("/")(factor), text("").type))
    if not old.scale:
        return whole
    rest = words.as_type(words.modulo(size, 10**old.scale), text("").type)
    return whole.op("||")(text(".")).op("||")(func.substr(text("0" * old.scale).op("||")(rest), -old.scale))


def _in_range(new: Field, value: Sql) -> ColumnElement[bool]:
    if new.type is FieldType.BIG_INTEGER:
        return value.is_not(None)  # no number of 18 digits is out of it, and of longer texts it is known already
    least, greatest = SPANS[new.type]
    return value.between(number(least), number(greatest))


def _whole(new: Field, value: Sql) -> Sql:
    return cast(value, Integer() if new.type is FieldType.INTEGER else BigInteger())


def _with_point(words: Words, body: Sql) -> ColumnElement[bool]:
    return words.matches(body, r"[0-9]+(\.[0-9]+)?", ["[0-9]*", "*[0-9]"], ["*[^0-9.]*", "*.*.*"])


def _with_comma(words: Words, body: Sql) -> ColumnElement[bool]:
    form = words.matches(body, "[0-9]+,[0-9]+", ["[0-9]*,*[0-9]"], ["*[^0-9,]*", "*,*,*"])
    zero = words.matches(body, "0,.*", ["0,*"])
    thousands = words.matches(body, ".*,[0-9]{3}", ["*,[0-9][0-9][0-9]"])
    return and_(form, or_(zero, ~thousands))
