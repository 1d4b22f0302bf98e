"""How the change log keeps personal values: ``audit`` of the annotation."""

from collections.abc import Mapping

from xrm_core.api import Field, InLog, Model
from xrm_dsgvo.privacy.model import EntityPrivacy, FieldPrivacy
from xrm_dsgvo.privacy.reading import privacy_of


def in_log(model: Model) -> Mapping[str, Mapping[str, InLog]]:
    """Entity → field → how, of every personal field that is not sealed in its record already, by former names, too."""
    privacy = privacy_of(model)
    found: dict[str, dict[str, InLog]] = {}
    for entity in model:
        said = privacy[entity.name]
        rules = dict[str, InLog]()
        for field in entity.fields.values():
            if (rule := rule_of(said, field)) is not None:
                rules |= dict.fromkeys((field.name, field.renamed_from or field.name), rule)
        if rules:
            found[entity.name] = rules
            if entity.renamed_from is not None and entity.renamed_from not in model:
                found[entity.renamed_from] = rules
    return found


def rule_of(said: EntityPrivacy, field: Field) -> InLog | None:
    """How the log keeps values of a field; None: as they are. Of files it has ids."""
    mine = said.fields.get(field.name)
    if mine is None or not mine.personal or field.virtual or field.sealing is not None or str(field.type) == "file":
        return None
    return InLog("names" if said.audit == "names_only" else "sealed", part_of(mine))


def part_of(field: FieldPrivacy) -> str:
    """What goes together when somebody is erased, or a class is due, has one key: so there are few for each record."""
    stays = "keep" if field.erase is not None and field.erase.strategy == "keep" else ""
    return "/".join([",".join(sorted(field.of)), field.retention_class or "", ",".join(sorted(field.purposes)), stays])
