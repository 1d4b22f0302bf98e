"""What stands behind the root fields about the model and the permissions; it is made above this room."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from xrm_core.graphql.permission_fields import PermissionAdministration
from xrm_core.graphql.schema_fields import SchemaAdministration


@dataclass(frozen=True)
class Administration:
    """Both, and ``follow``, which returns once this server answers with what was applied."""

    schema: SchemaAdministration
    permissions: PermissionAdministration
    follow: Callable[[], Awaitable[None]]
