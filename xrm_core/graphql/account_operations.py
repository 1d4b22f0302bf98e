"""Operations about the account of whoever asks, about those of others, about jobs, webhooks, messages and
workflows.

They open transactions of their own: a wrong password is counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo, OperationDefinitionNode, execute_sync

from xrm_core.errors import BadQuery, ModelOutOfDate
from xrm_core.graphql import answers
from xrm_core.graphql.account_fields import OwnAccount
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.documents import Document
from xrm_core.graphql.meanings import (
    JOB_PARTS,
    MESSAGE_PARTS,
    USER_PARTS,
    WEBHOOK_PARTS,
    WORKFLOW_PARTS,
    AccountField,
)
from xrm_core.graphql.plans import Planner
from xrm_core.permissions.caller import User
from xrm_core.storage.engines import Database


@dataclass(frozen=True)
class AccountOperations:
    """Executes operations that consist of :class:`~xrm_core.graphql.meanings.AccountField` fields. Blocking."""

    account: OwnAccount
    database: Database
    planner: Planner

    def run(
        self,
        document: Document,
        operation_name: str | None,
        variables: Mapping[str, Any],
        caller: User,
        address: str | None,
        extensions: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Execute an operation.

        Args:
            document: parsed and valid.
            operation_name: which operation; None if there is one.
            variables: as the client sent them.
            caller: who asks.
            address: of the client, if it is known.
            extensions: those of the answer.

        Raises:
            ModelOutOfDate: the database has another model or other policies by now; nothing was done.
        """

        def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            meaning = self.planner.role.meanings.get(info.parent_type.name, info.field_name)
            if not isinstance(meaning, AccountField):
                return source[info.field_name]
            if meaning.part == "me":
                return self.account.me(caller)
            change: Callable[..., Any] = getattr(self._owner(meaning.part), meaning.part)
            return change(caller, address, **arguments)

        outcome = execute_sync(
            self.planner.role.graphql,
            document.ast,  # type: ignore[arg-type] # valid documents have one
            variable_values=dict(variables),
            operation_name=operation_name,
            field_resolver=resolve,
        )
        for error in outcome.errors or ():
            if isinstance(cause := answers.cause(error), ModelOutOfDate):
                raise cause
        return answers.result(outcome.data, outcome.errors, self.database.understood, extensions)

    def _owner(self, part: str) -> Any:
        if part in JOB_PARTS:
            return self.account.jobs
        if part in WEBHOOK_PARTS:
            return self.account.webhooks
        if part in MESSAGE_PARTS:
            return self.account.messages
        if part in WORKFLOW_PARTS:
            return self.account.workflows
        return self.account.users if part in USER_PARTS else self.account


def is_about_account(
    planner: Planner, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> bool:
    """Whether an operation asks for a root field about the caller's account.

    Raises:
        BadQuery: and for others beside it: a document is one attempt, whatever aliases it has.
    """
    roots = planner.roots(document, operation, variables)
    about = any(isinstance(root, AccountField) for root in roots)
    if about and len(roots) != 1:
        raise BadQuery(
            "A field about your account stands alone in its operation.", hint="Ask for the other fields apart."
        )
    return about
