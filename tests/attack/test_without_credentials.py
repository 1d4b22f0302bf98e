"""Who shows nothing, or nothing that counts, gets nowhere: every address by every method, and no web socket at any."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from starlette.routing import Mount, Route
from starlette.websockets import WebSocketDisconnect

from tests.auth.kit import House, opened

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO", "__CLASS__"]
NOWHERE = {401, 404, 405}
OPEN: dict[str, dict[str, int]] = {
    "/": {"GET": 200, "HEAD": 200},
    "/graphiql/config.json": {"GET": 200, "HEAD": 200},
    "/graphiql/assets": dict.fromkeys(METHODS, 307),  # leads to one with a slash, where there is nothing
    "/health/live": {"GET": 200, "HEAD": 200},
    "/health/ready": {"GET": 200, "HEAD": 200},
    "/auth/providers": {"GET": 200, "HEAD": 200},
    "/auth/oidc/logout": {"POST": 303},  # who wants to be out is out
    "/auth/login": {"POST": 415},
    "/auth/password": {"POST": 415},
    "/auth/passkey": {"POST": 415},
    "/auth/passkey/options": {"POST": 415},
}
"""What anybody may ask for, reviewed: the page, whether the server lives, and ways to sign in, here without a body."""

CREDENTIALS = {
    "none": {},
    "an unknown token": {"Authorization": "Bearer xrm_00000000000000000000000000000000000000000"},
    "an unknown session": {"Cookie": "xrm_session=xrmc_0000000000000000000000000000000000000", "X-XRM-CSRF": "1"},
}
UNCOUNTED = {"xrm_auth_event", "xrm_attempts"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("closed")
    with opened(f"sqlite:///{folder / 'house.db'}", folder) as made:
        made.person()
        yield made


def addresses(house: House) -> list[str]:
    app: Any = house.http.app
    found = [each.path for each in app.app.app._app.routes if isinstance(each, Route | Mount)]
    assert len(found) == len(app.app.app._app.routes)  # else there is something of another kind
    return found


def filled(path: str) -> str:
    given = {"{file_id}": "01a2170d-fdba-726c-8456-14ba50d381ce", "{name}": "company", "{path:path}": "Users"}
    for name, value in given.items():
        path = path.replace(name, value)
    assert "{" not in path
    return path


def digest(house: House) -> str:
    """Of all tables but the log of events and the counts of attempts."""
    found = hashlib.sha256()
    with house.database.read() as connection:
        for name in sorted(set(inspect(connection).get_table_names()) - UNCOUNTED):
            rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall()
            found.update(f"{name}: {sorted(map(repr, rows))}\n".encode())
    return found.hexdigest()


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_nothing_is_open_but_what_was_reviewed(house: House, credentials: str) -> None:
    before = digest(house)
    found: dict[str, dict[str, int]] = {}
    for path in addresses(house):
        for method in METHODS:
            answer = house.http.request(method, filled(path), headers=CREDENTIALS[credentials], follow_redirects=False)
            if answer.status_code not in NOWHERE:
                found.setdefault(path, {})[method] = answer.status_code
            assert b"Traceback" not in answer.content
    assert found == OPEN
    assert digest(house) == before


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://testserver"])
def test_no_web_socket_is_opened_with_a_cookie_from_elsewhere(house: House, origin: str | None) -> None:
    session = house.login(house.person().email)
    assert session.status_code == 200
    headers = {} if origin is None else {"Origin": origin}
    opened_at = []
    for path in addresses(house):
        for protocols in (None, ["graphql-ws"], ["graphql-transport-ws"]):
            try:
                with house.http.websocket_connect(filled(path), protocols, headers=dict(headers)) as socket:
                    if protocols != ["graphql-transport-ws"]:
                        assert socket.receive()["code"] == 4406
                    else:
                        socket.send_json({"type": "connection_init"})
                        assert socket.receive_json() == {"type": "connection_ack"}
                    opened_at.append(path)
            except WebSocketDisconnect:
                pass
    assert opened_at == (["/graphql"] * 3 if origin == "http://testserver" else [])
    assert house.ask(X_XRM_CSRF="1", Origin="http://testserver").status_code == 200  # the cookie would have been sent
