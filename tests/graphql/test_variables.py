"""Variables are coerced as graphql-core does it, which the way of our own must not differ from."""

from typing import Any

from graphql import OperationDefinitionNode, build_schema, parse
from graphql.execution.values import get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from xrm_core.graphql.variables import MAX_ERRORS, Variables

_SCHEMA = build_schema("""
    enum Colour { RED GREEN }
    input Item { name: String!, count: Int = 1, inner: Item }
    scalar Anything
    type Query { nothing(a: Int, b: String, c: ID, d: Boolean, e: Float, f: Colour, g: Anything, h: Item): Int }
""")
_TYPES = ["Int", "String", "ID", "Boolean", "Float", "Colour", "Anything", "Item", "[Int!]", "[Item]"]
_DEFAULTS = {"Int": "3", "String": '"a"', "Boolean": "true", "Colour": "RED", "[Int!]": "[1, 2]", "Item": '{name: "x"}'}

_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["RED", "x", "7", ""])
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "count", "inner"]), inner),
    max_leaves=6,
)


@st.composite
def _definitions(draw: Any) -> str:
    name = draw(st.sampled_from(_TYPES))
    default = draw(st.booleans()) and name in _DEFAULTS
    required = draw(st.booleans())
    return f"{name}{'!' if required else ''}{f' = {_DEFAULTS[name]}' if default else ''}"


@given(st.lists(_definitions(), min_size=1, max_size=4), st.data())
def test_the_same_values_or_the_same_mistakes(definitions: list[str], data: st.DataObject) -> None:
    names = [f"v{number}" for number in range(len(definitions))]
    text = ", ".join(f"${name}: {each}" for name, each in zip(names, definitions, strict=True))
    [operation] = parse(f"query ({text}) {{ nothing }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    values = data.draw(st.dictionaries(st.sampled_from([*names, "unknown"]), _values))

    ours = Variables(_SCHEMA, operation).coerced(values)

    theirs = get_variable_values(
        _SCHEMA, operation.variable_definitions or (), values, max_errors=MAX_ERRORS, hide_suggestions=True
    )
    if isinstance(theirs, list):
        assert isinstance(ours, list)
        assert [error.formatted for error in ours] == [error.formatted for error in theirs]
    else:
        assert ours == theirs.coerced
