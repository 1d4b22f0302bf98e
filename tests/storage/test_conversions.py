"""Values of one type into another: the same on both databases as in Python, and never an error of the database."""

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, column, literal, select, values

from tests.postgres import PostgresServer
from xrm_core.metadata.clock import instant_text, time_text
from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.storage.columns import column_type
from xrm_core.storage.conversions import conversion
from xrm_core.storage.engines import Database

EXAMPLES = 2_000 if os.environ.get("XRM_HYPOTHESIS") == "night" else 8
BLANKS = " \t\n\r\u00a0"

TEXT = Field("it", FieldType.TEXT)
INTEGER = Field("it", FieldType.INTEGER)
BOOLEAN, DATE, DATETIME, UUID = (
    Field("it", each) for each in (FieldType.BOOLEAN, FieldType.DATE, FieldType.DATETIME, FieldType.UUID)
)
ENUM = Field("it", FieldType.ENUM, enum=("active", "Lost", "x"))


def decimal(precision: int, scale: int) -> Field:
    return Field("it", FieldType.DECIMAL, precision=precision, scale=scale)


BIG, TIME = Field("it", FieldType.BIG_INTEGER), Field("it", FieldType.TIME)
SET = Field("it", FieldType.SET, enum=ENUM.enum)
FEWER = Field("it", FieldType.SET, enum=("Lost", "x"))
WHOLE_18 = decimal(18, 0)
MONEY, WIDE, SMALL, WHOLE = decimal(12, 2), decimal(18, 4), decimal(4, 1), decimal(5, 0)


def only(found: list[str], allowed: Sequence[str]) -> str | None:
    return found[0] if len(found) == 1 and found[0] in allowed else None


def integer_of(text: str) -> int | None:
    text = text.strip(BLANKS)
    return in_range(int(text)) if re.fullmatch("[+-]?[0-9]+", text) else None


def in_range(number: int) -> int | None:
    return number if -(2**31) <= number < 2**31 else None


def big_of(text: str) -> int | None:
    text = text.strip(BLANKS)
    number = int(text) if re.fullmatch("[+-]?[0-9]+", text) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def time_of(text: str) -> str | None:
    text = text.strip(BLANKS)
    if not re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?", text):
        return None
    try:
        return time_text(dt.time.fromisoformat(text))
    except ValueError:
        return None


def set_of(text: str) -> list[str] | None:
    found = enum_of(text)
    return None if found is None else [found]


def decimal_of(field: Field, text: str) -> Decimal | None:
    text = text.strip(BLANKS)
    comma = re.fullmatch("[+-]?(0,[0-9]{3}|[0-9]+,([0-9]{1,2}|[0-9]{4,}))", text)
    if comma or re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        return fitting(field, Decimal(text.replace(",", ".")))
    return None


def fitting(field: Field, number: Decimal) -> Decimal | None:
    exact = number == number.quantize(Decimal(1).scaleb(-field.scale)) if abs(number) < 10**18 else False
    return number if exact and abs(number) < 10 ** (field.precision - field.scale) else None


def date_of(text: str) -> str | None:
    text = text.strip(BLANKS)
    german = re.fullmatch(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", text)
    if german:
        text = "-".join(reversed(german.groups()))
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def moment_of(text: str) -> str | None:
    text = text.strip(BLANKS)
    form = r"([0-9]{4})-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-]([0-9]{2}:[0-9]{2}))"
    found = re.fullmatch(form, text)
    if not found or not 2 <= int(found[1]) <= 9998 or (found[5] or "") > "14:00":
        return None
    try:
        return instant_text(dt.datetime.fromisoformat(text.replace("z", "Z")).astimezone(dt.UTC))
    except ValueError:
        return None


def boolean_of(text: str) -> bool | None:
    word = text.strip(BLANKS).lower()
    return {
        "true": True,
        "yes": True,
        "ja": True,
        "1": True,
        "false": False,
        "no": False,
        "nein": False,
        "0": False,
    }.get(word)


def enum_of(text: str) -> str | None:
    return text.strip(BLANKS) if text.strip(BLANKS) in ENUM.enum else None


def uuid_of(text: str) -> str | None:
    word = text.strip(BLANKS).lower()
    return word if re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", word) else None


def midnight(moment: str) -> str | None:
    return moment[:10] if moment.endswith("T00:00:00+00:00") else None


big = st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**31) - 2, 2**31 + 2)
sets = st.lists(st.sampled_from(ENUM.enum), unique=True, min_size=1)
times = st.times().map(str) | st.from_regex(r"\A[0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,7})?)?\Z")
words = st.sampled_from(
    [
        "ja",
        "NEIN",
        "True",
        "yes",
        "0",
        "1",
        "no",
        "active",
        "Lost",
        "lost",
        "-",
        "+",
        ",",
        ".",
        "1e5",
        "٣",
        "²",
        "",
        " ",
    ]
)
numbers = st.from_regex(r"\A\s?[+-]?[0-9]{0,20}[.,]?[0-9]{0,6}\s?\Z")
dates = (
    st.dates().map(str)
    | st.from_regex(r"\A[0-9]{2}\.[0-9]{2}\.(19|20)[0-9]{2}\Z")
    | st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z")
)
moments = st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-5, minutes=-30))])).map(
    dt.datetime.isoformat
) | st.from_regex(
    r"\A20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,7})?)?"
    r"([zZ]|[+-][01][0-9]:[0-6][0-9])?\Z"
)
anything = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
texts = st.one_of(words, numbers, dates, moments, st.uuids().map(str), anything)
integers = st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 2)
instants = st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 12, 31)).map(
    lambda moment: instant_text(moment.replace(tzinfo=dt.UTC))
) | st.dates().map(lambda day: f"{day}T00:00:00+00:00")


