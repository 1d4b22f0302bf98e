"""OpenID providers by which people may sign in, as the operator names them in a JSON file (``XRM_OIDC``)."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from xrm_core.errors import SettingsError

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TEXTS = ("label", "issuer", "client_id", "client_secret_env", "url", "tenant", "roles_claim")
_NEEDED = ("issuer", "client_id", "url")
_FLAGS = ("create_users", "link_by_email")
_HINT = "docs/sign-in.md says what stands in the file."

DEFAULT_SCOPES = ("openid", "email", "profile")
DEFAULT_FIELDS = {"email": "email", "first_name": "given_name", "last_name": "family_name"}


@dataclass(frozen=True)
class Provider:
    """A provider, and what a sign-in by it means here.

    ``url``: under which browsers reach this server. ``tenant``: whose users sign in by it; empty: those of the main
    database. ``roles``: value of the claim ``roles_claim`` → roles. ``fields``: field of a new user → claim.
    """

    name: str
    issuer: str
    client_id: str
    url: str
    label: str = ""
    client_secret: str = field(default="", repr=False)
    tenant: str = ""
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    roles_claim: str = ""
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    create_users: bool = False
    link_by_email: bool = False
    fields: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_FIELDS))


def load_providers(path: Path | None) -> dict[tuple[str, str], Provider]:
    """The providers by tenant and name; none if there is no file.

    Raises:
        SettingsError: with every mistake in the file.
    """
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"XRM_OIDC: {path} cannot be read as JSON.", hint=_HINT) from error
    named = content.get("providers") if isinstance(content, dict) else None
    if not isinstance(named, dict) or set(content) != {"providers"}:
        raise SettingsError(f"XRM_OIDC: {path} must be an object with «providers».", hint=_HINT)
    mistakes = [f"{name}: {mistake}" for name, body in named.items() for mistake in _mistakes(name, body)]
    if mistakes:
        raise SettingsError(f"XRM_OIDC: {path}: " + " ".join(mistakes), hint=_HINT)
    found = [_provider(name, body) for name, body in named.items()]
    return {(each.tenant, each.name): each for each in found}


def _provider(name: str, body: Mapping[str, Any]) -> Provider:
    given = {key: value for key, value in body.items() if key not in ("client_secret_env", "scopes", "roles")}
    return Provider(
        name,
        **given,
        client_secret=os.environ.get(body.get("client_secret_env", ""), ""),
        scopes=tuple(body.get("scopes", DEFAULT_SCOPES)),
        roles={value: tuple(roles) for value, roles in body.get("roles", {}).items()},
    )


def _mistakes(name: str, body: Any) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "its name must be small letters, digits, _ and -."
    if not isinstance(body, dict):
        yield "it must be an object."
        return
    for key in body.keys() - {*_TEXTS, *_FLAGS, "scopes", "roles", "fields"}:
        yield f"{key!r} is not known."
    yield from (f"{key!r} is missing." for key in _NEEDED if key not in body)
    yield from (f"{key!r} must be a text." for key in _TEXTS if not isinstance(body.get(key, ""), str))
    yield from (f"{key!r} must be true or false." for key in _FLAGS if not isinstance(body.get(key, False), bool))
    for key in ("issuer", "url"):
        if isinstance(body.get(key), str) and not is_safe_url(body[key]):
            yield f"{key!r} must be an https address (http on this machine only)."
    secret = body.get("client_secret_env")
    if isinstance(secret, str) and not os.environ.get(secret):
        yield f"the environment has no {secret}."
    if not _is_list(body.get("scopes", [])) or ("scopes" in body and "openid" not in body["scopes"]):
        yield "'scopes' must be a list of texts with openid."
    roles, fields = body.get("roles", {}), body.get("fields", {})
    if not isinstance(roles, dict) or not all(map(_is_list, roles.values())):
        yield "'roles' must be an object of lists of roles."
    if not isinstance(fields, dict) or not all(isinstance(each, str) for each in fields.values()):
        yield "'fields' must be an object of names of claims."
    if body.get("roles") and not body.get("roles_claim"):
        yield "'roles' needs 'roles_claim'."


def is_safe_url(url: str) -> bool:
    """Whether what is sent there is encrypted on the way, or stays on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or local) and not parts.username and not parts.fragment


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
