"""Nothing loads of which nobody has said what it is; what it could be is proposed."""

import json
from collections.abc import Iterator

from xrm_core.api import KeywordMistake
from xrm_dsgvo.lint.proposal import of_entity, of_field
from xrm_dsgvo.lint.surroundings import Surroundings, of_entity_mistake


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Entities and fields without a word."""
    for entity in found.model:
        if not found.entities[entity.name]:
            proposed = {"link": {"role": "participant", "traverse": "down", "onErase": "cascade"}}
            if entity.between is None:
                proposed = of_entity(found, entity)
            reason = "nobody has said how its records relate to persons."
            yield of_entity_mistake(entity.name, "missing", reason, _add(proposed))
    for said in found.all_fields():
        if not said.words and said.entity.between is not None and not found.entities[said.entity.name]:
            continue  # its ends follow from what is said of the links
        if not said.words:
            reason = "nobody has said whether it is personal data."
            yield said.mistake("missing", reason, _add(of_field(found, said.entity, said.field)))


def _add(proposed: object) -> str:
    return f'If it fits, add "x-dsgvo": {json.dumps(proposed, ensure_ascii=False)}.'