def decimals(field: Field) -> st.SearchStrategy[Decimal]:
    most = 10**field.precision - 1
    return st.integers(-most, most).map(lambda number: Decimal(number).scaleb(-field.scale))


PAIRS: dict[str, tuple[Field, Field, st.SearchStrategy[Any], Callable[[Any], Any]]] = {
    "text to integer": (TEXT, INTEGER, texts, integer_of),
    "text to money": (TEXT, MONEY, texts, partial(decimal_of, MONEY)),
    "text to decimal with four digits": (TEXT, WIDE, texts, partial(decimal_of, WIDE)),
    "text to decimal without digits": (TEXT, WHOLE, texts, partial(decimal_of, WHOLE)),
    "text to date": (TEXT, DATE, texts, date_of),
    "text to moment": (TEXT, DATETIME, texts, moment_of),
    "text to boolean": (TEXT, BOOLEAN, texts, boolean_of),
    "text to enum": (TEXT, ENUM, texts, enum_of),
    "text to uuid": (TEXT, UUID, texts, uuid_of),
    "integer to decimal": (INTEGER, MONEY, integers, lambda number: fitting(MONEY, Decimal(number))),
    "integer to small decimal": (INTEGER, SMALL, integers, lambda number: fitting(SMALL, Decimal(number))),
    "integer to text": (INTEGER, TEXT, integers, str),
    "integer to boolean": (INTEGER, BOOLEAN, integers, lambda number: {1: True, 0: False}.get(number)),
    "boolean to integer": (BOOLEAN, INTEGER, st.booleans(), int),
    "boolean to text": (BOOLEAN, TEXT, st.booleans(), lambda truth: "true" if truth else "false"),
    "decimal to fewer digits": (WIDE, MONEY, decimals(WIDE) | decimals(SMALL), partial(fitting, MONEY)),
    "decimal to small decimal": (MONEY, SMALL, decimals(MONEY) | decimals(SMALL), partial(fitting, SMALL)),
    "decimal to more digits": (MONEY, WIDE, decimals(MONEY), partial(fitting, WIDE)),
    "decimal to integer": (
        WIDE,
        INTEGER,
        decimals(WIDE) | integers.map(Decimal),
        lambda number: in_range(int(number)) if number == int(number) else None,
    ),
    "decimal to text": (WIDE, TEXT, decimals(WIDE), lambda number: f"{number:.4f}"),
    "decimal without digits to text": (WHOLE, TEXT, decimals(WHOLE), lambda number: f"{number:.0f}"),
    "date to text": (DATE, TEXT, st.dates().map(str), str),
    "moment to text": (DATETIME, TEXT, instants, str),
    "date to moment": (DATE, DATETIME, st.dates().map(str), lambda day: f"{day}T00:00:00+00:00"),
    "moment to date": (DATETIME, DATE, instants, midnight),
    "text to big integer": (TEXT, BIG, texts | big.map(str) | st.integers(2**63 - 2, 2**63 + 2).map(str), big_of),
    "big integer to integer": (BIG, INTEGER, big, in_range),
    "integer to big integer": (INTEGER, BIG, integers, int),
    "big integer to decimal": (BIG, MONEY, big | integers, lambda number: fitting(MONEY, Decimal(number))),
    "big integer to text": (BIG, TEXT, big, str),
    "decimal to big integer": (
        WHOLE_18,
        BIG,
        decimals(WHOLE_18),
        int,
    ),
    "text to time": (TEXT, TIME, times | words, time_of),
    "time to text": (TIME, TEXT, st.times().map(time_text), str),
    "text to set": (TEXT, SET, words, set_of),
    "enum to set": (ENUM, SET, st.sampled_from(ENUM.enum), set_of),
    "set to smaller set": (SET, FEWER, sets, lambda found: found if set(found) <= set(FEWER.enum) else None),
    "set to enum": (SET, replace(FEWER, type=FieldType.ENUM), sets, lambda found: only(found, FEWER.enum)),
    "set to text": (SET, TEXT, sets, lambda found: only(found, found)),
    "uuid to text": (UUID, TEXT, st.uuids().map(str), str),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('conversions') / 'test.db'}")
        with database.read() as opened:
            yield opened
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        database = Database(url)
        with database.read() as opened:
            yield opened
        database.close()


