"""What becomes of a query: its statements, what it costs, and the fields for which it has need of an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationType

from xrm_core.errors import BadQuery
from xrm_core.graphql.arguments import Arguments
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.roles import Role
from xrm_core.query.index_use import IndexUse, index_uses
from xrm_core.query.statement import compile_request
from xrm_core.storage.readers import Call


@dataclass(frozen=True)
class ExplainedField:
    """A root field: its statement with its values, and what its filters, rules and orders would look up."""

    key: str
    call: Call
    uses: tuple[IndexUse, ...]


@dataclass(frozen=True)
class ExplainedQuery:
    """All root fields; ``cost`` is what ``extensions.cost`` of the answer would say."""

    fields: tuple[ExplainedField, ...]
    cost: Mapping[str, Any]


def explain(
    role: Role, text: str, operation_name: str | None, given: Mapping[str, Any], context: Mapping[str, Any]
) -> ExplainedQuery:
    """Plan a query without running it.

    Args:
        role: whose rights it is planned under.
        text: the document.
        operation_name: which operation of it, if it has several.
        given: values of variables.
        context: values of the caller, by the names of their binds.

    Raises:
        BadQuery, QueryTooLarge: it would be refused, or is no query for records.
    """
    document = role.documents.read(text)
    if document.errors:
        raise _refused(document.errors)
    operation = document.operation(operation_name)
    if operation.operation is not OperationType.QUERY:
        raise BadQuery("Only queries can be explained.")
    role.documents.check_variables(given)
    variables = document.variables_of(operation).coerced(given)
    if isinstance(variables, list):
        raise _refused(variables)
    arguments = Arguments(variables)
    demands = Demands(variables, arguments, role.planner.limits)
    requests = role.planner.requests(document, operation, arguments, demands)
    if requests is None:
        raise BadQuery("Not all of it reads records: introspection and the model itself have no statement.")
    values = {name: getter(variables) for name, getter in arguments.getters.items()} | dict(context)
    for use in demands.cursors:
        values.update(zip(use.names, use.values(use.getter(variables)), strict=True))
    demands.check(variables)
    scope = role.planner.scope
    fields = []
    for key, request in requests.items():
        if request is not None:
            statement = compile_request(scope, request)
            uses = tuple(dict.fromkeys(index_uses(scope, request)))
            fields.append(ExplainedField(key, statement.call(values), uses))
    return ExplainedQuery(tuple(fields), demands.cost(variables))


def _refused(errors: Sequence[GraphQLError]) -> BadQuery:
    return BadQuery(" ".join(error.message for error in errors))
