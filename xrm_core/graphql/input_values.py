"""Inputs of mutations → values as the write door takes them."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from xrm_core import naming
from xrm_core.errors import BadQuery, NotFound
from xrm_core.graphql import names
from xrm_core.graphql.link_inputs import link_values
from xrm_core.metadata.model import Entity, Field, Link, Model
from xrm_core.records.nested_input import CREATE, RECORD
from xrm_core.records.wording import noun
from xrm_core.translation import say

_IN_ONE_FORM = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch


def known_id(entity: Entity, id_: Any) -> str:
    """An id in its one form. Raises NotFound: no record can have it."""
    if isinstance(id_, str) and _IN_ONE_FORM(id_):
        return id_
    try:
        return str(UUID(id_))
    except ValueError:
        raise NotFound(say("There is no {entity} with this id.", entity=noun(entity))) from None


def record_values(model: Model, entity: Entity, given: Mapping[str, Any]) -> dict[str, Any]:
    """An input as a record: names of the entity file, plain values."""
    found: dict[str, Any] = {}
    for field in entity.fields.values():
        name = names.input_name(field)
        if name in given:
            value = given[name]
            polymorphic = field.relation is not None and field.relation.polymorphic
            found[field.name] = _one_of(model, field, value) if polymorphic and value is not None else value
        one = None if field.relation is None or field.relation.polymorphic else _created(given, field.name)
        if field.relation is not None and one is not None:
            if found.get(field.name) is not None:
                text = say("Give either {id} or {record}.", id=name, record=naming.camel(field.name))
                raise BadQuery(text, hint=say("A relation has one value: a record that is there, or a new one."))
            found[field.name] = {CREATE: record_values(model, model[field.relation.targets[0]], one)}
    for link in entity.links.values():
        if naming.camel(link.name) in given:
            found[link.name] = _linked(model, link, link_values(model, link, given[naming.camel(link.name)]))
    for inverse in entity.inverses.values():
        if (children := _created(given, inverse.name)) is not None:
            found[inverse.name] = {CREATE: [record_values(model, model[inverse.entity], each) for each in children]}
    return found


def _created(given: Mapping[str, Any], name: str) -> Any:
    """What is to be created by a relation or an inverse."""
    value = given.get(naming.camel(name))
    return value.get(CREATE) if isinstance(value, Mapping) else None


def _one_of(model: Model, field: Field, value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The value of a relation to several entities."""
    chosen: dict[str, Any] = {}
    for target in field.reference.targets:
        if value.get(names.target_key(target)) is not None:
            chosen[target] = value[names.target_key(target)]
        if (one := _created(value, target)) is not None:
            if target in chosen:
                text = say("Give either {id} or {record}.", id=names.target_key(target), record=naming.camel(target))
                raise BadQuery(text, hint=say("A relation has one value: a record that is there, or a new one."))
            chosen[target] = {CREATE: record_values(model, model[target], one)}
    return chosen or None


def _linked(model: Model, link: Link, change: dict[str, Any] | None) -> dict[str, Any] | None:
    """A change of links, with the records that it creates as the write door takes them."""
    if change is not None and change.get(CREATE):
        target = model[link.target]
        change[CREATE] = [{**each, RECORD: record_values(model, target, each[RECORD])} for each in change[CREATE]]
    return change
