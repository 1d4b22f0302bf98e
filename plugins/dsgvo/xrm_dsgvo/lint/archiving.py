"""What the law keeps beyond an erasure can go into the archive: something may stand in its place."""

from collections.abc import Iterator

from xrm_core.api import KeywordMistake
from xrm_dsgvo.archive.standing_in import goes_apart, stays_readable
from xrm_dsgvo.lint.surroundings import Said, Surroundings
from xrm_dsgvo.restriction.reach import ACCOUNTS, OURS

_REMEDY = (
    'Let it be empty; make room (8 letters where no two records may have the same); say "constant" with a value in'
    ' "erase"; or say "restrict": "readonly", and by policies who reads it.'
)


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Of personal fields that the law keeps."""
    for each in found.all_fields():
        if "category" in each.words and each.entity.name not in OURS | ACCOUNTS and _is_kept(found, each):
            readonly, identifier = each.words.get("restrict") == "readonly", bool(each.words.get("identifier"))
            strategy = each.words.get("erase", {}).get("strategy")
            apart = goes_apart(each.field, identifier=identifier, readonly=readonly)
            if apart and stays_readable(each.field, strategy):
                reason = (
                    "the law may keep it beyond an erasure, and nothing that fits may stand there: it would be read."
                )
                yield each.mistake("archive", reason, _REMEDY)


def _is_kept(found: Surroundings, each: Said) -> bool:
    of_entity = found.entities[each.entity.name].get("retention", {}).get("class")
    class_ = found.registers.retention_classes.get(each.words.get("retentionClass") or of_entity or "")
    return class_ is not None and class_.statutory
