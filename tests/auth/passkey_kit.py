"""Registering passkeys and signing in by them, as a browser does."""

from typing import Any

from httpx2 import Response

from tests.auth.authenticator import Authenticator
from tests.auth.kit import PASSWORD, House, Person
from tests.auth.test_own_account import ask

ENROL = "mutation($password: String!) { enrolPasskey(password: $password) }"
CONFIRM = """mutation($name: String!, $credential: JSON!) {
  confirmPasskey(name: $name, credential: $credential) { id name createdAt lastUsedAt backedUp aaguid transports }
}"""
RENAME = "mutation($id: ID!, $name: String!) { renamePasskey(id: $id, name: $name) }"
REMOVE = "mutation($id: ID!, $password: String!) { removePasskey(id: $id, password: $password) }"
MINE = "{ me { passkeys { id name lastUsedAt } } }"
Headers = dict[str, str]
VAULT = "/t/vault"
REFUSED = {
    "errors": [
        {
            "message": "This passkey does not sign you in here.",
            "extensions": {
                "code": "PASSKEY_REFUSED",
                "hint": "Try again; if it stays so, sign in otherwise and register a passkey anew.",
            },
        }
    ]
}


def registered(house: House, person: Person, headers: Headers | None = None, **how: Any) -> Authenticator:
    """An authenticator with a passkey of a user."""
    headers = headers or house.signed_in(person)
    made = Authenticator(**how)
    options = ask(house, headers, ENROL, password=PASSWORD)["enrolPasskey"]
    ask(house, headers, CONFIRM, name="Laptop", credential=made.make(options))
    return made


def options(house: House, path: str = "", **body: Any) -> dict[str, Any]:
    """What a sign-in begins with."""
    answer = house.post(f"{path}/auth/passkey/options", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["publicKey"]
    return found


def sign_in(house: House, credential: Any, path: str = "", address: str | None = None, **more: Any) -> Response:
    """Try to sign in by what an authenticator has signed."""
    return house.post(f"{path}/auth/passkey", {"credential": credential, "as": "token", **more}, address)
