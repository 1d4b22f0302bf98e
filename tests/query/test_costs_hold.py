"""The cost that is said of a query is never smaller than the records and groups in its answer."""

import json
import random
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLResolveInfo
from hypothesis import given, note
from hypothesis import strategies as st

from tests.graphql.kit import policies
from tests.query import random_rows
from tests.query.client_documents import ClientDocument
from tests.query.examples import examples
from tests.query.two_ways import CURSOR, Ways
from xrm_core.graphql import introspection
from xrm_core.graphql.engine import Request
from xrm_core.metadata.model import Model

resolve = introspection._resolve


class Counter:
    """Counts what graphql-core meets of records and groups while it puts an answer together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: set[int] = set()
        monkeypatch.setattr(introspection, "_resolve", self._resolve)

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if _counts(info.parent_type):
            self.found.add(id(source))
        return resolve(source, info, **arguments)


def _counts(type_: GraphQLObjectType) -> bool:
    return any(each.name == "Node" for each in type_.interfaces) or type_.name.endswith("Aggregate")


@examples(15)
@given(data=st.data())
def test_no_answer_has_more_records_than_were_said(data: st.DataObject, model: Model, ways: dict[str, Ways]) -> None:
    rows = data.draw(random_rows.rows(model))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    for name, way in ways.items():
        way.world.change_rights(policies(model, ["role,*,read,*,,allow"], {}))
        way.world.fill(rows)
        schema, roots = way.roots()
        cursors: list[str] = []
        for _ in range(6):
            document = ClientDocument(schema, roots, chance, cursors)
            request = Request(document.text(), document.variables, document.operation_name, tells_cost=True)
            note(f"{name} {request.query}\n{json.dumps(request.variables)}")
            with pytest.MonkeyPatch.context() as monkeypatch:
                counter = Counter(monkeypatch)
                answer = json.loads(way.executed(request).body)
            if answer.get("data") is not None:
                cursors += [found.decode() for found in CURSOR.findall(json.dumps(answer).encode())]
                cost = answer["extensions"]["cost"]
                assert len(counter.found) <= cost["requested"]
                assert sum(each["points"] for each in cost["fields"]) == cost["requested"]


def test_records_are_counted_wherever_they_stand(open_way: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter(monkeypatch)
    query = """{ firms(first: 1) { a: nodes { name } b: nodes { name } edges { c: node { id } d: node { id } } }
        persons(first: 1) { nodes { name } edges { cursor } } firmsAggregate { count } }"""
    answer = json.loads(open_way.executed(Request(query, {}, tells_cost=True)).body)
    assert len(counter.found) == 4 + 1 + 1
    assert answer["extensions"]["cost"]["requested"] == 4 + 2 + 1001
