"""Numbers for the records that are there already when a field with a sequence is added, as an SQL expression."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, FromClause, Text, cast, func, literal, literal_column

from xrm_core.metadata.sequence import DATE_WORDS, Sequence

_PLACES = {"YYYY": (1, 4), "YY": (3, 2), "MM": (6, 2), "DD": (9, 2)}
"""Where in ``2026-11-25…`` a placeholder's digits are: first place and length."""


def numbers(
    sequence: Sequence, records: FromClause, connection: Connection, after: ColumnElement[Any] | None = None
) -> ColumnElement[Any]:
    """The number of each record, in the order of ``created_at`` and ``id``.

    Args:
        sequence: the field's.
        records: has the columns ``created_at`` and ``id``.
        connection: where the statement will run: SQLite is taught there what time it is elsewhere.
        after: how many records of the same period have numbers already; None: none of any.
    """
    date = _date(sequence, records, connection)
    used = [date[part.kind] for part in sequence.parts if part.kind in date]
    order = [records.c.created_at, records.c.id]
    place: ColumnElement[int] = func.row_number().over(partition_by=used or None, order_by=order)
    text: ColumnElement[Any] = literal("", Text())
    for part in sequence.parts:
        if part.kind == "literal":
            text = text.concat(literal(part.text, Text()))
        elif part.kind == "0":
            counter = place + literal_column(str(sequence.start - 1))
            counter = counter if after is None else counter + after
            text = text.concat(_padded(counter, part.width, connection))
        else:
            text = text.concat(date[part.kind])
    return text


def period(sequence: Sequence, records: FromClause, connection: Connection) -> ColumnElement[Any]:
    """A text that records share whose numbers count on from each other."""
    date = _date(sequence, records, connection)
    text: ColumnElement[Any] = literal("", Text())
    for part in sequence.parts:
        if part.kind in date:
            text = text.concat(date[part.kind]).concat(literal_column("'-'"))
    return text


def _date(sequence: Sequence, records: FromClause, connection: Connection) -> dict[str, ColumnElement[Any]]:
    moment = _local(sequence, records.c.created_at, connection)
    return {word: func.substr(moment, *(literal_column(str(place)) for place in _PLACES[word])) for word in DATE_WORDS}


def _padded(number: ColumnElement[int], width: int, connection: Connection) -> ColumnElement[Any]:
    if connection.dialect.name == "sqlite":
        return func.printf(literal_column(f"'%0{width}d'"), number)
    digits = cast(number, Text)
    return func.lpad(digits, func.greatest(func.length(digits), literal_column(str(width))), literal_column("'0'"))


def _local(sequence: Sequence, created_at: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """``2026-11-25 …`` by the clocks of the zone."""
    if connection.dialect.name == "postgresql":
        local = func.timezone(literal(sequence.zone, Text()), created_at)
        return func.to_char(local, literal_column("'YYYY-MM-DD'"))
    driver: Any = connection.connection.driver_connection
    driver.create_function("xrm_local_time", 2, _local_time, deterministic=True)
    return func.xrm_local_time(created_at, literal(sequence.zone, Text()))


def _local_time(created_at: str, zone: str) -> str:
    return dt.datetime.fromisoformat(created_at).astimezone(ZoneInfo(zone)).isoformat()
