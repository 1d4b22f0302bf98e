"""Sequence numbers at the write door: given to new records, and stepped over when they come from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from xrm_core.metadata.model import Entity, Field
from xrm_core.records.stored import Record
from xrm_core.records.wording import invalid
from xrm_core.storage.counters import Counter
from xrm_core.translation import say


def number_new(connection: Connection, table: Table, kind: Entity, records: Sequence[Record]) -> None:
    """Give each of these records its numbers, in their order; those that have one already keep it."""
    for field in kind.fields.values():
        if field.sequence is not None:
            step_over(connection, table, kind, field, [record[field.name] for record in records])
            _draw(connection, table, kind, field, [record for record in records if record[field.name] is None])


def number_changed(connection: Connection, table: Table, kind: Entity, changes: Mapping[str, Any]) -> None:
    """A record of history gets another number: its counter goes on behind that."""
    for name, value in changes.items():
        field = kind.fields.get(name)
        if field is None or field.sequence is None:
            continue
        if value is None:
            raise invalid(kind, [{"field": name, "rule": "required", "message": say("is missing")}])
        step_over(connection, table, kind, field, [value])


def step_over(connection: Connection, table: Table, kind: Entity, field: Field, texts: Sequence[str | None]) -> None:
    """Move the counters of a field behind the numbers that were given."""
    if field.sequence is None:
        return
    highest: dict[str, int] = {}
    for text in texts:
        found = None if text is None else field.sequence.read(text)
        if found is not None:
            highest[found[0]] = max(found[1], highest.get(found[0], found[1]))
    for period, number in sorted(highest.items()):
        Counter(connection, table, kind, field, period).step_over(number)


def _draw(connection: Connection, table: Table, kind: Entity, field: Field, records: Sequence[Record]) -> None:
    if field.sequence is None:
        return
    periods: dict[str, list[Record]] = {}
    for record in records:
        periods.setdefault(field.sequence.period(record["created_at"]), []).append(record)
    for period, members in sorted(periods.items()):  # in one order for all, so that no two wait for each other
        first = Counter(connection, table, kind, field, period).draw(len(members))
        for number, record in enumerate(members, first):
            record[field.name] = field.sequence.text(record["created_at"], number)
