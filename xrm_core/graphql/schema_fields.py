"""Root fields about the model itself, for roles that may see or change it: ``schemaFiles``, ``planSchemaChange``,
``applySchemaChange``. What they do stands above this room, behind :class:`SchemaAdministration`.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.meanings import AdministrationField
from xrm_core.graphql.types import Types
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import SCHEMA, Action


class SchemaAdministration(Protocol):
    """Sees, plans and applies changes of the tenant layer. Blocking.

    Answers have the shape of the GraphQL types below.
    """

    def files(self) -> list[dict[str, Any]]:
        """The files of all layers, from the lowest up."""

    def plan(self, caller: User, files: Mapping[str, str], remove: Collection[str]) -> dict[str, Any]:
        """What putting these files into the layer, and taking others out, would do.

        Raises:
            SchemaFilesInvalid: with every problem of every file.
            SchemaChangeRefused: the layers below have changes that are not applied.
        """

    def apply(
        self,
        caller: User,
        files: Mapping[str, str],
        remove: Collection[str],
        accept: Collection[str],
        key: str,
        policies: str | None,
    ) -> dict[str, Any]:
        """Do it, if the policies of this digest are still in force.

        Raises as :meth:`plan`, SchemaChangeRefused also if the plan is not the one of this key, and PermissionsChanged.
        """


def add_schema_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    if not types.access.may(SCHEMA, Action.READ):
        return
    file = builder.object_type("SchemaFile", "An entity or extension file, with the layer that it belongs to.")
    for name in ("name", "text", "layer"):
        builder.add(file, name, str)
    given = builder.input_type("SchemaFileInput", "An entity or extension file of the tenant layer.")
    builder.add(given, "name", str, "Such as customer.json; a file of the same name is replaced.")
    builder.add(given, "text", str, "The JSON text.")
    plan = _plan()
    types.know(file, given, plan)
    change = [
        Argument("files", builder.optional(builder.list_of(given)), "Files that are new or replaced."),
        Argument("remove", builder.optional(builder.list_of(str)), "Names of files that go."),
    ]
    description = "The files of the model, the lowest layer first."
    builder.add(types.query, "schemaFiles", builder.list_of(file), description)
    types.meanings.add("Query", "schemaFiles", AdministrationField("files"))
    description = "What a change of the tenant's files would do, to the data too. Changes nothing."
    builder.add(types.query, "planSchemaChange", plan, description, change)
    types.meanings.add("Query", "planSchemaChange", AdministrationField("plan"))
    if not types.access.may(SCHEMA, Action.UPDATE):
        return
    consent = [
        Argument("accept", builder.optional(builder.list_of(str)), "Keys of lossy operations that are consented to."),
        Argument("key", str, "The key of the plan that you have seen; another plan is not carried out."),
    ]
    description = "Carry a plan out. The answer comes when the server has the new model; it stands alone in a document."
    builder.add(types.mutation, "applySchemaChange", plan, description, [*change, *consent])
    types.meanings.add("Mutation", "applySchemaChange", AdministrationField("apply"))


def _plan() -> ObjectType:
    sample = builder.object_type("SchemaSample", "A record that an operation concerns.")
    builder.add(sample, "id", strawberry.ID | None)
    builder.add(sample, "value", str | None, "What stands there now.")
    operation = builder.object_type("SchemaOperation", "One step of a plan.")
    for name, text in (
        ("op", "What is done: create_entity, add_field, drop_field …"),
        ("key", "The name by which a lossy operation is accepted."),
        ("entity", "Its entity."),
        ("field", "Its field or fields; empty if it is about the entity."),
        ("risk", "safe, slow, lossy or blocked."),
        ("text", "What it does, in one sentence."),
        ("remedy", "How to go on if it is blocked."),
    ):
        builder.add(operation, name, str, text)
    builder.add(operation, "rows", int, "How many records it concerns.")
    description = "A few of them, if you may read the field in all records."
    builder.add(operation, "samples", builder.list_of(sample), description)
    plan = builder.object_type("SchemaPlan", "What would be done, or was done, in this order.")
    builder.add(plan, "key", str, "Names this very plan.")
    builder.add(plan, "operations", builder.list_of(operation))
    return plan
