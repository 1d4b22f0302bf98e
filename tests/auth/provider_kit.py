"""An OpenID provider without a network, which signs whatever a test wants, and a house whose people sign in by it."""

import base64
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.auth.kit import House, Person, opened
from tests.postgres import PostgresServer
from xrm_core.auth import authenticator, oidc_people
from xrm_core.auth.logout_tokens import EVENT
from xrm_core.auth.oidc_client import OidcClient
from xrm_core.auth.oidc_documents import Documents
from xrm_core.auth.oidc_providers import Provider
from xrm_core.plugins import Plugins
from xrm_core.server import oidc_clients
from xrm_core.server.tenant_moves import create_tenant
from xrm_core.storage.system import ATTEMPTS, LOGOUT_TOKEN, SESSION

ISSUER = "https://login.example"
END = f"{ISSUER}/end?realm=1"
KEY = RSAKey.generate_key(2048, {"kid": "one"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
_numbers = itertools.count(1)


def by_hand(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    text = f"{part(json.dumps({'kid': 'one', **header}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(sign(text.encode()))}"


def unsigned(_: bytes) -> bytes:
    """No signature."""
    return b""


def by_public_key(text: bytes) -> bytes:
    """A signature by HMAC with what everybody can read."""
    return hmac.digest(KEY.as_pem(private=False), text, "sha256")


def rightly(text: bytes) -> bytes:
    """The provider's signature."""
    key: Any = KEY.private_key
    return bytes(key.sign(text, PKCS1v15(), SHA256()))


def without_none(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims that have a value."""
    return {name: value for name, value in claims.items() if value is not None}


@dataclass
class FakeProvider:
    """What it answers with; ``asked`` are the paths that it was asked for."""

    metadata: dict[str, Any] = field(
        default_factory=lambda: {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/a",
            "token_endpoint": f"{ISSUER}/t",
            "jwks_uri": f"{ISSUER}/k",
            "end_session_endpoint": END,
        }
    )
    id_token: str = ""
    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        self.asked.append(request.url.path)
        if self.fails:
            return httpx2.Response(500)
        if request.url.path == "/k":
            return httpx2.Response(200, json=KeySet([KEY]).as_dict(private=False))
        if request.url.path == "/t":
            return httpx2.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": self.id_token})
        return httpx2.Response(200, json=self.metadata)


@dataclass
class Company:
    """A house, and the provider by which its people sign in."""

    house: House
    provider: FakeProvider
    clients: list[OidcClient]

    def begin(self) -> None:
        """Nobody is signed in, and what the provider has said is forgotten."""
        self.house.http.cookies.clear()
        with self.house.database.begin() as connection:
            for table in (ATTEMPTS, LOGOUT_TOKEN, SESSION):
                connection.execute(table.delete())
        for each in self.clients:
            each.documents = Documents(each.provider, transport=httpx2.MockTransport(self.provider))

    def linked(self, subject: str) -> Person:
        """A new user who is this at the provider."""
        person = self.house.person()
        with self.house.database.begin() as connection:
            oidc_people.link(connection, person.id, ISSUER, subject)
        return person

    def sign_in(self, subject: str, name: str = "company", client_id: str = "crm", **claims: Any) -> str:
        """The cookie of a new session."""
        answer = self.come_back(subject, name, client_id, **claims)
        assert answer.status_code == 303, answer.text
        cookie = self.house.http.cookies["xrm_session_acme" if name == "acme" else "xrm_session"]
        self.house.http.cookies.clear()
        return str(cookie)

    def come_back(self, subject: str, name: str = "company", client_id: str = "crm", **claims: Any) -> Response:
        """What the house says to a browser that comes back from the provider, signed in."""
        base = "/t/acme" if name == "acme" else ""
        begun = self.house.http.get(f"{base}/auth/oidc/{name}", follow_redirects=False)
        query = parse_qs(urlsplit(begun.headers["location"]).query)
        now = int(time.time())
        usual = {"iss": ISSUER, "sub": subject, "aud": client_id, "nonce": query["nonce"][0], "iat": now}
        said = without_none({**usual, "exp": now + 300, **claims})
        self.provider.id_token = jwt.encode({"alg": "RS256", "kid": "one"}, said, KEY)
        back = {"state": query["state"][0], "code": "x"}
        return self.house.http.get(f"{base}/auth/oidc/{name}/callback", params=back, follow_redirects=False)

    def is_in(self, cookie: str, base: str = "", name: str = "xrm_session") -> bool:
        """Whether a session is still one."""
        body = {"query": "{ __typename }"}
        answer = self.house.post(f"{base}/graphql", body, X_XRM_CSRF="1", Cookie=f"{name}={cookie}")
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200


def logout_claims(**changed: Any) -> dict[str, Any]:
    """Those of a logout token, new each time."""
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": "crm", "iat": now, "exp": now + 120, "jti": f"jti {next(_numbers)}"}
    return without_none({**usual, "events": {EVENT: {}}, **changed})


def logout_token(header: Mapping[str, Any] | None = None, key: Any = KEY, **changed: Any) -> str:
    """A logout token."""
    return jwt.encode(
        {"alg": "RS256", "kid": "one", "typ": "logout+jwt", **(header or {})}, logout_claims(**changed), key
    )


@contextmanager
def company(request: pytest.FixtureRequest, folder: Path) -> Iterator[Company]:
    """One on the database of the fixture's parameter."""
    fake = FakeProvider()
    clients: list[OidcClient] = []

    def client(provider: Provider, networks: Any) -> OidcClient:
        clients.append(OidcClient(provider, networks, httpx2.MockTransport(fake)))
        return clients[-1]

    ours = {"issuer": ISSUER, "client_id": "crm", "url": "http://localhost"}
    # a tenant, whose people have the same provider
    acme = {**ours, "tenant": "acme", "create_users": True}
    named = {
        "acme": acme,
        "company": ours,
        "shop": {**ours, "client_id": "shop"},
        "abroad": {**ours, "issuer": f"{ISSUER}/abroad"},
    }
    (folder / "oidc.json").write_text(json.dumps({"providers": named}))
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(authenticator, "REMEMBER_SECONDS", 0.0)
        patch.setattr(oidc_clients, "OidcClient", client)
        url = f"sqlite:///{folder / 'house.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        house = stack.enter_context(opened(url, folder, oidc=folder / "oidc.json"))
        create_tenant(house.platform.settings, Plugins(), "acme")
        yield Company(house, fake, clients)
