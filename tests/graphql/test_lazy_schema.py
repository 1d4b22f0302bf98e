"""The schema of a role is made as far as a document needs it, whatever the size of the model."""

import inspect
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from graphql import GraphQLSchema, get_introspection_query, graphql_sync, parse, validate

from xrm_core.graphql import builder
from xrm_core.graphql.lazy import LazySchema
from xrm_core.graphql.schema import RoleSchema, build
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.access import full_access


def _chain(length: int) -> RoleSchema:
    """Entities each of which refers to the next one."""
    texts = []
    for number in range(length):
        fields = {
            "name": {"type": "string"},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "next": {"x-relation": {"to": f"thing_{(number + 1) % length}", "inverse": "former"}},
        }
        entity = {"x-entity": f"thing_{number}", "type": "object", "properties": fields}
        texts.append((f"thing_{number}.json", json.dumps(entity), "core"))
    model = load_texts(texts)
    return build(model, full_access(model))


def _errors(schema: GraphQLSchema, document: str) -> list[str]:
    return [error.message for error in validate(schema, parse(document))]


def test_a_document_makes_only_the_types_that_it_names() -> None:
    # Given 50 entities
    schema = _chain(50).graphql
    # When a document with a filter, an enum variable and a fragment on one of them is validated
    document = """
        query ($kind: Thing7Kind, $first: Int, $since: DateTime) {
            thing7s(where: {kind: {eq: $kind}, createdAt: {gt: $since}}, orderBy: [{name: ASC}], first: $first) {
                nodes { ...F }
            }
        }
        fragment F on Thing7 { name next { name } }
    """
    assert _errors(schema, document) == []
    # Then the records of others were not made
    made = {name for name in dict.keys(schema.type_map)}  # noqa: C416 - keys() of ours would make all of them
    assert "Thing7" in made
    assert "Thing9" not in made


def test_introspection_shows_all_types_in_the_order_of_their_names() -> None:
    schema = _chain(5).graphql
    told = graphql_sync(schema, get_introspection_query()).data
    assert told is not None
    names = [each["name"] for each in told["__schema"]["types"]]
    assert names == sorted(names)
    assert {"Thing0", "Thing4Kind", "Thing3AggregateMin", "CreateThing2Input", "__Type", "Int"} <= set(names)
    assert len(names) == len(schema.type_map)


@pytest.mark.parametrize(
    "document",
    [
        "query ($x: Nothing) { thing0s(first: $x) { totalCount } }",
        "{ thing0s { nodes { ... on Nothing { name } } } }",
        "{ thing0s { nodes { nothing } } }",
        "{ thing0s(where: {nothing: {eq: 1}}) { totalCount } }",
    ],
)
def test_what_does_not_exist_is_an_error_whether_all_types_are_made_or_not(document: str) -> None:
    fresh, whole = _chain(3).graphql, _chain(3).graphql
    assert len(whole.type_map) > 40
    assert _errors(fresh, document) == _errors(whole, document) != []


def test_a_long_chain_of_relations_is_no_problem() -> None:
    # Given more entities than calls may be nested
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 250)
    try:
        assert "type Thing299 implements Node {" in _chain(300).text()
    finally:
        sys.setrecursionlimit(limit)


def test_threads_that_look_into_a_type_at_the_same_time_see_the_same_fields() -> None:
    role = _chain(30)
    fields = role.graphql.query_type.fields if role.graphql.query_type else {}
    nodes = [fields[f"thing{number}s"].type for number in range(30)]

    def look(_: int) -> list[int]:
        return [id(field) for node in nodes for field in node.of_type.fields.values()]

    with ThreadPoolExecutor(8) as pool:
        assert len({tuple(found) for found in pool.map(look, range(8))}) == 1


def test_two_types_of_the_same_name_are_refused() -> None:
    query = builder.object_type("Query")
    for number in range(2):
        other = builder.object_type("Other")
        builder.add(other, f"x{number}", int)
        builder.add(query, f"other{number}", other)
    with pytest.raises(TypeError, match="Other"):
        LazySchema(query, None, {}).every_type()
