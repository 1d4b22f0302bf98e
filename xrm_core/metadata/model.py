"""The model: what the schema files say, as frozen values. No I/O, no database, no GraphQL in here.

A :class:`Model` is built once by :mod:`xrm_core.metadata.loader` (or read back from a snapshot) and passed on.
Tables, GraphQL types, validation and permissions are projections of it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from xrm_core import naming
from xrm_core.metadata.file_rules import FileRules
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.sequence import Sequence
from xrm_core.metadata.types import FieldType

if TYPE_CHECKING:
    from xrm_core.metadata.expression import Node

Labels = Mapping[str, str]
"""Language code → text, e.g. ``{"de": "Kunde", "en": "Customer"}``."""

AMOUNT, CURRENCY = "amount", "currency"
"""The parts of an amount of money."""

CALLER = "$user"
"""Default of a relation to users: the user who creates the record."""

CALLER_TEAM = "$team"
"""Default of a relation to teams: the team of the user who creates the record."""

USER, TEAM = "user", "team"
"""Names of the entities whose records are the users that sign in, and the teams that they belong to."""

ACTIVE = "active"
"""The field of a user which, if it is a boolean, says by false that the user does not sign in."""

EMAIL = "email"
"""The field of a user by which a user is found who signs in, and where links go by mail."""

Ownership = Literal["user", "team", "user_and_team"]

OnDelete = Literal["restrict", "set_null", "cascade"]
RollupFunction = Literal["count", "sum", "min", "max", "avg", "last", "first"]


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was defined: file as the user named it, 1-based line, and the layer it came from."""

    file: str = ""
    line: int = 0
    layer: str = "core"


@dataclass(frozen=True, slots=True)
class Relation:
    """The reference that a ``RELATION`` field holds.

    ``targets`` has one entity name for a to-one relation, several for a polymorphic one. ``inverse`` is the name
    of the connection field on each target; ``inverse_labels`` are its labels. ``by_entity``: it is kept and named by
    the entity of its target even if there is only one that it could be.
    """

    targets: tuple[str, ...]
    inverse: str
    on_delete: OnDelete = "restrict"
    inverse_labels: Labels = attribute(default_factory=_empty)
    by_entity: bool = False

    @property
    def polymorphic(self) -> bool:
        """True if the field may refer to records of several entities."""
        return len(self.targets) > 1 or self.by_entity


