import asyncio
import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.records.kit import World, build
from xrm_core.auth import tokens
from xrm_core.auth.authenticator import REMEMBER_SECONDS, Authenticator
from xrm_core.errors import Unauthenticated
from xrm_core.metadata.loader import load_texts
from xrm_core.permissions.caller import User, system
from xrm_core.permissions.policy import Action
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.system import TOKEN, USER_ROLE
from xrm_core.storage.tables import Tables


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return build(database, tmp_path)


def _token(world: World, roles: list[str], expires_at: dt.datetime | None = None) -> str:
    with world.database.begin() as connection:
        tokens.set_roles(connection, world.users["anna"], roles)
        return tokens.create_token(connection, world.users["anna"], "test", expires_at=expires_at)


def _user(world: World, header: str | None) -> User:
    """Who a header stands for, with nothing remembered."""
    authenticator = Authenticator(world.database, world.records.tables["user"], world.authority)
    try:
        return asyncio.run(authenticator.user(header))
    finally:
        authenticator.close()


def test_a_token_stands_for_its_user_with_the_users_roles(world: World) -> None:
    token = _token(world, ["rep", "viewer"])
    user = _user(world, f"Bearer {token}")
    assert user.id == world.users["anna"]
    assert user.access.may("customer", Action.CREATE)


def test_only_a_digest_of_the_token_is_stored(world: World) -> None:
    token = _token(world, ["rep"])
    with world.database.read() as connection:
        [row] = connection.execute(select(TOKEN)).mappings()
    assert token not in str(dict(row))
    assert row["token_hash"] == tokens.digest(token)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer wrong",
        "Bearer " + "x" * 100_000,
        "Bearer tökén",
        "xrm_something",
        "Bearer ' OR 1=1 --",
        "Bearer %",
    ],
)
def test_anything_but_a_valid_token_is_refused(world: World, header: str | None) -> None:
    _token(world, ["admin"])
    with pytest.raises(Unauthenticated):
        _user(world, header)


def test_expired_and_revoked_tokens_are_answered_like_unknown_ones(world: World) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    expired, revoked = _token(world, ["admin"], past), _token(world, ["admin"])
    with world.database.begin() as connection:
        gone = update(TOKEN).where(TOKEN.c.token_hash == tokens.digest(revoked))
        connection.execute(gone.values(revoked_at=dt.datetime.now(dt.UTC)))
    answers = set()
    for token in (expired, revoked, "xrm_unknown"):
        with pytest.raises(Unauthenticated) as caught:
            _user(world, f"Bearer {token}")
        answers.add(str(caught.value.to_json()))
    assert len(answers) == 1


def test_what_is_taken_away_is_gone_within_seconds(world: World) -> None:
    clock = Clock()
    token = _token(world, ["admin"])
    authenticator = Authenticator(world.database, world.records.tables["user"], world.authority, clock)
    assert asyncio.run(authenticator.user(f"Bearer {token}")).access.may("customer", Action.DELETE)
    with world.database.begin() as connection:
        tokens.set_roles(connection, world.users["anna"], ["viewer"])
    clock.now += REMEMBER_SECONDS
    assert not asyncio.run(authenticator.user(f"Bearer {token}")).access.may("customer", Action.DELETE)
    with world.database.begin() as connection:
        connection.execute(update(TOKEN).values(revoked_at=dt.datetime.now(dt.UTC)))
    clock.now += REMEMBER_SECONDS
    with pytest.raises(Unauthenticated):
        asyncio.run(authenticator.user(f"Bearer {token}"))


async def test_what_was_looked_up_before_all_is_forgotten_is_not_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a request whose user has been looked up, but not remembered yet
    header = f"Bearer {_token(world, ['admin'])}"
    authenticator = Authenticator(world.database, world.records.tables["user"], world.authority, Clock())
    find, looked, go_on = authenticator._find, threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> User | None:
        found = find(*arguments)
        if not looked.is_set():
            looked.set()
            assert go_on.wait(10)
        return found

    def may_delete(user: User) -> bool:
        return user.access.may("customer", Action.DELETE)

    monkeypatch.setattr(authenticator, "_find", slowly)
    try:
        first = asyncio.ensure_future(authenticator.user(header))
        assert await asyncio.to_thread(looked.wait, 10)
        # when roles are taken away, and the server is told so
        with world.database.begin() as connection:
            tokens.set_roles(connection, world.users["anna"], ["viewer"])
        authenticator.forget()
        # then who asks from now on does not have them, whether the other is still under way or not
        assert not may_delete(await authenticator.user(header))
        go_on.set()
        assert may_delete(await first)
        assert not may_delete(await authenticator.user(header))
    finally:
        go_on.set()
        authenticator.close()


@pytest.mark.parametrize("roles", [[], ["role-that-is-not-there"]])
def test_no_known_role_means_no_rights(world: World, roles: list[str]) -> None:
    token = _token(world, roles)
    user = _user(world, f"Bearer {token}")
    assert not any(user.access.may(entity.name, action) for entity in world.model for action in Action)


def test_a_token_does_not_outlive_its_user(world: World) -> None:
    token = _token(world, ["admin"])
    world.delete("admin", "user", world.users["anna"])
    with pytest.raises(Unauthenticated):
        _user(world, f"Bearer {token}")
    with world.database.read() as connection:
        assert connection.execute(select(TOKEN)).first() is None
        assert connection.execute(select(USER_ROLE)).first() is None


def test_a_user_who_is_not_active_does_not_sign_in(world: World) -> None:
    token = _token(world, ["admin"])
    world.update("admin", "user", world.users["anna"], {"active": True})
    assert _user(world, f"Bearer {token}").id == world.users["anna"]
    world.update("admin", "user", world.users["anna"], {"active": False})
    with pytest.raises(Unauthenticated):
        _user(world, f"Bearer {token}")


def test_a_field_active_that_is_not_true_or_false_says_nothing(database: Database) -> None:
    user = {"x-entity": "user", "type": "object", "properties": {"active": {"type": "string", "enum": ["no", "yes"]}}}
    model = load_texts([("user.json", json.dumps(user), "core")])
    apply(database, model)
    tables = Tables(model)
    with database.begin() as connection:
        records = Records(model, tables, Plugins([]))
        id_ = records.create(connection, system(model, "test"), "user", {"active": "no"})
        found = tokens.find(connection, tokens.create_token(connection, id_, "test"), tables["user"])
    assert found is not None
    assert found.user_id == id_
