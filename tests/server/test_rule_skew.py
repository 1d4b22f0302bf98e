"""Two who each change what the other's row rule has found in order: only one of them may."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, select

from tests.postgres import PostgresServer
from tests.records.kit import Pack
from tests.server.door_world import DoorWorld, find_deadlocks_soon
from tests.server.http_kit import serving
from tests.server.test_isolation import PATIENCE, code, second
from xrm_core.auth import tokens
from xrm_core.storage.engines import Database

STATE = {"type": "string", "enum": ["on", "off"], "default": "on"}
FILES: dict[str, dict[str, Any]] = {
    "user": {"properties": {"name": {"type": "string"}}},
    "ward": {
        "properties": {
            "name": {"type": "string"},
            "state": STATE,
            "visits_on": {
                "x-rollup": {"relation": "visits", "function": "count", "where": {"state": {"eq": "on"}}},
            },
        }
    },
    "doctor": {
        "properties": {
            "name": {"type": "string"},
            "state": STATE,
            "ward": {"x-relation": {"to": "ward", "inverse": "doctors", "on_delete": "cascade"}},
            "owner": {"x-relation": {"to": "user", "inverse": "doctors"}, "default": "$user"},
            "rooms": {"x-relation": {"to": "room", "many": True, "inverse": "doctors"}},
        }
    },
    "room": {"properties": {"name": {"type": "string"}, "state": STATE}},
    "visit": {
        "properties": {
            "state": STATE,
            "ward": {"x-relation": {"to": "ward", "inverse": "visits", "on_delete": "cascade"}},
        }
    },
}
ROLES = {
    "roles": {"admin": {}, "lead": {}, "owner": {}, "guest": {}},
    "rules": {
        "covered": {"ward": {"doctors": {"some": {"state": {"eq": "on"}}}}},
        "open": {"ward": {"state": {"eq": "on"}}},
        "idle": {"visits_on": {"eq": 0}, "doctors": {"some": {}}},
        "unused": {"doctors": {"none": {"state": {"eq": "off"}}}},
        "housed": {"rooms": {"every": {"state": {"eq": "on"}}}},
        "own": {"owner": {"id": {"eq": "$user"}}},
        "shared": {"$shared": "read"},
    },
}
POLICIES = """role,entity,action,fields,rule,effect
admin,*,*,*,,allow
lead,*,read,*,,allow
lead,doctor,update,name state ward,covered,allow
lead,doctor,update,rooms,housed,allow
lead,doctor,delete,*,open,allow
lead,doctor,create,*,,allow
lead,doctor,share,*,covered,allow
lead,visit,create,*,open,allow
lead,visit,update,*,open,allow
lead,ward,update,*,idle,allow
lead,room,update,*,unused,allow
owner,*,read,*,,allow
owner,doctor,update,*,own,allow
guest,doctor,read,*,shared,allow
"""
ENTITIES = ("visit", "doctor_room", "doctor", "room", "ward")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def wards(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorWorld]:
    folder = tmp_path_factory.mktemp("wards")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'wards.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        database = stack.enter_context(closing(Database(url)))
        if not database.is_sqlite:
            event.listen(database.engine, "connect", find_deadlocks_soon)
        client = stack.enter_context(serving(database, folder, Pack(FILES, ROLES, POLICIES)))
        ben = client.world.users["ben"]
        with database.begin() as connection:
            tokens.set_roles(connection, ben, ["lead"])
            lead = tokens.create_token(connection, ben, "test")
        yield DoorWorld(client, {"anna": client.token, "ben": lead})


@pytest.fixture
def world(wards: DoorWorld) -> DoorWorld:
    tables = wards.client.records.tables
    with wards.client.database.begin() as connection:
        for each in ENTITIES:
            connection.execute(delete(tables[each]))
    return wards


Change = Callable[[DoorWorld, dict[str, str]], tuple[Callable[[Connection], object], str]]
"""The same change by the door in a transaction of one's own, and as a mutation."""


def _changed(entity: str, which: str, **values: Any) -> Change:
    def change(world: DoorWorld, ids: dict[str, str]) -> tuple[Callable[[Connection], object], str]:
        records, caller = world.client.records, world.client.world.caller("lead", "ben")
        new = {name: ids.get(value, value) for name, value in values.items()}
        given = ", ".join(
            f'{name}Id: "{value}"' if name == "ward" else f"{name}: {value}" for name, value in new.items()
        )
        mutation = f'mutation {{ update{entity.title()}(id: "{ids[which]}", input: {{{given}}}) {{ id }} }}'
        return lambda connection: records.update(connection, caller, entity, ids[which], new), mutation

    return change


def _created(entity: str, **values: Any) -> Change:
    def change(world: DoorWorld, ids: dict[str, str]) -> tuple[Callable[[Connection], object], str]:
        records, caller = world.client.records, world.client.world.caller("lead", "ben")
        mutation = f'mutation {{ create{entity.title()}(input: {{state: on, wardId: "{ids["W"]}"}}) {{ id }} }}'
        return lambda connection: records.create(connection, caller, entity, {"ward": ids["W"]}), mutation

    return change


def _deleted(entity: str, which: str) -> Change:
    def change(world: DoorWorld, ids: dict[str, str]) -> tuple[Callable[[Connection], object], str]:
        records, caller = world.client.records, world.client.world.caller("lead", "ben")
        mutation = f'mutation {{ delete{entity.title()}(id: "{ids[which]}") {{ id }} }}'
        return lambda connection: records.delete(connection, caller, entity, ids[which]), mutation

    return change


