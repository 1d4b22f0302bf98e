"""Random writes under random policies: allowed or refused as a naive reference says, on both databases.

What is refused leaves every table as it was; what is allowed is stored as the reference has it, and shown to who wrote
it as they may see it then, behind masks where there are such. One draw has some 250 writes for one model, with other
shares after every few, by a caller in some teams or in none. So a normal run tries 500 on each database;
``XRM_HYPOTHESIS=night`` tries 100 times as many.
"""

import datetime as dt
import hashlib
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from tests.graphql.kit import NOW, World, uid
from tests.query import random_rights
from tests.query.examples import examples
from tests.query.oracle_rights import Rights
from tests.query.random_models import Drawn, models
from tests.query.random_values import pool
from tests.query.random_worlds import Open, opener
from tests.query.test_oracle import policy_set
from tests.query.test_random_oracle import stored
from tests.records import shown_after
from tests.records.random_writes import UNKNOWN, RandomWrites, Write
from tests.records.shown_after import Shown, asked_for
from tests.records.write_oracle import Denied, Row, State, WriteOracle
from xrm_core import naming
from xrm_core.errors import QueryTooLarge, XrmError
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import TEXTUAL
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import MASKS, Action, Effect, Policy, maskable
from xrm_core.records.stored import from_row
from xrm_core.storage.system import SHARE

_ROLES = 6
_WRITES = 42
_SHARED = 7
"""After so many writes, other records are shared."""

_VALIDITY = {"VALIDATION_FAILED", "RECORD_IN_USE"}
UNASKED = object()
_TIMES = ("created_at", "updated_at", "id")


