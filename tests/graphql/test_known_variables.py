"""Mutations are executed with the variables that were coerced when the request came, and answer as by graphql-core."""

from typing import Any

import pytest
from graphql import GraphQLError, build_schema, execute_sync, parse
from graphql.language import OperationDefinitionNode

from xrm_core.graphql.known_variables import KnownVariables
from xrm_core.graphql.variables import Variables

SCHEMA = build_schema("""
scalar Any
enum Size { SMALL LARGE }
input Part { name: String!, size: Size = SMALL, more: [Part!], other: Any }
type Query { a: String }
type Mutation { echo(part: Part, parts: [Part!], n: Int = 7, any: Any, size: Size): String }
""")
PART = {"name": "a", "more": [{"name": "b", "size": "LARGE"}], "other": {"x": [1, None]}}
LITERAL = "mutation ($t: String!, $x: Any) { echo(part: {name: $t, other: {in: [$x, 1]}}, any: {y: $x}) }"
SKIPPED = "mutation ($i: Boolean!, $n: Int) { echo(n: $n) other: echo @include(if: $i) }"
CASES: list[tuple[str, dict[str, Any]]] = [
    ("mutation ($p: [Part!]!) { echo(parts: $p) }", {"p": [PART, {"name": "c", "size": None}]}),
    ("mutation ($p: [Part!]!) { echo(parts: $p) }", {"p": PART}),
    ("mutation ($n: Int) { echo(n: $n) }", {}),
    ("mutation ($n: Int) { echo(n: $n) }", {"n": None}),
    ("mutation ($n: Int = 3) { echo(n: $n) }", {}),
    ('mutation ($s: Size = LARGE) { echo(size: $s, part: {name: "x", size: $s}) }', {}),
    ("mutation ($t: String!, $x: Any) { echo(part: {name: $t, other: {in: [$x, 1]}}, any: $x) }", {"t": "x"}),
    (LITERAL, {"t": "", "x": {"z": 1}}),
    (SKIPPED, {"i": False, "n": 1, "unused": 2}),
    ("mutation A { a: echo } mutation B($n: Int!) { ...F } fragment F on Mutation { b: echo(n: $n) }", {"n": 5}),
]


def echo(_source: Any, _info: Any, **arguments: Any) -> str:
    if arguments.get("n") == 5:
        raise GraphQLError("five")
    return repr(sorted(arguments.items()))


@pytest.mark.parametrize(("text", "given"), CASES)
def test_the_answer_is_that_of_the_library(text: str, given: dict[str, Any]) -> None:
    document = parse(text)
    *_, operation = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    name = operation.name.value if operation.name else None
    variables = Variables(SCHEMA, operation)
    coerced = variables.coerced(given)
    assert isinstance(coerced, dict)
    ours = execute_sync(
        SCHEMA,
        document,
        operation_name=name,
        field_resolver=echo,
        executor_class=KnownVariables(operation, variables.known(given, coerced)),  # type: ignore[arg-type]
    )
    theirs = execute_sync(SCHEMA, document, operation_name=name, field_resolver=echo, variable_values=given)
    assert ours.formatted == theirs.formatted
    assert ours.data is not None or ours.errors


def test_variables_are_coerced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(SCHEMA.type_map["Any"], "coerce_input_value", lambda value: asked.append(value) or value)
    document = parse("mutation ($x: Any) { echo(any: $x) }")
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    variables = Variables(SCHEMA, operation)
    coerced = variables.coerced({"x": 1})
    assert isinstance(coerced, dict)
    known: Any = KnownVariables(operation, variables.known({"x": 1}, coerced))
    execute_sync(SCHEMA, document, field_resolver=echo, executor_class=known)
    assert asked == [1]
