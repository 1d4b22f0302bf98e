"""Inputs of mutations → values as the write door takes them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from xrm_core import naming
from xrm_core.errors import NotFound
from xrm_core.graphql import names
from xrm_core.graphql.link_inputs import link_values
from xrm_core.metadata.model import Entity, Model
from xrm_core.records.wording import noun
from xrm_core.translation import say


def known_id(entity: Entity, id_: Any) -> str:
    """An id in its one form. Raises NotFound: no record can have it."""
    try:
        return str(UUID(id_))
    except ValueError:
        raise NotFound(say("There is no {entity} with this id.", entity=noun(entity))) from None


def record_values(model: Model, entity: Entity, given: Mapping[str, Any]) -> dict[str, Any]:
    """An input as a record: names of the entity file, plain values."""
    found: dict[str, Any] = {}
    for field in entity.fields.values():
        name = names.input_name(field)
        if name not in given:
            continue
        value = given[name]
        if field.relation is not None and field.relation.polymorphic and value is not None:
            chosen = {
                target: value[names.target_key(target)]
                for target in field.relation.targets
                if value.get(names.target_key(target)) is not None
            }
            found[field.name] = chosen or None
        else:
            found[field.name] = value
    for link in entity.links.values():
        if naming.camel(link.name) in given:
            found[link.name] = link_values(model, link, given[naming.camel(link.name)])
    return found
