"""Text of a cell → JSON value of a field, by the field's type."""

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from xrm_core.metadata.clock import duration_seconds, duration_text, instant_text, time_text
from xrm_core.metadata.json_text import json_text
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.records.importing.options import ImportOptions

Convert = Callable[[str], Any]
"""Trimmed, non-empty text → JSON value; raises :class:`BadValue`."""

_TRUE = frozenset({"true", "yes", "ja", "1", "wahr"})
_FALSE = frozenset({"false", "no", "nein", "0", "falsch"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ Tt][0-9:.,]+( ?([Zz]|[+-][0-9:]+))?)?")
_CLOCK = re.compile(r"([0-9]{1,6}):([0-5][0-9])(?::([0-5][0-9]))?")
_SIZES = (3_600, 60, 1)
_MONEY = re.compile(r"([A-Z]{3})?(.*?)([A-Z]{3})?", re.DOTALL)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GROUPED = r"[+-]?(?:[0-9]{{1,3}}(?:(?P<mark>[{marks}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)?|[0-9]*)(?:{point}[0-9]*)?"
_POINT = re.compile(_GROUPED.format(marks=r",'’ \u00a0\u202f", point=r"\."))
_COMMA = re.compile(_GROUPED.format(marks=r".'’ \u00a0\u202f", point=","))
_MAX_LENGTH = 60
_LARGEST = 2**63 - 1


class BadValue(Exception):
    """Text that is no value of the field. ``code`` is one word for the kind of problem."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def converter(field: Field, options: ImportOptions) -> Convert:
    """The function that reads a field's cells. Lengths, digits, ranges and patterns are left to validation."""
    field = field.given
    match field.type:
        case FieldType.INTEGER | FieldType.BIG_INTEGER:
            return partial(_integer, decimal_comma=options.decimal_comma)
        case FieldType.DECIMAL:
            return partial(_number, decimal_comma=options.decimal_comma)
        case FieldType.BOOLEAN:
            return _boolean
        case FieldType.DATE:
            return partial(_date, format_=options.date_format)
        case FieldType.DATETIME:
            return partial(_datetime, format_=options.datetime_format, zone=options.zone())
        case FieldType.TIME:
            return _time
        case FieldType.DURATION:
            return _duration
        case FieldType.ENUM:
            return partial(_enum, words=_enum_words(field), allowed=field.enum)
        case FieldType.MONEY:
            return partial(_money, currencies=field.currencies, decimal_comma=options.decimal_comma)
        case FieldType.SET:
            return partial(_set, words=_enum_words(field), allowed=field.enum)
        case FieldType.JSON:
            return _json
        case FieldType.UUID:
            return _uuid
        case _:
            return str


def _number(text: str, decimal_comma: bool) -> Decimal:
    match_ = (_COMMA if decimal_comma else _POINT).fullmatch(text)
    if match_ is None or len(text) > _MAX_LENGTH or not any(char.isdigit() for char in text):
        other = (_POINT if decimal_comma else _COMMA).fullmatch(text)
        hint = ""
        if other is not None and any(char.isdigit() for char in text):
            hint = (
                " Without --decimal-comma it would be one."
                if decimal_comma
                else " With --decimal-comma it would be one."
            )
        raise BadValue("number", f"{text!r} is not a number.{hint}")
    if match_["mark"]:
        text = text.replace(match_["mark"], "")
    return Decimal(text.replace(",", "."))


def _integer(text: str, decimal_comma: bool) -> int:
    number = _number(text, decimal_comma)
    if number != number.to_integral_value():
        raise BadValue("integer", f"{text!r} is not a whole number.")
    if abs(number) > _LARGEST:
        raise BadValue("integer", f"{text!r} is too large.")  # SQLite's driver would stumble over it in a lookup
    return int(number)


def _boolean(text: str) -> bool:
    word = text.casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValue("boolean", f"{text!r} is neither true nor false; write true, yes, ja, 1 or false, no, nein, 0.")


def _date(text: str, format_: str | None) -> str:
    try:
        if format_ is not None:
            return dt.datetime.strptime(text, format_).date().isoformat()
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    expected = f"a date as {format_}" if format_ else "a date as YYYY-MM-DD; give --date-format if it is another"
    raise BadValue("date", f"{text!r} is not {expected}.")


def _datetime(text: str, format_: str | None, zone: dt.tzinfo) -> str:
    try:
        moment = None
        if format_ is not None:
            moment = dt.datetime.strptime(text, format_)
        elif _MOMENT.fullmatch(text):
            moment = dt.datetime.fromisoformat(text.upper().replace(" +", "+").replace(" Z", "Z"))
        if moment is not None:
            aware = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
            return instant_text(aware.astimezone(dt.UTC))
    except (ValueError, OverflowError):
        pass
    expected = f"a date and time as {format_}" if format_ else "a date and time as 2026-11-22T10:00:00+01:00"
    raise BadValue("datetime", f"{text!r} is not {expected}.")


def _time(text: str) -> str:
    try:
        return time_text(text if len(text.partition(":")[0]) > 1 else f"0{text}")
    except ValueError:
        raise BadValue("time", f"{text!r} is not a time of day as 08:30 or 08:30:00.") from None


def _duration(text: str) -> str:
    try:
        if clock := _CLOCK.fullmatch(text):
            return duration_text(sum(int(part or 0) * size for part, size in zip(clock.groups(), _SIZES, strict=True)))
        return duration_text(duration_seconds(text.upper()))
    except ValueError:
        raise BadValue("duration", f"{text!r} is not a duration as 1:30, 1:30:00 or PT1H30M.") from None


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise BadValue("uuid", f"{text!r} is not an id (UUID).")
    return str(UUID(text))


def _money(text: str, currencies: tuple[str, ...], decimal_comma: bool) -> dict[str, Any]:
    before, amount, after = _MONEY.fullmatch(text).groups()  # type: ignore[union-attr] # matches every text
    currency = before or after or (currencies[0] if len(currencies) == 1 else "")
    if (before and after) or currency not in currencies:
        raise BadValue("money", f"{text!r} is not an amount with one of the currencies {', '.join(currencies)}.")
    return {"amount": _number(amount.strip(), decimal_comma), "currency": currency}


def _set(text: str, words: dict[str, set[str]], allowed: tuple[str, ...]) -> list[str]:
    parts = (part.strip() for part in re.split(r"[,;|]", text))
    return list(dict.fromkeys(_enum(part, words, allowed) for part in parts if part))


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
        json_text(value)
    except (ValueError, RecursionError):
        raise BadValue("json", f"{text[:60]!r} is not a JSON object {{…}}.") from None
    return dict(value)


def _enum_words(field: Field) -> dict[str, set[str]]:
    """Lower-case value or label → the values that it may mean."""
    words: dict[str, set[str]] = {}
    for value in field.enum:
        words.setdefault(value.casefold(), set()).add(value)
    for value, labels in field.enum_labels.items():
        for label in labels.values():
            # A word that is a value means that value, whatever labels say.
            if label.casefold() not in {known.casefold() for known in field.enum}:
                words.setdefault(label.casefold(), set()).add(value)
    return words


def _enum(text: str, words: dict[str, set[str]], allowed: tuple[str, ...]) -> str:
    if text in allowed:
        return text
    meant = words.get(text.casefold(), set())
    if len(meant) == 1:
        return next(iter(meant))
    reason = f"may mean {' or '.join(sorted(meant))}" if meant else f"is none of {', '.join(allowed)}"
    raise BadValue("enum", f"{text!r} {reason}; change it with --replace.")
