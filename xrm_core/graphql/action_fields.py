"""Mutations that run actions of plugins: ``winOpportunity(id, input, version, dryRun)``."""

from typing import Any

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.meanings import ActionRoot, Root
from xrm_core.graphql.shaped_types import capital, shaped
from xrm_core.graphql.types import Types
from xrm_core.permissions.policy import Action as Right

_VERSION = Argument("version", int | None, "The version that you read. If the record has another now, nothing is done.")


def add_actions(types: Types) -> None:
    """Those that the role may run; about a record, if it may read some and has the right that the action needs."""
    for name, action in types.actions.items():
        if not types.access.may_run(name):
            continue
        if action.entity is not None and not all(
            types.access.may(action.entity, right) for right in (Right.READ, Right(action.needs))
        ):
            continue
        field = types.actions.field(action, types.model)
        arguments = [] if action.entity is None else [Argument("id", strawberry.ID)]
        shape, answer = types.actions.input(name), types.actions.answer(name)
        if shape is not None:
            given: Any = shaped(types, shape, f"{capital(field)}Input", field, inputs=True)
            if not any(part.required for part in shape.parts):
                given = given | None
            arguments.append(Argument("input", given))
        arguments += [] if action.entity is None else [_VERSION]
        arguments.append(DRY_RUN)
        result: Any = bool if action.entity is None else types.objects[action.entity]
        if answer is not None:
            result = shaped(types, answer, f"{capital(field)}Result", field, inputs=False)
            if action.entity is not None:
                builder.add(result, "record", types.objects[action.entity], "The record, as it is now.")
                types.meanings.add(result.name, "record", Root("merged", action.entity))
        builder.add(types.mutation, field, result, action.about or f"Run {name}.", arguments)
        types.meanings.add("Mutation", field, ActionRoot(name, action.entity))
