"""``xrm oidc list``."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Xrm
from xrm_core.auth.oidc_documents import Documents

PACK = {"x-entity": "user", "type": "object", "properties": {"email": {"type": "string", "format": "email"}}}
OURS = {"issuer": "https://login.example", "client_id": "crm", "url": "https://crm.example"}


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, xrm: Xrm) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "user.json").write_text(json.dumps(PACK))
    assert xrm("schema", "apply").code == 0


@pytest.fixture
def _providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {
        "company": OURS,
        "by-path": {**OURS, "tenant": "acme"},
        "by-host": {**OURS, "tenant": "acme", "url": "https://acme.example/"},
    }
    (tmp_path / "oidc.json").write_text(json.dumps({"providers": named}))
    monkeypatch.setenv("XRM_OIDC", str(tmp_path / "oidc.json"))


@pytest.mark.usefixtures("_providers")
def test_it_says_what_to_enter_at_each_provider(xrm: Xrm) -> None:
    assert xrm("tenant", "create", "acme", "--host", "acme.example").code == 0
    listed = xrm("oidc", "list")
    assert listed.code == 0, listed
    assert [" ".join(line.split()) for line in listed.out.splitlines()] == [
        "company https://login.example",
        "redirect URI https://crm.example/auth/oidc/company/callback",
        "post-logout redirect URI https://crm.example/auth/oidc/company/signed-out",
        "back-channel logout URL https://crm.example/auth/oidc/company/backchannel-logout",
        "by-path https://login.example tenant acme",
        "redirect URI https://crm.example/t/acme/auth/oidc/by-path/callback",
        "post-logout redirect URI https://crm.example/t/acme/auth/oidc/by-path/signed-out",
        "back-channel logout URL https://crm.example/t/acme/auth/oidc/by-path/backchannel-logout",
        "by-host https://login.example tenant acme",
        "redirect URI https://acme.example/auth/oidc/by-host/callback",
        "post-logout redirect URI https://acme.example/auth/oidc/by-host/signed-out",
        "back-channel logout URL https://acme.example/auth/oidc/by-host/backchannel-logout",
    ]
    of_tenant = xrm("oidc", "list", "--tenant", "acme")
    assert of_tenant.out.splitlines() == listed.out.splitlines()[4:]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"end_session_endpoint": "https://login.example/end", "backchannel_logout_supported": True}, ["yes", "yes"]),
        ({"end_session_endpoint": "http://login.example/end", "backchannel_logout_supported": "yes"}, ["no:", "no:"]),
        ({}, ["no:", "no:"]),
    ],
)
def test_it_asks_what_a_provider_offers(
    xrm: Xrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], said: list[str]
) -> None:
    async def answer(_: Documents) -> dict[str, Any]:
        return metadata

    monkeypatch.setattr(Documents, "metadata", answer)
    (tmp_path / "oidc.json").write_text(json.dumps({"providers": {"company": OURS}}))
    monkeypatch.setenv("XRM_OIDC", str(tmp_path / "oidc.json"))
    listed = xrm("oidc", "list", "--check")
    assert [line.split()[3] for line in listed.out.splitlines() if line.startswith("  signs out")] == said


def test_without_providers_it_says_nothing(xrm: Xrm) -> None:
    assert (xrm("oidc", "list").code, xrm("oidc", "list").out) == (0, "")
