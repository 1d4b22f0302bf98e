"""On SQLite, groups are read in the order of an index only if the index has all that is asked for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.graphql.kit import World, load_model, policies, uid
from xrm_core.storage.readers import Call

MODEL = load_model(
    {
        "sale": {
            "stage": {"type": "string", "x-index": True},
            "amount": {"type": "number", "x-type": "decimal", "x-precision": 12, "x-scale": 2},
        }
    }
)
RIGHTS = policies(MODEL, ["all,*,read,*,,allow", "some,sale,read,*,small,allow"], {"small": {"amount": {"lt": "5"}}})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    sales = [{"id": uid(number), "stage": "ab"[number % 2], "amount": number} for number in range(9)]
    opened = World(MODEL, RIGHTS, f"sqlite:///{tmp_path / 'database.db'}", {"sale": sales})
    yield opened
    opened.close()


def _plan(world: World, role: str, query: str) -> str:
    """How the database goes about the one statement of a query."""
    seen: list[Call] = []
    fetch = world.reader.fetch

    async def watched(calls: Sequence[Call], *about: Any, **named: Any) -> list[bytes | None]:
        seen.extend(calls)
        return await fetch(calls, *about, **named)

    world.reader.fetch = watched  # type: ignore[method-assign]
    world.ask(role, query)
    [(sql, values)] = seen
    with world.database.read() as connection:
        return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values))


def test_a_count_by_an_indexed_field_reads_the_index_only(world: World) -> None:
    plan = _plan(world, "all", "{ salesAggregate(groupBy: [{stage: VALUE}]) { key { stage } count } }")
    assert "USING COVERING INDEX ix_sale_stage" in plan


@pytest.mark.parametrize(
    ("role", "query"),
    [
        ("all", "{ salesAggregate(groupBy: [{stage: VALUE}]) { key { stage } sum { amount } } }"),
        ("all", '{ salesAggregate(where: {amount: {gt: "3"}}, groupBy: [{stage: VALUE}]) { key { stage } count } }'),
        ("some", "{ salesAggregate(groupBy: [{stage: VALUE}]) { key { stage } count } }"),
    ],
)
def test_more_than_the_index_has_is_read_in_the_order_of_the_table(world: World, role: str, query: str) -> None:
    plan = _plan(world, role, query)
    assert "INDEX ix_sale_stage" not in plan
    assert "USE TEMP B-TREE FOR GROUP BY" in plan


def test_an_index_still_finds_the_records_of_a_filter(world: World) -> None:
    query = '{ salesAggregate(where: {stage: {eq: "a"}}, groupBy: [{stage: VALUE}]) { key { stage } sum { amount } } }'
    assert "SEARCH sale_1 USING INDEX ix_sale_stage (stage=?)" in _plan(world, "all", query)
