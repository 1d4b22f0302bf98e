"""The registers as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xrm_dsgvo.registers.period import Period

Special = Literal["art9", "art10"]
Basis = Literal["a", "b", "c", "d", "e", "f"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that annotations name. ``labels`` are texts by language; ``special`` is said of categories."""

    key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    special: Special | None = None


@dataclass(frozen=True, slots=True)
class Activity(Entry):
    """A processing activity (Article 30): ``basis`` are letters of Article 6(1), ``art9_basis`` one of Article 9(2)."""

    basis: tuple[Basis, ...] = ()
    purposes: tuple[str, ...] = ()
    art9_basis: str | None = None


@dataclass(frozen=True, slots=True)
class RetentionClass(Entry):
    """A Löschklasse: how long after its start event something is kept.

    ``end_of_year``: the period begins with the end of the calendar year. ``statutory``: the law demands to keep it.
    ``tax``: it does not end as long as the tax assessment of that year is open (§ 147(3) AO).
    """

    period: Period = field(default_factory=Period)
    end_of_year: bool = False
    statutory: bool = False
    legal_ref: str = ""
    tax: bool = False


@dataclass(frozen=True, slots=True)
class ListedProcessing(Entry):
    """A kind of processing that needs an impact assessment (Article 35(3) and (4)): an activity is of it that meets all
    ``criteria`` and has one of its ``kinds`` of persons and one of its ``categories``, as far as these are said.
    """

    criteria: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registers:
    """All of them, by key."""

    categories: Mapping[str, Entry]
    purposes: Mapping[str, Entry]
    activities: Mapping[str, Activity]
    datenarten: Mapping[str, Entry]
    retention_classes: Mapping[str, RetentionClass]
    recipients: Mapping[str, Entry]
    events: Mapping[str, Entry]
    impact_list: Mapping[str, ListedProcessing] = field(default_factory=dict)
