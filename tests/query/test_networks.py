"""Relationships and networks of random graphs, with circles, under random rights, held against a naive reference."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.graphql import kit
from tests.graphql.kit import Rows, World, uid
from tests.graphql.relationship_world import FIRST_ID, PAIRS, relationship_model
from tests.query.examples import examples, many_examples
from xrm_core import naming
from xrm_core.metadata.model import Model
from xrm_core.permissions.policy import Action, Effect, Policy, PolicySet, Role

COUNTS = {"person": 4, "firm": 4, "job": 2}
DAYS = ["2020-01-01", "2021-01-01", "2022-01-01"]
DAY = st.sampled_from([None, *DAYS])


@pytest.fixture(scope="module")
def graph_model() -> Model:
    return relationship_model()


@pytest.fixture(scope="module")
def graphs(
    request: pytest.FixtureRequest, graph_model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, World]]:
    """An empty world on each database."""
    nothing = kit.policies(graph_model, [], {})
    url = f"sqlite:///{tmp_path_factory.mktemp('graphs') / 'world.db'}"
    found = {"sqlite": World(graph_model, nothing, url, {})}
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        yield found
    else:
        with request.getfixturevalue("postgres_server").database() as url:
            found["postgresql"] = World(graph_model, nothing, url, {})
            yield found
            found["postgresql"].close()
    found["sqlite"].close()


@st.composite
def rows(draw: Any) -> Rows:
    """Records and relationships between them."""
    found: dict[str, list[dict[str, Any]]] = {
        entity: [
            {"id": uid(FIRST_ID[entity] + number), "name": f"{entity}{number}", "grade": draw(st.integers(0, 3))}
            for number in range(1, count + 1)
        ]
        for entity, count in COUNTS.items()
    }
    for kind, pairs in PAIRS.items():
        made: dict[tuple[Any, ...], dict[str, Any]] = {}
        for number in range(1, draw(st.integers(0, 8)) + 1):
            one, other = draw(st.sampled_from(pairs))
            source, target = (draw(st.sampled_from(found[entity]))["id"] for entity in (one, other))
            first, last = draw(DAY), draw(DAY)
            if source == target or (first is not None and last is not None and last < first):
                continue
            ends = {"source": {one: source}, "target": {other: target}}
            id_ = uid(FIRST_ID[kind] + number)
            made[one, source, other, target, first] = {"id": id_, **ends, "valid_from": first, "valid_to": last}
        found[kind] = list(made.values())
    return found


@st.composite
def rights(draw: Any) -> tuple[list[Policy], dict[str, Any]]:
    """Policies of a role, some with a row rule: records by their grade, relationships by their first day."""
    policies, rules = [], {}
    for name in (*COUNTS, *PAIRS):
        if draw(st.integers(0, 5)) == 0:
            continue
        rule = None
        if draw(st.integers(0, 2)) == 0:
            rule = f"{name}_rule"
            graded = {"grade": {"gte": draw(st.integers(1, 2))}}
            rules[rule] = graded if name in COUNTS else {"valid_from": {"isNull": draw(st.booleans())}}
        policies.append(Policy("role", name, Action.READ, None, rule, Effect.ALLOW))
    return policies, rules


class Reference:
    """What a role sees of a graph, record by record."""

    def __init__(self, found: Rows, policies: list[Policy], rules: Mapping[str, Any]) -> None:
        self.rows = found
        self.policies = {each.entity: each for each in policies}
        self.rules = rules
        self.records = {
            (entity, row["id"]): row for entity in COUNTS for row in found[entity] if self._allowed(entity, row)
        }
        self.links = [
            (kind, row, *(next(iter(row[end].items())) for end in ("source", "target")))
            for kind in PAIRS
            for row in found[kind]
            if self._allowed(kind, row)
        ]
        self.links = [each for each in self.links if each[2] in self.records and each[3] in self.records]

    def _allowed(self, entity: str, row: Mapping[str, Any]) -> bool:
        policy = self.policies.get(entity)
        if policy is None:
            return False
        if policy.rule is None:
            return True
        [(name, condition)] = self.rules[policy.rule].items()
        if name == "grade":
            return bool(row["grade"] >= condition["gte"])
        return (row["valid_from"] is None) is condition["isNull"]

    def kinds(self) -> list[str]:
        """Kinds in the role's schema: itself and, for each end, one entity can be read."""
        return [
            kind
            for kind, pairs in PAIRS.items()
            if kind in self.policies and all(any(pair[end] in self.policies for pair in pairs) for end in (0, 1))
        ]

    def wanted(self, types: list[str] | None, day: str | None) -> list[Any]:
        return [
            each
            for each in self.links
            if (types is None or each[0] in types)
            and (
                day is None
                or (
                    (each[1]["valid_from"] is None or each[1]["valid_from"] <= day)
                    and (each[1]["valid_to"] is None or each[1]["valid_to"] >= day)
                )
            )
        ]

    def network(
        self, start: tuple[str, str], depth: int, types: list[str] | None, day: str | None, size: int
    ) -> dict[str, Any]:
        links = self.wanted(types, day)
        found = {start: 0}
        for step in range(1, depth + 1):
            near = {place for place, far in found.items() if far == step - 1}
            for _, _, one, other in links:
                for here, there in ((one, other), (other, one)):
                    if here in near:
                        found.setdefault(there, step)
        order = sorted(found.items(), key=lambda item: (item[1], item[0][1]))[:size]
        shown = {place for place, _ in order}
        edges = sorted((row["id"], kind) for kind, row, one, other in links if {one, other} <= shown)
        return {
            "nodes": [{"depth": far, "record": {"name": self.records[place]["name"]}} for place, far in order],
            "edges": [{"id": id_, "type": kind} for id_, kind in edges[: 10 * size]],
        }

    def relationships(
        self, start: tuple[str, str], direction: str, types: list[str] | None, day: str | None
    ) -> list[dict[str, Any]]:
        found = [
            {"id": row["id"], "direction": way, "other": {"name": self.records[far]["name"]}}
            for _, row, one, other in self.wanted(types, day)
            for way, near, far in (("FORWARD", one, other), ("REVERSE", other, one))
            if near == start and direction in (way, "BOTH")
        ]
        return sorted(found, key=lambda each: each["id"])


