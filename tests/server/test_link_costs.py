"""What links cost in a mutation, and where that is reckoned."""

import asyncio
from typing import Any

import pytest

from tests.server.door_world import DoorWorld
from xrm_core.graphql.costs import Costs

IDS = [f"0190a000-0000-7000-8000-{number:012}" for number in range(3)]
LISTED = ", ".join(f'"{each}"' for each in IDS)
ADDED = ", ".join(f'{{id: "{each}"}}' for each in IDS)


def cost(world: DoorWorld, mutation: str, variables: Any = None) -> Any:
    body = {"query": mutation, "variables": variables or {}, "extensions": {"cost": True}}
    answer = world.client.post(body).json()
    return answer["extensions"]["cost"]["requested"]


@pytest.mark.parametrize(
    ("field", "points"),
    [
        (f'updateProject(id: "{IDS[0]}", input: {{members: {{set: [{LISTED}]}}}}) {{ id }}', 11 + 3),
        (f'updateProject(id: "{IDS[0]}", input: {{members: {{add: [{ADDED}], remove: ["x"]}}}}) {{ id }}', 11 + 4),
        (f"createProject(input: {{members: {{add: [{ADDED}]}}}}) {{ id }}", 11 + 3),
        (f"createProjects(input: [{{members: {{set: [{LISTED}]}}}}, {{}}]) {{ count }}", 10 + 2 + 3),
        (
            f'updateProjects(ids: ["{IDS[0]}", "{IDS[1]}"], set: {{members: {{set: [{LISTED}]}}}}) {{ count }}',
            10 + 2 + 6,
        ),
        (f'upsertProject(by: id, input: {{id: "{IDS[0]}", members: {{add: [{ADDED}]}}}}) {{ created }}', 10 + 3),
    ],
)
def test_a_link_is_a_point(door: DoorWorld, field: str, points: int) -> None:
    assert cost(door, f"mutation {{ {field} }}") == points
    ids = "$ids: [ID!]"
    varying = field.replace(f"set: [{LISTED}]", "set: $ids")
    if varying != field:
        assert cost(door, f"mutation ({ids}) {{ {varying} }}", {"ids": IDS}) == points


def test_more_links_than_may_be_paid_for_are_refused_before_anything_is_done(door: DoorWorld) -> None:
    ids = [f"0190a000-0000-7000-8000-{number:012}" for number in range(100)]
    field = "updateProjects(where: {}, set: {members: {set: $ids}}) { count }"
    answer = door.ask("anna", f"mutation ($ids: [ID!]) {{ {field} }}", {"ids": ids})
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_LARGE"
    assert error["extensions"]["details"]["cost"] >= 100 * 10_000


@pytest.mark.parametrize(("count", "is_apart"), [(3, False), (600, True)])
def test_deep_inputs_are_reckoned_apart_from_the_event_loop(
    door: DoorWorld, monkeypatch: pytest.MonkeyPatch, count: int, is_apart: bool
) -> None:
    total, in_loop = Costs.total, []

    def noting(self: Costs, variables: Any) -> int:
        in_loop.append(asyncio._get_running_loop() is not None)
        return total(self, variables)

    monkeypatch.setattr(Costs, "total", noting)
    given = {"name": "A", "contacts": {"create": [{"name": str(number)} for number in range(count)]}}
    mutation = "mutation ($input: CreateCompanyInput!) { createCompany(input: $input, dryRun: true) { id } }"
    assert cost(door, mutation, {"input": given}) == 11 + count
    assert in_loop
    assert any(in_loop) is not is_apart
