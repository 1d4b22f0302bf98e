"""Operations about the model and the permissions themselves. They open no transaction: each change brings its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo, OperationDefinitionNode, OperationType, execute_sync

from xrm_core.errors import BadQuery, PermissionsChanged
from xrm_core.graphql import answers
from xrm_core.graphql.administration import Administration
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.documents import Document
from xrm_core.graphql.meanings import AdministrationField
from xrm_core.graphql.plans import Planner
from xrm_core.permissions.caller import User
from xrm_core.storage.engines import Database


@dataclass(frozen=True)
class SchemaOperations:
    """Executes operations that consist of :class:`~xrm_core.graphql.meanings.AdministrationField` fields. Blocking.

    ``policies`` is as in :class:`~xrm_core.graphql.executor.Executor`.
    """

    administration: Administration
    database: Database
    planner: Planner
    policies: str | None

    def run(self, document: Document, operation_name: str | None, variables: Mapping[str, Any], caller: User) -> Answer:
        """Execute an operation.

        Args:
            document: parsed and valid.
            operation_name: which operation; None if there is one.
            variables: as the client sent them.
            caller: who asks.

        Raises:
            PermissionsChanged: the caller's rights may be others by now; nothing was done.
        """
        outcome = execute_sync(
            self.planner.role.graphql,
            document.ast,  # type: ignore[arg-type] # valid documents have one
            variable_values=dict(variables),
            operation_name=operation_name,
            context_value=(self, caller),
            field_resolver=_resolve,
        )
        for error in outcome.errors or ():
            if isinstance(cause := answers.cause(error), PermissionsChanged):
                raise cause
        return answers.result(outcome.data, outcome.errors, self.database.understood)


def is_about_schema(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> bool:
    """Whether an operation asks for root fields about the model or the permissions.

    Raises:
        BadQuery: and for others beside them, or for two changes.
    """
    roots = planner.roots(document, operation, variables)
    about = [root for root in roots if isinstance(root, AdministrationField)]
    if about and len(about) != len(roots):
        raise BadQuery(
            "Fields about the schema and the permissions stand in an operation of their own.",
            hint="Ask for the others apart.",
        )
    if len(about) > 1 and operation.operation is OperationType.MUTATION:
        raise BadQuery(
            "A mutation has at most one change of the schema or the permissions.", hint="Give all files to one change."
        )
    return bool(about)


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    operations, caller = info.context
    meaning = operations.planner.role.meanings.get(info.parent_type.name, info.field_name)
    if not isinstance(meaning, AdministrationField):
        return source[info.field_name]
    schema, permissions = operations.administration.schema, operations.administration.permissions
    if meaning.part == "files":
        return schema.files()
    if meaning.part == "permissions":
        return permissions.current()
    given = arguments.get("files") or []
    names = [each["name"] for each in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadQuery(f"The file {', '.join(twice)} is given twice.")
    if meaning.part == "plan_permissions":
        return permissions.plan(caller, {each["name"]: each["text"] for each in given})
    if meaning.part == "apply_permissions":
        files = {each["name"]: each["text"] for each in given}
        return permissions.apply(caller, files, arguments["version"], arguments.get("note") or "", operations.policies)
    files, remove = {each["name"]: each["text"] for each in given}, arguments.get("remove") or []
    if meaning.part == "plan":
        return schema.plan(caller, files, remove)
    accept = arguments.get("accept") or []
    return schema.apply(caller, files, remove, accept, arguments["key"], operations.policies)