def compare(data: st.DataObject, graphs: dict[str, World]) -> None:
    """Some questions about one random graph, on each database."""
    graph = data.draw(rows())
    policies, rules = data.draw(rights())
    reference = Reference(graph, policies, rules)
    digest = hashlib.sha256(repr((policies, rules)).encode()).hexdigest()
    policy_set = PolicySet({"role": Role("role", {}, "")}, rules, tuple(policies), digest)
    for world in graphs.values():
        world.change_rights(policy_set)
        world.fill(graph)
    for _ in range(4):
        entity = data.draw(st.sampled_from(sorted(COUNTS)))
        start = (entity, uid(FIRST_ID[entity] + data.draw(st.integers(1, COUNTS[entity]))))
        depth, size = data.draw(st.integers(0, 4)), data.draw(st.sampled_from([50, 50, 3, 1]))
        kinds = reference.kinds()
        types = data.draw(st.none() | st.lists(st.sampled_from(kinds), unique=True)) if kinds else None
        day, direction = data.draw(DAY), data.draw(st.sampled_from(["FORWARD", "REVERSE", "BOTH"]))
        seen = [
            each for each in COUNTS if each in reference.policies and any(_takes_part(kind, each) for kind in kinds)
        ]
        if entity not in seen:
            continue
        names = " ".join(f"... on {naming.pascal(each)} {{ name }}" for each in seen)
        given = [f"asOf: {json.dumps(day)}", *([] if types is None else [f"types: [{', '.join(types)}]"])]
        text = (
            f'{{ root: {entity}(id: "{start[1]}") {{ '
            f"network({', '.join([*given, f'depth: {depth}', f'first: {size}'])}) "
            f"{{ nodes {{ depth record {{ {names} }} }} edges {{ id type }} }} "
            f"relationships({', '.join([*given, f'direction: {direction}'])}) "
            f"{{ totalCount nodes {{ id direction other {{ {names} }} }} }} }} }}"
        )
        expected: Any = None
        if start in reference.records:
            listed = reference.relationships(start, direction, types, day)
            expected = {
                "network": reference.network(start, depth, types, day, size),
                "relationships": {"totalCount": len(listed), "nodes": listed},
            }
        for name, world in graphs.items():
            answer = json.loads(world.body("role", text))
            if answer != {"data": {"root": expected}}:
                note(f"{name}: {text}\n{policies}\n{rules}\n{graph}")
            assert answer == {"data": {"root": expected}}


def _takes_part(kind: str, entity: str) -> bool:
    return any(entity in pair for pair in PAIRS[kind])


@examples(12)
@given(data=st.data())
def test_networks_are_what_a_naive_reference_finds(data: st.DataObject, graphs: dict[str, World]) -> None:
    compare(data, graphs)


@pytest.mark.slow
@many_examples(1000)
@given(data=st.data())
def test_many_more_networks_are_what_it_finds(data: st.DataObject, graphs: dict[str, World]) -> None:
    compare(data, graphs)