@dataclass(frozen=True, slots=True)
class Rollup:
    """Figures over related records: what a roll-up field is.

    ``relation`` is the name of a list of records on the entity; ``field`` one of those records, empty for ``count``;
    ``where`` a predicate in the words of files; ``order_by`` the field by which ``first`` and ``last`` are told.
    """

    relation: str
    function: RollupFunction
    field: str = ""
    where: Mapping[str, Any] = attribute(default_factory=_empty)
    order_by: str = "id"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    Lengths count characters; ``minimum``/``maximum`` are inclusive, the ``exclusive_`` ones are not; ``precision``
    and ``scale`` are the digits in all and after the point of a decimal (at most 18 in all, so that SQLite can keep it
    as an exact integer). ``const`` is the one value that the field may have. ``enum`` has the values of an enum, or
    those that a set may hold; ``min_items``/``max_items`` count what a set holds. ``default`` is a JSON value.
    ``currencies`` are those that an amount of money may be in, by their codes of ISO 4217.
    ``system`` fields (id, version, …) are set by the platform alone, and so are those with a ``sequence``, which are
    required and unique. ``tightened`` are the places in higher layers that narrow the field or name it anew.
    ``computed`` is the SQL expression of a computed field; its tree is in :attr:`Entity.expressions`. ``annotations``
    is what files say of it by words of plugins, such as ``x-dsgvo``; ``text_format`` is a format of text that a plugin
    has, ``custom_type`` a type that one has, which is stored as ``type`` says; ``operators`` are those of filters that
    such a type has, empty: all that there are for what is stored. ``sealing``: values are stored encrypted, see there.
    """

    name: str
    type: FieldType
    required: bool = False
    unique: bool = False
    indexed: bool = False
    searched: bool = False
    default: Any = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    exclusive_minimum: int | float | None = None
    exclusive_maximum: int | float | None = None
    multiple_of: int | float | None = None
    const: Any = None
    min_items: int | None = None
    max_items: int | None = None
    pattern: str | None = None
    precision: int = 18
    scale: int = 2
    enum: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    enum_labels: Mapping[str, Labels] = attribute(default_factory=_empty)
    relation: Relation | None = None
    sequence: Sequence | None = None
    file: FileRules | None = None
    labels: Labels = attribute(default_factory=_empty)
    description: str = ""
    renamed_from: str | None = None
    computed: str | None = None
    rollup: Rollup | None = None
    system: bool = False
    annotations: Mapping[str, Any] = attribute(default_factory=_empty)
    text_format: str | None = None
    custom_type: str | None = None
    operators: tuple[str, ...] = ()
    sealing: Sealing | None = None
    source: Source = attribute(default=Source(), compare=False)
    tightened: tuple[Source, ...] = attribute(default=(), compare=False)

    @property
    def writable(self) -> bool:
        """True if callers give the field its values; the platform sets the others itself."""
        return not self.system and self.sequence is None and not self.virtual

    @property
    def given(self) -> "Field":
        """The field as callers give its values. What is sealed is stored as a text, whatever that text says."""
        found = None if self.sealing is None else self.sealing.given
        return self if found is None else found

    @property
    def columns(self) -> tuple[str, ...]:
        """Database columns that hold this field: several for a polymorphic relation, none for a virtual field."""
        if self.virtual:
            return ()
        if self.type is FieldType.FILE:
            return (naming.relation_column(self.name),)
        if self.type is FieldType.MONEY:
            return (self.name, naming.currency_column(self.name))
        if self.name != self.holder:  # a part
            return (self.holder if self.type is FieldType.DECIMAL else naming.currency_column(self.holder),)
        if self.relation is None:
            return (self.name,)
        if self.relation.polymorphic:
            return tuple(naming.polymorphic_column(self.name, target) for target in self.relation.targets)
        return (naming.relation_column(self.name),)

    @property
    def virtual(self) -> bool:
        """True if the value is not stored, but worked out whenever it is read (computed fields and roll-ups)."""
        return self.computed is not None or self.rollup is not None

    @property
    def holder(self) -> str:
        """Name of the field itself, or of the one of which this is a part."""
        return self.name.partition(".")[0]

    @property
    def parts(self) -> Mapping[str, "Field"]:
        """The parts of an amount of money, fields themselves: ``price.amount`` and ``price.currency``; else none."""
        if self.type is not FieldType.MONEY:
            return _empty()
        amount = replace(self, name=f"{self.name}.{AMOUNT}", type=FieldType.DECIMAL, currencies=())
        currency = Field(f"{self.name}.{CURRENCY}", FieldType.ENUM, required=self.required, enum=self.currencies)
        return {AMOUNT: amount, CURRENCY: currency}

    @property
    def reference(self) -> Relation:
        """The relation of a ``RELATION`` field; TypeError for others."""
        if self.relation is None:
            raise TypeError(f"{self.name} is not a relation")
        return self.relation

    def column_to(self, target: str) -> str:
        """The foreign-key column that refers to one of the relation's targets."""
        return self.columns[self.reference.targets.index(target)]


@dataclass(frozen=True, slots=True)
class Inverse:
    """The many side of a to-one relation, seen from its target: ``customer.contacts``."""

    name: str
    entity: str
    field: str
    labels: Labels = attribute(default_factory=_empty)


Kind = Literal["entity", "link", "relationship"]
"""Where an entity comes from: a file of its own, a many-to-many relation, or a file of a relationship."""


