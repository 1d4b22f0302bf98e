"""What a token is held to: roles, entities, networks, services."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.records.kit import World, build
from xrm_core.auth import tokens
from xrm_core.auth.authenticator import REMEMBER_SECONDS, Authenticator
from xrm_core.auth.networks import is_within, networks_of, read_networks
from xrm_core.auth.token_lists import tokens_of
from xrm_core.auth.tokens import TokenLimits
from xrm_core.errors import SettingsError, Unauthenticated
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.permissions.token_scope import read_grants
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path)


def token_of(world: World, roles: Sequence[str], limits: TokenLimits, user: str | None = "anna") -> str:
    with world.database.begin() as connection:
        user_id = None if user is None else world.users[user]
        if user_id is not None:
            tokens.set_roles(connection, user_id, roles)
        return tokens.create_token(connection, user_id, "test", limits=limits)


def caller(world: World, token: str, address: str | None = None) -> User:
    """Who a token stands for, with nothing remembered."""
    authenticator = Authenticator(world.database, world.records.tables["user"], world.authority)
    try:
        return asyncio.run(authenticator.user(f"Bearer {token}", address))
    finally:
        authenticator.close()


def rights(user: User, world: World) -> set[tuple[str, str]]:
    return {
        (each.name, action.value) for each in world.model for action in Action if user.access.may(each.name, action)
    }


def test_a_token_for_some_entities_may_do_what_both_user_and_scope_allow(world: World) -> None:
    grants = {"customer": ["read", "delete"], "user": ["read", "delete"]}
    user = caller(world, token_of(world, ["rep"], TokenLimits(grants=grants)))
    # a rep may not delete users, and the token says nothing of notes
    assert rights(user, world) == {("customer", "read"), ("customer", "delete"), ("user", "read")}
    whole = world.authority.access(frozenset({"rep"}))
    assert user.access.get("customer", Action.READ) == whole.get("customer", Action.READ)
    assert user.access.shape != whole.shape


def test_all_entities_for_one_action(world: World) -> None:
    user = caller(world, token_of(world, ["admin"], TokenLimits(grants={"*": ["read"]})))
    assert rights(user, world) == {(each.name, "read") for each in world.model}
    assert not user.access.may("xrm_schema", Action.READ)  # which is no entity: it has to be named
    named = caller(world, token_of(world, ["admin"], TokenLimits(grants={"xrm_schema": ["read", "update"]})))
    assert named.access.may("xrm_schema", Action.UPDATE)


def test_an_empty_scope_gives_nothing(world: World) -> None:
    for limits in (
        TokenLimits(grants={}),
        TokenLimits(roles=[]),
        TokenLimits(grants={"gone_entity": ["read", "shout"]}),
    ):
        assert rights(caller(world, token_of(world, ["admin"], limits)), world) == set()


def test_a_token_for_some_roles_has_only_those_that_its_user_still_has(world: World) -> None:
    token = token_of(world, ["rep", "viewer"], TokenLimits(roles=["viewer", "admin"]))
    assert rights(caller(world, token), world) == {("customer", "read")}
    with world.database.begin() as connection:
        tokens.set_roles(connection, world.users["anna"], ["rep"])
    assert rights(caller(world, token), world) == set()


def test_leaving_out_a_role_gives_nothing_back_that_it_denies(world: World) -> None:
    # given a user with a role that denies the field status, and one that gives it
    limits = TokenLimits(roles=["giver"])
    user = caller(world, token_of(world, ["rep", "giver"], limits))
    both = world.authority.access(frozenset({"rep", "giver"}))
    alone = world.authority.access(frozenset({"giver"}))
    status = [each.get("customer", Action.UPDATE) for each in (user.access, both, alone)]
    assert ["status" in (each.field_rules if each else {}) for each in status] == [False, False, True]


def test_a_service_has_roles_of_its_own_and_is_no_user(world: World) -> None:
    user = caller(world, token_of(world, [], TokenLimits(roles=["rep"]), user=None))
    assert (user.id, user.team, user.access.personal) == (None, None, False)
    assert ("customer", "read") in rights(user, world)
    with world.database.begin() as connection, pytest.raises(ValueError, match="roles"):
        tokens.create_token(connection, None, "nothing")


def test_rules_about_the_user_hold_for_nothing_when_a_service_asks(world: World) -> None:
    owned = world.create("admin", "customer", {"name": "Owned", "owner": world.users["anna"]})
    nobody = world.create("admin", "customer", {"name": "Nobody's", "owner": None})
    service = caller(world, token_of(world, [], TokenLimits(roles=["rep"]), user=None))
    for id_ in (owned, nobody):
        with world.database.begin() as connection, pytest.raises(Exception, match="There is no"):
            world.records.update(connection, service, "customer", id_, {"city": "X"})
    # and what it may write has its token for an author
    with world.database.begin() as connection:
        note = world.records.create(connection, service, "note", {"text": "by a service"})
    stored = world.stored("note", note)
    assert stored is not None
    assert stored["created_by"] == service.token


def test_who_is_not_held_to_anything_manages_their_account(world: World) -> None:
    for limits, personal in (
        (TokenLimits(), True),
        (TokenLimits(roles=["admin"]), False),
        (TokenLimits(grants={"*": ["read"]}), False),
        (TokenLimits(networks=["10.0.0.0/8"]), False),
    ):
        assert caller(world, token_of(world, ["admin"], limits), "10.0.0.1").access.personal is personal


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::5", True),
        ("fe80::1%eth0", False),
        ("11.1.2.3", False),
        ("::1", False),
        ("", False),
        (None, False),
        ("10.1.2.3, 11.1.2.3", False),
        ("localhost", False),
    ],
)
def test_addresses_in_networks(address: str | None, inside: bool) -> None:
    networks = networks_of(read_networks(["10.0.0.0/8", " 2001:db8::/32"]))
    assert is_within(address, networks or ()) is inside


def test_a_token_is_taken_from_its_networks_only_also_when_it_is_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xrm_core.auth.authenticator.REMEMBER_SECONDS", 2.0)
    token = token_of(world, ["viewer"], TokenLimits(networks=["10.0.0.0/8"]))
    authenticator = Authenticator(world.database, world.records.tables["user"], world.authority, lambda: 1000.0)
    header = f"Bearer {token}"
    for address in ("192.0.2.1", None, "10.0.0.1"):  # found, and remembered, by the first of them
        if address == "10.0.0.1":
            assert asyncio.run(authenticator.user(header, address)).token
            assert authenticator.known(header, address) is not None
        else:
            with pytest.raises(Unauthenticated) as refused:
                asyncio.run(authenticator.user(header, address))
    with pytest.raises(Unauthenticated):
        authenticator.known(header, "192.0.2.1")
    with pytest.raises(Unauthenticated) as unknown:
        asyncio.run(authenticator.user("Bearer xrm_unknown"))
    assert refused.value.to_json() == unknown.value.to_json()
    authenticator.close()


@pytest.fixture
def notes() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_the_last_use_is_noted_once_a_minute(world: World, notes: ThreadPoolExecutor) -> None:
    token = token_of(world, ["viewer"], TokenLimits())
    now = [1000.0]
    asks = Authenticator(world.database, world.records.tables["user"], world.authority, lambda: now[0], notes=notes)

    def use(address: str) -> Mapping[str, Any]:
        now[0] += REMEMBER_SECONDS
        asyncio.run(asks.user(f"Bearer {token}", address))
        notes.submit(lambda: None).result()  # what was noted before is done
        with world.database.read() as connection:
            [row] = connection.execute(select(TOKEN)).mappings()
            return dict(row)

    first = use("192.0.2.1")
    assert first["last_used_at"]
    assert first["last_used_from"] == "192.0.2.1"
    assert use("192.0.2.2") == first
    with world.database.begin() as connection:  # a minute later
        connection.execute(update(TOKEN).values(last_used_at="2020-01-01T00:00:00+00:00"))
    assert use("192.0.2.3")["last_used_from"] == "192.0.2.3"
    asks.close()


def test_lists_tell_all_but_the_token(world: World) -> None:
    limits = TokenLimits(roles=["viewer"], grants={"customer": ["read"]}, networks=["10.0.0.0/8"])
    token = token_of(world, ["viewer"], limits)
    token_of(world, [], TokenLimits(roles=["rep"]), user=None)
    with world.database.read() as connection:
        mine, service = tokens_of(connection)
        assert tokens_of(connection, world.users["anna"]) == [mine]
    assert (mine.limits, mine.last_used_at, service.user_id) == (limits, None, None)
    assert token not in str(mine)


def test_grants_are_read() -> None:
    words = ["customer:read,update", "note:*", "customer:delete"]
    assert read_grants(words, ["customer", "note"]) == {
        "customer": ["delete", "read", "update"],
        "note": ["create", "delete", "history", "purge", "read", "share", "update"],
    }


@pytest.mark.parametrize("word", ["customer", "customer:", "customer:fly", "plane:read", ":read", "customer:read,*"])
def test_grants_that_mean_nothing_are_refused(word: str) -> None:
    with pytest.raises(SettingsError):
        read_grants([word], ["customer"])


@pytest.mark.parametrize("word", ["10.0.0.1/8", "everywhere", "", "10.0.0.0/33", "::/129"])
def test_networks_that_are_none_are_refused(word: str) -> None:
    with pytest.raises(SettingsError):
        read_networks([word])
