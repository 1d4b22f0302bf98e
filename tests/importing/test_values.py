"""Text of a cell → value of a field."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from xrm_core.errors import ImportFailed
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.records.importing import ImportOptions
from xrm_core.records.importing.values import BadValue, converter

COMMA = {"decimal_comma": True}
SHORT_YEARS = {"date_format": "%d-%m-%y"}
GERMAN_TIME = {"datetime_format": "%d.%m.%Y %H:%M", "timezone": "Europe/Berlin"}
STAGE = Field(
    "stage",
    FieldType.ENUM,
    enum=("won", "lost", "on_hold", "Lost2", "dead", "gone"),
    enum_labels={
        "won": {"de": "Gewonnen"},
        "on_hold": {"en": "On hold"},
        "lost": {"de": "won"},
        "dead": {"de": "Weg"},
        "gone": {"de": "Weg"},
    },
)


def read(type_: FieldType, text: str, options: dict[str, Any]) -> Any:
    field = (
        replace(STAGE, type=type_)
        if type_ in (FieldType.ENUM, FieldType.SET)
        else Field("sample", type_, currencies=("EUR", "USD"))
    )
    return converter(field, ImportOptions(**options))(text)


@pytest.mark.parametrize(
    ("type_", "text", "options", "value"),
    [
        (FieldType.TEXT, "=1+1", {}, "=1+1"),
        (FieldType.INTEGER, "2822", {}, 2822),
        (FieldType.INTEGER, "-5", {}, -5),
        (FieldType.INTEGER, "1,234,567", {}, 1234567),
        (FieldType.INTEGER, "1.234.567", COMMA, 1234567),
        (FieldType.INTEGER, "1 234", {}, 1234),
        (FieldType.INTEGER, "1\u00a0234", {}, 1234),
        (FieldType.INTEGER, "85.0", {}, 85),
        (FieldType.DECIMAL, "1100.04", {}, Decimal("1100.04")),
        (FieldType.DECIMAL, "1,100.04", {}, Decimal("1100.04")),
        (FieldType.DECIMAL, "1.100,04", COMMA, Decimal("1100.04")),
        (FieldType.DECIMAL, "1'100,04", COMMA, Decimal("1100.04")),
        (FieldType.DECIMAL, ".5", {}, Decimal("0.5")),
        (FieldType.DECIMAL, "123456789012345.678", {}, Decimal("123456789012345.678")),
        (FieldType.BIG_INTEGER, "9,223,372,036,854,775,807", {}, 2**63 - 1),
        (FieldType.TIME, "8:30", {}, "08:30:00"),
        (FieldType.TIME, "08:30:00.50", {}, "08:30:00.5"),
        (FieldType.DURATION, "1:30", {}, "PT1H30M"),
        (FieldType.DURATION, "100:00:01", {}, "P4DT4H1S"),
        (FieldType.DURATION, "pt36h", {}, "P1DT12H"),
        (FieldType.SET, "won; Gewonnen|On hold,lost", {}, ["won", "on_hold", "lost"]),
        (FieldType.JSON, '{"a": [1.5]}', {}, {"a": [1.5]}),
        (FieldType.MONEY, "1,234.50 EUR", {}, {"amount": Decimal("1234.50"), "currency": "EUR"}),
        (FieldType.MONEY, "USD -1", {}, {"amount": Decimal(-1), "currency": "USD"}),
        (FieldType.MONEY, "1.234,5EUR", COMMA, {"amount": Decimal("1234.5"), "currency": "EUR"}),
        (FieldType.BOOLEAN, "Yes", {}, True),
        (FieldType.BOOLEAN, "JA", {}, True),
        (FieldType.BOOLEAN, "1", {}, True),
        (FieldType.BOOLEAN, "nein", {}, False),
        (FieldType.BOOLEAN, "FALSE", {}, False),
        (FieldType.DATE, "2016-10-20", {}, "2016-10-20"),
        (FieldType.DATE, "20-10-16", SHORT_YEARS, "2016-10-20"),
        (FieldType.DATETIME, "2026-11-22T10:00:00+01:00", {}, "2026-11-22T09:00:00+00:00"),
        (FieldType.DATETIME, "2026-11-22 10:00Z", {}, "2026-11-22T10:00:00+00:00"),
        (FieldType.DATETIME, "2026-11-22 10:00", {"timezone": "Europe/Berlin"}, "2026-11-22T09:00:00+00:00"),
        (FieldType.DATETIME, "22.07.2026 10:00", GERMAN_TIME, "2026-07-22T08:00:00+00:00"),
        (FieldType.ENUM, "won", {}, "won"),
        (FieldType.ENUM, "WON", {}, "won"),
        (FieldType.ENUM, "gewonnen", {}, "won"),
        (FieldType.ENUM, "On Hold", {}, "on_hold"),
        (
            FieldType.UUID,
            "0193A2B4-0000-7000-8000-00000000000A",
            {},
            "0193a2b4-0000-7000-8000-00000000000a",
        ),
    ],
)
def test_values(type_: FieldType, text: str, options: dict[str, Any], value: Any):
    found = read(type_, text, options)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text", "options", "code", "message"),
    [
        (FieldType.INTEGER, "12 apples", {}, "number", "is not a number"),
        (FieldType.INTEGER, "1.5", {}, "integer", "is not a whole number"),
        (FieldType.INTEGER, "9" * 30, {}, "integer", "is too large"),
        (FieldType.INTEGER, "", {}, "number", "is not a number"),
        (FieldType.INTEGER, "٣", {}, "number", "is not a number"),
        (FieldType.DECIMAL, "1,5", {}, "number", "With --decimal-comma it would"),
        (FieldType.DECIMAL, "1.5", COMMA, "number", "Without --decimal-comma it would"),
        (FieldType.DECIMAL, "1,23,456", {}, "number", "is not a number"),
        (FieldType.DECIMAL, "1,234'567", {}, "number", "is not a number"),
        (FieldType.DECIMAL, "NaN", {}, "number", "is not a number"),
        (FieldType.DECIMAL, "1e999", {}, "number", "is not a number"),
        (FieldType.DECIMAL, "-Infinity", {}, "number", "is not a number"),
        (FieldType.DECIMAL, ".", {}, "number", "is not a number"),
        (FieldType.DECIMAL, "1" * 100, {}, "number", "is not a number"),
        (FieldType.BIG_INTEGER, str(2**63), {}, "integer", "is too large"),
        (FieldType.TIME, "24:00", {}, "time", "is not a time of day"),
        (FieldType.TIME, "8.30", {}, "time", "is not a time of day"),
        (FieldType.DURATION, "P1M", {}, "duration", "is not a duration"),
        (FieldType.DURATION, "1:60", {}, "duration", "is not a duration"),
        (FieldType.DURATION, "-1:00", {}, "duration", "is not a duration"),
        (FieldType.SET, "won, perhaps", {}, "enum", "is none of won, lost"),
        (FieldType.JSON, "[1]", {}, "json", "is not a JSON object"),
        (FieldType.JSON, '{"a": NaN}', {}, "json", "is not a JSON object"),
        (FieldType.JSON, "[" * 100_000, {}, "json", "is not a JSON object"),
        (FieldType.MONEY, "5", {}, "money", "one of the currencies EUR, USD"),
        (FieldType.MONEY, "5 CHF", {}, "money", "one of the currencies EUR, USD"),
        (FieldType.MONEY, "EUR 5 EUR", {}, "money", "one of the currencies EUR, USD"),
        (FieldType.MONEY, "EUR five", {}, "number", "is not a number"),
        (FieldType.BOOLEAN, "maybe", {}, "boolean", "neither true nor false"),
        (FieldType.DATE, "20-10-16", {}, "date", "give --date-format"),
        (FieldType.DATE, "2016-02-30", {}, "date", "is not a date as YYYY-MM-DD"),
        (FieldType.DATE, "20161020", {}, "date", "is not a date as YYYY-MM-DD"),
        (FieldType.DATE, "2016-10-20", SHORT_YEARS, "date", "is not a date as %d-%m-%y"),
        (FieldType.DATETIME, "2026-11-22T25:00:00Z", {}, "datetime", "is not a date and time"),
        (FieldType.DATETIME, "2026-W01-1", {}, "datetime", "is not a date and time"),
        (FieldType.DATETIME, "0001-01-01T00:00:00+14:00", {}, "datetime", "is not a date and time"),
        (FieldType.ENUM, "perhaps", {}, "enum", "is none of won, lost"),
        (FieldType.ENUM, "Weg", {}, "enum", "may mean dead or gone"),
        (FieldType.UUID, "42", {}, "uuid", "is not an id"),
    ],
)
def test_bad_values(type_: FieldType, text: str, options: dict[str, Any], code: str, message: str):
    with pytest.raises(BadValue, match=message) as caught:
        read(type_, text, options)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"date_format": "%d-%m"}, "does not say a whole date"),
        ({"date_format": "%d-%m-%q"}, "does not say a whole date"),
        ({"datetime_format": "%d.%m.%Y"}, "does not say a whole date or time"),
        ({"timezone": "Berlin"}, "no time zone 'Berlin'"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"delimiter": "||"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str):
    with pytest.raises(ImportFailed, match=message):
        ImportOptions(**options)
