"""Tokens that users make for themselves, and the log of events, through GraphQL."""

from typing import Any

import pytest
from uuid_utils import uuid7

from tests.auth.kit import House, code
from tests.auth.test_own_account import ask, refused
from xrm_core.auth.events import recorded
from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read
from xrm_core.records import read_log

MINE = "{ me { tokens { id label createdAt expiresAt lastUsedAt lastUsedFrom roles only networks } } }"
CREATE = """mutation($label: String!, $days: Int, $roles: [String!], $only: [String!], $networks: [String!]) {
    createToken(label: $label, days: $days, roles: $roles, only: $only, networks: $networks) {
        token details { id label roles only networks } } }"""
REVOKE = "mutation($id: ID!) { revokeToken(id: $id) }"
EVENTS = """query($first: Int, $before: ID, $user: ID, $event: String, $since: DateTime) {
    authEvents(first: $first, before: $before, user: $user, event: $event, since: $since) {
        id at event userId subject address details } }"""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_made_shown_once_used_and_revoked(house: House) -> None:
    person = house.person()
    session = house.signed_in(person)
    made = ask(house, session, CREATE, label=" notebook ", only=["note:read", "user:*"], networks=["172.16.0.0/12"])
    token, details = made["createToken"]["token"], made["createToken"]["details"]
    assert (details["label"], details["networks"], details["roles"]) == ("notebook", ["172.16.0.0/12"], None)
    assert details["only"] == ["note:read", "user:create,delete,history,purge,read,share,update"]
    [mine] = ask(house, session, MINE)["me"]["tokens"]
    assert {key: mine[key] for key in details} == details
    assert mine["expiresAt"][:4] >= mine["createdAt"][:4]
    assert token not in str(mine)
    # it does what it is for, and nothing else
    assert house.ask(**bearer(token)).status_code == 200
    change = house.ask('mutation { createNote(input: {text: "x"}) { id } }', **bearer(token))
    assert code(change) == "BAD_QUERY"
    elsewhere = house.post("/graphql", {"query": "{ notes { totalCount } }"}, "192.0.2.1", **bearer(token))
    assert elsewhere.status_code == 401
    # until it is revoked, at once
    assert ask(house, session, REVOKE, id=mine["id"]) == {"revokeToken": True}
    assert house.ask(**bearer(token)).status_code == 401
    assert ask(house, session, REVOKE, id=mine["id"]) == {"revokeToken": False}
    assert ask(house, session, MINE)["me"]["tokens"] == []
    with house.database.read() as connection:
        events = [each.event for each in recorded(connection, users=(person.id,))]
    assert events[:2] == ["token_revoked", "token_created"]


def test_nobody_revokes_or_sees_tokens_of_others(house: House) -> None:
    one, other = house.person(), house.person()
    token = house.token(other)
    [theirs] = ask(house, house.signed_in(other), MINE)["me"]["tokens"]
    session = house.signed_in(one)
    assert ask(house, session, MINE)["me"]["tokens"] == []
    for id_ in (theirs["id"], "nonsense", ""):
        assert ask(house, session, REVOKE, id=id_) == {"revokeToken": False}
    assert house.ask(**bearer(token)).status_code == 200


@pytest.mark.parametrize(
    "wider",
    [
        {"roles": ["clerk"]},
        {"roles": ["guest", "king"]},
        {"only": ["user:read"]},  # which this role knows nothing of
        {"only": ["nothing:read"]},
        {"only": ["note:update"]},
        {"only": ["note:read,delete"]},
        {"only": ["xrm_schema:read"]},
        {"only": ["note:fly"]},
        {"networks": ["10.0.0.1/8"]},
        {"days": 0},
        {"days": 367},
        {"label": ""},
        {"label": "x" * 201},
        {"networks": ["10.0.0.0/8"] * 201},
    ],
)
def test_no_token_is_wider_than_what_its_maker_holds(house: House, wider: dict[str, Any]) -> None:
    person = house.person(role="guest")
    session = house.signed_in(person)
    assert refused(house, session, CREATE, **{"label": "wide", **wider}) == "BAD_QUERY"
    assert ask(house, session, MINE)["me"]["tokens"] == []
    assert "token_created" not in house.events(person.id)


def test_all_actions_on_an_entity_are_those_that_one_has(house: House) -> None:
    session = house.signed_in(house.person(role="guest"))
    made = ask(house, session, CREATE, label="mine", only=["note:*"])["createToken"]
    assert made["details"]["only"] == ["note:read"]


