"""Sharing records with users, teams and roles: what it gives, to whom, for how long, and who may."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.postgres import PostgresServer
from tests.query.two_ways import Ways, compact
from xrm_core.auth.events import recorded
from xrm_core.errors import BadQuery, PolicyInvalid
from xrm_core.graphql.engine import Request
from xrm_core.metadata.model import TEAM, USER
from xrm_core.metadata.predicate import parse
from xrm_core.permissions.caller import User, system
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.system import AUTH_EVENT, SHARE

TEXT = {"type": "string", "maxLength": 200}
DAY = {"type": "string", "format": "date-time"}
CASCADE = {"x-relation": {"to": "customer", "inverse": "contacts", "on_delete": "cascade"}}
ENTITIES: dict[str, dict[str, Any]] = {
    "team": {"name": TEXT},
    "user": {"name": TEXT, "team": kit.relation("team", "members")},
    "customer": {"name": TEXT, "revenue": {"type": "integer"}, "ends": DAY, "owner": kit.relation("user", "customers")},
    "contact": {"name": TEXT, "customer": CASCADE},
}
RULES = {
    "own": {"owner": {"id": {"eq": "$user"}}},
    "mine_until": {"owner": {"id": {"eq": "$user"}}, "ends": {"gt": "$now"}},
    "shared": {"$shared": "read"},
    "shared_for_update": {"$shared": "update"},
    "of_shared": {"customer": {"$shared": "read"}},
    "not_shared": {"not": {"$shared": "read"}},
}
POLICIES = [
    "rep,customer,*,*,own,allow",
    "rep,user,read,*,,allow",
    "rep,team,read,*,,allow",
    "rep,contact,read,*,of_shared,allow",
    "rep,customer,read,id name,shared,allow",
    "rep,customer,update,name,shared_for_update,allow",
    "timed,customer,*,*,mine_until,allow",
    "timed,user,read,*,,allow",
    "reader,customer,read,*,own,allow",
    "reader,customer,share,*,own,allow",
    "reader,user,read,id,,allow",
    "keen,customer,read,*,shared,allow",
    "keen,customer,share,*,,allow",
    "keen,user,read,id,,allow",
    "blind,customer,*,*,own,allow",
    "aloof,customer,read,*,not_shared,allow",
    "admin,*,*,*,,allow",
]
POLICIES += [row.replace("rep,", "role,") for row in POLICIES if row.startswith("rep,")]  # as whom both ways ask
USERS = {"anna": 1, "ben": 2, "cleo": 3}
ACME, BOLT = uid(11), uid(12)


class Sharing:
    """A world in which Anna owns two customers; Ben and Cleo own none, and Cleo is in the team North."""

    def __init__(self, url: str) -> None:
        model = kit.load_model(ENTITIES)
        teams = [{"id": uid(21), "name": "North"}, {"id": uid(22), "name": "South"}]
        users = [{"id": uid(n), "name": name, "team": uid(21) if name == "cleo" else None} for name, n in USERS.items()]
        customers = [{"id": id_, "name": id_[-2:], "revenue": 5, "owner": uid(1)} for id_ in (ACME, BOLT)]
        contacts = [{"id": uid(31), "name": "x", "customer": ACME}, {"id": uid(32), "name": "y", "customer": BOLT}]
        self.rows = {"team": teams, "user": users, "customer": customers, "contact": contacts}
        database = Database(url)
        apply(database, model)  # whoever writes looks whether this is the model
        database.close()
        self.world = World(model, kit.policies(model, POLICIES, RULES), url, self.rows)

    def reset(self) -> None:
        with self.world.database.begin() as connection:
            connection.execute(SHARE.delete())
        self.world.fill(self.rows)

    def caller(self, name: str, role: str = "rep") -> User:
        access = self.world.authority.access(frozenset({role}))
        return User(uid(USERS[name]), access, uid(21) if name == "cleo" else None)

    def send(self, caller: User, text: str, variables: dict[str, Any] | None = None) -> Any:
        import json

        answer = self.world.run(self.world.engine.execute(Request(text, variables or {}), caller))
        return json.loads(answer.body)

    def code(self, caller: User, text: str) -> str:
        answer = self.send(caller, text)
        return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else "done"

    def share(self, caller: User, grantee: str, level: str = "READ", more: str = "", id_: str = ACME) -> str:
        text = f'mutation {{ shareCustomer(id: "{id_}", with: {{{grantee}}}, level: {level}{more}) {{ id }} }}'
        return self.code(caller, text)

    def seen(self, name: str, role: str = "rep") -> list[str]:
        text = "{ customers(orderBy: [{id: ASC}]) { nodes { id } } }"
        return [each["id"] for each in self.send(self.caller(name, role), text)["data"]["customers"]["nodes"]]

    def rename(self, name: str) -> str:
        return self.code(
            self.caller(name), f'mutation {{ updateCustomer(id: "{ACME}", input: {{name: "new"}}) {{ name }} }}'
        )

    def stored(self) -> list[str]:
        with self.world.database.read() as connection:
            return sorted(connection.scalars(select(SHARE.c.grantee)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sharing]:
    if request.param == "postgresql":
        if os.environ.get("XRM_TEST_POSTGRES") == "off":
            pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            made = Sharing(url)
            yield made
            made.world.close()
    else:
        folder: Path = tmp_path_factory.mktemp("sharing")
        made = Sharing(f"sqlite:///{folder}/world.db")
        yield made
        made.world.close()


@pytest.fixture
def sharing(module_world: Sharing) -> Sharing:
    module_world.reset()
    return module_world


def user(name: str) -> str:
    return f'user: "{uid(USERS[name])}"'


@pytest.mark.parametrize(
    ("grantee", "whom"),
    [
        (user("ben"), {"ben"}),
        (f'team: "{uid(21)}"', {"cleo"}),
        (f'team: "{uid(22)}"', set()),
        ('role: "rep"', {"ben", "cleo"}),
        ('role: "admin"', set()),
    ],
)
def test_it_is_seen_by_whom_it_is_shared_with_and_by_nobody_else(
    sharing: Sharing, grantee: str, whom: set[str]
) -> None:
    assert sharing.seen("ben") == sharing.seen("cleo") == []
    assert sharing.share(sharing.caller("anna"), grantee) == "done"
    for name in ("ben", "cleo"):
        assert sharing.seen(name) == ([ACME] if name in whom else [])
        assert sharing.rename(name) == ("FORBIDDEN" if name in whom else "NOT_FOUND")
    assert sharing.seen("anna") == [ACME, BOLT]


def test_what_it_gives_is_said_by_policies(sharing: Sharing) -> None:
    sharing.share(sharing.caller("anna"), user("ben"))
    ben = sharing.caller("ben")
    found = sharing.send(ben, "{ customers { nodes { name revenue } } contacts { nodes { name } } }")["data"]
    assert found == {"customers": {"nodes": [{"name": "11", "revenue": None}]}, "contacts": {"nodes": [{"name": "x"}]}}
    assert sharing.seen("ben", "aloof") == [BOLT]
    assert sharing.seen("ben", "reader") == []


def test_for_update_gives_both_and_a_share_replaces_the_one_before(sharing: Sharing) -> None:
    anna = sharing.caller("anna")
    sharing.share(anna, user("ben"), "UPDATE")
    assert (sharing.seen("ben"), sharing.rename("ben")) == ([ACME], "done")
    sharing.share(anna, user("ben"), "READ")
    assert (sharing.seen("ben"), sharing.rename("ben")) == ([ACME], "FORBIDDEN")
    assert sharing.stored() == [f"user:{uid(2)}"]
    no_longer = f'mutation {{ unshareCustomer(id: "{ACME}", with: {{{user("ben")}}}) {{ id }} }}'
    assert sharing.code(anna, no_longer) == "done"
    assert (sharing.seen("ben"), sharing.stored()) == ([], [])
    assert sharing.code(anna, no_longer) == "NOT_FOUND"


def test_sharing_is_an_event_with_who_and_what_and_why(sharing: Sharing) -> None:
    with sharing.world.database.begin() as connection:
        connection.execute(AUTH_EVENT.delete())
    anna, later = sharing.caller("anna"), (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).replace(microsecond=0)
    sharing.share(anna, user("ben"), "UPDATE", ', reason: "holiday"')
    sharing.share(anna, user("ben"), "READ", f', until: "{later.isoformat()}"')
    assert sharing.share(anna, 'team: "none"') == "VALIDATION_FAILED"
    text = f'mutation {{ unshareCustomer(id: "{ACME}", with: {{{user("ben")}}}) {{ id }} }}'
    assert [sharing.code(anna, text) for _ in range(2)] == ["done", "NOT_FOUND"]
    with sharing.world.database.read() as connection:
        gone, second, first = recorded(connection)
    ben = {"entity": "customer", "with": f"user:{uid(2)}"}
    assert {(each.user_id, each.subject) for each in (gone, second, first)} == {(uid(1), ACME)}
    assert (first.event, first.details) == (
        "record_shared",
        {**ben, "level": "update", "until": None, "reason": "holiday"},
    )
    assert (second.event, second.details) == (
        "record_shared",
        {
            **ben,
            "level": "read",
            "until": later.isoformat(),
            "reason": None,
            "before": {"level": "update", "until": None},
        },
    )
    assert (gone.event, gone.details) == ("record_unshared", ben)


def test_a_dry_run_shares_nothing_and_is_no_event(sharing: Sharing) -> None:
    anna, dry = sharing.caller("anna"), ", dryRun: true"
    with sharing.world.database.read() as connection:
        before = len(list(recorded(connection)))
    assert sharing.share(anna, f'user: "{uid(2)}"', more=dry) == "done"
    assert sharing.share(sharing.caller("ben"), f'user: "{uid(2)}"', more=dry) == "NOT_FOUND"
    assert (sharing.stored(), sharing.seen("ben")) == ([], [])
    with sharing.world.database.read() as connection:
        assert len(list(recorded(connection))) == before
    assert sharing.share(anna, f'user: "{uid(2)}"') == "done"
    undone = f'mutation {{ unshareCustomer(id: "{ACME}", with: {{user: "{uid(2)}"}}{dry}) {{ id }} }}'
    assert (sharing.code(anna, undone), sharing.stored()) == ("done", [f"user:{uid(2)}"])


def test_it_ends_by_itself(sharing: Sharing) -> None:
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    assert sharing.share(sharing.caller("anna"), user("ben"), "UPDATE", f', until: "{later}"') == "done"
    assert sharing.rename("ben") == "done"
    with sharing.world.database.begin() as connection:
        connection.execute(update(SHARE).values(until=dt.datetime.now(dt.UTC)))
    assert (sharing.seen("ben"), sharing.rename("ben")) == ([], "NOT_FOUND")


# -- who may ----------------------------------------------------------------------------------------------------------


def test_nobody_shares_more_than_they_hold(sharing: Sharing) -> None:
    reader = sharing.caller("anna", "reader")
    assert sharing.share(reader, user("ben")) == "done"
    assert sharing.share(reader, user("cleo"), "UPDATE") == "FORBIDDEN"
    assert sharing.share(sharing.caller("ben", "reader"), user("cleo")) == "NOT_FOUND"
    assert sharing.share(sharing.caller("ben"), user("cleo")) == "FORBIDDEN"  # who sees it by a share, not as its owner
    assert sharing.stored() == [f"user:{uid(2)}"]


def test_nor_longer_than_they_hold_it(sharing: Sharing) -> None:
    now = dt.datetime.now(dt.UTC)
    first, second, third = ((now + dt.timedelta(days=days)).isoformat() for days in (1, 2, 3))
    keen = sharing.caller("ben", "keen")
    assert sharing.share(keen, user("cleo")) == "NOT_FOUND"
    sharing.share(sharing.caller("anna"), user("ben"), "READ", f', until: "{second}"')
    assert sharing.share(keen, user("cleo")) == "FORBIDDEN"
    assert sharing.share(keen, user("cleo"), "READ", f', until: "{third}"') == "FORBIDDEN"
    assert sharing.share(keen, user("cleo"), "READ", f', until: "{first}"') == "done"
    with sharing.world.database.begin() as connection:
        customer = sharing.world.tables["customer"]
        connection.execute(update(customer).values(ends=second))
    timed = sharing.caller("anna", "timed")
    assert sharing.share(timed, user("ben"), "READ", f', until: "{third}"') == "FORBIDDEN"
    assert sharing.share(timed, user("ben"), "UPDATE", f', until: "{first}"') == "done"


@pytest.mark.parametrize(
    ("grantee", "more", "code"),
    [
        (f'user: "{uid(99)}"', "", "VALIDATION_FAILED"),
        (f'user: "{ACME}"', "", "VALIDATION_FAILED"),
        ('user: "nobody"', "", "VALIDATION_FAILED"),
        (f'team: "{uid(1)}"', "", "VALIDATION_FAILED"),
        ('role: "no role\'s name"', "", "VALIDATION_FAILED"),
        (user("ben"), ', until: "2001-01-01T00:00:00Z"', "VALIDATION_FAILED"),
        (user("ben"), f', reason: "{"x" * 501}"', "VALIDATION_FAILED"),
        ("", "", "BAD_QUERY"),
        (f'{user("ben")}, role: "rep"', "", "BAD_QUERY"),
    ],
)
def test_what_cannot_be_shared_is_refused_and_nothing_is_stored(
    sharing: Sharing, grantee: str, more: str, code: str
) -> None:
    assert sharing.share(sharing.caller("anna"), grantee, "READ", more) == code
    assert sharing.stored() == []


def test_a_grantee_has_to_be_seen(sharing: Sharing) -> None:
    assert sharing.share(sharing.caller("anna", "blind"), user("ben")) == "VALIDATION_FAILED"


def test_a_record_is_shared_so_many_times_only(sharing: Sharing) -> None:
    row = {"entity": "customer", "record_id": ACME, "level": "read", "shared_at": kit.NOW}
    with sharing.world.database.begin() as connection:
        connection.execute(insert(SHARE), [{**row, "grantee": f"role:r{number}"} for number in range(200)])
    assert sharing.share(sharing.caller("anna"), user("ben")) == "VALIDATION_FAILED"
    assert sharing.share(sharing.caller("anna"), 'role: "r7"', "UPDATE") == "done"


# -- who sees the shares ----------------------------------------------------------------------------------------------


def test_shares_are_listed_for_who_may_share(sharing: Sharing) -> None:
    anna = sharing.caller("anna")
    later = "2999-01-01T00:00:00+00:00"
    sharing.share(anna, user("ben"), "UPDATE", f', until: "{later}", reason: "holiday"')
    sharing.share(anna, f'team: "{uid(21)}"')
    sharing.share(anna, 'role: "keen"')
    parts = "shares { user team role level until reason sharedBy sharedAt __typename }"
    query = f"{{ customers(orderBy: [{{id: ASC}}]) {{ nodes {{ {parts} }} }} }}"
    shown = sharing.send(anna, query)["data"]["customers"]["nodes"]
    assert shown[1] == {"shares": []}
    ats = [each.pop("sharedAt") for each in shown[0]["shares"]]
    assert sorted(ats) == ats
    one = {"user": None, "team": None, "role": None, "level": "READ", "until": None, "reason": None}
    one |= {"sharedBy": uid(1), "__typename": "RecordShare"}
    holiday = {"user": uid(2), "level": "UPDATE", "until": later, "reason": "holiday"}
    assert shown[0]["shares"] == [{**one, **holiday}, {**one, "team": uid(21)}, {**one, "role": "keen"}]
    one_by_id = sharing.send(anna, f'{{ customer(id: "{ACME}") {{ shares {{ role }} }} }}')["data"]["customer"]
    assert one_by_id == {"shares": [{"role": None}, {"role": None}, {"role": "keen"}]}
    ben = sharing.send(sharing.caller("ben"), query)["data"]["customers"]["nodes"]
    assert ben == [{"shares": []}]


def test_both_ways_to_an_answer_show_the_same(sharing: Sharing) -> None:
    sharing.share(sharing.caller("anna"), user("ben"), "UPDATE")
    ways = Ways(sharing.world)
    request = Request("{ customers { nodes { name shares { user level sharedAt } } } contacts { nodes { id } } }", {})
    assert compact(ways.ask(request).body) == compact(ways.executed(request).body)
    assert b"UPDATE" in ways.ask(request).body


def test_what_no_policy_shares_has_no_word_for_it_in_the_schema(sharing: Sharing) -> None:
    admin = sharing.caller("anna", "admin")
    fields = '{ __type(name: "%s") { fields { name } } }'
    names = {each["name"] for each in sharing.send(admin, fields % "Mutation")["data"]["__type"]["fields"] if each}
    assert {name for name in names if "hare" in name} == {"shareCustomer", "unshareCustomer"}
    keen = sharing.send(sharing.caller("ben", "aloof"), '{ __type(name: "RecordShare") { name } }')
    assert keen["data"]["__type"] is None


# -- what goes --------------------------------------------------------------------------------------------------------


def test_shares_go_with_the_record_the_user_and_the_team(sharing: Sharing) -> None:
    world, anna = sharing.world, sharing.caller("anna")
    for grantee in (user("ben"), f'team: "{uid(21)}"', 'role: "rep"'):
        sharing.share(anna, grantee)
    sharing.share(anna, user("ben"), id_=BOLT)
    platform = system(world.model, "test")

    def gone(entity: str, id_: str) -> list[str]:
        with world.database.begin() as connection:
            world.records.delete(connection, platform, entity, id_)
        return sharing.stored()

    assert gone(TEAM, uid(21)) == ["role:rep", f"user:{uid(2)}", f"user:{uid(2)}"]
    row = {"entity": "contact", "record_id": uid(31), "level": "read", "shared_at": kit.NOW, "grantee": "role:keen"}
    with world.database.begin() as connection:
        connection.execute(insert(SHARE), [row, {**row, "record_id": uid(32)}])  # their contacts go along with them
    assert gone("customer", BOLT) == ["role:keen", "role:rep", f"user:{uid(2)}"]
    assert gone("customer", ACME) == []


def test_who_is_deleted_leaves_no_share(sharing: Sharing) -> None:
    world = sharing.world
    sharing.share(sharing.caller("anna"), user("ben"))
    sharing.share(sharing.caller("anna"), 'role: "rep"')
    with world.database.begin() as connection:
        for number in (2, 1):
            world.records.delete(connection, system(world.model, "test"), USER, uid(number))
        assert connection.execute(select(SHARE.c.grantee, SHARE.c.shared_by)).all() == [("role:rep", None)]


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["write", "", None, True, ["read"], {"eq": "read"}])
def test_a_level_that_there_is_not_is_refused(value: Any) -> None:
    model = kit.load_model(ENTITIES)
    with pytest.raises(BadQuery, match="shared for read or update"):
        parse(model, model["customer"], {"$shared": value})


def test_sharing_is_an_action(sharing: Sharing) -> None:
    with pytest.raises(PolicyInvalid, match="read, create, update, delete, share"):
        kit.policies(sharing.world.model, ["a,customer,give,*,,allow"], {})
