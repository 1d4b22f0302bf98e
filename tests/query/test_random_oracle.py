"""Filters and orders over random models: what a naive reference gives. ``slow`` tries many more models."""

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import select

from tests.graphql.kit import Rows, World, uid
from tests.query import oracle_pages, random_rights
from tests.query.examples import examples, many_examples
from tests.query.oracle import Oracle
from tests.query.oracle_rights import Rights
from tests.query.random_models import Drawn, models
from tests.query.random_values import pool
from tests.query.random_worlds import Open
from tests.query.test_oracle import policy_set
from xrm_core.permissions.policy import Action, Effect, Policy
from xrm_core.records.stored import from_row


@examples(2)
@given(of=models(stored=True), data=st.data())
def test_lists_of_any_model_are_what_a_naive_reference_gives(of: Drawn, data: st.DataObject, opened: Open) -> None:
    compare(of, data, opened)


@pytest.mark.slow
@many_examples(150)
@given(of=models(stored=True), data=st.data())
def test_lists_of_many_more_models(of: Drawn, data: st.DataObject, opened: Open) -> None:
    compare(of, data, opened)


def compare(of: Drawn, data: st.DataObject, opened: Open) -> None:
    """Lists of random records, for a role that sees all and for two that see some, eight each."""
    note(f"drawn({of.seed}, stored=True)")
    names = [each.name for each in of.model]
    with opened(of) as (ways, _):
        worlds = {name: each.world for name, each in ways.items()}
        rows = stored(worlds["sqlite"])
        for number in range(3):
            some = random_rights.rights(of.model, names, pool)
            rights = data.draw(some) if number else everything(of, names)
            for world in worlds.values():
                world.change_rights(policy_set(rights))
            for _ in range(8):
                oracle_pages.walk(data, Oracle(rights, rows, uid(1)), worlds, names, pool)


def everything(of: Drawn, names: list[str]) -> Rights:
    """Those of a role that reads all."""
    return Rights(of.model, [Policy("role", each, Action.READ, None, None, Effect.ALLOW) for each in names], {})


def stored(world: World) -> Rows:
    """All records, with the values that they got by default."""
    found = {}
    with world.database.read() as connection:
        for entity in world.model:
            rows = connection.execute(select(world.tables[entity.name])).mappings()
            found[entity.name] = [from_row(entity, dict(row)) for row in rows]
    return found
