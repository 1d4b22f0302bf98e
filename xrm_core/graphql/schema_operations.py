"""Operations about the model itself. They open no transaction of their own: a change of tables brings its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo, OperationDefinitionNode, OperationType, execute_sync

from xrm_core.errors import BadQuery, PermissionsChanged
from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.documents import Document
from xrm_core.graphql.meanings import SchemaField
from xrm_core.graphql.plans import Planner
from xrm_core.graphql.schema_fields import SchemaAdministration
from xrm_core.permissions.caller import User
from xrm_core.storage.engines import Database


@dataclass(frozen=True)
class SchemaOperations:
    """Executes operations that consist of :class:`~xrm_core.graphql.meanings.SchemaField` fields. Blocking.

    ``policies`` is as in :class:`~xrm_core.graphql.executor.Executor`.
    """

    administration: SchemaAdministration
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
    """Whether an operation asks for root fields about the model.

    Raises:
        BadQuery: and for others beside them, or for two changes.
    """
    roots = planner.roots(document, operation, variables)
    about = [root for root in roots if isinstance(root, SchemaField)]
    if about and len(about) != len(roots):
        raise BadQuery("Fields about the schema stand in an operation of their own.", hint="Ask for the others apart.")
    if len(about) > 1 and operation.operation is OperationType.MUTATION:
        raise BadQuery("A mutation has at most one change of the schema.", hint="Give all files to one change.")
    return bool(about)


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    operations, caller = info.context
    meaning = operations.planner.role.meanings.get(info.parent_type.name, info.field_name)
    if not isinstance(meaning, SchemaField):
        return source[info.field_name]
    administration: SchemaAdministration = operations.administration
    if meaning.part == "files":
        return administration.files()
    given = arguments.get("files") or []
    names = [each["name"] for each in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadQuery(f"The file {', '.join(twice)} is given twice.")
    files, remove = {each["name"]: each["text"] for each in given}, arguments.get("remove") or []
    if meaning.part == "plan":
        return administration.plan(caller, files, remove)
    accept = arguments.get("accept") or []
    return administration.apply(caller, files, remove, accept, arguments["key"], operations.policies)
