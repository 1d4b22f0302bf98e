"""Model + rights → the GraphQL schema of a role. What the role may not see is not in it.

Each generated feature has a file of its own; :func:`build` puts them together.
"""

from dataclasses import dataclass

from graphql import print_schema

from xrm_core.graphql import (
    action_fields,
    aggregates,
    feed_fields,
    filters,
    mutations,
    nodes,
    objects,
    orders,
    own_fields,
    search,
    sharing,
    subscription_fields,
    trash_fields,
)
from xrm_core.graphql.lazy import LazySchema
from xrm_core.graphql.meanings import Meanings
from xrm_core.graphql.query_fields.fields import add_query_fields
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Model
from xrm_core.permissions.access import Access
from xrm_core.records.actions import Actions


@dataclass(frozen=True)
class RoleSchema:
    """The schema of one permission shape, and what its fields mean (known once their type was looked into)."""

    graphql: LazySchema
    meanings: Meanings

    def text(self) -> str:
        """The schema in GraphQL's own language; makes all of its types."""
        return print_schema(self.graphql)


def build(
    model: Model, access: Access, actions: Actions | None = None, queries: QueryFields | None = None
) -> RoleSchema:
    """The schema for everything that ``access`` allows in a model; ``actions`` and ``queries`` are those of plugins."""
    types = Types(model, access, actions, queries)
    filters.add_filters(types)
    orders.add_orders(types)
    objects.add_objects(types)
    nodes.add_nodes(types)
    search.add_search(types)
    aggregates.add_aggregates(types)
    feed_fields.add_feed(types)
    subscription_fields.add_subscriptions(types)
    mutations.add_mutations(types)
    action_fields.add_actions(types)
    add_query_fields(types)
    trash_fields.add_trash(types)
    sharing.add_sharing(types)
    own_fields.add_own_fields(types)
    implementations = {types.node.name: types.objects.values()}
    subscription = types.subscription if types.readable else None  # GraphQL allows no type without fields
    schema = LazySchema(types.query, types.mutation, types.known, implementations, subscription)
    return RoleSchema(schema, types.meanings)
