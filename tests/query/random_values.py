"""Values that fit a field of an entity file, whatever its type and its rules: few, and the awkward ones among them."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from tests.graphql.kit import uid
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import TEXTUAL, WHOLE, FieldType

TEXTS = [
    *("", "a", "A", "ab", "Zz", "b%", "_", "\\", "'", '"', "a\nb", " a ", "DE", "x1", "aaaa"),
    *(
        "ä",
        "a\u0308",
        "ß",
        "SS",
        "Æ",
        "ı",
        "É",
        "Ω",
        "я",
        "\ufb01",
        "\u2028",
        "\x7f",
        "😀",
        "Müller & Söhne",
        "long " * 8,
    ),
]
PATTERNS = ["^[A-Z]{2}$", "^[a-zA-Z0-9]*$", "[a-zäß]"]
_PLAIN: dict[FieldType, Sequence[Any]] = {
    FieldType.EMAIL: ["a@b.de", "A@B.de", "x.y+z@example.com"],
    FieldType.PHONE: ["0731 123456", "+49 (0)731 1234-56", "0049731123456", "110", "no number", ""],
    FieldType.URL: ["https://example.com/?q=%20#x", "http://a.de", "mailto:x@y.de"],
    FieldType.INTEGER: [-(2**31), -12, -7, 0, 1, 2, 3, 30, 2**31 - 1],
    FieldType.BIG_INTEGER: [-(2**63), -(10**12), -12, -1, 0, 3, 30, 2**53 + 1, 2**63 - 1],
    FieldType.BOOLEAN: [True, False],
    FieldType.DATE: ["0001-01-01", "0999-12-31", "1999-12-31", "2000-01-01", "2024-02-29", "2026-03-29", "9999-12-31"],
    FieldType.DATETIME: [
        *("0001-01-01T00:00:00+00:00", "1999-12-31T23:30:00+00:00", "2026-03-29T00:59:59.999999+00:00"),
        *("2026-03-29T01:00:00Z", "2026-03-01T11:00:00.000001+01:00", "2026-10-25T02:30:00.5+02:00"),
        "9999-12-31T23:59:59+00:00",
    ],
    FieldType.TIME: ["00:00:00", "08:30:00", "08:30:00.000001", "08:30:00.5", "23:59:59.999999"],
    FieldType.DURATION: ["PT0S", "PT59S", "PT1H", "P1D", "P1DT1S", "P1157407DT9H46M40S"],
    FieldType.UUID: [uid(number) for number in (1, 2, 10, 255)],
    FieldType.JSON: [
        {},
        {"a": None},
        {"bb": [1, 0.5, "ä", {}], "a": True},
        {"\\": '"', "😀": -(2**63), "": {"c": {"b": [[]]}}},
        {"x": 1.0, "y": 1e300, "z": -0.001, "aa": "\u2028"},
    ],
}
_NUMBERS = ["-1.5", "-1", "-0.01", "0", "0.01", "0.5", "2", "2.5", "12", "1000000000", "99999999999999.9999"]


def fitting(of: Field) -> list[Any]:
    """Values that a record may have in a field, as the write door takes them; none for files and relations."""
    if of.type in TEXTUAL:
        return [each for each in _PLAIN.get(of.type, TEXTS) if _fits_text(of, each)]
    if of.type in WHOLE:
        return [each for each in _PLAIN[of.type] if _fits_number(of, each)]
    match of.type:
        case FieldType.DECIMAL:
            numbers = [Decimal(each) for each in _NUMBERS] + [10 ** Decimal(of.precision - of.scale) - _unit(of)]
            return [each for each in dict.fromkeys(numbers) if _fits_number(of, each) and _fits_digits(of, each)]
        case FieldType.MONEY:
            amounts = fitting(of.parts["amount"])
            return [{"amount": each, "currency": currency} for each in amounts for currency in of.currencies]
        case FieldType.ENUM:
            return list(of.enum)
        case FieldType.SET:
            sizes = range(of.min_items or 0, min(len(of.enum), of.max_items or len(of.enum)) + 1)
            return [list(each) for size in sizes for each in combinations(of.enum, size)][:12]
    return list(_PLAIN.get(of.type, ()))


def pool(of: Field) -> st.SearchStrategy[Any]:
    """Values to compare a field with, most of them such as records have."""
    if of.type is FieldType.UUID:
        return st.integers(1, 40).map(uid)
    return st.sampled_from(fitting(of)) if fitting(of) else st.just("x")


def _fits_text(of: Field, value: str) -> bool:
    # JSON Schema's $ does not match before a line break at the end, as that of Python does.
    pattern = None if of.pattern is None else of.pattern.replace("$", r"\Z")
    least, most = of.min_length or 0, of.max_length or len(value)
    return least <= len(value) <= most and (pattern is None or re.search(pattern, value) is not None)


def _fits_number(of: Field, value: Decimal | int) -> bool:
    number = Decimal(value)
    bounds = (
        of.minimum is None or number >= Decimal(str(of.minimum)),
        of.maximum is None or number <= Decimal(str(of.maximum)),
        of.exclusive_minimum is None or number > Decimal(str(of.exclusive_minimum)),
        of.exclusive_maximum is None or number < Decimal(str(of.exclusive_maximum)),
        of.multiple_of is None or number % Decimal(str(of.multiple_of)) == 0,
    )
    return all(bounds)


def _fits_digits(of: Field, value: Decimal) -> bool:
    whole = abs(value) < 10 ** Decimal(of.precision - of.scale)
    return whole and value == value.quantize(_unit(of))


def _unit(of: Field) -> Decimal:
    return Decimal(1).scaleb(-of.scale)
