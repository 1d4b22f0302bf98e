"""``x-log-reads``: who read which record. The answers are the same bytes as without it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete

from tests.graphql import kit, small_world
from tests.graphql.kit import TEXT, World, uid
from xrm_core.errors import DatabaseUnavailable
from xrm_core.graphql.engine import Engine, Request
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import PolicySet
from xrm_core.plugins import Plugins
from xrm_core.records import read_log
from xrm_core.records.door import Records
from xrm_core.storage.change_tables import CHANGE, CHANGE_BATCH
from xrm_core.storage.system import METADATA, READ, READ_RECORD
from xrm_core.storage.tables import Tables

DOCUMENTS = (
    "{ firms { nodes { name kind revenue extra tags } totalCount pageInfo { hasNextPage endCursor } } }",
    "{ firms(first: 2, orderBy: [{name: DESC}]) { edges { cursor node { id __typename name } } } }",
    "{ firms { __typename nodes { deals(first: 1) { nodes { title price { amount } } } parent { owner { name } } } } }",
    f'{{ firm(id: "{uid(101)}") {{ visits {{ nodes {{ subject regarding {{ ... on Firm {{ name }} }} }} }} }} }}',
    f'{{ node(id: "{uid(101)}") {{ id __typename ... on Firm {{ name }} }} }}',
    f'{{ nodes(ids: ["{uid(201)}", "{uid(9)}", "{uid(1)}"]) {{ ... on Deal {{ title }} ... on Person {{ name }} }} }}',
    f'{{ firm(id: "{uid(999)}") {{ name }} }}',
    "{ firms { nodes { advisors { edges { since node { name } } } dealsAggregate { count } } } }",
    "{ firmsAggregate(groupBy: [{field: KIND}]) { key { kind } count max { revenue } } }",
    "{ wides { nodes { " + " ".join(f"w{number:02}" for number in range(70)) + " } } }",
    "{ a: firms(first: 1) { nodes { name } } b: persons { nodes { name } } }",
)


@dataclass
class Asker:
    """Asks a small world as if all reads of some entities were logged."""

    world: World
    engine: Engine
    authority: Authority

    def body(self, query: str, roles: str = "admin", variables: Mapping[str, Any] | None = None) -> bytes:
        caller = User(uid(1), self.authority.access(frozenset(roles.split())), token=uid(77))
        return self.world.run(self.engine.execute(Request(query, variables or {}, address="192.0.2.1"), caller)).body

    def reads(self) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        """What is in the log, the oldest first; and empty it."""
        with self.world.database.begin() as connection:
            found = list(read_log.logged(connection))
            connection.execute(delete(READ_RECORD))
            connection.execute(delete(READ))
        return [(each.entity, each.fields, each.record_ids) for each in reversed(found)]

    def data(self, query: str, roles: str = "admin", **variables: Any) -> Any:
        answer = json.loads(self.body(query, roles, variables))
        assert "errors" not in answer, answer
        return answer["data"]


def asker(
    world: World, logged: Mapping[str, list[str]], rights: PolicySet | None = None, *, executes_reads: bool = False
) -> Asker:
    """The same database under a model in which reads are logged."""
    snapshot = to_snapshot(world.model)
    for entity in snapshot["entities"]:
        entity["log_reads"] = logged.get(entity["name"], [])
    model = from_snapshot(snapshot)
    assert model.fingerprint != world.model.fingerprint
    with world.database.begin() as connection:
        METADATA.create_all(connection, tables=[READ, READ_RECORD, CHANGE, CHANGE_BATCH])
    records = Records(model, Tables(model), Plugins([]))
    engine = Engine(records, world.database, world.reader, executes_reads=executes_reads)
    return Asker(world, engine, Authority(model, rights or small_world.rights(model)))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def everything(world: World) -> Iterator[Asker]:
    found = asker(world, {entity.name: ["*"] for entity in world.model if entity.kind == "entity"})
    yield found
    found.reads()
    found.engine.close()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_answers_are_the_same_bytes_as_without_a_log(world: World, everything: Asker, document: str) -> None:
    for roles in ("admin", "rep"):
        if not world.body(roles, document).startswith(b'{"errors"'):
            assert everything.body(document, roles) == world.body(roles, document)
            assert everything.reads()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_executor_logs_and_answers_the_same(world: World, everything: Asker, document: str) -> None:
    slow = asker(world, {entity.name: ["*"] for entity in world.model if entity.kind == "entity"}, executes_reads=True)
    assert json.loads(slow.body(document)) == json.loads(everything.body(document))
    both = everything.reads()  # of one log
    slow.engine.close()
    assert len(both) % 2 == 0
    assert sorted(both[: len(both) // 2]) == sorted(both[len(both) // 2 :])


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(sorted(map(uid, numbers)))


def test_each_record_that_is_shown_is_logged_with_its_fields(everything: Asker) -> None:
    everything.data("{ persons { nodes { name bornOn } } }")
    assert everything.reads() == [("person", ("born_on", "name"), ids(1, 2, 3))]
    found = everything.data("{ firms(first: 2, orderBy: [{units: ASC}]) { nodes { id parent { id kind } } } }")["firms"]
    shown, parents = zip(*((each["id"], each["parent"]["id"]) for each in found["nodes"]), strict=True)
    assert sorted(everything.reads()) == [
        ("firm", ("id", "kind"), tuple(sorted(set(parents)))),
        ("firm", ("id", "parent"), tuple(sorted(shown))),
        ("firm", ("units",), ()),
    ]


def test_a_history_counts_as_a_read_of_all_that_it_could_tell(everything: Asker) -> None:
    for field in ("history { version }", 'asOf(at: "2026-01-01T00:00:00Z") { version }'):
        everything.data(f'{{ person(id: "{uid(1)}") {{ {field} }} }}')
        assert everything.reads() == [("person", ("badge", "born_on", "name"), ids(1))]


def test_only_what_is_seen_is_logged_not_what_rights_hide(everything: Asker) -> None:
    shown = {each["id"] for each in everything.data("{ firms { nodes { id } } }", "rep")["firms"]["nodes"]}
    [(entity, fields, logged)] = everything.reads()
    assert (entity, fields, set(logged)) == ("firm", ("id",), shown)
    assert 0 < len(shown) < len(small_world.FIRMS)


def test_figures_and_filters_are_logged_without_ids(everything: Asker) -> None:
    everything.data("{ firmsAggregate { count max { revenue } } }")
    assert everything.reads() == [("firm", ("revenue",), ())]
    everything.data("{ firms { totalCount } }")
    assert everything.reads() == [("firm", (), ())]
    everything.data('{ deals(where: {firm: {owner: {name: {eq: "Ada"}}}}) { nodes { title } } }')
    found = everything.reads()
    assert found[0][:2] == ("deal", ("title",))
    assert {(entity, fields, shown) for entity, fields, shown in found[1:]} == {
        ("deal", ("firm",), ()),
        ("firm", ("owner",), ()),
        ("person", ("name",), ()),
    }


def test_single_fields_are_logged_only_where_they_are_asked_for(world: World) -> None:
    some = asker(world, {"person": ["born_on"]})
    for query, logged in (
        ("{ persons { nodes { name badge } totalCount } }", []),
        ("{ persons { nodes { name bornOn } } }", [("person", ("born_on", "name"), ids(1, 2, 3))]),
        ("{ firms { nodes { owner { name } } } }", []),
        ('{ persons(where: {bornOn: {eq: "1980-02-29"}}) { nodes { name } } }', [("person", ("born_on",), ())]),
        ("{ persons(orderBy: [{bornOn: ASC}]) { nodes { name } } }", [("person", ("born_on",), ())]),
        ("{ firms(where: {owner: {bornOn: {isNull: false}}}) { totalCount } }", [("person", ("born_on",), ())]),
        ("{ personsAggregate { min { bornOn } } }", [("person", ("born_on",), ())]),
        ("{ personsAggregate { count } }", []),
    ):
        some.data(query)
        assert some.reads() == logged, query
    some.engine.close()


def test_the_log_says_who_from_where_and_in_which_request(everything: Asker) -> None:
    everything.data("{ persons { nodes { name } } firms { nodes { name } } }")
    with everything.world.database.read() as connection:
        first, second = read_log.logged(connection)
        assert first.request_id == second.request_id
        assert (first.user_id, first.token_id, first.address) == (uid(1), uid(77), "192.0.2.1")
        assert [each.entity for each in read_log.logged(connection, record_id=uid(101))] == ["firm"]
        assert list(read_log.logged(connection, record_id=uid(101), user_id=uid(2))) == []
        assert [each.entity for each in read_log.logged(connection, entity="person")] == ["person"]


def test_without_a_log_there_is_no_answer(everything: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise DatabaseUnavailable("full")

    monkeypatch.setattr("xrm_core.records.read_log.write", full)
    answer = everything.body("{ persons { nodes { name } } }")
    assert b"DATABASE_UNAVAILABLE" in answer
    assert b"Ada" not in answer


def test_what_looks_like_a_mark_stays_in_the_answer(everything: Asker) -> None:
    everything.data("{ __xrm_1: firms { nodes { __xrm_2: name } } __typename }")
    assert everything.reads()


def test_introspection_beside_records_is_logged_too(everything: Asker) -> None:
    everything.data("{ __schema { queryType { name } } persons(first: 1) { nodes { name } } }")
    assert everything.reads() == [("person", ("name",), ids(1))]


def test_hits_of_a_search_are_logged(url: str) -> None:
    model = kit.load_model({"firm": {"name": {**TEXT, "x-search": True}, "note": TEXT}, "person": {"name": TEXT}})
    rows = {"firm": [{"id": uid(1), "name": "Searched"}, {"id": uid(2), "name": "Other"}], "person": []}
    with closing(World(model, kit.policies(model, ["admin,*,*,*,,allow"], {}), url, rows)) as world:
        some = asker(world, {"firm": ["*"]}, kit.policies(world.model, ["admin,*,*,*,,allow"], {}))
        for query, logged in (
            ('{ search(text: "searched") { title score } }', [("firm", ("name",), ids(1))]),
            ('{ search(text: "nothing like it") { title } }', [("firm", ("name",), ())]),
            (
                '{ search(text: "searched") { node { id ... on Firm { note } } } }',
                [("firm", ("id", "note"), ids(1)), ("firm", ("name",), ids(1))],
            ),
        ):
            assert some.body(query) == world.body("admin", query)
            assert sorted(some.reads()) == logged
        some.engine.close()
