"""Masks: what they leave of a text, and that nothing more can be found out by any way of asking.

Two worlds differ in nothing but what the masks hide: whatever the role asks, both answer the same.
"""

import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import KEY, World, uid
from tests.postgres import PostgresServer
from tests.query.two_ways import Ways, compact
from xrm_core.errors import PolicyInvalid
from xrm_core.graphql.engine import Request
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import Action

TEXT = {"type": "string", "maxLength": 200}
ENTITIES: dict[str, dict[str, Any]] = {
    "person": {"name": {**TEXT, "x-search": True}},
    "account": {
        "iban": {**TEXT, "x-search": True},
        "owner_name": {**TEXT, "x-search": True},
        "tax": TEXT,
        "kind": TEXT,
        "label": {"type": "string", "x-computed": "'IBAN ' || iban"},
        "person": kit.relation("person", "accounts"),
        "friends": kit.many("person", "befriends", code=TEXT),
    },
}
ENTITIES["person"]["ibans"] = {"type": "integer", "x-rollup": {"relation": "accounts", "function": "count"}}
ENTITIES["person"]["last_iban"] = {
    "type": "string",
    "x-rollup": {"relation": "accounts", "function": "max", "field": "iban"},
}
POLICIES = [
    "staff,person,read,*,,allow",
    "staff,account,read,id kind label person friends,,allow",
    "staff,account,read,iban,,last_4",
    "staff,account,read,owner_name,,initial",
    "staff,account,read,tax,,hash",
    "staff,account_friend,read,account person,,allow",
    "staff,account_friend,read,code,,last_4",
    "some,account,read,id kind label person,,allow",
    "some,account,read,iban,open,allow",
    "some,account,read,iban,,last_4",
    "some,account,read,iban,closed,deny",
    "several,account,read,id,,allow",
    "several,account,read,iban,,hash",
    "several,account,read,iban,open,initial",
    "never,account,read,id kind label,,allow",
    "never,account,read,iban,nobody,allow",
    "never,account,read,iban,,last_4",
    "admin,*,read,*,,allow",
]
POLICIES += [row.replace("staff,", "role,") for row in POLICIES if row.startswith("staff,")]  # as whom both ways ask
RULES = {"open": {"kind": {"eq": "open"}}, "closed": {"kind": {"eq": "closed"}}, "nobody": {"or": []}}
SECRETS = [("DE89-3704-0044-0532", "Ada", "11"), ("FR14-2004-1010-0532", "Anna", "12")]
"""Of the two worlds: the last four of one, the first letter of the other is the same."""


def rows(secret: tuple[str, str, str]) -> kit.Rows:
    iban, owner, code = secret
    accounts = [
        {"id": uid(101), "iban": iban, "owner_name": owner, "tax": "T1", "kind": "open", "person": uid(1)},
        {"id": uid(102), "iban": iban, "owner_name": owner, "tax": "T1", "kind": "new", "person": uid(1)},
        {"id": uid(103), "iban": f"X{code}-{iban}", "owner_name": "", "tax": "T2", "kind": "closed", "person": uid(1)},
        {"id": uid(104), "iban": f"{code}34567", "owner_name": "Öl", "tax": None, "kind": "new", "person": None},
        {"id": uid(105), "iban": None, "owner_name": None, "tax": "", "kind": "new", "person": None},
    ]
    friends = [{"id": uid(201), "account": uid(101), "person": uid(1), "code": f"{code}-abcdefgh"}]
    return {"person": [{"id": uid(1), "name": "Eva"}], "account": accounts, "account_friend": friends}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    model = kit.load_model(ENTITIES)
    rights = kit.policies(model, POLICIES, RULES)
    folder: Path = tmp_path_factory.mktemp("masks")
    if request.param == "sqlite":
        made = [World(model, rights, f"sqlite:///{folder}/{n}.db", rows(each)) for n, each in enumerate(SECRETS)]
        yield made
    else:
        if os.environ.get("XRM_TEST_POSTGRES") == "off":
            pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as one, server.database() as other:
            made = [World(model, rights, url, rows(each)) for url, each in zip((one, other), SECRETS, strict=True)]
            yield made
            for world in made:
                world.close()
        return
    for world in made:
        world.close()


