"""How a database means to run a read statement: its plan as lines, and the tables that it reads whole."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from xrm_core.storage.engines import Database
from xrm_core.storage.readers import Call, Reader

_NO_TABLE = ("anon_", "xrm_", "CONSTANT")
_SCAN = re.compile(r"SCAN (\w+)(.*)")


@dataclass(frozen=True)
class PlanLine:
    """A step of a plan. ``whole`` is the table, or its alias, if all of it is read."""

    depth: int
    text: str
    whole: str = ""


async def plan_of(database: Database, reader: Reader, call: Call, *, analyze: bool) -> list[PlanLine]:
    """The plan of a statement.

    Args:
        database: where it would run.
        reader: of the database.
        call: the statement with its values.
        analyze: run it, too, and say what each step took (PostgreSQL).
    """
    sql, values = call
    if database.is_sqlite:
        with database.read() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
        return list(_sqlite([(row[0], row[1], row[3]) for row in rows]))
    options = "ANALYZE, BUFFERS, FORMAT JSON" if analyze else "FORMAT JSON"
    [answer] = await reader.fetch([(f"EXPLAIN ({options}) {sql}", values)])
    [found] = json.loads(answer or b"[{}]")
    return list(_postgres(found["Plan"], 0))


def sizes(database: Database, tables: list[str]) -> dict[str, int]:
    """Number of records of tables, counted."""
    found = {}
    with database.read() as connection:
        quote = connection.dialect.identifier_preparer.quote
        for name in tables:
            found[name] = int(connection.scalar(text(f"SELECT count(*) FROM {quote(name)}")) or 0)
    return found


def _sqlite(rows: list[tuple[int, int, str]]) -> Iterator[PlanLine]:
    depths = {0: -1}
    for number, parent, detail in rows:
        depths[number] = depths.get(parent, -1) + 1
        scanned = _SCAN.fullmatch(detail)
        # not what is read in the order of an index, nor constants, sub-queries and parts of the statement
        named = scanned is not None and "INDEX" not in scanned[2] and not scanned[1].startswith(_NO_TABLE)
        whole = scanned[1] if scanned and named else ""
        yield PlanLine(depths[number], detail, whole)


def _postgres(node: dict[str, Any], depth: int) -> Iterator[PlanLine]:
    words = [node["Node Type"]]
    if "Relation Name" in node:
        words.append(f"on {node['Relation Name']}")
    if "Index Name" in node:
        words.append(f"by {node['Index Name']}")
    about = [f"{name}: {node[key]}" for name, key in (("if", "Index Cond"), ("only", "Filter")) if key in node]
    figures = [f"rows {node.get('Plan Rows')}", f"cost {node.get('Total Cost')}"]
    if "Actual Rows" in node:
        figures.append(
            f"found {node['Actual Rows']} in {node.get('Actual Total Time')} ms, {node['Actual Loops']} times"
        )
    whole = str(node.get("Relation Name", "")) if node["Node Type"] == "Seq Scan" else ""
    yield PlanLine(depth, f"{' '.join(words)} ({', '.join(figures)}){''.join(f' {each}' for each in about)}", whole)
    for inner in node.get("Plans", ()):
        yield from _postgres(inner, depth + 1)
