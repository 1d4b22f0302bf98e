"""Documents that plugins ask: planned as those of clients are, and answered in a transaction that is open."""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

import orjson
from graphql import OperationDefinitionNode, OperationType
from sqlalchemy import Connection

from xrm_core.errors import Forbidden
from xrm_core.graphql.documents import Document
from xrm_core.graphql.plans import Plan
from xrm_core.graphql.roles import Role, Roles
from xrm_core.permissions.access import Access, full_access
from xrm_core.permissions.caller import Caller
from xrm_core.query.context import ContextValues
from xrm_core.records.asking import Asked, DocumentInvalid
from xrm_core.records.read_log import Reads
from xrm_core.storage.readers import fetch_in
from xrm_core.translation import say

_MOST = 500
"""Documents that are kept, each for each set of rights; of more, those that were not asked for the longest go."""


class Asking:
    """Answers documents about the records of one model. Blocking; for several threads.

    Args:
        roles: have schema and limits of each set of rights.
    """

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._kept: OrderedDict[tuple[str, str], Document] = OrderedDict()
        self._lock = Lock()

    def ask(
        self, connection: Connection, caller: Caller, document: str, variables: Mapping[str, Any] | None = None
    ) -> Asked:
        """See :class:`~xrm_core.records.asking.Asks`."""
        role = self._roles.made(caller.access)
        found = self._document(role, caller.access, document)
        operation = found.operation(None)
        if operation.operation is not OperationType.QUERY:
            raise DocumentInvalid("a document of a plugin is a query; changes go through the door for records")
        given = dict(variables or {})
        role.documents.check_variables(given)
        coerced = found.variables_of(operation).coerced(given)
        if isinstance(coerced, list):
            raise DocumentInvalid(f"variables of a document: {coerced[0].message}")
        plan, values = _planned(role, found, operation, coerced, caller)
        results = plan.opened(connection, [fetch_in(connection, call, role.timeout) for call in plan.calls(values)])
        reads: Reads = ()
        if plan.reads:
            results, reads = plan.shown(results)
        data: dict[str, Any] = orjson.loads(plan.answer(results))["data"]
        return Asked(data, reads, plan.demands.costs.total(coerced))

    def _document(self, role: Role, access: Access, text: str) -> Document:
        key = (access.shape, text)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = role.documents.read(text)
        if found.errors:
            raise self._refused(text, found.errors[0].message)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found

    def _refused(self, text: str, reason: str) -> Exception:
        """What is there for the platform, but not for the caller, is a matter of rights; all else is a mistake."""
        if self._roles.made(full_access(self._roles.model)).documents.read(text).errors:
            return DocumentInvalid(reason)
        return Forbidden(
            say("You may not see all that this is made of."), hint=say("Ask an administrator for the permission.")
        )


def _planned(
    role: Role,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    caller: Caller,
) -> tuple[Plan, dict[str, Any]]:
    key = (document.variables_of(operation).plan_key(variables), False)
    while True:
        plan: Plan | None = document.plans.get(key)
        if plan is None:
            plan = role.planner.plan(document, operation, variables)
            document.remember(key, plan)
        if not plan.whole:
            raise DocumentInvalid("a document of a plugin asks for records, and for nothing else")
        values = plan.values(variables, ContextValues(caller))
        if values is not None:
            return plan, values
        document.plans.pop(key, None)  # other cursor values are empty now than when it was made
