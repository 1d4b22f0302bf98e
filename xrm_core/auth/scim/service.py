"""The protocol, with what providers of identities make of it."""

import re
from itertools import groupby
from typing import Any, cast

from pydantic import ValidationError
from scim2_models import BulkOperation, Context, InvalidFilterException, PatchOp, Resource, ResourceType, SearchRequest
from scim2_models import InvalidPathException as InvalidPath
from scim2_server.conditions import Conditions
from scim2_server.service import ModelT, ScimService, scim_exception_of

from xrm_core.auth.scim import dialects
from xrm_core.auth.scim.resources import Email, Group, User

_ADDRESS_BY_TYPE = re.compile(r'(?:.*:)?emails\[\s*type\s+eq\s+"([^"\\]{1,50})"\s*\]\.value', re.IGNORECASE)

_MEMBER = re.compile(r'members\[value eq "([^"\\]*)"\]')


class Service(ScimService):
    """What the library makes of a request, after it was put into the words of the RFC."""

    def read_body(self, model: type[ModelT], body: bytes, content_type: str | None, scim_ctx: Context) -> ModelT:
        """A body as it is meant."""
        payload = self.decode_body(body, content_type)
        dialects.check_texts(payload)
        match scim_ctx:
            case Context.RESOURCE_PATCH_REQUEST:
                payload = dialects.patch(payload)
            case Context.RESOURCE_CREATION_REQUEST | Context.RESOURCE_REPLACEMENT_REQUEST:
                payload = dialects.resource(payload)
            case Context.BULK_REQUEST:
                payload = _bulk(payload)
        try:
            return model.model_validate(payload, scim_ctx=scim_ctx)
        except ValidationError as exception:
            raise scim_exception_of(exception) from exception

    def read_search(self, resource_types: list[ResourceType], payload: Any) -> tuple[SearchRequest[Any], Any]:
        """A search whose filter is not too deep to be looked at."""
        dialects.check_texts(payload)
        for value in payload.values() if isinstance(payload, dict) else ():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    try:
                        dialects.check_path(text)
                    except InvalidPath as error:
                        raise InvalidFilterException(detail=error.detail) from None
        return super().read_search(resource_types, payload)

    def apply_patch(
        self, current: Resource[Any], patch_op: "PatchOp[Any]", conditions: Conditions
    ) -> Resource[Any] | None:
        """A PATCH; an address that it names by its type comes into being, and members go all at once."""
        if isinstance(current, Group):
            return self._patched_group(current, patch_op, conditions)
        if isinstance(current, User):
            for operation in patch_op.operations or []:
                named = _ADDRESS_BY_TYPE.fullmatch(str(operation.path or ""))
                if named and operation.op != "remove" and not _has_type(current, named[1]):
                    current.emails = [*(current.emails or []), Email(type=named[1])]
        return super().apply_patch(current, patch_op, conditions)

    def _patched_group(self, current: Group, patch_op: "PatchOp[Any]", conditions: Conditions) -> Resource[Any] | None:
        """The library looks through all members, and checks them anew, for each one that goes."""
        self.check_preconditions(current, "PATCH", conditions)
        modified = False
        for removes, operations in groupby(patch_op.operations or [], lambda each: _removed_member(each) is not None):
            part = list(operations)
            if removes:
                gone = {_removed_member(each) for each in part}
                before = current.members or []
                current.members = [each for each in before if each.value not in gone] or None
                modified |= len(current.members or []) != len(before)
            else:
                modified |= patch_op.model_copy(update={"operations": part}).patch(current)
        return current if modified else None


def _removed_member(operation: Any) -> str | None:
    """The id of the member that an operation removes; None: it does something else."""
    named = _MEMBER.fullmatch(str(operation.path or "")) if operation.op == "remove" else None
    return None if named is None or operation.value is not None else named[1]


def _has_type(user: User, name: str) -> bool:
    return any(str(each.type).casefold() == name.casefold() for each in user.emails or [])


def _bulk(payload: Any) -> Any:
    operations = payload.get("Operations") if isinstance(payload, dict) else None
    if not isinstance(operations, list):
        return payload
    meant = [_bulk_operation(each) if isinstance(each, dict) else each for each in operations]
    return {**cast(dict[str, Any], payload), "Operations": meant}


def _bulk_operation(operation: dict[str, Any]) -> dict[str, Any]:
    if "data" not in operation:
        return operation
    patches = str(operation.get("method")).upper() == BulkOperation.Method.patch.value
    data = operation["data"]
    return operation | {"data": dialects.patch(data) if patches else dialects.resource(data)}
