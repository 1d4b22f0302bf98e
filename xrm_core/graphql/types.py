"""The types of one role's schema while it is being made: one shell per readable entity, filled by the features."""

from collections.abc import Callable
from functools import partial
from typing import Any

import strawberry

from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import InputType, ObjectType
from xrm_core.graphql.custom_scalars import custom_scalar
from xrm_core.graphql.meanings import AccountField, BesideRecords, Meanings
from xrm_core.graphql.query_fields.registry import QueryFields
from xrm_core.graphql.scalars import SCALARS, scalar_of
from xrm_core.metadata.custom_types import scalar_name
from xrm_core.metadata.model import Entity, Field, Inverse, Link, Model
from xrm_core.metadata.predicate import IGNORING
from xrm_core.metadata.types import COMPARABLE, FieldType
from xrm_core.permissions.access import Access
from xrm_core.permissions.policy import Action
from xrm_core.plugins import Plugins
from xrm_core.records.actions import Actions

_SORTED = COMPARABLE | {FieldType.MONEY}  # by its parts


_IGNORING = {
    "CASE": "Capital and small letters are the same.",
    "CASE_AND_ACCENTS": "So are letters with and without accents: ü and u, é and e; ß and ss, æ and ae.",
}


class Types:
    """Everything that the features of :mod:`xrm_core.graphql.schema` share.

    ``known`` has the types that documents name (of variables, of fragments), so that finding one does not fill all.
    ``shared`` has types that are no entity's own, ``operators`` inputs of filters, both by name.
    """

    def __init__(
        self, model: Model, access: Access, actions: Actions | None = None, queries: QueryFields | None = None
    ) -> None:
        self.model = model
        self.actions = Actions(Plugins(), model) if actions is None else actions
        self.queries = QueryFields(Plugins(), model, {}) if queries is None else queries
        self.access = access
        self.meanings = Meanings()
        self.query = builder.object_type("Query")
        self.mutation = builder.object_type(
            "Mutation", "All mutations of one document are one transaction: if one fails, none has happened."
        )
        self.subscription = builder.object_type("Subscription", "What is told as it happens: see «Following changes».")
        self.text_difference = builder.enum_type("TextDifference", IGNORING, _IGNORING)
        self.page_info = builder.object_type("PageInfo", "Where a page lies in its list (Relay).")
        self.readable = [entity for entity in model if access.may(entity.name, Action.READ)]
        self.node = node_type()
        self.objects: dict[str, ObjectType] = {}
        self.connections: dict[str, ObjectType] = {}
        self.filters: dict[str, InputType] = {}
        self.orders: dict[str, InputType] = {}
        self.inputs: dict[str, InputType] = {}
        self.figures: dict[str, tuple[Any, list[builder.Argument]]] = {}
        self.known: dict[str, Callable[[], Any]] = {"TextDifference": partial(_same, self.text_difference)}
        # Documents name them for their variables. One that stands nowhere in the schema fits nowhere in a document.
        self.know(builder.scalar(int), builder.scalar(float), *map(builder.scalar, SCALARS))
        self.shared: dict[str, Any] = {}
        self.operators: dict[str, InputType] = {}
        self._enums: dict[str, builder.EnumType] = {}
        self._scalars: dict[str, builder.ScalarType] = {}
        for entity in self.readable:
            for field in entity.fields.values():
                if field.enum and access.readable(entity.name, field.name):
                    self.known[names.enum(entity, field)] = partial(self.word_type, entity, field)
                if field.custom_type is not None and access.readable(entity.name, field.name):
                    scalar = partial(self.custom_scalar, field.custom_type, field)
                    self.known[scalar_name(field.custom_type)] = scalar

    def know(self, *made: Any) -> None:
        """Types that stand in documents by their names."""
        self.known.update({each.name: partial(_same, each) for each in made})

    def beside_records(
        self, owner: ObjectType, name: str, part: BesideRecords, type_: Any, text: str, *arguments: builder.Argument
    ) -> None:
        """A root field that is no record's: of accounts, jobs, webhooks, messages, workflows."""
        builder.add(owner, name, type_, text, arguments)
        self.meanings.add(owner.name, name, AccountField(part))

    def fields(self, entity: Entity) -> list[Field]:
        """Fields that the role can read on some records; relations only if a target can be read."""
        return [
            field
            for field in entity.all_fields()
            if self.access.readable(entity.name, field.name) and (field.relation is None or self.targets(field))
        ]

    def scalars(self, entity: Entity) -> list[Field]:
        """Readable fields that hold a value."""
        return [field for field in self.comparable(entity) if field.relation is None]

    def comparable(self, entity: Entity) -> list[Field]:
        """Fields to sort and group by: those that hold one value, and relations to one entity."""
        return [
            field
            for field in self.fields(entity)
            if (field.type in _SORTED if field.relation is None else not field.relation.polymorphic)
        ]

    def targets(self, field: Field) -> list[str]:
        """Entities that a relation refers to and the role can read."""
        return [target for target in field.reference.targets if self.access.may(target, Action.READ)]

    def inverses(self, entity: Entity) -> list[Inverse]:
        """Inverses whose records and whose relation the role can read."""
        return [each for each in entity.inverses.values() if self.access.readable(each.entity, each.field)]

    def links(self, entity: Entity) -> list[Link]:
        """Many-to-many relations whose links and whose records the role can read."""
        return [
            each
            for each in entity.links.values()
            if self.access.may(each.target, Action.READ)
            and all(self.access.readable(each.through, end) for end in (each.near, each.far))
        ]

    def attributes(self, link: Link) -> list[Field]:
        """What the role can read of the links themselves: fields that the file gives them."""
        through = self.model[link.through]
        values = (field for field in self.fields(through) if field.relation is None and not field.system)
        return [field for field in values if field.columns and field.type is not FieldType.FILE]

    def always(self, entity: Entity, field: Field) -> bool:
        """Whether each record that the role can read has a value of the field that the role can read."""
        permission = self.access.get(entity.name, Action.READ)
        return field.required and permission is not None and permission.field_rules.get(field.name) is None

    def value_type(self, entity: Entity, field: Field) -> Any:
        """Type of a field that holds a value, without null."""
        if field.custom_type is not None:
            return self.custom_scalar(field.custom_type, field)
        if not field.enum:
            return scalar_of(field)
        words = self.word_type(entity, field)
        return builder.list_of(words) if field.type is FieldType.SET else words

    def custom_scalar(self, name: str, field: Field) -> builder.ScalarType:
        """The scalar of a type of a plugin, which a field has."""
        if name not in self._scalars:  # one object, whoever asks first
            self._scalars[name] = custom_scalar(name, field, self.actions.plugins)
        return self._scalars[name]

    def word_type(self, entity: Entity, field: Field) -> builder.EnumType:
        """Type of the values of an enum field, or of one value of a set."""
        name = names.enum(entity, field)
        if name not in self._enums:  # one object, whoever asks first
            labels = {value: label(field.enum_labels.get(value, {})) for value in field.enum}
            self._enums[name] = builder.enum_type(name, field.enum, labels, describe(field))
        return self._enums[name]


def node_type() -> builder.InterfaceType:
    """Relay's interface of all that has an id."""
    about = "Anything with an id: each record. Ids are unique among all of them."
    return builder.interface_type("Node", {"id": (strawberry.ID, "Id of the record.")}, about)


def _same(type_: Any) -> Any:
    return type_


def label(labels: Any) -> str:
    """The English label, else any, else nothing."""
    return labels.get("en") or next(iter(labels.values()), "")


def describe(thing: Entity | Field) -> str:
    """Description for GraphQL: the file's description, else the label."""
    return thing.description or label(thing.labels)
