"""Names in the GraphQL schema of a model, and the way back from them."""

from collections.abc import Mapping
from functools import lru_cache

from xrm_core import naming
from xrm_core.metadata.model import Entity, Field, Link
from xrm_core.metadata.types import FieldType


def type_name(entity: Entity) -> str:
    """``Customer``."""
    return naming.pascal(entity.name)


def single(entity: Entity) -> str:
    """Root field of one record: ``customer``."""
    return naming.camel(entity.name)


def many(entity: Entity) -> str:
    """Root field of the list: ``customers``."""
    return naming.camel(entity.plural)


def aggregate(entity: Entity) -> str:
    """Root field of figures: ``customersAggregate``."""
    return f"{many(entity)}Aggregate"


def figures(relation: str) -> str:
    """Field of figures over the records of a relation to many: ``contactsAggregate``."""
    return f"{naming.camel(relation)}Aggregate"


def trash(entity: Entity) -> str:
    """Root field of the list of those in the trash: ``customersTrash``."""
    return f"{many(entity)}Trash"


def merged_into(entity: Entity) -> str:
    """Root field of the record into which another was merged: ``customerMergedInto``."""
    return f"{single(entity)}MergedInto"


def mutation(verb: str, entity: Entity) -> str:
    """``createCustomer``."""
    return f"{verb}{type_name(entity)}"


def mutation_of_many(verb: str, entity: Entity) -> str:
    """``createCustomers``."""
    return f"{verb}{naming.pascal(entity.plural)}"


def union(entity: Entity, field: Field) -> str:
    """Type of a polymorphic relation: ``ActivityRegarding``."""
    return f"{type_name(entity)}{naming.pascal(field.name)}"


def enum(entity: Entity, field: Field) -> str:
    """Type of an enum field: ``CustomerStatus``."""
    return f"{type_name(entity)}{naming.pascal(field.name)}"


def link(entity: Entity, relation: Link) -> str:
    """Beginning of the types of a many-to-many relation: ``ProjectMembers``."""
    return f"{type_name(entity)}{naming.pascal(relation.name)}"


def input_name(field: Field) -> str:
    """Name in inputs: ``lastName``; ``ownerId`` for one record or file; ``regarding`` for one of several entities."""
    if field.type is FieldType.FILE or (field.relation is not None and not field.relation.polymorphic):
        return naming.camel(naming.relation_column(field.name))
    return naming.camel(field.name)


def target_key(target: str) -> str:
    """Key of a target in the input of a polymorphic relation: ``customerId``."""
    return naming.camel(naming.relation_column(target))


@lru_cache(maxsize=4096)
def _fields(entity_fields: tuple[str, ...]) -> Mapping[str, str]:
    return {naming.camel(name): name for name in entity_fields}


def model_name(entity: Entity, graphql_name: str) -> str:
    """``lastName`` → ``last_name``: a field, inverse or link of the entity; KeyError if there is none."""
    names = _fields((*(field.name for field in entity.all_fields()), *entity.inverses, *entity.links))
    return names[graphql_name]
