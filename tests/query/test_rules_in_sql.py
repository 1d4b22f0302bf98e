"""Every scan of an entity in the SQL of random documents carries that entity's own row rule (case S-003)."""

import re
from collections.abc import Collection
from typing import Any

import pytest
import sqlglot
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import Dialect, create_engine
from sqlglot import exp

from tests.graphql.kit import load_model, policies
from tests.query import documents
from tests.query.examples import examples
from tests.query.oracle_rights import Rights
from tests.query.virtual_world import WORLD
from xrm_core.graphql.arguments import Arguments
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.documents import Documents
from xrm_core.graphql.limits import DocumentLimits
from xrm_core.graphql.plans import Planner
from xrm_core.graphql.schema import build
from xrm_core.metadata.model import Model
from xrm_core.permissions.authority import Authority
from xrm_core.query.scan import Scope
from xrm_core.storage.readers import numbered_dialect
from xrm_core.storage.tables import Tables

# Each entity has a field that no document can name; only the row rule does.
_MARK = {"mark": {"type": "boolean"}}


def _marked(field: dict[str, Any]) -> dict[str, Any]:
    """The field; links of a many-to-many relation get the mark as an attribute."""
    relation = field.get("x-relation", {})
    if "many" not in relation:
        return field
    return {"x-relation": {**relation, "attributes": {**relation.get("attributes", {}), **_MARK}}}


MODEL = load_model(
    {
        entity: {name: _marked(field) for name, field in fields.items()} | _MARK
        for entity, fields in WORLD.items()
        if entity != "wide"
    }
)
_MARKED = tuple(MODEL.entities)
_FIELDS = {name: " ".join(each for each in MODEL[name].grantable() if each != "mark") for name in _MARKED}
SET = policies(
    MODEL,
    [f"role,{name},read,{fields},marked,allow" for name, fields in _FIELDS.items()],
    {"marked": {"mark": {"eq": True}}},
)
RIGHTS = Rights(MODEL, SET.policies, SET.rules)
DIALECTS = {"sqlite": create_engine("sqlite://").dialect, "postgres": numbered_dialect()}
ACCESS = Authority(MODEL, SET).access(frozenset({"role"}))
SCHEMA = build(MODEL, ACCESS)
TABLES = Tables(MODEL)


def sql_of(text: str, dialect: Dialect) -> list[str]:
    """The statements of a document."""
    document = Documents(SCHEMA.graphql, DocumentLimits()).read(text)
    assert document.errors == []
    planner = Planner(MODEL, SCHEMA, Scope(MODEL, TABLES, ACCESS, dialect), Limits())
    plan = planner.plan(document, document.operation(None), {})
    assert plan is not None
    assert Arguments({}).getters == {}
    return [step.statement.sql for step in plan.steps if step.statement is not None]


def _hinted(condition: Any) -> Any:
    """The condition within SQLite's likely(…), which only tells what it is not to be looked up by."""
    likely = isinstance(condition, exp.Anonymous) and condition.name == "likely"
    return condition.expressions[0] if likely else condition


def bare_scans(sql: str, dialect: str, names: Collection[str] = _MARKED) -> list[str]:
    """Tables that are read without their rule in the WHERE of the same SELECT."""
    found = []
    for select in sqlglot.parse_one(sql, dialect=dialect).find_all(exp.Select):
        sources = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or ())]
        tables = [each.this for each in sources if each is not None and each.this.name in names]
        where = select.args.get("where")
        conditions = list(where.this.flatten()) if where and isinstance(where.this, exp.And) else [where and where.this]
        conditions = [_hinted(condition) for condition in conditions]
        marked = {
            column.table
            for condition in conditions
            if isinstance(condition, exp.EQ | exp.Is | exp.Column)
            for column in condition.find_all(exp.Column)
            if column.name == "mark"
        }
        found += [table.sql() for table in tables if table.alias_or_name not in marked]
    return found


@examples(25)
@given(data=st.data())
def test_every_scan_carries_its_rule(data: st.DataObject) -> None:
    request: Any = documents.Documents(data.draw, RIGHTS).root()
    text = f"{{ {documents.text(MODEL, 'root', request)} }}"
    for name, dialect in DIALECTS.items():
        for sql in sql_of(text, dialect):
            note(f"{text}\n{sql}")
            assert " mark" in sql or ".mark" in sql
            assert bare_scans(sql, name) == []


def test_the_check_finds_a_scan_without_its_rule() -> None:
    inner = "SELECT d.id FROM deal AS d WHERE d.mark = 1"
    good = f"SELECT 1 FROM (SELECT f.id FROM firm AS f WHERE f.mark = 1 AND f.id = ({inner})) AS p"
    assert bare_scans(good, "sqlite") == []
    assert len(bare_scans(good.replace("WHERE d.mark = 1", ""), "sqlite")) == 1
    assert len(bare_scans(good.replace("f.mark = 1", "f.id = 1"), "sqlite")) == 1
    assert len(bare_scans(good.replace("f.mark = 1 AND", "f.mark = 1 OR"), "sqlite")) == 1
    assert len(bare_scans(good.replace("d.mark", "f.mark"), "sqlite")) == 1


def test_the_documents_reach_all_entities(model: Model) -> None:
    texts: list[str] = []

    @examples(400)
    @given(data=st.data())
    def collect(data: st.DataObject) -> None:
        texts.append(documents.text(MODEL, "root", documents.Documents(data.draw, RIGHTS).root() or {}))

    collect()
    for word in (
        "firms",
        "deals",
        "persons",
        "visits",
        "secrets",
        "some",
        "none",
        "every",
        "orderBy",
        "groupBy",
        "not",
    ):
        assert any(word in text for text in texts), word


@pytest.mark.parametrize("dialect", DIALECTS)
def test_scans_of_nodes_carry_the_rule(dialect: str) -> None:
    body = "{ __typename id ... on Firm { name deals { nodes { seller { name } } } } ... on Visit { subject } }"
    for text in (f'{{ node(id: "1") {body} }}', f"{{ nodes(ids: []) {body} }}", "{ nodes(ids: []) { id } }"):
        [sql] = sql_of(text, DIALECTS[dialect])
        assert all(re.search(rf"\bFROM {name} AS", sql) for name in _MARKED)
        assert bare_scans(sql, dialect) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_scans_of_figures_carry_the_rule(dialect: str) -> None:
    by = 'groupBy: [{firm: {owner: {name: VALUE}}}, {closesOn: MONTH}], totals: CUBE, timeZone: "Europe/Berlin"'
    more = "having: {sum: {amount: {gt: 1}}}, orderBy: [{key: {firm: {owner: {name: DESC}}}}, {max: {title: ASC}}]"
    figures = f"dealsAggregate({by}, {more}) {{ count totalOver avg {{ amount }} }}"
    related = f"{figures} alliesAggregate {{ count }} advisorsAggregate(groupBy: [{{name: VALUE}}]) {{ count }}"
    for text in (f"{{ {figures} }}", f"{{ firms {{ nodes {{ {related} }} }} }}"):
        for sql in sql_of(text, DIALECTS[dialect]):
            assert bare_scans(sql, dialect) == []
