"""What annotations say, and in what two editions of them differ. No I/O in here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.api import Model

WORD = "x-dsgvo"


@dataclass
class AnnotationChange:
    """An entity (``field`` is empty) or a field was added or removed, or its annotation has changed in these words."""

    entity: str
    field: str
    change: str
    words: list[str]


def said_by(model: Model) -> dict[str, Any]:
    """Entity → its annotation, and those of its fields. What is said of nothing is left out: system fields."""
    found: dict[str, Any] = {}
    for entity in model:
        said = ((name, each.annotations.get(WORD)) for name, each in entity.fields.items())
        fields = {name: _plain(words) for name, words in said if words is not None}
        if WORD in entity.annotations or fields:
            found[entity.name] = {"says": _plain(entity.annotations.get(WORD, {})), "fields": fields}
    return found


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[AnnotationChange]:
    """What has come, gone and changed since ``old``."""
    for entity in sorted(old.keys() | new.keys()):
        if entity not in old or entity not in new:
            yield AnnotationChange(entity, "", "added" if entity in new else "removed", [])
            continue
        if words := _words(old[entity]["says"], new[entity]["says"]):
            yield AnnotationChange(entity, "", "changed", words)
        before, after = old[entity]["fields"], new[entity]["fields"]
        for name in sorted(before.keys() | after.keys()):
            if name not in before or name not in after:
                yield AnnotationChange(entity, name, "added" if name in after else "removed", [])
            elif words := _words(before[name], after[name]):
                yield AnnotationChange(entity, name, "changed", words)


def _words(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
