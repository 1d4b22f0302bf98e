"""A server remembers for a moment who was let in; who has lost that meanwhile changes nothing all the same."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, update

from tests.server.http_kit import Client, code
from xrm_core.auth import tokens
from xrm_core.permissions.caller import system
from xrm_core.storage.system import TOKEN

MAKE = {"query": 'mutation { createCustomer(input: {name: "made"}) { id } }'}
READ = {"query": "{ customers { totalCount } }"}


def revoke(client: Client, connection: Connection) -> None:
    connection.execute(update(TOKEN).values(revoked_at="2020-01-01T00:00:00+00:00"))


def let_expire(client: Client, connection: Connection) -> None:
    connection.execute(update(TOKEN).values(expires_at="2020-01-01T00:00:00+00:00"))


def deactivate(client: Client, connection: Connection) -> None:
    caller, anna = system(client.world.model, "test"), client.world.users["anna"]
    client.world.records.update(connection, caller, "user", anna, {"active": False})


def take_role(client: Client, connection: Connection) -> None:
    tokens.set_roles(connection, client.world.users["anna"], [])


@pytest.mark.usefixtures("remembers")
@pytest.mark.parametrize(
    ("take_away", "refused"),
    [
        (revoke, (401, "UNAUTHENTICATED")),
        (let_expire, (401, "UNAUTHENTICATED")),
        (deactivate, (401, "UNAUTHENTICATED")),
        (take_role, (403, "FORBIDDEN")),
    ],
)
def test_who_is_only_remembered_changes_nothing(
    fresh_client: Client, take_away: Callable[[Client, Connection], None], refused: tuple[int, str]
) -> None:
    # given somebody whom the server remembers
    assert fresh_client.post(READ).status_code == 200
    # when another server or a command takes away what they were let in with
    with fresh_client.database.begin() as connection:
        take_away(fresh_client, connection)
    before = fresh_client.world.state()
    # then they change nothing
    answer = fresh_client.post(MAKE)
    assert (answer.status_code, code(answer)) == refused
    assert fresh_client.world.state() == before
    # and are not remembered any longer
    answer = fresh_client.post(READ)
    assert "errors" in answer.json()