def _linked(world: DoorWorld, ids: dict[str, str]) -> tuple[Callable[[Connection], object], str]:
    records, caller = world.client.records, world.client.world.caller("lead", "ben")
    new = {"rooms": {"add": [{"id": ids["R"]}]}}
    mutation = (
        f'mutation {{ updateDoctor(id: "{ids["D"]}", input: {{rooms: {{add: [{{id: "{ids["R"]}"}}]}}}}) {{ id }} }}'
    )
    return lambda connection: records.update(connection, caller, "doctor", ids["D"], new), mutation


PAIRS = {
    "the last of two leaves": (_changed("doctor", "A", state="off"), _changed("doctor", "B", state="off")),
    "a new visit to a ward that closes": (_created("visit"), _changed("ward", "W", state="off")),
    "a visit moves to a ward that closes": (
        _changed("visit", "elsewhere", ward="W"),
        _changed("ward", "W", state="off"),
    ),
    "the only doctor of a ward that closes": (_deleted("doctor", "alone"), _changed("ward", "X", state="off")),
}


def _made(world: DoorWorld) -> dict[str, str]:
    ids = {name: world.make("ward", name=name) for name in "WVX"}
    ids |= {name: world.make("doctor", name=name, ward=ids["W"]) for name in "AB"}
    ids["alone"] = world.make("doctor", name="alone", ward=ids["X"])
    ids["there"] = world.make("doctor", name="there", ward=ids["V"])
    ids["elsewhere"] = world.make("visit", ward=ids["V"])
    return ids


def _state(world: DoorWorld) -> Any:
    wards = {row["id"]: (row["name"], row["state"]) for row in world.rows("ward")}
    rest = [
        (wards[row["ward_id"]], row["state"], row.get("name"))
        for each in ("doctor", "visit")
        for row in world.rows(each)
    ]
    return sorted(wards.values()), sorted(rest, key=str)


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_of_two_who_would_break_each_others_rule_the_later_one_is_refused(
    world: DoorWorld, pair: tuple[Change, Change], turned: bool
) -> None:
    ids = _made(world)
    changes = [each(world, ids) for each in (pair[::-1] if turned else pair)]
    with world.client.database.begin() as connection:
        changes[0][0](connection)
        late = second(world, changes[1][1], "ben")
    answer = late.result(PATIENCE)
    assert code(answer) == "FORBIDDEN"
    after = _state(world)
    assert "errors" in world.ask("ben", changes[1][1])  # and so it would have been without any haste
    assert _state(world) == after


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_of_two_at_the_same_moment_just_one_does_it(world: DoorWorld, pair: tuple[Change, Change]) -> None:
    ids = _made(world)
    barrier, answers = threading.Barrier(2), list[Any]()

    def work(mutation: str) -> None:
        barrier.wait(PATIENCE)
        answers.append(world.ask("ben", mutation))

    threads = [threading.Thread(target=work, args=[each(world, ids)[1]], daemon=True) for each in pair]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert sorted("errors" in each for each in answers) == [False, True], answers
    assert [code(each) for each in answers if "errors" in each] == ["FORBIDDEN"]


def test_what_links_lead_to_is_held(world: DoorWorld) -> None:
    ids = {"R": world.make("room", name="R"), "D": world.make("doctor", name="D", state="off")}
    link, close = _linked(world, ids), _changed("room", "R", state="off")(world, ids)
    for first, then in ((link, close), (close, link)):
        with world.client.database.begin() as connection:
            first[0](connection)
            late = second(world, then[1], "ben")
        assert code(late.result(PATIENCE)) == "FORBIDDEN"
        with world.client.database.begin() as connection:
            connection.execute(delete(world.client.records.tables["doctor_room"]))


def test_who_shares_holds_the_list_before_the_record(world: DoorWorld) -> None:
    if world.client.database.is_sqlite:
        return  # one writes at a time
    # given two of one ward that are shared at once: if each held its own record first, they would wait for each other
    ids, tables = _made(world), world.client.records.tables
    with world.client.database.begin() as connection:
        newcomer = select(tables["ward"]).where(tables["ward"].c.id == ids["W"])
        connection.execute(newcomer.with_for_update(read=True, key_share=True))
        share = f'shareDoctor(id: "{ids["A"]}", with: {{user: "{world.users["anna"]}"}}, level: READ) {{ id }}'
        late = second(world, f"mutation {{ {share} }}", "ben")
        with world.client.database.begin() as apart:
            doctor = select(tables["doctor"].c.id).where(tables["doctor"].c.id == ids["A"])
            assert apart.scalar(doctor.with_for_update(nowait=True)) is not None
    assert late.result(PATIENCE) == {"data": {"shareDoctor": {"id": ids["A"]}}}


def test_records_that_rules_do_not_look_at_keep_nobody_waiting(world: DoorWorld) -> None:
    if world.client.database.is_sqlite:
        return  # one writes at a time
    ids = _made(world)
    records, tables = world.client.records, world.client.records.tables
    ben, owner = world.users["ben"], world.client.world.caller("owner", "ben")
    mine = world.make("doctor", name="mine", ward=ids["X"], owner=ben)
    with world.client.database.begin() as connection:
        records.update(connection, world.client.world.caller("lead", "ben"), "doctor", ids["A"], {"state": "off"})
        # Another ward is nobody's business here, and a rule about the record itself looks at no ward.
        other = world.ask("ben", _changed("doctor", "there", state="on")(world, ids)[1])
        assert other == {"data": {"updateDoctor": {"id": ids["there"]}}}
        with world.client.database.begin() as apart:
            records.update(apart, owner, "doctor", mine, {"name": "still mine"})
    with world.client.database.begin() as connection:
        records.update(connection, owner, "doctor", mine, {"name": "mine"})
        with world.client.database.begin() as apart:
            locked = select(tables["ward"]).with_for_update(nowait=True)
            assert len(apart.execute(locked).all()) == 3
