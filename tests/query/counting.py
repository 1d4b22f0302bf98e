"""How many records and groups an answer has, so that its cost can be held against them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLResolveInfo

from xrm_core.graphql import introspection

resolve = introspection._resolve


@contextmanager
def counted() -> Iterator[set[int]]:
    """What graphql-core meets of records and groups while it puts an answer together in here."""
    found: set[int] = set()

    def count(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if _counts(info.parent_type):
            found.add(id(source))
        return resolve(source, info, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(introspection, "_resolve", count)
        yield found


def _counts(type_: GraphQLObjectType) -> bool:
    return any(each.name == "Node" for each in type_.interfaces) or type_.name.endswith("Aggregate")


def check_cost(body: bytes, records: int, asked: str) -> None:
    """The cost that an answer says is no smaller than its records and groups, and is that of its fields together."""
    cost = json.loads(body)["extensions"]["cost"]
    assert records <= cost["requested"], asked
    assert sum(each["points"] for each in cost["fields"]) == cost["requested"], asked
