"""Random documents of random roles about random records, held against a naive reference."""

import json
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from tests.graphql.kit import World, uid
from tests.query import documents
from tests.query.oracle import Oracle
from xrm_core.metadata.model import Model
from xrm_core.permissions.policy import PolicySet, Role

_ROLE = {"role": Role("role", {}, "")}


@given(data=st.data())
def test_reads_give_what_a_naive_reference_gives(data: st.DataObject, model: Model, worlds: dict[str, World]) -> None:
    rights = data.draw(documents.rights(model))
    rows = data.draw(documents.rows(model))
    requests = [documents.Documents(data.draw, rights).root() for _ in range(5)]
    asked = {f"r{number}": request for number, request in enumerate(requests) if request is not None}
    if not asked:
        return
    text = "{ " + "\n  ".join(documents.text(model, key, request) for key, request in asked.items()) + " }"
    oracle = Oracle(rights, rows, uid(1))
    expected: Any = {key: oracle.root(request) for key, request in asked.items()}
    note(f"policies: {rights.policies}\nrules: {json.dumps(rights.rules, default=str)}\n{text}")
    digest = str(hash((rights.policies, repr(rights.rules))))
    policies = PolicySet(_ROLE, rights.rules, tuple(rights.policies), digest)
    for name, world in worlds.items():
        world.change_rights(policies)
        world.fill(rows)
        note(name)
        assert world.ask("role", text) == expected
