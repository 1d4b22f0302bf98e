"""Every operator, order, figure and group of random models: both databases give the same, and opposites are such."""

import json
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.query import random_rights, sweeps
from tests.query.client_documents import ClientDocument
from tests.query.examples import examples, many_examples
from tests.query.random_models import Drawn, models
from tests.query.random_rights import WideConditions
from tests.query.random_values import pool
from tests.query.random_worlds import Open
from tests.query.test_oracle import policy_set
from tests.query.two_ways import Ways, alike, compact, too_deep
from xrm_core.graphql.engine import Request


@examples(2)
@given(of=models())
def test_all_that_can_be_asked_of_lists_gives_the_same_on_both_databases(of: Drawn, opened: Open) -> None:
    compare(of, opened, 200)


@pytest.mark.slow
@many_examples(30)
@given(of=models())
def test_all_that_can_be_asked_of_lists_of_many_more_models(of: Drawn, opened: Open) -> None:
    compare(of, opened, 1000)


def compare(of: Drawn, opened: Open, most: int) -> None:
    """Ask for all values and figures, and for so many conditions, orders and groups: ten at a time, or one by one."""
    note(f"drawn({of.seed})")
    with opened(of) as (ways, known):
        schema, roots = ways["sqlite"].roots()
        drawn = ClientDocument(schema, roots, random.Random(of.seed), [], known)
        always: list[str] = []
        found: list[str] = []
        for root, field in roots.items():
            if "orderBy" in field.args and "after" in field.args:
                always += sweeps.values(root, field)
                found += [*sweeps.filters(root, field, drawn), *sweeps.orders(root, field)]
            elif "groupBy" in field.args:
                always += sweeps.figures(root, field)
                found += sweeps.groups(root, field, random.Random(of.seed))
        chosen = always + random.Random(of.seed).sample(found, min(most, len(found)))
        for some in in_tens(chosen):
            if not same(ways, some):
                refused = [each for each in some if not same(ways, [each])]
                assert refused, some


def in_tens(found: list[str]) -> Iterator[list[str]]:
    return (found[start : start + 10] for start in range(0, len(found), 10))


def same(ways: dict[str, Ways], fields: list[str]) -> bool:
    """Whether the root fields are answered; fails if the databases do not agree."""
    query = "{ " + " ".join(f"f{number}: {each}" for number, each in enumerate(fields)) + " }"
    bodies = {name: compact(each.ask(Request(query, {})).body) for name, each in ways.items()}
    assert b"INTERNAL_ERROR" not in bodies["sqlite"], query
    if too_deep(bodies["sqlite"]):
        return False
    if len({alike(body) for body in bodies.values()}) > 1:
        for each in fields if len(fields) > 1 else ():
            same(ways, [each])  # to say which
        raise AssertionError(f"{query}\n{bodies}")
    return "errors" not in json.loads(bodies["sqlite"])


@examples(2)
@given(of=models(), data=st.data())
def test_a_condition_and_its_opposite_share_every_list(of: Drawn, data: st.DataObject, opened: Open) -> None:
    share(of, data, opened, 60)


@pytest.mark.slow
@many_examples(30)
@given(of=models(), data=st.data())
def test_conditions_and_opposites_share_the_lists_of_many_more_models(
    of: Drawn, data: st.DataObject, opened: Open
) -> None:
    share(of, data, opened, 400)


def share(of: Drawn, data: st.DataObject, opened: Open, most: int) -> None:
    """A record for which a condition does not hold is one for which its opposite does, whatever the role may see."""
    note(f"drawn({of.seed})")
    with opened(of) as (ways, known):
        rights = data.draw(random_rights.rights(of.model, [each.name for each in of.model], pool, WideConditions))
        for each in ways.values():
            each.world.change_rights(policy_set(rights))
        schema, roots = ways["sqlite"].roots()
        lists = {name: field for name, field in roots.items() if "after" in field.args}
        if not lists:
            return
        drawn = ClientDocument(schema, roots, random.Random(of.seed), [], known)
        found = [(name, tree) for name, field in lists.items() for tree in sweeps.conditions(field, drawn)]
        for root, tree in random.Random(of.seed).sample(found, min(most, len(found))):
            parts = {"all": "", "held": f"(where: {tree})", "not": f"(where: {{not: {tree}}})"}
            query = "{ " + " ".join(f"{key}: {root}{where} {{ totalCount }}" for key, where in parts.items()) + " }"
            for each in ways.values():
                answer = json.loads(each.ask(Request(query, {})).body)
                counts = {key: value["totalCount"] for key, value in answer.get("data", {}).items()}
                assert not counts or counts["held"] + counts["not"] == counts["all"], f"{query}\n{counts}"
