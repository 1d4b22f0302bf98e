"""Model + rights → the GraphQL schema of a role. What the role may not see is not in it.

Each generated feature has a file of its own; :func:`build` puts them together.
"""

from dataclasses import dataclass

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from xrm_core.graphql import aggregates, builder, filters, mutations, objects, orders
from xrm_core.graphql.meanings import Meanings
from xrm_core.graphql.scalars import SCALARS
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Model
from xrm_core.permissions.access import Access


@dataclass(frozen=True)
class RoleSchema:
    """The schema of one permission shape, and what its fields mean."""

    strawberry: strawberry.Schema
    meanings: Meanings

    @property
    def graphql(self) -> GraphQLSchema:
        """graphql-core's view of it, for parsing, validation and execution."""
        return self.strawberry._schema

    def text(self) -> str:
        """The schema in GraphQL's own language."""
        return self.strawberry.as_str()


def build(model: Model, access: Access) -> RoleSchema:
    """The schema for everything that ``access`` allows in a model."""
    types = Types(model, access)
    filters.add_filters(types)
    orders.add_orders(types)
    objects.add_objects(types)
    aggregates.add_aggregates(types)
    mutations.add_mutations(types)
    if not builder.has_fields(types.query):
        builder.add(types.query, "nothing", bool | None, "Your role may not read anything.")
    schema = strawberry.Schema(
        query=types.query,
        mutation=types.mutation if builder.has_fields(types.mutation) else None,
        config=StrawberryConfig(auto_camel_case=False, disable_field_suggestions=True, scalar_map=SCALARS),
    )
    return RoleSchema(schema, types.meanings)
