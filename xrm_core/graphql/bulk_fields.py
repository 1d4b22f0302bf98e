"""Many records in one field: ``createCustomers``, ``updateCustomers``, ``deleteCustomers``."""

from typing import Any

import strawberry

from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, InputType
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.meanings import Root
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action
from xrm_core.records.bulk import MOST

_ON_ERROR = {
    "ABORT": "Nothing is done if one of them cannot be written; the error says what is wrong with which.",
    "SKIP": "Those that cannot be written are left out; the answer says what is wrong with which.",
}


def add_bulk(types: Types, entity: Entity, create: InputType | None, update: InputType | None) -> None:
    """The mutations of many records of an entity that the role may use."""
    noun, result = label(entity.plural_labels) or names.many(entity), _result(types)
    which, more = _which(types, entity), _more(types)
    if create is not None:
        given = Argument("input", builder.list_of(create), f"{MOST} at most.")
        _add(types, entity, "create", f"Create many {noun}.", [given, *more])
    if update is not None:
        given = Argument("set", update, "What they become; what is not given stays.")
        _add(types, entity, "update", f"Change many {noun} in the same way.", [*which, given, *more])
    if types.access.may(entity.name, Action.DELETE):
        _add(types, entity, "delete", f"Move many {noun} to the trash.", [*which, *more])
    types.know(result)


def add_of_trash(types: Types, entity: Entity, verb: str, about: str) -> None:
    """A mutation of many records in the trash."""
    _add(types, entity, verb, about, [*_which(types, entity), *_more(types)])


def _which(types: Types, entity: Entity) -> list[Argument]:
    return [
        Argument("ids", builder.optional(builder.list_of(strawberry.ID)), f"Which; {MOST} at most."),
        Argument("where", types.filters[entity.name] | None, f"Or all of these that you may read; {MOST} at most."),
    ]


def _more(types: Types) -> list[Argument]:
    return [Argument("onError", on_error(types), "What becomes of the others.", default="ABORT"), DRY_RUN]


def _add(types: Types, entity: Entity, verb: str, about: str, arguments: list[Argument]) -> None:
    name = names.mutation_of_many(verb, entity)
    builder.add(types.mutation, name, _result(types), about, arguments)
    types.meanings.add("Mutation", name, Root(f"{verb}_many", entity.name))  # type: ignore[arg-type] # one of them


def on_error(types: Types) -> Any:
    """The type of the argument that says what becomes of the others."""
    if "OnError" not in types.shared:
        types.shared["OnError"] = builder.enum_type("OnError", _ON_ERROR, _ON_ERROR)
        types.know(types.shared["OnError"])
    return types.shared["OnError"]


def _result(types: Types) -> Any:
    if "BulkResult" not in types.shared:
        result = builder.object_type("BulkResult", "What has become of many records.")
        builder.add(result, "count", int, "How many were written.")
        builder.add(result, "ids", list[strawberry.ID | None], "Their ids, in the order given; null: left out.")
        builder.add(
            result, "errors", builder.list_of(error_type(types)), "What is wrong with those that were left out."
        )
        types.shared["BulkResult"] = result
    return types.shared["BulkResult"]


def error_type(types: Types) -> Any:
    """The type of what is wrong with one of many records."""
    if "BulkError" in types.shared:
        return types.shared["BulkError"]
    problem = builder.object_type("BulkProblem", "What is wrong with a field of a record.")
    builder.add(problem, "field", str, "Name of the field in its entity file; empty: of the whole record.")
    builder.add(problem, "label", str | None, "What people call it.")
    builder.add(problem, "rule", str, "Which rule is broken.")
    builder.add(problem, "message", str, "In the language asked for.")
    error = builder.object_type("BulkError", "What is wrong with one of many records.")
    builder.add(error, "index", int, "Its place among those that were given, from 0.")
    builder.add(error, "id", strawberry.ID | None, "Its id; null if it was to be created.")
    builder.add(error, "code", str, "Code of the error.")
    builder.add(error, "message", str, "In the language asked for.")
    builder.add(error, "problems", builder.list_of(problem), "Field by field, if it is not valid.")
    types.know(problem, error)
    types.shared["BulkError"] = error
    return error
