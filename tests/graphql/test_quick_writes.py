"""Changes that are answered without the executor: they say and leave behind what it would, whatever is written.

Models, rights and writes are drawn at random. Each write is asked for twice: dry by the executor, and then in earnest
by the quick way. What that does not answer, it must have left as it was.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, true

from tests.graphql.kit import NOW, World, uid
from tests.graphql.random_changes import Change, change
from tests.query.examples import examples
from tests.query.random_models import Drawn, models
from tests.query.random_worlds import Open, opener
from tests.query.test_oracle import policy_set
from tests.query.test_random_oracle import stored
from tests.records.random_writes import RandomWrites
from tests.records.test_random_writes import digest, rights, share, shared, teams_of
from tests.records.write_oracle import WriteOracle
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.engine import Engine, Request
from xrm_core.graphql.quick_writes import QuickWrites
from xrm_core.permissions.caller import User
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.policy_sets import POLICY_SET
from xrm_core.storage.pq_writer import PostgresWriter
from xrm_core.storage.requirements import Requirement

_ROLES, _WRITES = 4, 40
_DIGEST = "of the policies"


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens random models on both databases."""
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        pytest.skip("only PostgreSQL has the quick way")
    return opener(request.getfixturevalue("postgres_server"), tmp_path_factory)


class Always:
    """Everybody has what they were let in with."""

    def required(self, _caller: User) -> Requirement:
        return Requirement("always", true, {})


class Noting(QuickWrites):
    """Keeps what the last one was answered with."""

    last: Answer | None = None
    asked = 0

    async def answer(self, *arguments: Any) -> Answer | None:
        self.asked += 1
        self.last = None
        self.last = await super().answer(*arguments)
        return self.last


@contextmanager
def quickly(world: World) -> Iterator[tuple[Engine, Noting]]:
    """The engine of a world with the quick way."""
    with world.database.begin() as connection:
        values = {"digest": _DIGEST, "files": "{}", "applied_at": NOW, "note": ""}
        connection.execute(insert(POLICY_SET).values(id=1_000, **values))
    writer = PostgresWriter(world.database, 20)
    quick = Noting(writer, world.records, world.database.dialect, _DIGEST, Always())
    mine = world.engine
    yield (
        Engine(world.records, world.database, world.reader, roles=mine.roles, threads=mine.threads, quick=quick),
        quick,
    )

    async def close() -> None:
        writer.close()

    world.run(close())


@pytest.mark.slow
def test_answers_are_those_of_the_executor(opened: Open) -> None:
    total: Counter[str] = Counter()

    @examples(2)
    @given(of=models(stored=True), data=st.data())
    def run(of: Drawn, data: st.DataObject) -> None:
        note(f"drawn({of.seed}, stored=True)")
        with opened(of) as (ways, _), quickly(ways["postgresql"].world) as (engine, quick):
            total.update(compare(ways["postgresql"].world, of, engine, quick, data))

    run()
    assert min(total["quick"], total["refused"]) > 15, total  # else nothing was compared


def compare(world: World, drawn: Drawn, engine: Engine, quick: Noting, data: st.DataObject) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _ in range(_ROLES):
        state = {name: {row["id"]: row for row in rows} for name, rows in stored(world).items()}
        user = next(iter(state.get("user", ())), uid(1))
        policies = data.draw(rights(drawn))
        world.change_rights(policy_set(policies))
        seed = data.draw(st.integers(0, 2**32))
        note(f"seed {seed}")
        chance = random.Random(seed)
        team, teams = teams_of(state, chance)
        shares = shared(state, user, team, chance)
        share(world, shares)
        caller = User(user, world.authority.access(frozenset({"role"})), team, teams=teams)
        role = world.run(engine.roles.get(caller.access, engine.threads.planning))
        writes = RandomWrites(world.model, state, user, chance, team)
        oracle = WriteOracle(policies, state, user, team, teams, shares)
        for _ in range(_WRITES):
            write = writes.draw(oracle.sight)
            kind = world.model[write.entity]
            asked = change(write, kind, role.schema.graphql.mutation_type, chance)
            if asked is not None:
                counts[one(world, engine, quick, asked, caller)] += 1
    return counts


def one(world: World, engine: Engine, quick: Noting, asked: Change, caller: User) -> str:
    """Compare one; says how it was answered."""
    should = world.run(world.engine.execute(Request(asked.dry, asked.variables), caller))
    before, entries, tried = digest(world), logged(world), quick.asked
    answer = world.run(engine.execute(Request(asked.text, asked.variables), caller))
    said = f"{asked}\n{should}\n{answer}\n{quick.last}"
    assert bare(answer.body) == bare(should.body), said
    assert (answer.status, answer.executed) == (should.status, should.executed), said
    if answer.status != 200:
        assert quick.asked == tried or quick.last is None, said
        assert (digest(world), logged(world)) == (before, entries), said
        return "refused"
    assert logged(world) == entries + 1, said
    return "quick" if quick.asked > tried and quick.last is not None else "executed"


def bare(body: bytes) -> bytes:
    """An answer without what says that it was a dry run, and without places, which differ."""
    found = orjson.loads(body)
    if found.get("extensions") == {"dryRun": True}:
        del found["extensions"]
    for error in found.get("errors", ()):
        error.pop("locations", None)
    return orjson.dumps(found)


def logged(world: World) -> int:
    with world.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(CHANGE)) or 0
