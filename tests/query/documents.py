"""Hypothesis strategies: read documents as trees, and those trees as GraphQL."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.graphql.kit import uid
from tests.query.oracle_rights import Rights
from tests.query.oracle_values import applicable
from tests.query.random_rights import Conditions, Pool
from tests.query.random_rows import ENTITIES, FIRST_ID, Draw, values
from xrm_core import naming
from xrm_core.metadata.model import Entity, Field, Link, Model
from xrm_core.metadata.types import COMPARABLE

FUNCTIONS = ("sum", "avg", "min", "max", "countDistinct")


class Documents:
    """Draws root fields that a role may ask for."""

    def __init__(self, draw: Draw, of: Rights, pool: Pool = values) -> None:
        self.draw = draw
        self.rights = of
        self.model = of.model
        self.conditions = Conditions(draw, self.model, of, pool)

    def root(self) -> dict[str, Any] | None:
        """A root field; None if the role may read nothing."""
        readable = [name for name in ENTITIES if self.rights.readable(name)]
        if not readable:
            return None
        entity = self.model[self.draw(st.sampled_from(readable))]
        kind = self.draw(st.sampled_from(["record", "connection", "connection", "connection", "aggregate"]))
        request: dict[str, Any] = {"kind": kind, "entity": entity.name}
        if kind == "record":
            request["id"] = uid(FIRST_ID[entity.name] + self.draw(st.integers(1, 3)))
            request["selection"] = self.selection(entity, 2)
        elif kind == "connection":
            request |= self.connection(entity, 2)
        else:
            request |= self.aggregate(entity)
        return request

    def _fields(self, entity: Entity) -> list[Field]:
        return [each for each in entity.all_fields() if self.rights.has(entity, each)]

    def selection(self, entity: Entity, depth: int) -> list[dict[str, Any]]:
        """What is asked of a record."""
        found: list[dict[str, Any]] = []
        for number in range(self.draw(st.integers(1, 4))):
            key = f"k{number}"
            kind = self.draw(
                st.sampled_from(["value", "value", "one", "many", "linked", "typename"] if depth else ["value"])
            )
            found.append({"key": key, **self._item(entity, kind, depth)})
        return found

    def _item(self, entity: Entity, kind: str, depth: int) -> dict[str, Any]:
        if kind == "typename":
            return {"kind": "typename"}
        relations = [each for each in self._fields(entity) if each.relation is not None]
        if kind == "one" and relations:
            of = self.draw(st.sampled_from(relations))
            branches = {target: self.selection(self.model[target], depth - 1) for target in self.rights.targets(of)}
            if of.reference.polymorphic:  # keys of their own, since branches of a union must not disagree on types
                for target, items in branches.items():
                    for item in items:
                        item["key"] = f"{target}{item['key']}"
            return {"kind": "one", "field": of.name, "branches": branches, "union": of.reference.polymorphic}
        inverses = [
            each
            for each in entity.inverses.values()
            if self.rights.has(self.model[each.entity], self.model[each.entity][each.field])
        ]
        if kind == "many" and inverses:
            inverse = self.draw(st.sampled_from(inverses))
            target = self.model[inverse.entity]
            return {"kind": "many", "field": inverse.name, "request": self.connection(target, depth - 1)}
        if kind == "linked" and (links := self.rights.linked(entity)):
            return self._linked(self.draw(st.sampled_from(links)), depth)
        of = self.draw(st.sampled_from([each for each in self._fields(entity) if each.relation is None]))
        return {"kind": "value", "field": of.name}

    def _linked(self, link: Link, depth: int) -> dict[str, Any]:
        through = self.model[link.through]
        attributes = [each.name for each in self._fields(through) if each.relation is None and not each.system]
        request = self.connection(self.model[link.target], depth - 1)
        request["attributes"] = self.draw(st.lists(st.sampled_from(attributes), unique=True)) if attributes else []
        request["where_link"] = self.conditions.tree(through) if self.draw(st.booleans()) else {}
        return {"kind": "linked", "field": link.name, "request": request}

    def connection(self, entity: Entity, depth: int) -> dict[str, Any]:
        """A page of a list."""
        parts = self.draw(
            st.lists(st.sampled_from(["nodes", "edges", "pageInfo", "totalCount"]), min_size=1, unique=True)
        )
        return {
            "where": self.conditions.tree(entity),
            "order": [(self._path(entity), self.draw(st.booleans())) for _ in range(self.draw(st.integers(0, 2)))],
            "size": self.draw(st.sampled_from([None, None, 0, 1, 2, 3, 100])),
            "backward": self.draw(st.booleans()),
            "parts": parts,
            "selection": self.selection(entity, depth),
        }

    def _path(self, entity: Entity, *, grouping: bool = False) -> tuple[str, ...]:
        path: list[str] = []
        while True:
            found = [
                each
                for each in self._fields(entity)
                if (each.type in COMPARABLE or each.parts if each.relation is None else not each.reference.polymorphic)
            ]
            if len(path) == 2:
                found = [each for each in found if each.relation is None]
            of = self.draw(st.sampled_from(found))
            path.append(of.name)
            if of.parts:
                path[-1] = "{}.{}".format(of.name, "currency" if grouping else self.draw(st.sampled_from([*of.parts])))
            if of.relation is None:
                return tuple(path)
            entity = self.model[of.reference.targets[0]]

    def aggregate(self, entity: Entity) -> dict[str, Any]:
        """Figures."""
        measures = {}
        for function in self.draw(st.lists(st.sampled_from(FUNCTIONS), max_size=3, unique=True)):
            names = [each.name for each in self._fields(entity) if each.relation is None and applicable(function, each)]
            if names:
                measures[function] = self.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        return {
            "where": self.conditions.tree(entity),
            "groups": [self._path(entity, grouping=True) for _ in range(self.draw(st.integers(0, 2)))],
            "size": self.draw(st.sampled_from([None, None, 0, 1, 2])),
            "measures": measures,
        }


# -- as GraphQL -------------------------------------------------------------------------------------------------------


def text(model: Model, key: str, request: Mapping[str, Any]) -> str:
    """A root field in GraphQL."""
    entity = model[request["entity"]]
    if request["kind"] == "record":
        body = _selection(model, entity, request["selection"])
        return f'{key}: {naming.camel(entity.name)}(id: "{request["id"]}") {body}'
    if request["kind"] == "connection":
        return f"{key}: {naming.camel(entity.plural)}{_connection(model, entity, request)}"
    return f"{key}: {naming.camel(entity.plural)}Aggregate{_aggregate(model, entity, request)}"


def _selection(model: Model, entity: Entity, selection: list[dict[str, Any]]) -> str:
    parts = []
    for item in selection:
        key = item["key"]
        match item["kind"]:
            case "typename":
                parts.append(f"{key}: __typename")
            case "value":
                inside = " { amount currency }" if entity[item["field"]].parts else ""
                parts.append(f"{key}: {naming.camel(item['field'])}{inside}")
            case "one":
                inner = {target: _selection(model, model[target], each) for target, each in item["branches"].items()}
                if item["union"]:
                    body = "{" + " ".join(f"... on {naming.pascal(name)} {each}" for name, each in inner.items()) + "}"
                else:
                    [body] = inner.values()
                parts.append(f"{key}: {naming.camel(item['field'])} {body}")
            case "many":
                target = model[entity.inverses[item["field"]].entity]
                parts.append(f"{key}: {naming.camel(item['field'])}{_connection(model, target, item['request'])}")
            case "linked":
                link = entity.links[item["field"]]
                body = _connection(model, model[link.target], item["request"], model[link.through])
                parts.append(f"{key}: {naming.camel(item['field'])}{body}")
    return "{ " + " ".join(parts) + " }"


def _connection(model: Model, entity: Entity, request: Mapping[str, Any], through: Entity | None = None) -> str:
    arguments = []
    if request["where"]:
        arguments.append(f"where: {literal(request['where'], model, entity)}")
    if through is not None and request["where_link"]:
        arguments.append(f"whereLink: {literal(request['where_link'], model, through)}")
    if request["order"]:
        each = (nested(path, "DESC" if down else "ASC") for path, down in request["order"])
        arguments.append(f"orderBy: [{', '.join(each)}]")
    if request["size"] is not None or request["backward"]:
        size = 50 if request["size"] is None else request["size"]
        arguments.append(f"{'last' if request['backward'] else 'first'}: {size}")
    body = _selection(model, entity, request["selection"])
    forms = {
        "nodes": f"nodes {body}",
        "edges": f"edges {{ {' '.join(map(naming.camel, request.get('attributes', ())))} node {body} }}",
        "pageInfo": "pageInfo { hasNextPage hasPreviousPage }",
        "totalCount": "totalCount",
    }
    given = f"({', '.join(arguments)})" if arguments else ""
    return f"{given} {{ {' '.join(forms[part] for part in request['parts'])} }}"


def nested(path: tuple[str, ...], leaf: str) -> str:
    for name in reversed(".".join(path).split(".")):
        leaf = f"{{{naming.camel(name)}: {leaf}}}"
    return leaf


def _aggregate(model: Model, entity: Entity, request: Mapping[str, Any]) -> str:
    arguments = []
    if request["where"]:
        arguments.append(f"where: {literal(request['where'], model, entity)}")
    if request["groups"]:
        arguments.append(f"groupBy: [{', '.join(nested(path, 'VALUE') for path in request['groups'])}]")
    if request["size"] is not None:
        arguments.append(f"first: {request['size']}")
    parts = ["count"]
    if request["groups"]:
        parts.append("key { " + " ".join(_key(path) for path in request["groups"]) + " }")
    for function, names in request["measures"].items():
        parts.append(f"{function} {{ {' '.join(naming.camel(name) for name in names)} }}")
    given = f"({', '.join(arguments)})" if arguments else ""
    return f"{given} {{ {' '.join(parts)} }}"


def _key(path: tuple[str, ...]) -> str:
    *way, last = ".".join(path).split(".")
    leaf = naming.camel(last)
    for name in reversed(way):
        leaf = f"{naming.camel(name)} {{ {leaf} }}"
    return leaf


_ENUM_VALUES = {"lead", "active", "lost", "open", "won", "gone", "vip", "eu", "late", "EUR", "USD"}


def literal(value: Any, model: Model, entity: Entity) -> str:
    """A value in GraphQL's own form; enum values are told from texts by their words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {literal(each, model, entity)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(each, model, entity) for each in value) + "]"
    if isinstance(value, Decimal):
        return json.dumps(str(value))
    return value if value in _ENUM_VALUES else json.dumps(value)


def variable(value: Any) -> Any:
    """The same as JSON, to stand in variables."""
    return json.loads(json.dumps(value, default=str))