def hashed(text: str, place: str = "account.tax") -> str:
    return hmac.new(KEY, f"{place}:{text}".encode(), "sha256").hexdigest()[:16]


def nodes(world: World, role: str, fields: str) -> list[Any]:
    found = world.ask(role, f"{{ accounts(orderBy: [{{id: ASC}}]) {{ nodes {{ {fields} }} }} }}")["accounts"]["nodes"]
    return [list(each.values()) if len(each) > 1 else next(iter(each.values())) for each in found]


def test_what_masks_leave(worlds: list[World]) -> None:
    for world in worlds:
        assert nodes(world, "staff", "iban") == ["****0532", "****0532", "****0532", "****", None]
        assert nodes(world, "staff", "ownerName") == ["A.", "A.", ".", "Ö.", None]
        assert nodes(world, "staff", "tax") == [hashed("T1"), hashed("T1"), hashed("T2"), None, hashed("")]


def test_where_it_may_be_read_in_full_it_is_and_a_denial_beats_the_mask(worlds: list[World]) -> None:
    for world, (iban, _, _) in zip(worlds, SECRETS, strict=True):
        assert nodes(world, "some", "iban") == [iban, "****0532", None, "****", None]
        assert nodes(world, "admin", "iban")[0] == nodes(world, "admin staff", "iban")[0] == iban


def test_of_several_masks_the_first_in_their_order_counts(worlds: list[World]) -> None:
    [world, _] = worlds
    iban = SECRETS[0][0]
    assert nodes(world, "several", "iban")[:2] == [f"{iban[0]}.", hashed(iban, "account.iban")]
    assert nodes(world, "several staff", "iban")[0] == "****0532"


def test_masks_hold_on_every_way_to_a_record_and_on_links(worlds: list[World]) -> None:
    [world, _] = worlds
    query = """{
      account(id: "%s") { x: iban y: iban ... on Account { z: iban } friends { edges { code } } }
      node(id: "%s") { ... on Account { iban } }
      nodes(ids: ["%s"]) { ... on Account { iban } }
      people: persons { nodes { accounts { edges { node { iban } } } } }
      found: search(text: "Eva") { title node { ... on Person { accounts(first: 1) { nodes { iban } } } } }
      backward: accounts(last: 9) { nodes { iban } pageInfo { hasPreviousPage } totalCount }
    }""" % ((uid(101),) * 3)
    answer = world.ask("staff", query)
    assert answer["account"]["friends"] == {"edges": [{"code": "****efgh"}]}
    assert {answer["account"][key] for key in "xyz"} == {"****0532"}
    assert answer["node"] == {"iban": "****0532"} == answer["nodes"][0]
    assert b"DE89" not in world.body("staff", query)


