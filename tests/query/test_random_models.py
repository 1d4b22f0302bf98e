"""Models, records, roles and documents, all drawn at random: both ways to an answer and both databases agree.

The test marked ``slow`` makes many more models; ``XRM_HYPOTHESIS=night`` does, too.
"""

import json
import random
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.query import random_rights
from tests.query.client_documents import ClientDocument
from tests.query.examples import examples, many_examples
from tests.query.random_models import Drawn, models
from tests.query.random_rights import WideConditions
from tests.query.random_values import pool
from tests.query.random_worlds import Open
from tests.query.test_oracle import policy_set
from tests.query.two_ways import CURSOR, Ways, alike, answers, compact, too_deep
from xrm_core.graphql.engine import Request


@examples(2)
@given(of=models(), data=st.data())
def test_both_ways_and_databases_agree_on_any_model(of: Drawn, data: st.DataObject, opened: Open) -> None:
    compare(of, data, opened)


@pytest.mark.slow
@many_examples(150)
@given(of=models(), data=st.data())
def test_they_agree_on_many_more_models(of: Drawn, data: st.DataObject, opened: Open) -> None:
    compare(of, data, opened)


def compare(of: Drawn, data: st.DataObject, opened: Open) -> None:
    """Random documents of two roles about random records of a random model: one role reads all, the other some."""
    note(f"drawn({of.seed})")
    with opened(of) as (ways, values):
        for number in range(2):
            if number:
                rights = data.draw(
                    random_rights.rights(of.model, [each.name for each in of.model], pool, WideConditions)
                )
                for each in ways.values():
                    each.world.change_rights(policy_set(rights))
            chance = random.Random(data.draw(st.integers(0, 2**48)))
            ask(ways, values, chance)
            walk(ways, values, chance)


def ask(ways: dict[str, Ways], values: dict[str, list[Any]], chance: random.Random) -> None:
    """Eight random documents, some of them with cursors out of the answers to those before."""
    schema, roots = ways["sqlite"].roots()
    cursors: list[str] = []
    for _ in range(8 if roots else 0):
        bodies = answers(ways, ClientDocument(schema, roots, chance, cursors, values))
        cursors += [found.decode() for body in bodies for found in CURSOR.findall(body)]


def walk(ways: dict[str, Ways], values: dict[str, list[Any]], chance: random.Random) -> None:
    """A list under a random filter, in a random order: page by page, there and back, it is the list as a whole."""
    schema, roots = ways["sqlite"].roots()
    lists = [name for name, of in roots.items() if "after" in of.args]
    if not lists:
        return
    root = chance.choice(lists)
    document = ClientDocument(schema, {root: roots[root]}, chance, [], values)
    given = ", ".join(f"{each}: {document.argument(root, each)}" for each in ("where", "orderBy"))
    forward = f"query ($n: Int, $c: String) {{ list: {root}({given}, first: $n, after: $c) {_PAGE} }}"
    backward = f"query ($n: Int, $c: String) {{ list: {root}({given}, last: $n, before: $c) {_PAGE} }}"
    whole = {name: each.ask(Request(forward, {"n": 1000})) for name, each in ways.items()}
    if too_deep(whole["sqlite"].body):
        return
    assert len({alike(compact(each.body)) for each in whole.values()}) == 1, forward
    if not whole["sqlite"].executed:
        return
    size = chance.randint(1, 4)
    for name, each in ways.items():
        page = json.loads(whole[name].body)["data"]["list"]
        ids = [node["id"] for node in page["nodes"]]
        assert page["totalCount"] == len(ids), forward
        for query in (forward, backward):
            found = pages(each, query, size, len(ids))
            if found is not None:
                assert found == ids, (name, query)


_PAGE = "{ totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"


def pages(ways: Ways, query: str, size: int, most: int) -> list[str] | None:
    """Ids of the records of all pages in their order; None if an old SQLite cannot read the condition of a cursor."""
    backward = "last: $n" in query
    cursor, words = None, ("hasPreviousPage", "startCursor") if backward else ("hasNextPage", "endCursor")
    found: list[str] = []
    for _ in range(most + 1):
        body = ways.ask(Request(query, {"n": size, "c": cursor})).body
        if too_deep(body):
            return None
        page = json.loads(body)["data"]["list"]
        ids = [node["id"] for node in page["nodes"]]
        found = ids + found if backward else found + ids
        more, cursor = (page["pageInfo"][word] for word in words)
        if not more:
            return found
    raise AssertionError("more pages than records")
