"""What the fields of :mod:`xrm_core.graphql.bulk_fields` do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLResolveInfo

from xrm_core.errors import BadQuery, XrmError
from xrm_core.graphql.arguments import Arguments
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.input_values import known_id, record_values
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.plans import Plan, Step
from xrm_core.graphql.where import predicate
from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import Literal_
from xrm_core.query.context import ContextValues
from xrm_core.query.reads import Marker, logs_reads
from xrm_core.query.request import Connection, Nodes, Page, Value
from xrm_core.query.statement import compile_request
from xrm_core.records.bulk import MOST, Outcome, require_fits
from xrm_core.records.in_trash import hold_in_trash
from xrm_core.records.locking import hold
from xrm_core.storage.readers import fetch_in
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.graphql.executor import Execution


_ROUNDS = 4
"""In which records are looked for by a filter and held, until all that fit are held."""


class Plain(dict[str, Any]):
    """A value of an answer whose keys are the names of its fields, not those of the answer."""


def plain(value: Any) -> Any:
    """A value of JSON with all that is in it."""
    if isinstance(value, dict):
        return Plain({key: plain(each) for key, each in value.items()})
    return [plain(each) for each in value] if isinstance(value, list) else value


def resolve_many(info: GraphQLResolveInfo[Any], root: Root, arguments: Mapping[str, Any]) -> Plain:
    """Do what one of these fields says."""
    execution: Execution = info.context
    model, records = execution.planner.model, execution.records
    entity, skip = model[root.entity], arguments.get("onError") == "SKIP"
    call = (execution.connection, execution.caller, entity.name)
    if root.kind == "create_many":
        require_fits(entity, len(arguments["input"]))
        rows = [record_values(model, entity, each) for each in arguments["input"]]
        return _told(records.create_bulk(*call, rows, skip=skip), [None] * len(rows))
    ids = _ids(info, root, entity, arguments)
    if root.kind == "update_many":
        changes = record_values(model, entity, arguments["set"])
        return _told(records.update_bulk(*call, ids, changes, skip=skip), ids)
    if root.kind == "restore_many":
        return _told(records.restore_bulk(*call, ids, skip=skip), ids)
    if root.kind == "purge_many":
        return _told(records.purge_bulk(*call, ids, skip=skip, address=execution.address), ids)
    return _told(records.delete_bulk(*call, ids, skip=skip), ids)


def _told(outcome: Outcome, given: list[Any]) -> Plain:
    return Plain(count=outcome.count, ids=outcome.ids, errors=told_errors(outcome, given))


def told_errors(outcome: Outcome, given: list[Any]) -> list[Plain]:
    """What is wrong with those that were left out; ``given`` has the id of each, or None."""
    return [_error(index, given[index], error) for index, error in sorted(outcome.errors.items())]


def _error(index: int, id_: str | None, error: XrmError) -> Plain:
    problems = [
        Plain(field=each["field"], label=each.get("label"), rule=each["rule"], message=each["message"])
        for each in error.details.get("problems", ())
    ]
    return Plain(index=index, id=id_, code=error.code, message=error.message, problems=problems)


def _ids(info: GraphQLResolveInfo[Any], root: Root, entity: Entity, arguments: Mapping[str, Any]) -> list[str]:
    given, where = arguments.get("ids"), arguments.get("where")
    if (given is None) == (where is None):
        raise BadQuery(say("Give either ids or where."), hint=say("An empty where means all that you may read."))
    if given is not None:
        require_fits(entity, len(given))
        return list(dict.fromkeys(known_id(entity, each) for each in given))
    execution: Execution = info.context
    planner, variables = execution.planner, execution.variables
    taken = Arguments(variables)
    demands = Demands(variables, taken, planner.limits)
    selections = planner.selections(execution.document, taken, demands)
    read = selections.read(info.field_nodes[0], info.parent_type.fields[info.field_name])
    wanted = predicate(planner.model, entity, read.get("where"), demands)
    nodes = (Nodes("nodes", (Value("id", "id"),)),)
    trashed = root.kind in ("restore_many", "purge_many")
    asked = Connection(entity.name, wanted, (), Page(Literal_(MOST + 1)), nodes, trashed=trashed)
    marker = Marker(planner.model)
    request = marker.request(asked) if logs_reads(planner.model) else asked
    plan = Plan((Step("", b"", compile_request(planner.scope, request)),), taken.getters, demands, reads=marker.reads)
    values = plan.values(variables, ContextValues(execution.caller))
    calls = plan.calls({} if values is None else values)  # those of the caller come when asked for: empty is not none

    def ask() -> list[str]:
        answer = fetch_in(execution.connection, calls[0], execution.timeout)
        if plan.reads:
            [answer], reads = plan.shown([answer])
            execution.reads.extend(reads)
        found = [each["id"] for each in orjson.loads(answer or b'{"nodes":[]}')["nodes"]]
        require_fits(entity, len(found))
        return found

    found = ask()
    if execution.connection.dialect.name == "sqlite":  # it has one writer at a time
        return found
    held: set[str] = set()
    for _ in range(_ROUNDS):  # others may have changed them before they were held, and others so that they fit by now
        new = [id_ for id_ in found if id_ not in held]
        if not new:
            return found
        if trashed:
            hold_in_trash(execution.connection, entity, new)
        else:
            table = execution.records.tables[entity.name]
            hold(execution.connection, table, new, goes=root.kind == "delete_many")
        held.update(new)
        found = ask()
    return [id_ for id_ in found if id_ in held]
