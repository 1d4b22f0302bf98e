"""A provisioning service of the house: a client of SCIM with a token that may provision."""

import json
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response

from tests.auth.kit import House
from xrm_core.auth.scim import roles
from xrm_core.auth.tokens import TokenLimits, create_token

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
GRANTS = {"xrm_scim": ["read", "update"]}


def service_token(house: House, *held: str, grants: dict[str, list[str]] | None = GRANTS) -> str:
    """A token of a service with these roles."""
    with house.database.begin() as connection:
        return create_token(connection, None, "directory", limits=TokenLimits(roles=held or ("clerk",), grants=grants))


def map_group(house: House, name: str, *given: str) -> None:
    """Let a group give roles, as the command line does."""
    with house.database.begin() as connection:
        roles.set_given(connection, name, given)


@dataclass
class Directory:
    """Where a company has its people; it tells us of them."""

    house: House
    token: str
    base: str = "/scim/v2"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """A request."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json", **self.headers}
        content = None if body is None else json.dumps(body)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.house.http.request(method, f"{self.base}{path}", content=content, headers=sent)

    def user(self, name: str, /, **more: Any) -> dict[str, Any]:
        """A new user."""
        return done(self.ask("POST", "/Users", {"schemas": [USER], "userName": name, **more}), 201)

    def group(self, name: str, /, *members: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A new group."""
        inside = [{"value": each["id"]} for each in members]
        return done(
            self.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": inside, **more}), 201
        )

    def patch(self, kind: str, id_: str, *operations: dict[str, Any], **headers: str) -> Response:
        """Change something."""
        return self.ask("PATCH", f"/{kind}/{id_}", {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def get(self, kind: str, id_: str) -> dict[str, Any]:
        """What is there now."""
        return done(self.ask("GET", f"/{kind}/{id_}"))

    def roles(self, user: dict[str, Any]) -> list[str]:
        """The roles of a user."""
        return [each["value"] for each in self.get("Users", user["id"]).get("roles", [])]


def done(answer: Response, status: int = 200) -> dict[str, Any]:
    """The content of an answer that must be good."""
    assert answer.status_code == status, answer.text
    content: dict[str, Any] = answer.json()
    return content


def refused(answer: Response, status: int, scim_type: str | None = None) -> str:
    """What an answer that must be an error says, in the shape that SCIM has for it."""
    content = answer.json()
    assert (answer.status_code, content.get("scimType")) == (status, scim_type), answer.text
    assert content["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert content["status"] == str(status)
    assert not any(word in answer.text for word in ("Traceback", "SELECT", "INSERT", "sqlalchemy", "pydantic.dev"))
    return str(content.get("detail", ""))
