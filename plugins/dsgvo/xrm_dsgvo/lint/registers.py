"""What annotations name is in the registers."""

from collections.abc import Collection, Iterator

from xrm_core.api import KeywordMistake
from xrm_dsgvo.lint.surroundings import Surroundings, nearest, of_entity_mistake


def mistakes(found: Surroundings) -> Iterator[KeywordMistake]:
    """Names that nobody has registered."""
    known = found.registers
    for name, said in found.entities.items():
        retention = said.get("retention", {})
        starts = [retention.get("start", {}), retention.get("purposeEnd", {})]
        for rule, named, there in (
            ("unknown-datenart", [said["datenart"]] if "datenart" in said else [], known.datenarten),
            ("unknown-activity", said.get("activities", []), known.activities),
            ("unknown-class", [retention["class"]] if retention else [], known.retention_classes),
            ("unknown-event", [start["event"] for start in starts if "event" in start], known.events),
        ):
            for key in named:
                if key not in there:
                    yield of_entity_mistake(name, rule, *_unknown(key, there))
    for each in found.all_fields():
        words = each.words
        for rule, named, there in (
            ("unknown-category", [words["category"]] if "category" in words else [], known.categories),
            ("unknown-purpose", words.get("purposes", []), known.purposes),
            ("unknown-class", [words["retentionClass"]] if "retentionClass" in words else [], known.retention_classes),
            ("unknown-recipient", words.get("recipients", []), known.recipients),
        ):
            for key in named:
                if key not in there:
                    yield each.mistake(rule, *_unknown(key, there))


def _unknown(key: str, known: Collection[str]) -> tuple[str, str]:
    remedy = f"{nearest(key, known)}Correct it, or add it to a file that XRM_DSGVO_REGISTERS names."
    return f'no register has "{key}".', remedy
