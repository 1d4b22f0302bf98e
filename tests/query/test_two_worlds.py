"""Two worlds that differ only in what a role cannot see answer it alike, byte for byte, errors too."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.graphql.kit import uid
from tests.query import random_rights
from tests.query.client_documents import ClientDocument
from tests.query.examples import examples, many_examples
from tests.query.hidden_changes import HiddenChanges, StoredConditions
from tests.query.random_models import Drawn, models
from tests.query.random_values import pool
from tests.query.random_worlds import Open
from tests.query.test_oracle import policy_set
from tests.query.test_random_oracle import stored
from tests.query.two_ways import Ways
from xrm_core.graphql.engine import Request

_ROLES = 2
_DOCUMENTS = 6
_CHANGES = 25


def test_what_is_hidden_makes_no_difference_to_any_answer(opened: Open) -> None:
    made = []

    @examples(2)
    @given(of=models(), data=st.data())
    def run(of: Drawn, data: st.DataObject) -> None:
        made.append(compare(of, data, opened))

    run()
    assert sum(made) > 30  # else the two worlds have been one


@pytest.mark.slow
@many_examples(150)
@given(of=models(), data=st.data())
def test_nor_in_many_more_models(of: Drawn, data: st.DataObject, opened: Open) -> None:
    compare(of, data, opened)


def compare(of: Drawn, data: st.DataObject, opened: Open) -> int:
    """Ask random documents of some roles before and after changes that they cannot see; says how many there were."""
    note(f"drawn({of.seed})")
    names = [each.name for each in of.model]
    changes = 0
    with opened(of) as (found, values):
        worlds = {name: each.world for name, each in found.items()}
        rows = {name: {row["id"]: row for row in rows} for name, rows in stored(worlds["sqlite"]).items()}
        user = next(iter(rows.get("user", ())), uid(1))
        ways = {name: Ways(world, user) for name, world in worlds.items()}
        for _ in range(_ROLES):
            rights = data.draw(random_rights.rights(of.model, names, pool, StoredConditions))
            for world in worlds.values():
                world.change_rights(policy_set(rights))
            chance = random.Random(data.draw(st.integers(0, 2**48)))
            documents = drawn(ways["sqlite"], values, chance)
            before = {name: answers(each, documents) for name, each in ways.items()}
            hidden = HiddenChanges(rights, rows, user, chance)
            done = hidden.make(worlds, _CHANGES)
            rows = hidden.rows
            changes += len(done)
            for name, each in ways.items():
                for document, one, other in zip(documents, before[name], answers(each, documents), strict=True):
                    assert one == other, f"{name}: {document.query}\n{document.variables}\n{done}\n{one!r}\n{other!r}"
    return changes


def drawn(ways: Ways, values: Mapping[str, list[str]], chance: random.Random) -> list[Request]:
    """Documents that the role's schema allows, and some that it does not."""
    schema, roots = ways.roots()
    found = [ClientDocument(schema, roots, chance, [], values) for _ in range(_DOCUMENTS if roots else 0)]
    return [Request(each.text(), each.variables, each.operation_name, tells_cost=True) for each in found]


def answers(ways: Ways, documents: list[Request]) -> list[bytes]:
    return [ways.ask(each).body for each in documents]
