"""Root fields that the platform has beside those of records. No action of a plugin may have the name of one."""

from xrm_core.graphql import (
    account_fields,
    builder,
    job_fields,
    message_fields,
    permission_fields,
    schema_fields,
    user_fields,
    webhook_fields,
    workflow_fields,
)
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Model
from xrm_core.permissions.access import Access
from xrm_core.permissions.policy import Action
from xrm_core.plugins import Plugins
from xrm_core.records.actions import Actions


def add_own_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    schema_fields.add_schema_fields(types)
    account_fields.add_account_fields(types)
    user_fields.add_user_fields(types)
    job_fields.add_job_fields(types)
    webhook_fields.add_webhook_fields(types)
    message_fields.add_message_fields(types)
    workflow_fields.add_workflow_fields(types)
    permission_fields.add_permission_fields(types)


class _Everything(Access):
    """Has the right to all that the platform has beside records."""

    def may(self, entity: str, action: Action) -> bool:  # noqa: ARG002 - whatever they are
        return True


def own_mutations(model: Model) -> list[str]:
    """The names of such mutations, whatever role has them."""
    types = Types(model, _Everything("own fields", {}, personal=True), Actions(Plugins(), model))
    add_own_fields(types)
    return builder.field_names(types.mutation)


def require_free(actions: Actions, model: Model) -> None:
    """Refuse an action whose mutation would have the name of one of these: it could not be asked for.

    Those of records are known to :class:`~xrm_core.records.actions.Actions` itself.

    Raises:
        PluginLoadError: names the plugin, the action and the mutation.
    """
    taken = set(own_mutations(model)) if actions else set()
    for name, action in actions.items():
        field = actions.field(action, model)
        if field in taken:
            raise actions.refused(name, f"would have the mutation {field}, which is the platform's")
