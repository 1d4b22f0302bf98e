"""What an OpenID provider's tokens must be for anybody to be let in by them."""

import base64
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from xrm_core.auth.oidc_client import Flow, OidcClient, ProviderSignInFailed, ProviderUnavailable
from xrm_core.auth.oidc_providers import Provider

ISSUER = "https://login.example"
PROVIDER = Provider("acme", ISSUER, "crm", "https://crm.example", client_secret="secret")
KEY = RSAKey.generate_key(2048, {"kid": "one"})
CURVE = ECKey.generate_key("P-256", {"kid": "two"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
FLOW = Flow("the state", "the nonce", "v" * 64, "/")
BACK = "https://crm.example/callback"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/a",
    "token_endpoint": f"{ISSUER}/t",
    "jwks_uri": f"{ISSUER}/k",
}


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": ISSUER, "sub": "ada", "aud": "crm", "nonce": FLOW.nonce, "iat": now, "exp": now + 300}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def signed(header: Mapping[str, Any] | None = None, key: Any = KEY, **changed: Any) -> str:
    given = {"alg": "RS256", "kid": "one"} | dict(header or {})
    return jwt.encode(given, claims(**changed), key, algorithms=[given["alg"]])


def by_hand(header: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    text = f"{part(json.dumps({'kid': 'one', **header}).encode())}.{part(json.dumps(claims()).encode())}"
    return f"{text}.{part(sign(text.encode()))}"


def unsigned(alg: str) -> str:
    return by_hand({"alg": alg}, lambda _: b"")


def by_public_key() -> str:
    """Signed by HMAC with what everybody can read."""
    return by_hand({"alg": "HS256"}, lambda text: hmac.digest(KEY.as_pem(private=False), text, "sha256"))


def rightly(header: Mapping[str, Any]) -> str:
    """Signed by the provider, with more in its header."""
    key: Any = KEY.private_key
    return by_hand({"alg": "RS256", **header}, lambda text: key.sign(text, PKCS1v15(), SHA256()))


class World:
    """A provider without a network; ``asked`` are the paths that it was asked for."""

    def __init__(self, token: str = "", metadata: Any = METADATA, keys: Any = None) -> None:
        self.token = token
        self.metadata = metadata
        self.keys = keys if keys is not None else KeySet([KEY, CURVE]).as_dict(private=False)
        self.asked: list[str] = []
        self.sent: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        self.sent.append(request)
        if request.url.path == "/k":
            return httpx2.Response(200, json=self.keys)
        if request.url.path == "/t":
            return httpx2.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": self.token})
        return httpx2.Response(200, json=self.metadata)

    def client(self) -> OidcClient:
        return OidcClient(PROVIDER, transport=httpx2.MockTransport(self))


async def said(world: World, client: OidcClient | None = None) -> dict[str, Any]:
    given = {"state": FLOW.state, "code": "the code"}
    return dict((await (client or world.client()).id_token(FLOW, BACK, given)).claims)


@pytest.mark.parametrize(
    "token",
    [
        lambda: signed(),
        lambda: signed({"alg": "PS256"}),
        lambda: signed({"alg": "ES256", "kid": "two"}, CURVE),
        lambda: rightly({}),
        lambda: signed(aud=["crm"]),
        lambda: signed(aud=["crm", "other"], azp="crm"),
        lambda: signed(iat=int(time.time()) + 30),  # a clock that is a little ahead
    ],
)
async def test_a_right_token_says_who_it_is(token: Callable[[], str]) -> None:
    world = World(token())
    assert (await said(world))["sub"] == "ada"
    [exchange] = [each for each in world.sent if each.url.path == "/t"]
    assert b"code_verifier=" + b"v" * 64 in exchange.content
    assert exchange.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "token",
    [
        lambda: "",
        lambda: "x.y.z",
        lambda: unsigned("none"),
        lambda: unsigned("NONE"),
        by_public_key,
        lambda: signed(key=STRANGER),
        lambda: signed({"jwk": STRANGER.as_dict(private=False)}, STRANGER),
        lambda: signed({"jku": "https://evil.example/keys"}, STRANGER),
        lambda: signed({"kid": "../../etc/passwd"}),
        lambda: signed({"kid": "' OR 1=1 --"}),
        lambda: rightly({"crit": ["unknown"], "unknown": 1}),
        lambda: signed(iss="https://evil.example"),
        lambda: signed(iss=f"{ISSUER}/"),
        lambda: signed(iss=None),
        lambda: signed(aud="other"),
        lambda: signed(aud=["other"]),
        lambda: signed(aud=["crm", "other"]),
        lambda: signed(aud=None),
        lambda: signed(azp="other"),
        lambda: signed(nonce="another"),
        lambda: signed(nonce=None),
        lambda: signed(sub=None),
        lambda: signed(exp=int(time.time()) - 300),
        lambda: signed(exp=None),
        lambda: signed(exp="tomorrow"),
        lambda: signed(iat=int(time.time()) + 3600),
        lambda: signed(iat=None),
        lambda: signed(nbf=int(time.time()) + 3600),
    ],
)
async def test_any_other_token_says_nothing(token: Callable[[], str]) -> None:
    with pytest.raises(ProviderSignInFailed):
        await said(World(token()))


@pytest.mark.parametrize(
    "metadata",
    [
        {**METADATA, "issuer": "https://evil.example"},
        {**METADATA, "token_endpoint": "http://login.example/t"},
        {**METADATA, "jwks_uri": "file:///etc/passwd"},
        {**METADATA, "jwks_uri": None},
        [],
    ],
)
async def test_a_provider_that_is_another_or_not_encrypted_is_not_asked(metadata: Any) -> None:
    world = World(signed(), metadata)
    with pytest.raises(ProviderUnavailable):
        await said(world)
    assert set(world.asked) == {"/.well-known/openid-configuration"}


async def test_new_keys_are_fetched_once_when_a_token_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(signed(), keys=KeySet([CURVE]).as_dict(private=False))
    client = world.client()
    with pytest.raises(ProviderSignInFailed):
        await said(world, client)
    world.keys = KeySet([KEY]).as_dict(private=False)
    with pytest.raises(ProviderSignInFailed):  # they were fetched a moment ago
        await said(world, client)
    assert world.asked.count("/k") == 1
    monkeypatch.setattr("xrm_core.auth.oidc_documents.REFETCH_SECONDS", 0.0)
    assert (await said(world, client))["sub"] == "ada"
    assert world.asked.count("/k") == 2


@pytest.mark.parametrize("keys", [[], {"keys": "none"}, {"keys": [{"kty": "RSA"}]}])
async def test_keys_that_are_none_are_no_keys(keys: Any) -> None:
    with pytest.raises((ProviderUnavailable, ProviderSignInFailed)):
        await said(World(signed(), keys=keys))


async def test_answers_without_end_are_not_read_to_it() -> None:
    with pytest.raises(ProviderUnavailable):
        await said(World(signed(), keys={"keys": [], "more": "x" * 2_000_000}))


async def test_who_begins_to_sign_in_lets_no_certificates_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a provider that was asked before
    client = OidcClient(PROVIDER)
    client.documents = World("").client().documents
    read, load = [], ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *paths: Any) -> None:
        read.append(paths)
        load(context, *paths)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    # when anybody begins again and again
    for _ in range(5):
        await client.authorization_url(FLOW, BACK)
    # then they are read once for all: meanwhile nobody else is answered
    assert len(read) <= 1
