"""Queries that do not only read records: graphql-core executes them, the records in them come ready from their plan."""

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, execute_sync

from xrm_core.graphql import answers
from xrm_core.graphql.answers import Answer
from xrm_core.graphql.documents import Document
from xrm_core.graphql.executor import type_of
from xrm_core.graphql.schema import RoleSchema


def execute(
    role: RoleSchema,
    document: Document,
    operation_name: str | None,
    raw: Mapping[str, Any],
    records: Mapping[str, bytes | None],
    extensions: Mapping[str, Any] | None,
) -> Answer:
    """Execute a query on a role's schema.

    Args:
        role: the schema.
        document: parsed and valid.
        operation_name: which operation; None if there is one.
        raw: variables as the client sent them.
        records: what the statements of its plan answered, by response key.
        extensions: those of the answer.
    """
    outcome = execute_sync(
        role.graphql,
        document.ast,  # type: ignore[arg-type] # valid documents have one
        root_value={key: None if text is None else orjson.loads(text) for key, text in records.items()},
        variable_values=dict(raw),
        operation_name=operation_name,
        field_resolver=_resolve,
        type_resolver=type_of,
    )
    return answers.result(outcome.data, outcome.errors, _none, extensions)


def _resolve(source: Mapping[str, Any], info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    return source[str(info.path.key)]


def _none(_error: BaseException) -> None:
    """No statement runs in here, so no error is the database's."""
