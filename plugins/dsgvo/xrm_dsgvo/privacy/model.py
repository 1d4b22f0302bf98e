"""The typed side of ``x-dsgvo``. No I/O in here.

A :class:`PrivacyModel` is made once of a model that the lint has passed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Literal

SubjectRole = Literal["is_subject", "about_subject", "shared", "may_mention", "none"]
LinkRole = Literal[
    "owner",
    "participant",
    "author",
    "recipient",
    "mentioned",
    "guardian",
    "household",
    "employer",
    "parent",
    "reference",
]
Traverse = Literal["down", "up", "both", "none"]
Origin = Literal["provided", "observed", "derived", "third_party"]
Strategy = Literal["null", "constant", "generalize", "random_token", "redact_text", "delete_file", "recompute", "keep"]


@dataclass(frozen=True, slots=True)
class Start:
    """What begins a period: a date of the record (``field``), something that happens (``event``), or what begins that
    of the record to which a relation refers (``of``).
    """

    type: Literal["collection", "process_end", "relationship_end"]
    field: str | None = None
    event: str | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept, and what becomes of them ``then``. ``class_`` is the key of a Löschklasse."""

    class_: str
    start: Start
    then: Literal["delete", "anonymize", "review"]
    purpose_end: Start | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """By which form of the value records of the same person are found."""

    normalizer: Literal["email", "phone_e164", "name_de", "koelner_phonetik", "iban", "exact"]
    strength: Literal["strong", "weak"]


@dataclass(frozen=True, slots=True)
class Erase:
    """What becomes of a value that is erased."""

    strategy: Strategy
    value: Any = None
    to: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """How a record belongs to that to which one of its relations refers."""

    role: LinkRole
    traverse: Traverse
    on_erase: Literal["cascade", "anonymize", "unlink", "keep", "block"]


@dataclass(frozen=True, slots=True)
class FieldPrivacy:
    """One field. ``category`` is that of a personal one, ``link`` what a relation is; without either it is reviewed and
    not personal.

    ``of`` are the links that say whose data it is; none: the record's subject. ``implied``: no file has said it, since
    files have no place for such a field.
    """

    entity: str
    name: str
    category: str | None = None
    link: Link | None = None
    special: Literal["art9", "art10"] | None = None
    of: tuple[str, ...] = ()
    identifier: Literal["direct", "quasi"] | None = None
    match: Match | None = None
    origin: Origin | None = None
    source_field: str | None = None
    derived_from: tuple[str, ...] = ()
    decision: Literal["none", "profiling", "art22"] = "none"
    logic: Mapping[str, str] | None = None
    purposes: tuple[str, ...] = ()
    necessity: Literal["required", "optional"] = "optional"
    necessity_why: str = ""
    erase: Erase | None = None
    retention_class: str | None = None
    restrict: Literal["hide", "mask", "readonly"] = "hide"
    access: Literal["full", "summary", "withhold"] = "full"
    withhold_basis: str | None = None
    free_text: bool = False
    third_party: Literal["none", "may_contain", "is_third_party"] = "none"
    encrypt: Mapping[str, Any] | None = None
    recipients: tuple[str, ...] = ()
    why: str = ""
    implied: bool = False

    @property
    def personal(self) -> bool:
        """Whether its values are personal data."""
        return self.category is not None


@dataclass(frozen=True, slots=True)
class EntityPrivacy:
    """One entity. ``when``: its records are persons only if they fit this JSON Schema."""

    name: str
    role: SubjectRole
    fields: Mapping[str, FieldPrivacy]
    kinds: tuple[str, ...] = ()
    when: Mapping[str, Any] | None = None
    birth_date: str | None = None
    datenart: str | None = None
    activities: tuple[str, ...] = ()
    retention: Retention | None = None
    on_erase: Literal["delete", "anonymize", "keep_unlinked"] | None = None
    audit: Literal["names_only", "sealed", "plain"] = "sealed"
    search: Literal["none", "blind", "plain"] = "none"
    outbox: Literal["ids_only", "sealed", "plain"] = "ids_only"

    def personal(self) -> Iterator[FieldPrivacy]:
        """Its fields that hold personal data."""
        return (each for each in self.fields.values() if each.personal)

    def links(self) -> Iterator[FieldPrivacy]:
        """Its relations that say to whom records belong."""
        return (each for each in self.fields.values() if each.link is not None)


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from records that were found to further ones, in the direction in which it may be gone.

    ``holder`` has the relation ``field``. ``down``: from the record referred to, to those that refer to it; else from a
    record to that to which it refers.
    """

    start: str
    end: str
    holder: str
    field: str
    link: Link
    down: bool


@dataclass(frozen=True, slots=True)
class PrivacyModel:
    """All entities, by name, and the ways between them."""

    entities: Mapping[str, EntityPrivacy]
    edges: tuple[Edge, ...] = ()
    ways: Mapping[str, tuple[Edge, ...]] = attribute(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, name: str) -> EntityPrivacy:
        return self.entities[name]

    def __iter__(self) -> Iterator[EntityPrivacy]:
        return iter(self.entities.values())

    def subjects(self) -> Iterator[EntityPrivacy]:
        """Those whose records are persons."""
        return (each for each in self if each.role == "is_subject")

    def matched(self) -> Iterator[FieldPrivacy]:
        """The fields by which records of one person are found."""
        return (each for entity in self for each in entity.fields.values() if each.match is not None)

    def edges_from(self, entity: str) -> tuple[Edge, ...]:
        """The ways from records of an entity."""
        return self.ways.get(entity, ())