IBANS = [each for iban, _, code in SECRETS for each in (iban, f"X{code}-{iban}", f"{code}34567")]
ORACLES = [
    *(f'{{ accounts(where: {{iban: {{eq: "{iban}"}}}}) {{ totalCount nodes {{ id }} }} }}' for iban in IBANS),
    *(f'{{ accounts(where: {{iban: {{{op}: "DE"}}}}) {{ totalCount }} }}' for op in ("startsWith", "lt", "gt", "ne")),
    '{ accounts(where: {iban: {in: ["DE89-3704-0044-0532"]}}) { totalCount } }',
    '{ accounts(where: {iban: {endsWith: "0532"}}) { totalCount } }',
    "{ accounts(where: {iban: {isNull: false}}) { totalCount } }",
    '{ accounts(where: {not: {iban: {contains: "DE"}}}) { totalCount } }',
    '{ accounts(where: {ownerName: {eq: "ada", ignoring: CASE}}) { totalCount } }',
    '{ accounts(where: {tax: {eq: "T1"}}) { totalCount } }',
    '{ accounts(where: {search: "DE89"}) { totalCount } }',
    '{ accounts(where: {search: "0532"}) { totalCount } }',
    '{ search(text: "DE89") { title score fields } }',
    '{ search(text: "Anna") { title score fields } }',
    "{ accounts(orderBy: [{iban: ASC}]) { edges { cursor node { id iban } } pageInfo { endCursor } } }",
    "{ accounts(orderBy: [{ownerName: DESC}]) { edges { cursor node { id } } } }",
    "{ accountsAggregate(groupBy: [{iban: VALUE}]) { key { iban } count } }",
    "{ accountsAggregate { min { iban } max { iban } countDistinct { iban tax } } }",
    "{ persons { nodes { ibans accountsAggregate { max { iban } } } } }",
    "{ accounts { nodes { id iban ownerName } } }",
    '{ persons(where: {accounts: {some: {iban: {startsWith: "DE"}}}}) { totalCount } }',
    '{ persons(orderBy: [{name: ASC}]) { nodes { accounts(where: {iban: {gt: "E"}}) { totalCount } } } }',
    '{ accounts { nodes { friends(whereLink: {code: {startsWith: "11"}}) { totalCount edges { code } } } } }',
]


@pytest.mark.parametrize("query", ORACLES)
def test_no_way_of_asking_tells_two_worlds_apart(worlds: list[World], query: str) -> None:
    bodies = {both_ways(world, query) for world in worlds}
    assert len(bodies) == 1
    body = bodies.pop()
    assert b"errors" not in body
    assert not any(secret.encode() in body for of_world in SECRETS for secret in of_world[:2])


def both_ways(world: World, query: str) -> bytes:
    """The answers of the database's own bytes, and of the executor."""
    ways, request = Ways(world), Request(query, {})
    fast, executed = ways.ask(request), ways.executed(request)
    assert compact(fast.body) == compact(executed.body)
    return fast.body + executed.body


def test_what_is_only_masked_is_part_of_nothing_computed(worlds: list[World]) -> None:
    [world, _] = worlds
    for fields in ("accounts { nodes { label } }", "persons { nodes { lastIban } }"):
        assert world.code("staff", f"{{ {fields} }}") == "BAD_QUERY"
    assert nodes(world, "some", "label") == [f"IBAN {SECRETS[0][0]}", None, None, None, None]


def test_a_rule_that_holds_for_nothing_is_another_thing_than_no_grant(worlds: list[World]) -> None:
    [world, _] = worlds
    assert nodes(world, "never", "iban label")[:2] == [["****0532", None], ["****0532", None]]
    assert world.authority.access(frozenset({"never"})).readable_in_full("account", "iban")
    assert not world.authority.access(frozenset({"staff"})).readable_in_full("account", "iban")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,person,read,ibans,,last_4", "not a text that is stored"),
        ("a,account,read,label,,last_4", "not a text that is stored"),
        ("a,account,read,person,,hash", "not a text that is stored"),
        ("a,account,read,*,,hash", "name the fields"),
        ("a,account,*,iban,,hash", "write read as the action"),
        ("a,account,update,iban,,initial", "write read as the action"),
        ("a,xrm_schema,read,*,,initial", "means nothing for xrm_schema"),
        ("a,xrm_schema,read,*,,Deny", "not one of allow, deny, last_4"),
        ("a,account,read,iban,,first_4", "not one of allow, deny, last_4"),
    ],
)
def test_a_mask_that_means_nothing_is_refused(row: str, reason: str) -> None:
    with pytest.raises(PolicyInvalid, match=reason):
        kit.policies(kit.load_model(ENTITIES), [row], {})


def test_a_mask_alone_gives_no_record() -> None:
    model = kit.load_model(ENTITIES)
    access = Authority(model, kit.policies(model, ["a,account,read,iban,,hash"], {})).access(frozenset({"a"}))
    assert not access.may("account", Action.READ)
