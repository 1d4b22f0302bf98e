"""``xrm query explain``: a query planned like the server plans it, and what the database makes of it."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from xrm_core import naming
from xrm_core.graphql.explain import ExplainedQuery, explain
from xrm_core.permissions.caller import User
from xrm_core.query.context import context_values
from xrm_core.query.index_use import IndexUse
from xrm_core.server.blueprints import make_roles
from xrm_core.server.site import make_reader
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database
from xrm_core.storage.explain import PlanLine, plan_of, sizes
from xrm_core.storage.tables import Tables

FEW = 1000
"""A table of so many records may well be read whole."""

_WHY = {
    "filter": "the filter compares it",
    "rule": "a row rule of the role compares it",
    "order": "the list is sorted by it",
}
_NUMBERED = re.compile(r"_\d+$")


@dataclass(frozen=True)
class FieldReport:
    """A root field."""

    key: str
    sql: str
    values: tuple[Any, ...]
    plan: tuple[PlanLine, ...]


@dataclass(frozen=True)
class Advice:
    """A field that should have an index, and why."""

    entity: str
    field: str
    text: str


@dataclass(frozen=True)
class Report:
    """All of it. ``cost`` is what ``extensions.cost`` of the answer would say."""

    fields: tuple[FieldReport, ...]
    cost: Mapping[str, Any]
    advice: tuple[Advice, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "cost": self.cost,
            "fields": [
                {
                    "key": field.key,
                    "sql": field.sql,
                    "values": [str(value) if value is not None else None for value in field.values],
                    "plan": [vars(line) for line in field.plan],
                }
                for field in self.fields
            ],
            "indexes": [vars(advice) for advice in self.advice],
        }


def explain_query(
    settings: Settings,
    database: Database,
    tables: Tables,
    caller: User,
    text: str,
    operation: str | None,
    variables: Mapping[str, Any],
    *,
    analyze: bool,
) -> Report:
    """Plan a query for a caller and ask the database for its plans.

    Raises:
        XrmError: the query would be refused, or the database does not answer.
    """
    return asyncio.run(
        _explained(settings, database, tables, caller, text, operation, dict(variables), analyze=analyze)
    )


async def _explained(
    settings: Settings,
    database: Database,
    tables: Tables,
    caller: User,
    text: str,
    operation: str | None,
    variables: Mapping[str, Any],
    *,
    analyze: bool,
) -> Report:
    with ThreadPoolExecutor(1) as threads:
        role = await make_roles(settings, tables, database.dialect).get(caller.access, threads)
    explained = explain(role, text, operation, variables, context_values(caller))
    reader = make_reader(database, settings.statement_timeout)
    try:
        plans = [tuple(await plan_of(database, reader, each.call, analyze=analyze)) for each in explained.fields]
    finally:
        await reader.close()
    fields = (FieldReport(each.key, *each.call, plan) for each, plan in zip(explained.fields, plans, strict=True))
    advice = _advice(database, explained, plans)
    return Report(tuple(fields), explained.cost, tuple(advice))


def _advice(database: Database, explained: ExplainedQuery, plans: list[tuple[PlanLine, ...]]) -> Iterator[Advice]:
    """For fields that are looked up or sorted by in tables that are read whole and are not small."""
    uses: dict[IndexUse, None] = {}
    for each, plan in zip(explained.fields, plans, strict=True):
        read_whole = {line.whole for line in plan} | {_NUMBERED.sub("", line.whole) for line in plan}
        uses.update(dict.fromkeys(use for use in each.uses if naming.table(use.entity) in read_whole))
    counted = sizes(database, sorted({naming.table(use.entity) for use in uses}))
    said: set[tuple[str, str]] = set()
    for use in uses:
        records = counted[naming.table(use.entity)]
        if records <= FEW or (use.entity, use.field) in said:
            continue
        said.add((use.entity, use.field))
        text = (
            f'"x-index": true for {use.entity}.{use.field}: {_WHY[use.why]}, and all {records} records are read for it.'
        )
        yield Advice(use.entity, use.field, text)
