"""Searching the platform's own tables for what names somebody: jobs, outbox, deliveries, events, and what is beside."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Table, func, or_, select

from xrm_core.storage.columns import Id
from xrm_core.storage.system import METADATA
from xrm_core.storage.system_texts import SEARCHED

SHORTEST = 3

_AT_ONCE = 20
"""Needles of one statement."""


class _Looking(Protocol):
    @property
    def connection(self) -> Connection: ...


@dataclass(frozen=True, slots=True)
class InSystem:
    """Where something stands. No content.

    Args:
        table: of the platform.
        column: of it.
        id: of the row; empty: it is known by no id.
    """

    table: str
    column: str
    id: str


def find_in_system(context: _Looking, needles: Collection[str]) -> list[InSystem]:
    """Where the platform's own tables have one of some texts, beside records, change log and trash: in payloads and
    results of jobs, in the outbox, in errors of deliveries, in events, notices and reasons. What is searched, and why
    what is not, says :mod:`xrm_core.storage.system_texts`.

    Args:
        context: of an action, of what follows a write, of a job (``job.within(connection)``) or a command.
        needles: whole words, as they may be written, such as an address or a number; capitals do not count, and those
            with fewer than three letters are not looked for. They are kept nowhere.
    """
    return [
        InSystem(table.name, column, id_of(table, row))
        for table, row, columns in hits(context, needles)
        for column in columns
    ]


def hits(context: _Looking, needles: Collection[str]) -> Iterator[tuple[Table, Row[Any], list[str]]]:
    """Each row that has one of them, and in which columns."""
    wanted = sorted({each for each in needles if len(each.strip()) >= SHORTEST})
    pattern = _pattern(wanted)
    for name, columns in SEARCHED.items() if wanted else ():
        table = METADATA.tables[name]
        found: dict[tuple[Any, ...], Row[Any]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            forms = {form for each in wanted[start : start + _AT_ONCE] for form in _forms(each)}
            there = or_(*(_contains(table.c[column], form) for column in columns for form in sorted(forms)))
            for row in context.connection.execute(select(table).where(there)):
                found[tuple(row._mapping[each] for each in table.primary_key.columns)] = row
        for row in found.values():
            if has := [each for each in columns if any(map(pattern.search, _texts(row._mapping[each])))]:
                yield table, row, has


def id_of(table: Table, row: Row[Any]) -> str:
    """The id of a row; empty: its key is something else, which may be content."""
    [first, *more] = table.primary_key.columns
    return str(row._mapping[first]) if isinstance(first.type, Id) and not more else ""


def _contains(column: ColumnElement[Any], form: str) -> ColumnElement[bool]:
    return func.lower(column).contains(form, autoescape=True)


def _forms(needle: str) -> Iterator[str]:
    """As it may be stored, in JSON or not; SQLite knows the capitals of ASCII alone."""
    for text in (needle, needle.lower()):
        for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield "".join(each.lower() if each.isascii() else each for each in form)


def _pattern(needles: Collection[str]) -> re.Pattern[str]:
    """Whole ones: ``eva@…`` is not found in ``maria.eva@…``; with the ending of a file behind it, it is."""
    each = (
        rf"(?<![\w.+-]){re.escape(needle)}" if "@" in needle else rf"(?<!\w){re.escape(needle)}" for needle in needles
    )
    return re.compile(rf"(?:{'|'.join(each)})(?![^\W_]|-)", re.IGNORECASE)


def _texts(value: Any) -> Iterator[str]:
    """A text, or those in its JSON, names included."""
    if isinstance(value, str):
        inner = _json(value)
        yield from [value] if inner is None else _texts(inner)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(name)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _json(text: str) -> Any:
    """What a text is, if it is JSON with texts in it."""
    if text[:1] not in ("{", "[", '"'):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
