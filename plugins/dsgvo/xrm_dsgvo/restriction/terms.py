"""What a restriction is about, and for what its data may be used all the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any


class Scope(StrEnum):
    """Whether it is about all of a person, or about some of it."""

    SUBJECT = "subject"
    RECORD = "record"
    FIELD = "field"


class AllowedPurpose(Enum):
    """What restricted data may be used for (Article 18(2)), and for the rights of the person themselves."""

    consent = "consent"
    legal_claims = "legal_claims"
    protect_other_person = "protect_other_person"
    public_interest = "public_interest"
    subject_rights = "subject_rights"


@dataclass
class RestrictedPart:
    """A record about the person, or some of its fields."""

    entity: str
    record: str
    fields: list[str] = field(default_factory=list)


def scope_of(parts: Iterable[RestrictedPart]) -> Scope:
    """Of a restriction of these; without any it is one of the person."""
    parts = list(parts)
    if not parts:
        return Scope.SUBJECT
    return Scope.FIELD if any(each.fields for each in parts) else Scope.RECORD


def exported(parts: Iterable[RestrictedPart]) -> dict[str, Any] | None:
    """As the restriction keeps them: ids and names."""
    told = [[each.entity, each.record, sorted(each.fields)] for each in parts]
    return {"records": told} if told else None


def parts_of(stored: Mapping[str, Any] | None) -> list[RestrictedPart]:
    """Of what is kept."""
    return [RestrictedPart(entity, record, list(names)) for entity, record, names in (stored or {}).get("records", ())]


def allowed_of(stored: Iterable[str] | None) -> set[str]:
    """The purposes of what is kept: all, unless somebody has said which; the rights of the person in any case."""
    return {*(stored or (each.value for each in AllowedPurpose)), AllowedPurpose.subject_rights.value}


def scope_kept(restriction: Mapping[str, Any]) -> str:
    """Of a restriction that is kept; those from before there were several are about persons."""
    return str(restriction["scope"] or Scope.SUBJECT)
