"""What can be asked: frozen values, free of GraphQL and of SQL. ``key`` is always the key in the JSON answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from xrm_core.metadata.predicate import EVERYTHING, Literal_, Operand, Param, Predicate

if TYPE_CHECKING:
    from xrm_core.query.figures_request import Aggregate

# -- what of a record -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar field of the record."""

    key: str
    field: str


@dataclass(frozen=True, slots=True)
class TypeName:
    """A constant: the GraphQL type's name."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A mark on a record whose reads are logged, for :mod:`~xrm_core.query.reads`: its ``number`` and the id."""

    key: str
    number: int


@dataclass(frozen=True, slots=True)
class ToOne:
    """The record that a relation refers to, or null if there is none that the caller may see.

    ``branches`` has one selection for each target entity (one entry unless the relation is polymorphic).
    """

    key: str
    relation: str
    branches: Mapping[str, "Selection"]


@dataclass(frozen=True, slots=True)
class ToMany:
    """The records that refer to this one, or are linked with it: an inverse or a link of the entity."""

    key: str
    inverse: str
    request: "Connection"


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over the records that refer to this one, or are linked with it."""

    key: str
    inverse: str
    request: "Aggregate"


FilePart = Literal["id", "name", "media_type", "size", "sha256", "version", "state", "url"]


@dataclass(frozen=True, slots=True)
class FileValue:
    """The file in a field of the record, or null. ``parts`` are pairs (key, what of it) or constants."""

    key: str
    field: str
    parts: tuple[tuple[str, FilePart] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class MoneyValue:
    """An amount of money of the record, or null. ``parts`` are pairs (key, part) or constants."""

    key: str
    field: str
    parts: tuple[tuple[str, str] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """When relationships are to hold: on a ``day`` (None: today), or ``always``: whenever they did or do."""

    day: Operand | None = None
    always: bool = False


@dataclass(frozen=True, slots=True)
class Relationships:
    """The relationships of the record, as a connection of rows of :mod:`~xrm_core.query.relationship_view`.

    ``types`` are the kinds asked for (None: all), ``direction`` is ``FORWARD``, ``REVERSE`` or None: both.
    """

    key: str
    request: "Connection"
    types: Operand | None
    direction: str | None
    period: Period


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """``nodes`` or ``edges`` of a network, with what is asked of each, or a constant."""

    key: str
    part: Literal["nodes", "edges", "__typename"]
    selection: "Selection" = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """Whom the relationships of the record reach in at most ``depth`` steps; at most ``size`` records."""

    key: str
    depth: Operand
    types: Operand | None
    period: Period
    size: Operand
    parts: tuple[NetworkPart, ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """With whom the record is shared. ``parts`` are pairs (key, column or kind of grantee) or constants."""

    key: str
    parts: tuple[tuple[str, str] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class ChangeParts:
    """The fields that a change has changed. ``parts`` are pairs (key, ``field``, ``old`` or ``new``) or constants."""

    key: str
    parts: tuple[tuple[str, str] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class CauseParts:
    """What has led to a change. ``parts`` are pairs (key, ``kind`` or ``name``) or constants."""

    key: str
    parts: tuple[tuple[str, str] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The newest changes of the record, or those ``before`` another one.

    ``fields`` are those that may be told, with their names in answers. ``parts`` are pairs (key, column), the parts of
    what is nested, or constants.
    """

    key: str
    size: Literal_ | Param
    before: Operand | None
    fields: Mapping[str, str]
    parts: tuple[tuple[str, str] | ChangeParts | CauseParts | TypeName, ...]


@dataclass(frozen=True, slots=True)
class AsOf:
    """The record as it was ``at`` a moment. ``fields`` are as in :class:`History`, ``parts`` pairs (key, ``values`` or
    the column of the last change until then) or constants.
    """

    key: str
    at: Operand
    fields: Mapping[str, str]
    parts: tuple[tuple[str, str] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """What a relationship is called, seen from the record."""

    key: str
    language: Operand


Item = (
    Seen
    | Value
    | MoneyValue
    | TypeName
    | FileValue
    | ToOne
    | ToMany
    | Figures
    | Relationships
    | Network
    | Label
    | Shares
    | History
    | AsOf
)
Selection = tuple[Item, ...]

# -- lists ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by a field; ``path`` leads to it through to-one relations. Empty values sort as the largest.

    ``folded``: by a text without differences of case and accents.
    """

    path: tuple[str, ...]
    field: str
    descending: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in an order: ``values`` arrive at run time; ``nulls`` says which of them are empty."""

    values: tuple[Operand, ...]
    nulls: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: ``size`` records after ``cursor``, or before it if ``backward``."""

    size: Literal_ | Param
    backward: bool = False
    cursor: Cursor | None = None


PageInfoField = Literal["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"]


@dataclass(frozen=True, slots=True)
class Nodes:
    """The records of the page."""

    key: str
    selection: Selection


@dataclass(frozen=True, slots=True)
class Edges:
    """The records of the page with their cursors. Keys are those inside one edge; None: not asked for."""

    key: str
    parts: tuple["EdgePart", ...]


@dataclass(frozen=True, slots=True)
class EdgePart:
    """``node``, ``cursor`` or ``__typename`` of an edge, or a field of the link (the one item of ``selection``)."""

    key: str
    part: Literal["node", "cursor", "link", "__typename"]
    selection: Selection = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Relay's page info. ``parts`` are pairs (key, field) or constants as :class:`TypeName`."""

    key: str
    parts: tuple[tuple[str, PageInfoField] | TypeName, ...]


@dataclass(frozen=True, slots=True)
class TotalCount:
    """How many records the whole list has."""

    key: str


ConnectionPart = Nodes | Edges | PageInfo | TotalCount | TypeName


@dataclass(frozen=True, slots=True)
class Connection:
    """A page of records of one entity. The id is always the last sort criterion.

    ``where_link`` is a condition on the links by which the records are reached, if they are reached by links.
    ``trashed``: those in the trash, of which the caller may delete and read each.
    """

    entity: str
    where: Predicate
    order: tuple[Order, ...]
    page: Page
    parts: tuple[ConnectionPart, ...]
    where_link: Predicate = EVERYTHING
    trashed: bool = False
