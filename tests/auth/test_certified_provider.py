"""People sign in and out by node-oidc-provider, which is certified: a real provider, over a network."""

import json
import queue
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import uvicorn
from httpx2 import Client, Response
from sqlalchemy import select

from tests.auth.kit import built
from tests.postgres import PostgresServer
from xrm_core.auth.events import recorded
from xrm_core.auth.people import roles_of
from xrm_core.server.app import create_app
from xrm_core.server.assembly import Platform

PACKAGE = "oidc-provider@9.13.3"
SECONDS = 30
SCRIPT = Path(__file__).parent / "certified_provider.mjs"

pytestmark = pytest.mark.slow


class NodeProvider:
    """The provider, as a process; what it has said comes out by :meth:`said`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process = process
        threading.Thread(target=self._read, daemon=True).start()
        self.issuer = str(self.said("issuer"))

    def said(self, name: str) -> Any:
        """The next that it says of this."""
        until = time.monotonic() + SECONDS
        while True:
            line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            if name in line:
                return line[name]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._lines.put(json.loads(line))


@dataclass
class World:
    """A server of the platform, and the provider by which its people sign in."""

    url: str
    platform: Platform
    provider: NodeProvider

    def browser(self) -> Client:
        """One without cookies, which goes nowhere by itself."""
        return Client(timeout=SECONDS)


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the provider is installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node with npm on this machine, which the provider needs")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, node_modules: Path
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("certified")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("OIDC_SECRET", "a secret")
        database = f"sqlite:///{folder / 'house.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            database = stack.enter_context(server.database())
        place = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{place.getsockname()[1]}"
        provider = stack.enter_context(provided(node_modules, url))
        company = {
            "issuer": provider.issuer,
            "client_id": "crm",
            "client_secret_env": "OIDC_SECRET",
            "url": url,
            "scopes": ["openid", "email", "groups"],
            "roles_claim": "groups",
            "roles": {"/sales": ["clerk"], "/visitors": ["guest"]},
            "create_users": True,
        }
        (folder / "oidc.json").write_text(json.dumps({"providers": {"company": company}}))
        platform = built(database, folder, oidc=folder / "oidc.json")
        stack.enter_context(served(platform, place))
        yield World(url, platform, provider)


@contextmanager
def provided(node_modules: Path, url: str) -> Iterator[NodeProvider]:
    command = ["node", str(SCRIPT), str(node_modules), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield NodeProvider(process)
        finally:
            process.kill()


@contextmanager
def served(platform: Platform, place: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(create_app(platform), log_config=None, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(SECONDS)


def go(browser: Client, answer: Response, until: str = "") -> Response:
    """Follow redirects, up to the one to an address that begins so, which is not asked for."""
    for _ in range(20):
        if not answer.is_redirect:
            return answer
        address = urljoin(str(answer.url), answer.headers["location"])
        if until and address.startswith(until):
            return answer
        answer = browser.get(address)
    raise AssertionError("they send the browser round and round")


def submit(browser: Client, page: Response, **more: str) -> Response:
    """Send the first form of a page."""
    found = re.search(r'<form[^>]* action="([^"]+)"', page.text)
    assert found, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return browser.post(urljoin(str(page.url), found[1]), data=hidden | more)


def sign_in(world: World, browser: Client, name: str = "ada") -> Response:
    """Somebody who was not asked before signs in, and lets the platform know who they are; the last answer is ours."""
    page = go(browser, browser.get(f"{world.url}/auth/oidc/company", params={"next": "/health/live"}))
    assert 'name="password"' in page.text, page.text
    page = go(browser, submit(browser, page, login=name, password="anything"))
    if page.url.host and str(page.url).startswith(world.url):
        return page
    return go(browser, submit(browser, page))


def is_in(world: World, browser: Client) -> bool:
    answer = browser.post(
        f"{world.url}/graphql", json={"query": "{ notes { totalCount } }"}, headers={"X-XRM-CSRF": "1"}
    )
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def leave_provider(world: World, browser: Client) -> Response:
    """Sign out at the provider, without the platform."""
    page = browser.get(f"{world.provider.issuer}/session/end")
    return submit(browser, page, logout="yes")


def test_who_signs_in_has_the_roles_of_the_claim(world: World) -> None:
    with world.browser() as browser:
        begun = browser.get(f"{world.url}/auth/oidc/company")
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]  # without which this provider lets nobody in
        assert str(sign_in(world, browser).url) == f"{world.url}/health/live"
        assert is_in(world, browser)
    users = world.platform.tables["user"]
    with world.platform.database.read() as connection:
        [user] = connection.scalars(select(users.c.id).where(users.c.email == "ada@example.com")).all()
        assert roles_of(connection, str(user)) == {"clerk"}


def test_who_signs_out_here_is_signed_out_there(world: World) -> None:
    with world.browser() as browser:
        # given somebody who would come in again without being asked
        sign_in(world, browser)
        again = go(browser, browser.get(f"{world.url}/auth/oidc/company"), f"{world.url}/auth/oidc/company/callback")
        assert again.is_redirect, again.text
        go(browser, again)
        # when
        form = {"Origin": world.url}
        page = go(
            browser, browser.post(f"{world.url}/auth/oidc/logout", params={"next": "/health/ready"}, headers=form)
        )
        # then the session here has ended before the provider asks
        assert not is_in(world, browser)
        assert "Do you want to sign-out" in page.text
        end = go(browser, submit(browser, page, logout="yes"))
        assert (str(end.url), end.status_code) == (f"{world.url}/health/ready", 200)
        assert world.provider.said("told") is True  # that a session has ended is no error
        # and the next time they are asked
        page = go(browser, browser.get(f"{world.url}/auth/oidc/company"))
        assert 'name="password"' in page.text


def test_who_is_signed_out_there_is_signed_out_here(world: World) -> None:
    with world.browser() as browser, world.browser() as other, world.browser() as colleague:
        # given the same user in two browsers, and another
        for each, name in ((browser, "ada"), (other, "ada"), (colleague, "bob")):
            sign_in(world, each, name)
        assert [is_in(world, each) for each in (browser, other, colleague)] == [True, True, True]
        # when the provider ends the session of one browser
        leave_provider(world, browser)
        # then it has told the platform, and that session is no more
        token = world.provider.said("token")
        assert world.provider.said("told") is True
        assert [is_in(world, each) for each in (browser, other, colleague)] == [False, True, True]
        with world.platform.database.read() as connection:
            [event] = recorded(connection, event="sign_out", limit=1)
        assert (event.details["provider"], event.details["everywhere"]) == ("company", False)
        # and its token is good for nothing more
        again = other.post(f"{world.url}/auth/oidc/company/backchannel-logout", data={"logout_token": token})
        assert (again.status_code, again.json()["error_description"]) == (400, "The logout token was used before.")
