"""The core pack's schema as each of its roles sees it, kept in ``snapshots/``.

After a change that is meant: ``XRM_UPDATE_SNAPSHOTS=1 pytest tests/graphql/test_role_schemas.py``, and read the diff.
"""

import os
from pathlib import Path

import pytest
from graphql import build_schema, validate_schema

from tests.graphql.kit import ACCOUNT_CHANGES
from xrm_core.graphql.schema import build
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.permissions import policy
from xrm_core.permissions.authority import Authority

SNAPSHOTS = Path(__file__).with_name("snapshots")
CORE_PACK = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="module")
def authority() -> Authority:
    model = load(pack_layers(CORE_PACK))
    return Authority(model, policy.load([CORE_PACK / "permissions"], model))


@pytest.mark.parametrize("role", ["admin", "sales_rep", "guest"])
def test_the_schema_of_a_role_is_the_one_that_was_reviewed(authority: Authority, role: str) -> None:
    text = build(authority.model, authority.access(frozenset({role}))).text() + "\n"
    assert validate_schema(build_schema(text)) == []
    path = SNAPSHOTS / f"{role}.graphql"
    if os.environ.get("XRM_UPDATE_SNAPSHOTS"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_a_guest_reads_two_entities_and_writes_none(authority: Authority) -> None:
    schema = build(authority.model, authority.access(frozenset({"guest"}))).graphql
    assert schema.mutation_type is not None
    assert set(schema.mutation_type.fields) == set(ACCOUNT_CHANGES)
    assert schema.query_type is not None
    assert set(schema.query_type.fields) == {
        *("customer", "customers", "customersAggregate", "product", "products", "productsAggregate"),
        *("customerMergedInto", "productMergedInto"),
        *("node", "nodes", "search", "me", "changes", "backgroundJob", "backgroundJobs"),
    }
    assert not {name for name in schema.type_map if "Contact" in name or "User" in name or "Project" in name}
