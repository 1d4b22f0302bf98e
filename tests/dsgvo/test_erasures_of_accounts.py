"""Who is erased and has an account keeps nothing of it: what signing in and provisioning have of a user, beside the
record, goes along; and so does the address where somebody has typed it to sign in (I1).
"""

import json

import pytest
from sqlalchemy import insert, select

from tests.dsgvo.test_access import SETUP
from tests.dsgvo.test_erasures import World
from xrm_core.auth.tokens import create_token
from xrm_core.storage import auth_events
from xrm_core.storage.system import AUTH_EVENT, IDENTITY, SCIM_USER, SHARE
from xrm_core.testing import Setup, Xrm

CANARY = b"Kontokanarie"
SIGN_IN = "/auth/login"


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


@pytest.fixture
def world(xrm: Xrm) -> World:
    a, b, _ = xrm.begun
    return World(xrm, xrm.as_role("admin"), a, b)


@pytest.mark.invariant("I1")
def test_nothing_of_an_account_is_left_and_nobody_signs_in_by_it(world: World) -> None:
    # given a user with a token, an account at a provider and a directory, whom an administrator has changed
    user, other = world.a.records["user"], world.b.records["user"]
    said = {"user_name": f"{CANARY.decode()}@vogel.example", "display_name": CANARY.decode()}
    with world.xrm.database.begin() as connection:
        token = create_token(connection, user, f"{CANARY.decode()}s Skript", created_by=other)
        theirs = create_token(connection, other, "ihres")
        now = world.xrm.clock.now()
        kept = {"attributes": json.dumps(said), "external_id": CANARY.decode(), "changed_at": now}
        connection.execute(insert(SCIM_USER).values(user_id=user, **kept))
        identity = {"issuer": "https://op.example", "subject": CANARY.decode(), "created_at": now}
        connection.execute(insert(IDENTITY).values(user_id=user, **identity))
        device = {"device": f"{CANARY.decode()}s iPad", "session": "1"}
        auth_events.record(connection, "sign_in", user_id=user, subject=user, address="203.0.113.7", details=device)
        auth_events.record(connection, "user_changed", user_id=other, subject=user, address="203.0.113.8")

    # when
    world.run(world.decided(world.a, "user"))

    # then
    dump = world.dump()
    assert CANARY not in dump
    assert b"203.0.113.7" not in dump
    assert [asked(world, each) for each in (token, theirs)] == [401, 200]
    # and what has happened is known as before, and what others have is theirs
    with world.xrm.database.read() as connection:
        events = connection.execute(select(AUTH_EVENT).where(AUTH_EVENT.c.subject == user)).all()
    assert {("sign_in", None), ("user_changed", "203.0.113.8")} <= {(each.event, each.address) for each in events}
    assert [each.event for each in events].count("user_deprovisioned") == 1


@pytest.mark.invariant("I1")
def test_an_address_that_somebody_has_typed_to_sign_in_goes_and_that_of_a_user_stays(world: World) -> None:
    # given that somebody has tried to sign in by the address of a contact, and by that of a user
    contact, user = (world.a.tokens[entity, "email"] for entity in ("contact", "user"))
    for email in (contact.upper(), user):
        answer = world.xrm.http.post(SIGN_IN, json={"email": email, "password": "wrong"})
        assert answer.status_code == 401, answer.text
    assert contact.upper().encode() in world.dump()

    # when the contact is erased, who is no user
    world.run(world.decided(world.a))

    # then
    dump = world.dump()
    assert contact.upper().encode() not in dump
    with world.xrm.database.read() as connection:
        tried = connection.scalars(select(AUTH_EVENT.c.subject).where(AUTH_EVENT.c.event == "sign_in_failed"))
        assert set(tried) == {None, user}


def asked(world: World, token: str) -> int:
    """What a server answers that has not seen the token before: it remembers those whom it has let in for a while."""
    headers = {"Authorization": f"Bearer {token}"}
    return int(world.xrm.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers).status_code)


@pytest.mark.invariant("I1")
@pytest.mark.parametrize("whose", ["contact", "user"])
def test_why_a_record_was_shared_goes_with_whom_it_is_about_and_with_who_has_said_it(world: World, whose: str) -> None:
    # given a share of A's record by B, or of B's by A's account; and one of B's by B
    a, b = world.a.records, world.b.records
    ours = ("contact", a["contact"], b["user"]) if whose == "contact" else ("activity", b["activity"], a["user"])
    theirs = ("contact", b["contact"], b["user"])
    with world.xrm.database.begin() as connection:
        for (entity, record, user), reason in ((ours, CANARY.decode()), (theirs, "Vertretung von B")):
            share = {"entity": entity, "record_id": record, "grantee": "role:x", "level": "read", "reason": reason}
            connection.execute(insert(SHARE).values(**share, shared_at=world.xrm.clock.now(), shared_by=user))
            said = {"entity": entity, "with": "role:x", "level": "read", "reason": reason}
            auth_events.record(connection, "record_shared", user_id=user, subject=record, details=said)

    # when
    world.run(world.decided(world.a, whose))

    # then
    dump = world.dump()
    assert CANARY not in dump
    with world.xrm.database.read() as connection:
        kept = {each.record_id: each.reason for each in connection.execute(select(SHARE))}
        events = connection.execute(select(AUTH_EVENT).where(AUTH_EVENT.c.event == "record_shared")).all()
    assert kept.pop(b["contact"]) == "Vertretung von B"
    assert set(kept.values()) <= {None}
    assert [json.loads(each.details)["with"] for each in events] == ["role:x"] * 2
