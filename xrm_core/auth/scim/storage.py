"""What the library asks of a place that keeps users and groups, answered by our tables in one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from scim2_models import (
    ForbiddenException,
    InvalidValueException,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    SearchRequest,
    UniquenessException,
)
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.storage import ScimStorage, SearchPage

from xrm_core.auth import events
from xrm_core.auth.scim import groups, people, refusals, roles, searching
from xrm_core.auth.scim.service import Service
from xrm_core.auth.scim.work import Work
from xrm_core.auth.still_held import require_still_held
from xrm_core.errors import RefusedByPlugin, ValidationFailed
from xrm_core.metadata.model import USER
from xrm_core.permissions.caller import User
from xrm_core.records.door import Records
from xrm_core.storage.engines import Database
from xrm_core.storage.policy_sets import require_current

TIMEOUT = 30.0
"""Seconds that the statements of a request may take."""

Result = TypeVar("Result")


class Storage(ScimStorage):
    """Users and groups of one request."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,  # noqa: ARG002 - the library leaves out
    ) -> Resource[Any]:
        """A user or a group."""
        return people.get(self._work, resource_id) if _is_user(resource_type) else groups.get(self._work, resource_id)

    def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,  # noqa: ARG002 - of cursors
    ) -> SearchPage:
        """A page of users and groups."""
        return searching.search(self._work, resource_types, search_request)

    def create(self, resource_type: ResourceType, resource: Any) -> Resource[Any]:
        """Make a user or a group."""
        make: Callable[[Work, Any], Resource[Any]] = people.create if _is_user(resource_type) else groups.create
        return _told(make, self._work, resource)

    def update(
        self, resource_type: ResourceType, resource: Any, *, expected_version: str | None = None
    ) -> Resource[Any]:
        """Change a user or a group."""
        change: Callable[[Work, Any, str | None], Resource[Any]]
        change = people.change if _is_user(resource_type) else groups.change
        return _told(change, self._work, resource, expected_version)

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """Remove a user or a group."""
        remove = people.remove if _is_user(resource_type) else groups.remove
        _told(remove, self._work, resource_id, expected_version)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """What one operation of a bulk request did is undone if it fails; that it was refused is kept."""
        try:
            with self._work.connection.begin_nested():
                yield
        except ForbiddenException as error:
            # The other operations stay. Where it is the only one, this is undone with it, and kept by who called.
            self._work.record(events.Event.PROVISIONING_REFUSED, None, {"reason": str(error.detail)})
            raise


class _Failed(Exception):
    """A request that is answered by an error: what it did is undone."""

    def __init__(self, reason: SCIMException) -> None:
        super().__init__()
        self.reason = reason


def answer(
    database: Database,
    records: Records,
    policies: str | None,
    service: Service,
    request: ScimRequest,
    asking: User,
    address: str | None,
) -> ScimResponse:
    """Do what a request asks for, all in one transaction (blocking).

    Args:
        database: has the users.
        records: the door by which their records are written.
        policies: digest of the policies under which the service was let in.
        service: the protocol.
        request: whose body was read.
        asking: the service that may do so.
        address: of the client.

    Raises:
        ModelOutOfDate: the database has another model or other policies by now; nothing was done.
        Unauthenticated: something is to be changed, and the token has ended.
        XrmError: the database does not answer, or not now.
    """
    writes = is_write(request)
    try:
        with database.begin(TIMEOUT) if writes else database.read(TIMEOUT) as connection:
            if writes:
                roles.hold_mapping(connection)
            require_current(connection, records.model, policies)
            if writes:  # a token that was revoked a moment ago may still be remembered; users and groups would stay
                require_still_held(connection, asking, records.tables[USER], None)
            work = Work(connection, records, asking, address, writes)
            handler = ScimHandler(service, Storage(work))
            try:
                people.require_fields(work)
                return handler.handle(request)
            except SCIMException as error:
                raise _Failed(error) from error
    except _Failed as failed:
        if isinstance(failed.reason, ForbiddenException):
            refusals.keep(database, asking.actor, address, str(failed.reason.detail))
        return service.error_response(failed.reason)


def is_write(request: ScimRequest) -> bool:
    """Whether a request changes something."""
    return request.method != "GET" and not request.path.rstrip("/").endswith("/.search")


def _is_user(kind: ResourceType) -> bool:
    return kind.name == "User"


def _told(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do something; what is wrong with a record is told in words of SCIM."""
    try:
        return work(*arguments)
    except ValidationFailed as error:
        if any(problem.get("rule") == "unique" for problem in error.problems):
            raise UniquenessException(detail=error.message) from error
        raise InvalidValueException(detail=error.message) from error
    except RefusedByPlugin as error:
        raise InvalidValueException(detail=error.message) from error
