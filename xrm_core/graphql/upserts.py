"""What the fields of :mod:`xrm_core.graphql.upsert_fields` do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xrm_core.graphql.bulk import Plain, told_errors
from xrm_core.graphql.input_values import record_values
from xrm_core.graphql.upsert_fields import key_name
from xrm_core.metadata.model import Entity
from xrm_core.records.keys import keys_of

if TYPE_CHECKING:
    from xrm_core.graphql.executor import Execution


def upsert(execution: "Execution", entity: Entity, arguments: Mapping[str, Any]) -> Plain:
    """Write a record; its own field answers with it."""
    key, values = _key(entity, arguments), _values(execution, entity, arguments["input"])
    call = (execution.connection, execution.caller, entity.name)
    id_, created = execution.records.upsert(*call, key, values)
    return Plain(id=id_, created=created)


def upsert_many(execution: "Execution", entity: Entity, arguments: Mapping[str, Any]) -> Plain:
    """Write many records."""
    key, rows = _key(entity, arguments), [_values(execution, entity, each) for each in arguments["input"]]
    call = (execution.connection, execution.caller, entity.name)
    outcome = execution.records.upsert_bulk(*call, key, rows, skip=arguments.get("onError") == "SKIP")
    created = [None if id_ is None else place in outcome.created for place, id_ in enumerate(outcome.ids)]
    return Plain(
        count=outcome.count,
        createdCount=len(outcome.created),
        ids=outcome.ids,
        created=created,
        errors=told_errors(outcome, [None] * len(rows)),
    )


def _key(entity: Entity, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return next(key for key in keys_of(entity) if key_name(entity, key) == arguments["by"])


def _values(execution: "Execution", entity: Entity, given: Mapping[str, Any]) -> dict[str, Any]:
    values = record_values(execution.planner.model, entity, given)
    return values | ({"id": given["id"]} if "id" in given else {})
