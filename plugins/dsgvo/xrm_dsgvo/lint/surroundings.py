"""What the rules look at: a model with what is said of it."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xrm_core.api import Entity, Field, KeywordMistake, Model
from xrm_dsgvo.privacy.implied import of_entity, of_field
from xrm_dsgvo.registers import Registers


@dataclass(frozen=True)
class Said:
    """A field with what is so of it. ``implied``: files have no place for it."""

    entity: Entity
    field: Field
    words: Mapping[str, Any]
    implied: bool

    def mistake(self, rule: str, reason: str, remedy: str) -> KeywordMistake:
        """What a rule has against it."""
        return KeywordMistake(self.entity.name, f'"x-dsgvo": {reason} [{rule}]', remedy, self.field.name)


class Surroundings:
    """A model, and the registers against which it is held."""

    def __init__(self, model: Model, registers: Registers) -> None:
        self.model = model
        self.registers = registers

    @cached_property
    def entities(self) -> Mapping[str, Mapping[str, Any]]:
        """What is so of each entity, by name."""
        return {entity.name: of_entity(self.model, entity) for entity in self.model}

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, Said]]:
        """What is so of each field, by entity and name; those of the platform are not among them."""
        return {
            entity.name: {
                field.name: Said(entity, field, *of_field(self.model, entity, field))
                for field in entity.fields.values()
            }
            for entity in self.model
        }

    def all_fields(self) -> Iterator[Said]:
        """All of them."""
        return (each for found in self.fields.values() for each in found.values())

    def role(self, entity: str) -> str:
        """How records of an entity relate to persons."""
        return str(self.entities[entity].get("subject", {}).get("role", "none"))

    def is_person(self, field: Field) -> bool:
        """Whether a relation may refer to a record that is a person."""
        targets = () if field.relation is None else field.relation.targets
        return any(self.role(name) == "is_subject" for name in targets)


def of_entity_mistake(entity: str, rule: str, reason: str, remedy: str) -> KeywordMistake:
    """What a rule has against an entity."""
    return KeywordMistake(entity, f'"x-dsgvo": {reason} [{rule}]', remedy)


def nearest(name: str, known: Collection[str]) -> str:
    """Which known names are meant, for a remedy."""
    close = difflib.get_close_matches(name, known, 3)
    return f"Perhaps {' or '.join(close)}? " if close else ""
