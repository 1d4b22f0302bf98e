"""What we serve by SCIM: the attributes of users and groups that mean something here, and how much at a time."""

from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MAX_RESULTS = 200
"""Resources on a page."""

MAX_OPERATIONS = 100
"""Of a bulk request."""


class Name(ComplexAttribute):
    """Parts of a person's name."""

    family_name: str | None = None
    given_name: str | None = None


class Email(ComplexAttribute):
    """An e-mail address of a user."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class GroupOfUser(ComplexAttribute):
    """A group in which a user is."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, Mutability.read_only] = None


class RoleOfUser(ComplexAttribute):
    """A role that a user has."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None


class User(Resource[Any]):
    """A user. ``userName`` is the e-mail address by which they sign in; ``emails`` are only kept."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    Name: ClassVar[type[ComplexAttribute]] = Name
    display_name: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None
    Emails: ClassVar[type[ComplexAttribute]] = Email
    groups: Annotated[list[GroupOfUser] | None, Mutability.read_only] = None
    Groups: ClassVar[type[ComplexAttribute]] = GroupOfUser
    roles: Annotated[list[RoleOfUser] | None, Mutability.read_only] = None
    Roles: ClassVar[type[ComplexAttribute]] = RoleOfUser


class Member(ComplexAttribute):
    """A user in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group; whether it gives roles is said here, by its name."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[Member] | None = None
    Members: ClassVar[type[ComplexAttribute]] = Member


@cache
def provider(max_bytes: int) -> ScimProvider:
    """What is told of the service; ``max_bytes`` is the size that a body may have."""
    scheme = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="API token",
        description="A token of a service, in the header «Authorization: Bearer xrm_…».",
        primary=True,
    )
    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MAX_OPERATIONS, max_payload_size=max_bytes),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[scheme],
    )
    return ScimProvider([User, Group], config=config)
