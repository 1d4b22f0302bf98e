"""Every scan in the SQL of relationships and networks carries the row rule of its entity (case S-003)."""

import json

import pytest

from tests.graphql.kit import policies, uid
from tests.graphql.relationship_world import FILES
from tests.query.test_rules_in_sql import DIALECTS, bare_scans
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.documents import Documents
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.plans import Planner
from xrm_core.graphql.schema import build
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.authority import Authority
from xrm_core.query.scan import Scope
from xrm_core.storage.tables import Tables

_MARK = {"mark": {"type": "boolean"}}
MODEL = load_texts(
    [
        (
            f"{number}.json",
            json.dumps({"type": "object", **file, "properties": {**file.get("properties", {}), **_MARK}}),
            "core",
        )
        for number, file in enumerate(FILES)
    ]
)
NAMES = frozenset(MODEL.entities)
SET = policies(
    MODEL, [f"role,{name},read,*,marked,allow" for name in MODEL.entities], {"marked": {"mark": {"eq": True}}}
)
ACCESS = Authority(MODEL, SET).access(frozenset({"role"}))
SCHEMA = build(MODEL, ACCESS)
TABLES = Tables(MODEL)

LIST = (
    "relationships(asOf: null, types: [decides_for, friend_of]) "
    "{ totalCount nodes { label other { ... on Firm { name } } } }"
)
NETWORK = (
    'network(depth: 3, asOf: "2026-01-01") { nodes { depth record { ... on Person { name } ... on Firm { name } } } '
    "edges { type label from to } }"
)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("asked", [LIST, NETWORK, f"{LIST} {NETWORK}"])
def test_every_scan_carries_its_rule(asked: str, dialect: str) -> None:
    text = f'{{ person(id: "{uid(1)}") {{ {asked} }} firms {{ nodes {{ {asked} }} }} }}'
    document = Documents(SCHEMA.graphql, DocumentLimits()).read(text)
    assert document.errors == []
    planner = Planner(MODEL, SCHEMA, Scope(MODEL, TABLES, ACCESS, DIALECTS[dialect]), Limits())
    plan = planner.plan(document, document.operation(None), {})
    assert plan is not None
    for step in plan.steps:
        assert step.statement is not None
        assert step.statement.sql.count("decides_for") > 1
        assert bare_scans(step.statement.sql, dialect, NAMES) == []
