"""Texts, dates, moments and times of day into each other.

A text is a time of day as ``08:30`` or ``08:30:00.5``, a date as ``2026-01-31`` or ``31.01.2026``. It is a moment as
ISO 8601 has it, with its offset from UTC: ``2026-01-31T10:00+01:00``, the ``T`` or a blank, seconds and up to six of
their digits or none. Without an offset it would be a guess. A date becomes its midnight in UTC, and only midnights in
UTC become dates.
"""

from sqlalchemy import ColumnElement, and_, case, cast, func, literal_column, or_
from sqlalchemy.types import BigInteger, Date, DateTime, Time

from xrm_core.metadata.model import Field
from xrm_core.storage.sql_text import Sql, Words, text, when

_DAY_GLOB = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[T ][0-9]{2}:[0-9]{2}"
_TIME_GLOB = "[T ][0-9][0-9]:[0-9][0-9]"
_OFFSET_PLACES = 6
_EARLIEST, _LATEST = 2, 9998  # years of moments, so that no offset leads out of what the databases know


def text_to_date(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """``"31.01.2026"`` or ``"2026-01-31"``."""
    word = words.trim(value)
    german = words.matches(word, r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}", ["[0-9][0-9].[0-9][0-9].[0-9][0-9][0-9][0-9]"])
    turned = func.substr(word, 7, 4).op("||")(text("-")).op("||")(func.substr(word, 4, 2))
    day = case((german, turned.op("||")(text("-")).op("||")(func.substr(word, 1, 2))), else_=word)
    form = words.matches(day, _DAY, [_DAY_GLOB])
    return when(form, when(_exists(words, day), day if words.sqlite else cast(day, Date())))


def date_to_text(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """As ``2026-01-31``."""
    return value if words.sqlite else func.to_char(value, text("YYYY-MM-DD"))


def text_to_time(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """``"8:30"`` is none, ``"08:30"`` and ``"08:30:00.5"`` are."""
    word = words.trim(value)
    form = and_(
        words.matches(word, r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?", ["[0-9][0-9]:[0-9][0-9]*"]),
        _seconds_form(words, func.substr(word, 6)),
    )
    possible = and_(_part(word, 1, 2) <= 23, _part(word, 4, 2) <= 59, _seconds(func.substr(word, 7, 2)))
    if not words.sqlite:
        return when(form, when(possible, cast(word, Time())))
    start = func.substr(word, 1, 5).op("||")(func.coalesce(func.nullif(func.substr(word, 6, 3), text("")), text(":00")))
    fraction = func.rtrim(func.substr(word, 9), text("0"))
    return when(form, when(possible, func.rtrim(start.op("||")(fraction), text("."))))


def time_to_text(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """As ``08:30:00.5``."""
    return value if words.sqlite else words.as_type(value, text("").type)


def text_to_datetime(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """``"2026-01-31T10:00:00.5+01:00"`` → that moment."""
    word = _with_offset(words.trim(value))
    length = case((func.length(word) > _OFFSET_PLACES, func.length(word) - _OFFSET_PLACES), else_=0)
    local, offset = func.substr(word, 1, length), func.substr(word, length + 1)
    form = and_(
        words.matches(
            local,
            rf"{_DAY}{_TIME}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?",
            [f"{_DAY_GLOB}{_TIME_GLOB}*"],
        ),
        _seconds_form(words, func.substr(local, 17)),
        words.matches(offset, "[+-][0-9]{2}:[0-9]{2}", ["[+-][0-9][0-9]:[0-9][0-9]"]),
    )
    possible = and_(
        _exists(words, local),
        _part(local, 1, 4).between(_EARLIEST, _LATEST),
        _part(local, 12, 2) <= 23,
        _part(local, 15, 2) <= 59,
        _seconds(func.substr(local, 18, 2)),
        _part(offset, 2, 2) <= 14,
        _part(offset, 5, 2) <= 59,
        or_(_part(offset, 2, 2) <= 13, _part(offset, 5, 2) == 0),
    )
    if not words.sqlite:
        return when(form, when(possible, cast(word, DateTime(timezone=True))))
    start = func.substr(local, 1, 16).op("||")(
        func.coalesce(func.nullif(func.substr(local, 17, 3), text("")), text(":00"))
    )
    moment = func.strftime(text("%Y-%m-%dT%H:%M:%S"), start.op("||")(offset))
    fraction = func.rtrim(func.substr(local, 20), text("0"))
    written = func.rtrim(moment.op("||")(fraction), text("."))
    return when(form, when(possible, written.op("||")(text("+00:00"))))


def datetime_to_text(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """In UTC, as ``2026-01-31T09:00:00.5+00:00``."""
    if words.sqlite:
        return value
    written = func.to_char(func.timezone(text("UTC"), value), text('YYYY-MM-DD"T"HH24:MI:SS.US'))
    return func.rtrim(func.rtrim(written, text("0")), text(".")).op("||")(text("+00:00"))


def date_to_datetime(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """Midnight in UTC."""
    if words.sqlite:
        return value.op("||")(text("T00:00:00+00:00"))
    return func.timezone(text("UTC"), cast(value, DateTime()))


def datetime_to_date(_old: Field, _new: Field, words: Words, value: Sql) -> Sql:
    """The day, if the moment is midnight in UTC."""
    if words.sqlite:
        return when(func.substr(value, 11) == text("T00:00:00+00:00"), func.substr(value, 1, 10))
    local = func.timezone(text("UTC"), value)
    return when(local == func.date_trunc(text("day"), local), cast(local, Date()))


def _with_offset(word: Sql) -> Sql:
    """``Z`` is +00:00."""
    zulu = func.substr(word, func.length(word)).in_([text("Z"), text("z")])
    return case((zulu, func.substr(word, 1, func.length(word) - 1).op("||")(text("+00:00"))), else_=word)


def _seconds_form(words: Words, rest: Sql) -> ColumnElement[bool]:
    """What follows the minutes: nothing, ``:05`` or ``:05.123456``. PostgreSQL's pattern has said so already."""
    if not words.sqlite:
        return literal_column("true")
    seconds = words.matches(rest, "", [":[0-9][0-9]*"])
    fraction = func.substr(rest, 4)
    plain = func.length(rest) == 3
    exact = and_(words.matches(fraction, "", [".[0-9]*"], ["*[^0-9.]*", "*.*.*"]), func.length(fraction) <= 7)
    return or_(rest == text(""), and_(seconds, or_(plain, exact)))


def _seconds(digits: Sql) -> ColumnElement[bool]:
    """Whether two digits, or none, are seconds."""
    return func.coalesce(func.nullif(func.substr(digits, 1, 1), text("")), text("0")).in_([text(d) for d in "012345"])


def _exists(words: Words, day: Sql) -> ColumnElement[bool]:
    """Whether the calendar has this day; ``day`` begins with ten characters of the right form."""
    year, month, number = (_part(day, *place) for place in ((1, 4), (6, 2), (9, 2)))
    leap = and_(words.modulo(year, 4) == 0, or_(words.modulo(year, 100) != 0, words.modulo(year, 400) == 0))
    days = case((month.in_([4, 6, 9, 11]), 30), (and_(month == 2, leap), 29), (month == 2, 28), else_=31)
    return and_(year >= 1, month.between(1, 12), number >= 1, number <= days)


def _part(word: Sql, start: int, length: int) -> Sql:
    return cast(func.substr(word, start, length), BigInteger())
