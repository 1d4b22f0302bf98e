"""Where requests to OpenID providers go: to the internet, or to networks of one's own that a setting names."""

import json
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.outgoing.receiver import Handler, Receiver, receiving
from xrm_core.auth.oidc_documents import MAX_BYTES, Documents, ProviderUnavailable
from xrm_core.auth.oidc_providers import Provider, load_providers
from xrm_core.outgoing import client


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    (tmp_path / "oidc.json").write_text(
        json.dumps({"providers": {"company": {"issuer": "http://localhost", "client_id": "crm", "url": "https://crm"}}})
    )
    return next(iter(load_providers(tmp_path / "oidc.json").values()))


def says(issuer: str, more: int = 0, **headers: str) -> Any:
    """A provider that says where its keys are, with so many bytes besides."""

    def behave(handler: Handler) -> None:
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        content = {"issuer": issuer, "pad": "x" * more, **{each: f"{issuer}/{each}" for each in names}}
        handler.answer(200, json.dumps(content).encode(), **headers)

    return behave


def at(provider: Provider, receiver: Receiver, host: str = "localhost") -> Provider:
    return replace(provider, issuer=f"http://{host}:{receiver.port}")


async def test_a_provider_on_this_machine_is_asked_if_its_issuer_is_there(provider: Provider) -> None:
    with receiving() as receiver:
        here = at(provider, receiver)
        receiver.behave(says(here.issuer))
        found = await Documents(here).metadata()
        assert found["jwks_uri"] == f"{here.issuer}/jwks_uri"
        [(path, headers, body)] = receiver.got
        assert (path, body) == ("/.well-known/openid-configuration", b"")
        assert "gzip" not in headers.get("Accept-Encoding", "")


@pytest.mark.parametrize("host", ["127.1", "provider.example", "metadata.example"])
async def test_an_address_of_ones_own_is_refused_unless_a_setting_names_it(
    provider: Provider, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["169.254.169.254"] if host.startswith("metadata") else ["127.0.0.1"]

    monkeypatch.setattr(client, "resolved", resolve)
    with receiving() as receiver:
        there = at(provider, receiver, host)
        receiver.behave(says(there.issuer))
        with capture_logs() as lines, pytest.raises(ProviderUnavailable):
            await Documents(there).metadata()
        assert receiver.got == []
        assert [(each["event"], each["reason"]) for each in lines] == [("provider_not_reached", "ADDRESS_REFUSED")]
        if not host.startswith("metadata"):
            with pytest.raises(ProviderUnavailable):  # since what it names is not asked without TLS
                await Documents(there, [ip_network("127.0.0.0/8")]).metadata()
            assert [path for path, _, _ in receiver.got] == ["/.well-known/openid-configuration"]


async def test_keys_elsewhere_are_not_asked_for_where_no_provider_may_be(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a provider that names an address of the network in which the server is
    with receiving() as receiver:
        here = at(provider, receiver)

        def behave(handler: Handler) -> None:
            names = ("authorization_endpoint", "token_endpoint")
            content = {"issuer": here.issuer, **dict.fromkeys(names, here.issuer), "jwks_uri": "https://10.0.0.1/k"}
            handler.answer(200, json.dumps(content).encode())

        receiver.behave(behave)
        with capture_logs() as lines, pytest.raises(ProviderUnavailable):
            await Documents(here).keys()
        assert lines[0]["reason"] == "ADDRESS_REFUSED"


@pytest.mark.parametrize(("more", "headers"), [(MAX_BYTES, {}), (0, {"Content_Encoding": "gzip"})])
async def test_an_answer_that_is_too_large_or_packed_is_not_taken(
    provider: Provider, more: int, headers: dict[str, str]
) -> None:
    with receiving() as receiver:
        here = at(provider, receiver)
        receiver.behave(says(here.issuer, more, **headers))
        with pytest.raises(ProviderUnavailable):
            await Documents(here).metadata()


async def test_a_provider_that_does_not_speak_tls_is_refused(provider: Provider) -> None:
    with receiving() as receiver:
        here = replace(at(provider, receiver), issuer=f"https://localhost:{receiver.port}")
        with capture_logs() as lines, pytest.raises(ProviderUnavailable):
            await Documents(here).metadata()
        assert lines[0]["reason"] == "TLS_FAILED"