def test_what_is_hidden_and_what_is_not_there_is_refused_in_the_same_words(house: House) -> None:
    session = house.signed_in(house.person(role="guest"))
    said = []
    for name in ("user", "nonsense"):
        body = {"query": CREATE, "variables": {"label": "x", "only": [f"{name}:read"]}}
        said.append(house.post("/graphql", body, **session).text.replace(name, "…"))
    assert said[0] == said[1]


def test_a_token_makes_no_tokens(house: House) -> None:
    person = house.person()
    whole = bearer(house.token(person))
    assert refused(house, whole, CREATE, label="more") == "FORBIDDEN"
    [mine] = ask(house, whole, MINE)["me"]["tokens"]
    assert refused(house, whole, REVOKE, id=mine["id"]) == "FORBIDDEN"
    held = ask(house, house.signed_in(person), CREATE, label="held", only=["*:read"])["createToken"]["token"]
    assert refused(house, bearer(held), CREATE, label="more") == "BAD_QUERY"  # for it there is no such field


def test_tokens_are_not_made_without_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrm_core.auth.own_tokens.MAX_TOKENS", 2)
    session = house.signed_in(house.person())
    for _ in range(2):
        ask(house, session, CREATE, label="one more")
    assert refused(house, session, CREATE, label="too many") == "BAD_QUERY"


def test_the_log_is_for_those_who_may_read_it(house: House) -> None:
    person = house.person()
    session = house.signed_in(person)
    ask(house, session, CREATE, label="logged")
    events = ask(house, session, EVENTS, user=person.id)["authEvents"]
    assert [each["event"] for each in events[:2]] == ["token_created", "sign_in"]
    assert (events[0]["userId"], events[0]["details"]["label"]) == (person.id, "logged")
    assert events[0]["address"].startswith("172.16.")
    assert ask(house, session, EVENTS, user=person.id, first=1)["authEvents"] == events[:1]
    assert ask(house, session, EVENTS, user=person.id, before=events[0]["id"])["authEvents"] == events[1:]
    assert ask(house, session, EVENTS, user=person.id, event="sign_in")["authEvents"] == events[1:2]
    assert ask(house, session, EVENTS, user=person.id, since="2999-01-01T00:00:00Z")["authEvents"] == []
    for wrong in ({"first": 1001}, {"first": -1}, {"event": "party"}, {"user": "me"}, {"before": "x"}):
        assert refused(house, session, EVENTS, **wrong) == "BAD_QUERY"
    guest = house.signed_in(house.person(role="guest"))
    assert refused(house, guest, EVENTS) == "BAD_QUERY"  # for them there is no such field


READS = """query($first: Int, $before: ID, $record: ID, $entity: String, $user: ID, $since: DateTime) {
    readLog(first: $first, before: $before, record: $record, entity: $entity, user: $user, since: $since) {
        id at requestId userId tokenId address entity fields recordIds } }"""


def test_who_has_read_a_record_is_for_those_who_may_read_the_log(house: House) -> None:
    person = house.person()
    session = house.signed_in(person)
    reader = User(person.id, house.platform.authority.access(frozenset({"clerk"})))
    one, two = str(uuid7()), str(uuid7())
    with house.database.begin() as connection:
        read_log.write(
            connection, reader, "192.0.2.1", [(Read("note", ("text",)), [one]), (Read("user", ("email",)), [two])]
        )
        read_log.write(connection, reader, "192.0.2.2", [(Read("note", ("text",)), [one, two])])

    def lines(**asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(house, session, READS, **asked)["readLog"]
        return found

    last, first = lines(record=one)
    assert (first["recordIds"], last["recordIds"]) == ([one], sorted([one, two]))
    assert (last["userId"], last["tokenId"], last["address"]) == (person.id, None, "192.0.2.2")
    assert (last["entity"], last["fields"]) == ("note", ["text"])
    assert last["requestId"] != first["requestId"]
    assert lines(record=one, first=1) == [last]
    assert lines(record=one, before=last["id"]) == [first]
    assert [each["recordIds"] for each in lines(user=person.id, entity="user")] == [[two]]
    assert len(lines(user=person.id)) == 3
    assert lines(record=one, since="2999-01-01T00:00:00Z") == lines(record=str(uuid7())) == lines(entity="none") == []
    for wrong in ({"first": 201}, {"first": -1}, {"record": "1"}, {"user": "me"}, {"before": "x"}):
        assert refused(house, session, READS, **wrong) == "BAD_QUERY"
    guest = house.signed_in(house.person(role="guest"))
    assert refused(house, guest, READS) == "BAD_QUERY"  # for them there is no such field
