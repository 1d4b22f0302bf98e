"""WebAuthn as its relying party: what authenticators are asked for, and whether what they sign is so.

Source: Web Authentication level 3, sections 7.1 (registering a new credential) and 7.2 (verifying an assertion). The
library does most of it; the rest, which it leaves to its callers, stands here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from xrm_core.auth.passkeys import Credential, Passkey
from xrm_core.errors import XrmError
from xrm_core.settings import TENANT, Settings

TIMEOUT_MILLISECONDS = 300_000
"""How long a browser may wait for the user: as long as a challenge is good."""


class PasskeysNotConfigured(XrmError):
    """The settings do not say under which origins passkeys are used."""

    code = "PASSKEYS_NOT_CONFIGURED"
    http_status = 503


class NotVerified(Exception):
    """What came is no answer to the challenge. Callers say what that means for whoever asks; the reason is for
    developers, never for an answer.
    """


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator has signed and shown to be so."""

    sign_count: int
    backed_up: bool


@dataclass(frozen=True)
class RelyingParty:
    """What passkeys are bound to.

    Args:
        id: a domain; empty: there are no passkeys here.
        origins: of the pages that may use them.
    """

    id: str
    origins: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings, tenant: str = "") -> "RelyingParty":
        """That of the settings: never what a request says of itself.

        Args:
            settings: name the origins. If ``{tenant}`` stands in some of them, tenants have just those, and the main
                database the others; so nothing that is signed on a page of one tenant is taken by another.
            tenant: whose; the main database has no name.
        """
        named = [each for each in settings.passkey_origins if TENANT in each]
        plain = tuple(each for each in settings.passkey_origins if TENANT not in each)
        origins = tuple(each.replace(TENANT, tenant) for each in named) if tenant and named else plain
        return cls(settings.passkey_rp_id or next(map(_host, origins), ""), origins)

    def where(self, is_ours: Callable[[str], bool]) -> "RelyingParty":
        """The same, with those origins only whose host name is ours."""
        return replace(self, origins=tuple(each for each in self.origins if is_ours(_host(each))))

    def require(self) -> None:
        """Raise PasskeysNotConfigured if there are none here."""
        if not self.id or not self.origins:
            raise PasskeysNotConfigured(
                "No passkeys are taken here: XRM_PASSKEY_ORIGINS names no page for it.",
                hint="Whoever runs the server sets it to the origins of its pages, as https://crm.example.com.",
            )

    def creation_options(self, challenge: bytes, user_id: str, name: str, registered: list[Passkey]) -> dict[str, Any]:
        """What ``navigator.credentials.create`` takes as ``publicKey``, in JSON.

        Args:
            challenge: to be signed.
            user_id: for whom.
            name: what the authenticator calls the account.
            registered: passkeys that the user has, which shall not be made again.
        """
        from webauthn import base64url_to_bytes, generate_registration_options
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        options = generate_registration_options(
            rp_id=self.id,
            rp_name=self.id,
            user_id=UUID(user_id).bytes,
            user_name=name,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential.id)) for each in registered
            ],
        )
        return options_to_json_dict(options)

    def request_options(self, challenge: bytes) -> dict[str, Any]:
        """What ``navigator.credentials.get`` takes as ``publicKey``, in JSON. It names nobody's passkeys."""
        from webauthn import generate_authentication_options
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.structs import UserVerificationRequirement

        return options_to_json_dict(
            generate_authentication_options(
                rp_id=self.id,
                challenge=challenge,
                timeout=TIMEOUT_MILLISECONDS,
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def registered(self, answer: Mapping[str, Any], challenge: bytes) -> Credential:
        """The credential that an authenticator has made.

        Raises:
            NotVerified: the answer does not show that.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import (
            bytes_to_base64url,
            decode_credential_public_key,
            decoded_public_key_to_cryptography,
            parse_attestation_object,
            parse_registration_credential_json,
        )

        try:
            credential = parse_registration_credential_json(dict(answer))
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                require_user_verification=True,
            )
            if verified.credential_id != credential.raw_id:
                raise NotVerified("another credential than it is called")
            data = parse_attestation_object(credential.response.attestation_object).auth_data
            # Without an attestation nothing has used the key yet: one that is none would sign in nobody.
            decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
        except Exception as error:  # the library raises whatever it meets in what strangers send
            raise NotVerified(type(error).__name__) from error
        _require_same_page(answer)
        return Credential(
            bytes_to_base64url(verified.credential_id),
            bytes_to_base64url(verified.credential_public_key),
            verified.sign_count,
            tuple(each.value for each in credential.response.transports or ()),
            verified.aaguid,
            data.flags.be,
            data.flags.bs,
        )

    def asserted(self, answer: Mapping[str, Any], challenge: bytes, passkey: Passkey) -> Assertion:
        """What an authenticator says with a passkey. Whether its count has grown is for the caller.

        Raises:
            NotVerified: it was not this passkey, not its user, or not for us.
        """
        from webauthn import base64url_to_bytes, verify_authentication_response
        from webauthn.helpers import parse_authentication_credential_json
        from webauthn.helpers.structs import CredentialDeviceType

        try:
            credential = parse_authentication_credential_json(dict(answer))
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                credential_public_key=base64url_to_bytes(passkey.credential.public_key),
                credential_current_sign_count=0,  # compared when it is written, and told apart from other mistakes
                require_user_verification=True,
            )
        except Exception as error:
            raise NotVerified(type(error).__name__) from error
        _require_same_page(answer)
        if credential.response.user_handle != UUID(passkey.user_id).bytes:
            raise NotVerified("user handle of somebody else")
        eligible = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
        if eligible is not passkey.credential.backup_eligible:
            raise NotVerified("a credential cannot become fit for backups, or unfit")
        return Assertion(verified.new_sign_count, verified.credential_backed_up)


def challenge_in(answer: Mapping[str, Any]) -> bytes:
    """The challenge that an answer says it is to; empty, which is nobody's, if it says none."""
    from webauthn import base64url_to_bytes

    try:
        return base64url_to_bytes(_client_data(answer)["challenge"])
    except Exception:  # whatever strangers send
        return b""


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _require_same_page(answer: Mapping[str, Any]) -> None:
    """Refuse what was signed in a frame of a page of another origin."""
    data = _client_data(answer)
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise NotVerified("signed within another page")


def _client_data(answer: Mapping[str, Any]) -> dict[str, Any]:
    from webauthn import base64url_to_bytes

    found: dict[str, Any] = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
    return found
