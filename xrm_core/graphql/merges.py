"""What the mutation of :mod:`xrm_core.graphql.merge_fields` does."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from xrm_core.graphql import names
from xrm_core.graphql.bulk import Plain
from xrm_core.graphql.input_values import known_id, record_values
from xrm_core.graphql.meanings import Root
from xrm_core.records.merging import Wanted

if TYPE_CHECKING:
    from xrm_core.graphql.executor import Execution


def resolve_merge(info: GraphQLResolveInfo[Any], root: Root, arguments: Mapping[str, Any]) -> Plain:
    """Merge records; the one that stays is read by the field ``record`` of the answer, if that is asked for."""
    execution: Execution = info.context
    model = execution.planner.model
    entity = model[root.entity]
    into, sources = known_id(entity, arguments["into"]), [known_id(entity, each) for each in arguments["from"]]
    take: dict[str, list[str]] = {}
    for each in arguments.get("take") or ():
        fields = [names.model_name(entity, name) for name in each["fields"]]
        take.setdefault(known_id(entity, each["from"]), []).extend(fields)
    values = record_values(model, entity, arguments.get("set") or {})
    wanted = Wanted(into, sources, take, values, arguments.get("version"), arguments.get("fromVersions"))
    moved = execution.records.merge(execution.connection, execution.caller, entity.name, wanted)
    told = [Plain(entity=each.entity, moved=each.moved, dropped=each.dropped) for each in moved]
    return Plain(id=into, moved=told)