def converted(connection: Connection, old: Field, new: Field, found: list[Any]) -> list[Any]:
    conversion_ = conversion(old, new)
    assert conversion_ is not None
    rows = (
        values(column("row"), column("it", column_type(old)), name="rows")
        .data([(literal(number), literal(value, column_type(old))) for number, value in enumerate(found)])
        .cte()
    )
    value = conversion_.values({"it": rows.c.it}, connection.dialect.name)["it"]
    misfit = conversion_.misfit({"it": rows.c.it}, connection.dialect.name)
    answer = connection.execute(select(value, misfit).order_by(rows.c.row)).all()
    for (after, misfits), before in zip(answer, found, strict=True):
        empty = before is None or (isinstance(before, str) and old is TEXT and not before.strip(BLANKS))
        assert bool(misfits) is (after is None and not empty)
    return [row[0] for row in answer]


@pytest.mark.parametrize("name", PAIRS)
def test_values_convert_as_they_do_in_python(connection: Connection, name: str) -> None:
    old, new, sources, reference = PAIRS[name]

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    @given(st.lists(sources, min_size=1, max_size=20))
    def check(found: list[Any]) -> None:
        assert converted(connection, old, new, [*found, None]) == [*map(reference, found), None]

    check()


@pytest.mark.parametrize(
    ("new", "text", "value"),
    [
        (INTEGER, " 1200 ", 1200),
        (INTEGER, "+7", 7),
        (INTEGER, "2147483648", None),
        (INTEGER, "12.0", None),
        (INTEGER, "1.000", None),
        (INTEGER, "9" * 40, None),
        (MONEY, "1234.5", Decimal("1234.50")),
        (MONEY, "1234,5", Decimal("1234.50")),
        (MONEY, "0,125", None),
        (WIDE, "0,125", Decimal("0.1250")),
        (WIDE, "1,234", None),
        (WIDE, "1.234,56", None),
        (WIDE, "-00012,3400000", Decimal("-12.3400")),
        (MONEY, "1.005", None),
        (MONEY, "1e3", None),
        (MONEY, ".5", None),
        (DATE, "29.02.2024", "2024-02-29"),
        (DATE, "29.02.2023", None),
        (DATE, "1900-02-29", None),
        (DATE, "0000-01-01", None),
        (DATETIME, "2026-01-31 10:00+01:00", "2026-01-31T09:00:00+00:00"),
        (DATETIME, "2026-01-31T10:00:00.250Z", "2026-01-31T10:00:00.25+00:00"),
        (DATETIME, "2026-01-31T10:00:00", None),
        (DATETIME, "2026-01-31T24:00Z", None),
        (DATETIME, "Z", None),
        (BOOLEAN, "Ja", True),
        (BOOLEAN, "nein ", False),
        (BOOLEAN, "maybe", None),
        (ENUM, "\u00a0active", "active"),
        (ENUM, "Active", None),
        (UUID, "018C6DBB-2CE3-7CE4-AA5F-D4C9D68CB802", "018c6dbb-2ce3-7ce4-aa5f-d4c9d68cb802"),
    ],
)
def test_a_text_is_read_as_documented(connection: Connection, new: Field, text: str, value: Any) -> None:
    assert converted(connection, TEXT, new, [text]) == [value]
