"""JSON objects as fields hold them: what is allowed in one, and its one text."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from xrm_core.translation import say

MAX_JSON_BYTES = 65_536
"""Longest JSON object of a field, in bytes of its text."""

MAX_JSON_DEPTH = 32
"""Deepest nesting of objects and lists in it."""

_LARGEST = 2**63


def json_text(value: Mapping[str, Any], *, whole_record: bool = False) -> str:
    """The object as text, the same that PostgreSQL's JSONB has save for blanks: keys by length, then by their bytes.

    Args:
        value: the object.
        whole_record: it has all fields of a record, of which each has its own limits: it may be as large as they are.

    Raises:
        ValueError: says what both databases could not keep alike: too long or deep, numbers beyond 64 bits, NUL.
    """
    if not isinstance(value, Mapping):
        raise ValueError(say("is not a JSON object {…}"))  # noqa: TRY004 - one error for whoever reads values
    text = _text(value, -1 if whole_record else 1)  # fields lie two deeper, by kinds of values
    if not whole_record and len(text.encode()) > MAX_JSON_BYTES:
        raise ValueError(say("is longer than {limit} KiB as JSON", limit=MAX_JSON_BYTES // 1024))
    return text


def read_json(value: Any) -> Any:
    """JSON as a database has kept it. A whole number beyond 64 bits can only have been a float, such as 1e30, of which
    all digits were written.
    """
    match value:
        case bool():
            return value
        case int():
            return value if -_LARGEST <= value < _LARGEST else float(value)
        case Mapping():
            return {key: read_json(each) for key, each in value.items()}
        case list():
            return [read_json(each) for each in value]
    return value


def _text(value: Any, depth: int) -> str:
    if isinstance(value, Mapping | list | tuple) and depth > MAX_JSON_DEPTH:
        raise ValueError(say("nests deeper than {limit} levels", limit=MAX_JSON_DEPTH))
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            return _string(value)
        case int():
            return _whole(value)
        case float() | Decimal():
            return _number(value)
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise ValueError(say("has a key that is not text"))
            keys = sorted(value, key=lambda key: (len(_bytes(key)), _bytes(key)))
            return "{" + ",".join(f"{_string(key)}:{_text(value[key], depth + 1)}" for key in keys) + "}"
        case list() | tuple():
            return "[" + ",".join(_text(each, depth + 1) for each in value) + "]"
    raise ValueError(say("has a value that is not JSON"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _string(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(say("has characters that are not text (NUL, surrogates)"))
    return json.dumps(text, ensure_ascii=False)


def _whole(number: int) -> str:
    if not -_LARGEST <= number < _LARGEST:
        raise ValueError(say("has a whole number beyond 64 bits"))
    return str(number)


def _number(number: float | Decimal) -> str:
    if not math.isfinite(number):
        raise ValueError(say("has a number that is not finite"))
    return format(Decimal(repr(number) if isinstance(number, float) else number) + 0, "f")