@dataclass(frozen=True, slots=True)
class Between:
    """What an entity of links joins: its relations ``source`` and ``target``, each to one entity.

    ``name`` is the list of targets on a source, ``inverse`` the list of sources on a target; ``former`` is what the
    relation was called before.
    """

    source: str
    target: str
    name: str
    inverse: str
    labels: Labels = attribute(default_factory=_empty)
    inverse_labels: Labels = attribute(default_factory=_empty)
    former: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A many-to-many relation seen from one of its sides: ``project.members``.

    Its records are those of ``target`` to which a record of ``through`` leads: ``near`` is the relation of ``through``
    to this side, ``far`` the one to the other. ``owned`` is True on the side whose file has it; rights name that one.
    """

    name: str
    target: str
    through: str
    near: str
    far: str
    owned: bool
    labels: Labels = attribute(default_factory=_empty)


@dataclass(frozen=True, slots=True)
class Relationship:
    """What a relationship file says beyond the fields of its entity.

    ``pairs`` are the allowed (source's, target's) entities. ``one_at_a_time``: a source has one at any time.
    """

    pairs: tuple[tuple[str, str], ...]
    reverse_labels: Labels = attribute(default_factory=_empty)
    symmetric: bool = False
    one_at_a_time: bool = False


SYSTEM_FIELDS: tuple[Field, ...] = (
    Field("id", FieldType.UUID, required=True, system=True, description="Identifier (UUIDv7)."),
    Field("created_at", FieldType.DATETIME, required=True, system=True, description="When the record was created."),
    Field("created_by", FieldType.UUID, system=True, description="Id of the user who created the record."),
    Field("updated_at", FieldType.DATETIME, required=True, system=True, description="When it was last changed."),
    Field("updated_by", FieldType.UUID, system=True, description="Id of the user who last changed the record."),
    Field("version", FieldType.INTEGER, required=True, system=True, description="Counts the changes, from 1."),
)
"""Fields that every record has; the platform sets them, nobody else can."""


_SYSTEM_BY_NAME = {system.name: system for system in SYSTEM_FIELDS}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: a table, a GraphQL type, a permission object.

    ``kind`` and ``between`` tell an entity that holds the links of a many-to-many relation, for which no file stands,
    ``relationship`` one whose records are relationships of others;
    ``links`` are such relations seen from here. ``fields`` are those of the file, in its order, then those of its
    ``ownership``; :meth:`all_fields` adds the system fields. ``rules`` are words of JSON Schema that a whole record
    must meet, empty fields being absent from it. ``json_schema`` is the plain JSON Schema part of the file (no ``x-``
    keywords), against which records are validated. ``expressions`` has the tree of each computed field.
    ``log_reads`` are the fields of which it is kept who reads them; ``*``: whatever is read of a record.
    ``annotations`` is what files say of it by words of plugins, such as ``x-dsgvo``.
    ``layers`` are those whose files say something of it.
    """

    name: str
    plural: str
    fields: Mapping[str, Field]
    labels: Labels = attribute(default_factory=_empty)
    plural_labels: Labels = attribute(default_factory=_empty)
    description: str = ""
    display: str = ""
    ownership: Ownership | None = None
    unique_together: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    log_reads: tuple[str, ...] = ()
    rules: Mapping[str, Any] = attribute(default_factory=_empty)
    json_schema: Mapping[str, Any] = attribute(default_factory=_empty)
    renamed_from: str | None = None
    kind: Kind = "entity"
    between: Between | None = None
    relationship: Relationship | None = None
    inverses: Mapping[str, Inverse] = attribute(default_factory=_empty)
    links: Mapping[str, Link] = attribute(default_factory=_empty)
    annotations: Mapping[str, Any] = attribute(default_factory=_empty)
    expressions: Mapping[str, "Node"] = attribute(default_factory=_empty, compare=False)
    layers: frozenset[str] = attribute(default=frozenset(), compare=False)
    source: Source = attribute(default=Source(), compare=False)

    def all_fields(self) -> Iterator[Field]:
        """``id`` first, then the fields of the file, then the other system fields."""
        yield SYSTEM_FIELDS[0]
        yield from self.fields.values()
        yield from SYSTEM_FIELDS[1:]

    def grantable(self) -> Iterator[str]:
        """What rights can name: all fields, and the many-to-many relations that the entity's own file has."""
        yield from (field.name for field in self.all_fields())
        yield from (link.name for link in self.links.values() if link.owned)

    def __getitem__(self, name: str) -> Field:
        """The field of that name, system fields included; KeyError if there is none."""
        found = self.field(name)
        if found is None:
            raise KeyError(f"{self.name}.{name}")
        return found

    def field(self, name: str) -> Field | None:
        """The field of that name, system fields included, or None."""
        found = self.fields.get(name) or _SYSTEM_BY_NAME.get(name)
        if found is None and "." in name:
            holder, _, part = name.partition(".")
            return self.fields[holder].parts.get(part) if holder in self.fields else None
        return found


@dataclass(frozen=True, slots=True)
class Model:
    """All entities, by name. ``fingerprint`` is equal for equal models, whatever file they came from."""

    entities: Mapping[str, Entity]
    fingerprint: str = ""

    def __getitem__(self, name: str) -> Entity:
        return self.entities[name]

    def __iter__(self) -> Iterator[Entity]:
        return iter(self.entities.values())

    def __contains__(self, name: object) -> bool:
        return name in self.entities


def fingerprint(snapshot: Mapping[str, Any]) -> str:
    """Digest of a model's snapshot (see :mod:`xrm_core.metadata.snapshot`): 16 hex digits."""
    text = json.dumps(snapshot, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
