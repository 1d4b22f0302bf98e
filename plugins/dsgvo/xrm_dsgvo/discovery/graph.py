"""A seed, and what was found from it, as values. No content of records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from xrm_dsgvo.discovery.known import Known

Key = tuple[str, str]
"""Entity and id of a record."""


@dataclass(frozen=True, slots=True)
class Seed:
    """With what the search begins: records that are the person, or what they have told of themselves.

    Args:
        records: that are the person, or about them.
        email, phone, iban: as written.
        name: first and last name.
        birth_date: a record that says another one is not joined, whatever else matches; it is listed.
        confirmed: records that were listed and of which somebody has said that they are the same person.
        others: records of which somebody has said that they are somebody else.
        known: what they are known by from before, when their records said it.
    """

    records: tuple[Key, ...] = ()
    email: str | None = None
    phone: str | None = None
    iban: str | None = None
    name: str | None = None
    birth_date: date | None = None
    confirmed: frozenset[Key] = frozenset()
    others: frozenset[Key] = frozenset()
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record was found.

    ``seed``, ``confirmed``; ``match``: it agrees in ``field`` with what is known; ``subject``: the platform has noted
    that it is the same person's; ``link``: by its link ``field`` from ``of``, or, if ``up``, by that of ``of``.
    """

    kind: Literal["seed", "confirmed", "match", "subject", "merged", "link"]
    field: str = ""
    of: Key | None = None
    up: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found.

    Args:
        own: it is the person, rather than about them.
        via: its links by which it was found.
        mine: its personal fields that are about the person.
        others: its personal fields that are about somebody else.
        why: all reasons.
        deleted: it is in the trash.
        restricted: it, or some of its values, is in the vault.
    """

    entity: str
    id: str
    own: bool
    via: frozenset[str]
    mine: tuple[str, ...]
    others: tuple[str, ...]
    why: tuple[Reason, ...]
    deleted: bool = False
    restricted: bool = False

    @property
    def key(self) -> Key:
        """Entity and id."""
        return self.entity, self.id


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be the same person's: somebody has to say so. ``fields`` agree; ``code`` says what is missing:
    ``WEAK``, ``ROLE_MAILBOX`` (an address that several use), ``BIRTH_DATE`` or ``OTHER_NAME`` (another one).
    """

    entity: str
    id: str
    fields: tuple[str, ...]
    code: Literal["WEAK", "ROLE_MAILBOX", "BIRTH_DATE", "OTHER_NAME"]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class SubjectGraph:
    """All of it. ``searched``: entity → how many records of it were found, 0 among them."""

    hits: tuple[Hit, ...]
    candidates: tuple[Candidate, ...]
    searched: Mapping[str, int] = field(default_factory=dict)

    def hit(self, key: Key) -> Hit | None:
        """The hit of a record; None: it was not found."""
        return next((each for each in self.hits if each.key == key), None)
