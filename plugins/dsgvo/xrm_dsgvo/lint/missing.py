"""Nothing loads of which nobody has said what it is; what it could be is proposed."""

import json
from collections.abc import Iterator
from typing import Any

from xrm_core.api import KeywordMistake
from xrm_dsgvo.lint.proposal import of_entity, of_field
from xrm_dsgvo.lint.surroundings import Surroundings, of_entity_mistake


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Entities and fields without a word."""
    return (mistake for mistake, _ in with_proposals(found))


def with_proposals(found: Surroundings) -> Iterator[tuple[KeywordMistake, dict[str, Any]]]:
    """The same, each with the word that is proposed."""
    for entity in found.model:
        if not found.entities[entity.name]:
            proposed: dict[str, Any] = {"link": {"role": "participant", "traverse": "down", "onErase": "cascade"}}
            if entity.between is None:
                proposed = of_entity(found, entity)
            reason = "nobody has said how its records relate to persons."
            yield of_entity_mistake(entity.name, "missing", reason, _add(proposed)), proposed
    for said in found.all_fields():
        if not said.words and said.entity.between is not None and not found.entities[said.entity.name]:
            continue  # its ends follow from what is said of the links
        if not said.words:
            proposed = of_field(found, said.entity, said.field)
            reason = "nobody has said whether it is personal data."
            yield said.mistake("missing", reason, _add(proposed)), proposed


def pasted(proposed: dict[str, Any]) -> str:
    """A proposed word as it is put into a file."""
    return f'"x-dsgvo": {json.dumps(proposed, ensure_ascii=False)}'


def _add(proposed: dict[str, Any]) -> str:
    return f"If it fits, add {pasted(proposed)}."
