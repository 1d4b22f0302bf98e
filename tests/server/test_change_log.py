"""What a request changes is in the log with its cause, and is sealed while the server runs."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.changes.kit import log_of, verified
from tests.server.http_kit import Client, serving
from xrm_core.server import app
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.engines import Database

CREATE = 'mutation { a: createCustomer(input: {name: "A"}) { id } b: createCustomer(input: {name: "B"}) { id } }'


def test_the_cause_is_the_request(client: Client) -> None:
    answer = client.post({"query": CREATE}, **{"X-Request-Id": "from-the-proxy-7"})
    ids = [each["id"] for each in answer.json()["data"].values()]
    first, second = log_of(client.world, *ids)
    token = first.causes.split('"')[-2]
    assert first.causes == f'[["request","from-the-proxy-7"],["token","{token}"]]'
    assert second.causes == first.causes
    assert first.actor == client.world.users["anna"]


def test_a_request_that_fails_leaves_no_entry(client: Client) -> None:
    before = len(log_of(client.world))
    body = CREATE.replace('"B"', '"' + "B" * 50 + '"')
    assert client.post({"query": body}).json()["data"] is None
    assert len(log_of(client.world)) == before


def test_a_server_seals_and_signs(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SEAL_SECONDS", 0.05)
    key = "a key of thirty-two characters..."
    with serving(database, tmp_path, secret_key=key) as client:
        client.ask(CREATE)
        end = time.monotonic() + 30
        while unsealed(client) and time.monotonic() < end:
            time.sleep(0.05)
        found = verified(client.world, key)
    assert (found.unsealed, found.unsigned, found.findings) == (0, 0, ())
    assert found.entries >= 2


def unsealed(client: Client) -> bool:
    with client.database.read() as connection:
        return connection.scalar(select(CHANGE.c.id).where(CHANGE.c.position.is_(None)).limit(1)) is not None
