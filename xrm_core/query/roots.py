"""What can be asked at the root of a document: one record, a list, figures, several entities. No SQL in here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xrm_core.metadata.predicate import Operand
from xrm_core.query.figures_request import Aggregate
from xrm_core.query.request import Connection, Selection


@dataclass(frozen=True, slots=True)
class Record:
    """One record by id, or null if there is none that the caller may see.

    ``merged``: the id is that of a record that was merged into it.
    """

    entity: str
    id: Operand
    selection: Selection
    merged: bool = False


@dataclass(frozen=True, slots=True)
class AnyRecord:
    """The record with an id, whatever its entity, or null if there is none that the caller may see.

    ``branches`` has one selection for each entity that the caller may read.
    """

    id: Operand
    branches: Mapping[str, Selection]


@dataclass(frozen=True, slots=True)
class AnyRecords:
    """The same for a list of ids, in their order; null where there is none."""

    ids: Operand
    branches: Mapping[str, Selection]


@dataclass(frozen=True, slots=True)
class SearchBranch:
    """What of the hits among the records of one entity. ``wanted``: whether they are looked through; None: they are.

    ``names`` are what its searched fields are called in the answer.
    """

    selections: Mapping[str, Selection]
    names: Mapping[str, str]
    wanted: Operand | None = None


HitField = Literal["node", "score", "fields", "title", "__typename"]


@dataclass(frozen=True, slots=True)
class HitPart:
    """What of a hit; ``name`` is that of a constant."""

    key: str
    part: HitField
    name: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """The records of several entities in whose searched fields each word of a text is found, the best first.

    ``branches`` are by entity; the selections of one are by the key of the part ``node`` that they are for. ``seen``
    are the numbers of the marks on hits of entities whose reads are logged.
    """

    text: Operand
    size: Operand
    branches: Mapping[str, SearchBranch]
    parts: tuple[HitPart, ...]
    seen: Mapping[str, int] = field(default_factory=dict)


Request = Record | Connection | Aggregate | AnyRecord | AnyRecords | Search