class _TakenBack(Exception):
    """Ends a transaction whose changes are not to stay."""


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens random models on both databases; PostgreSQL is missing if it is off."""
    off = os.environ.get("XRM_TEST_POSTGRES") == "off"
    return opener(None if off else request.getfixturevalue("postgres_server"), tmp_path_factory)


@st.composite
def rights(draw: Any, of: Drawn) -> Rights:
    """Policies for reading, and others for writing."""
    names = [each.name for each in of.model]
    found = [draw(random_rights.rights(of.model, names, pool)) for _ in range(3)]
    policies: list[Policy] = []
    rules: dict[str, Any] = {}
    for number, each in enumerate(found):
        rules |= {f"{name}_{number}": rule for name, rule in each.rules.items()}
        for policy in each.policies:
            reads = number == 0 or policy.effect in MASKS
            action = Action.READ if reads else draw(st.sampled_from([None, *Action]))
            rule = policy.rule and f"{policy.rule}_{number}"
            policies.append(replace(policy, action=action, rule=rule))
    for name in names:  # else little would be allowed
        own = [*[None] * 6, *(rule for rule in rules if rule.rsplit("_", 2)[0] == name)]
        if of.model[name].kind == "entity":
            rules[f"{name}_shared_3"] = {"$shared": draw(st.sampled_from(["read", "update"]))}
            own += [f"{name}_shared_3"] * 3
        if draw(st.integers(0, 3)):
            policies += whole(draw, of.model[name], draw(st.sampled_from(own)))
    return Rights(of.model, tuple(policies), rules)


def whole(draw: Any, kind: Entity, rule: str | None) -> list[Policy]:
    """Everything where a rule holds; of some entities, all writes, but a few texts are read behind a mask only."""
    texts = [name for name in kind.grantable() if maskable(kind, name)]
    if not texts or not draw(st.integers(0, 3)):
        return [Policy("role", kind.name, None, None, rule, Effect.ALLOW)]
    masked = frozenset(draw(st.lists(st.sampled_from(texts), min_size=1, max_size=3)))
    writes = (Action.CREATE, Action.UPDATE, Action.DELETE)
    return [
        Policy("role", kind.name, Action.READ, frozenset(kind.grantable()) - masked, rule, Effect.ALLOW),
        Policy(
            "role", kind.name, Action.READ, masked, draw(st.sampled_from([None, rule])), draw(st.sampled_from(MASKS))
        ),
        *(Policy("role", kind.name, action, None, rule, Effect.ALLOW) for action in writes),
    ]


def test_writes_are_allowed_and_refused_as_a_naive_reference_says(opened: Open) -> None:
    total: Counter[str] = Counter()

    @examples(2)
    @given(of=models(stored=True), data=st.data())
    def run(of: Drawn, data: st.DataObject) -> None:
        total.update(compare(of, data, opened))

    run()
    # where nothing is denied, nothing is done, or nothing is masked, nothing has been compared
    assert min(total["done"] + total["masked"], total["denied"]) > 60, total
    assert total["masked"] > 5, total


def compare(of: Drawn, data: st.DataObject, opened: Open) -> Counter[str]:
    note(f"drawn({of.seed}, stored=True)")
    counts: Counter[str] = Counter()
    with opened(of) as (ways, _):
        worlds = {name: each.world for name, each in ways.items()}
        state = {name: {row["id"]: row for row in rows} for name, rows in stored(worlds["sqlite"]).items()}
        user = next(iter(state.get("user", ())), uid(1))
        digests = {name: digest(world) for name, world in worlds.items()}
        for _ in range(_ROLES):
            drawn = data.draw(rights(of))
            for world in worlds.values():
                world.change_rights(policy_set(drawn))
            readers: dict[str, Shown] = {}
            seed = data.draw(st.integers(0, 2**32))
            note(f"seed {seed}")
            chance = random.Random(seed)
            team, teams = teams_of(state, chance)
            writes = RandomWrites(of.model, state, user, chance, team)
            for number in range(_WRITES):
                if number % _SHARED == 0:
                    shares = shared(state, user, team, chance)
                    for world in worlds.values():
                        share(world, shares)
                oracle = WriteOracle(drawn, state, user, team, teams, shares)
                write = writes.draw(oracle.sight)
                row, after = expected(write, writes, oracle)
                for name, world in worlds.items():
                    if name not in readers:
                        who = User(user, world.authority.access(frozenset({"role"})), team, teams=teams)
                        readers[name] = Shown(world, who)
                    outcome = check(readers[name], world, write, row, oracle, after)
                    counts[outcome] += 1
                    if outcome in ("denied", "invalid"):
                        assert digest(world) == digests[name], (name, write)
    return counts


def teams_of(state: State, chance: random.Random) -> tuple[str | None, tuple[str, ...]]:
    """The team of who writes, and those below it; sometimes none."""
    known = list(state.get("team", ()))
    if chance.random() < 0.2 or ("team" in state and not known):
        return None, ()
    team = chance.choice(known) if known else uid(3)
    return team, (
        team,
        *chance.sample([each for each in known if each != team], min(1, len(known) - 1) if known else 0),
    )


def shared(state: State, user: str, team: str | None, chance: random.Random) -> list[Row]:
    """Records that are shared, for reading or for changes, some with who writes, some with others, some no longer."""
    known = [(entity, id_) for entity, rows in state.items() for id_ in rows]
    grantees = [f"user:{user}", f"team:{team or UNKNOWN}", "role:role", f"user:{UNKNOWN}", "role:another"]
    now = dt.datetime.now(dt.UTC)
    ends = [None, None, (now + dt.timedelta(days=1)).isoformat(), (now - dt.timedelta(days=1)).isoformat()]
    return [
        {
            "entity": entity,
            "record_id": id_,
            "grantee": chance.choice(grantees),
            "level": chance.choice(["read", "update"]),
            "until": chance.choice(ends),
        }
        for entity, id_ in chance.sample(known, min(len(known), max(1, len(known) // 2)))
    ]


def share(world: World, shares: list[Row]) -> None:
    """Let exactly these be shared."""
    with world.database.begin() as connection:
        connection.execute(delete(SHARE))
        if shares:
            connection.execute(insert(SHARE), [{**each, "shared_at": NOW} for each in shares])


def check(reader: Shown, world: World, write: Write, row: Any, oracle: WriteOracle, after: WriteOracle | None) -> str:
    """Compare one write with the reference; says what became of it: done, denied or invalid."""
    caller = User(oracle.user, world.authority.access(frozenset({"role"})), oracle.team, teams=oracle.teams)
    result, answer = attempt(world, caller, write, reader, asked_for(oracle, world.model[write.entity]))
    said = f"{world.database.url}: {write}\n{result}\n{row}"
    numbered = write.action is Action.CREATE and has_number(world, write.entity)
    if numbered and isinstance(row, Denied) is (not isinstance(result, XrmError)):
        return "unknown"  # a rule may be about the number that only the platform knows
    if isinstance(result, XrmError):
        assert result.code in {"FORBIDDEN", "NOT_FOUND", *_VALIDITY}, said
        problems = result.details.get("problems", ())
        if isinstance(row, Denied):
            if row.before and not oracle.readable(write.entity, write.id or ""):
                assert same_without(world, caller, write, result), said
            return "denied"
        assert result.code in _VALIDITY, said
        assert not any(each["rule"] == "relation" for each in problems), said
        named = {each["field"] for each in problems} & world.model[write.entity].fields.keys()
        assert all(oracle.knows(write.entity, name) for name in named), said
        return "invalid"
    assert not isinstance(row, Denied), said
    if write.action is not Action.DELETE:
        assert known(world, write.entity, result) == known(world, write.entity, row), said
    if after is not None and answer is not UNASKED and not numbered:
        kind = world.model[write.entity]
        should = shown_after.expected(after, kind, row, asked_for(oracle, kind) or ())
        assert answer == should, f"{said}\n{answer}\n{should}"
        return "masked" if has_mask(answer, kind, row) else "done"
    return "done"


def expected(write: Write, writes: RandomWrites, oracle: WriteOracle) -> tuple[Any, WriteOracle | None]:
    """What the reference says: the record as it would be stored, or that the write is denied; and the state then."""
    kind = oracle.model[write.entity]
    try:
        if write.action is Action.DELETE:
            oracle.delete(write.entity, write.id or "")
            return None, None
        if write.action is Action.CREATE:
            new = writes.new(kind, write.values)
            return new, oracle.create(write.entity, [(write.values, new)], writes)
        old = oracle.state[write.entity].get(write.id or "")
        new = {} if old is None else writes.changed(kind, old, write.values)
        return new, oracle.update(write.entity, write.id or "", write.values, new, writes)
    except Denied as denied:
        return denied, None


def attempt(
    world: World, caller: User, write: Write, reader: Shown | None = None, fields: list[Field] | None = None
) -> tuple[Any, Any]:
    """The record as the write leaves it (None: gone), which is then taken back, and what an answer shows of it; or
    the refusal.
    """
    found: list[Any] = []
    try:
        with world.database.begin() as connection:
            id_ = write.id or ""
            if write.action is Action.CREATE:
                id_ = world.records.create(connection, caller, write.entity, write.values)
            elif write.action is Action.UPDATE:
                world.records.update(connection, caller, write.entity, id_, write.values)
            else:
                world.records.delete(connection, caller, write.entity, id_)
            table = world.tables[write.entity]
            row = connection.execute(select(table).where(table.c.id == id_)).mappings().first()
            found.append(None if row is None else from_row(world.model[write.entity], dict(row)))
            if reader is not None and fields is not None and row is not None:
                found.append(reader.read(connection, world.model[write.entity], id_, fields))
            raise _TakenBack
    except _TakenBack:
        return found[0], found[1] if len(found) > 1 else UNASKED
    except QueryTooLarge:  # an old SQLite reads a few levels of rules only; PostgreSQL has to get it right
        assert world.database.is_sqlite
        return found[0], UNASKED
    except XrmError as error:
        return error, UNASKED


def has_mask(answer: Any, kind: Entity, row: Row) -> bool:
    """Whether an answer has something else in a text than what is stored there."""
    texts = [of for of in kind.fields.values() if of.type in TEXTUAL and naming.camel(of.name) in (answer or ())]
    return any(answer[naming.camel(of.name)] not in (None, row[of.name]) for of in texts)


def same_without(world: World, caller: User, write: Write, error: XrmError) -> bool:
    """Whether a record that cannot be seen is refused like one that is not there."""
    other, _ = attempt(world, caller, replace(write, id=UNKNOWN))
    if not isinstance(other, XrmError):
        return False
    return (other.code, other.message.replace(UNKNOWN, write.id or "")) == (error.code, error.message)


def has_number(world: World, entity: str) -> bool:
    return any(of.sequence is not None for of in world.model[entity].fields.values())


def known(world: World, entity: str, row: Any) -> Any:
    """What the reference can know of a record: all but times, the new id, and numbers."""
    fields = world.model[entity].fields
    unknown = {*_TIMES, *(of.name for of in fields.values() if of.sequence is not None)}
    return {name: value for name, value in row.items() if name not in unknown}


def digest(world: World) -> str:
    """Of everything in all tables."""
    return hashlib.sha256("\n".join(_lines(world)).encode()).hexdigest()


def _lines(world: World) -> Iterator[str]:
    with world.database.read() as connection:
        for entity in world.model:
            yield entity.name
            rows = connection.exec_driver_sql(f'SELECT * FROM "{world.tables[entity.name].name}" ORDER BY id')
            yield from map(repr, rows.fetchall())
