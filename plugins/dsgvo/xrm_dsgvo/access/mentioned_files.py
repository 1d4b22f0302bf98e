"""Files of records about somebody else that name the person, as a search has found them, in an answer."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from xrm_core.api import Model, file_in_vault, read_file
from xrm_dsgvo.access.gathering import Gathering
from xrm_dsgvo.access.manifest import Notes
from xrm_dsgvo.access.unsealing import may_open
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.file_search.places import Place, entities_with_files
from xrm_dsgvo.file_search.results import Searched, still_there


def mentioned_files(gathering: Gathering, searched: Searched, known: Collection[Key]) -> Iterator[dict[str, Any]]:
    """What is told of each once somebody has looked at it.

    Args:
        gathering: of the answer.
        searched: the search.
        known: records of the answer, with whose files somebody has to do anyway.
    """
    for each in still_there(gathering.sources, searched.hits):
        if each.key not in known and (told := _told(gathering, each)) is not None:
            yield told


def mentioned_texts(gathering: Gathering, searched: Searched, known: Collection[Key]) -> Iterator[dict[str, Any]]:
    """What is told of sealed texts of others that a search has found, as of :func:`mentioned_files`."""
    for key, name in searched.texts:
        there = (gathering.sources.read(key) or {}).get(name) if key not in known else None
        if there and (told := gathering.mention(key, name)) is not None:
            yield told


def note_search(notes: Notes, model: Model, searched: Searched | None, own: Iterable[Key] = ()) -> None:
    """Say in the manifest what was searched, what was not, and why; ``own`` are the records that are the person."""
    if searched is None:
        for each in entities_with_files(model):
            notes.not_searched(each.name)
    elif searched.running:
        notes.leave_out("FILES_RUNNING", "other_files")
    else:
        notes.found["other_files"] += searched.files
        if searched.leaves_out(own):
            notes.leave_out("FILES_NOT_FOR_ALL", "other_files")
        for entity, why, count in searched.missing:
            notes.leave_out(f"FILE_{why.upper()}", "other_files", entity, count=count)


def as_fields(answer: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Those of an answer as its records and their fields are, as far as that says who has what."""
    for each in answer.get("mentions", ()):
        if (file := each.get("file")) is not None:
            text = dict.fromkeys(each["label"], each["value"])
            yield each, {"name": each["field"], "label": each["fieldLabel"], "text": text, "value": file}


def _told(gathering: Gathering, place: Place) -> dict[str, Any] | None:
    (entity, id_), name, notes = place.key, place.field, gathering.notes
    notes.found["mentions"] += 1
    kind = gathering.sources.model[entity]
    if (gathering.sources.is_restricted(place.key) or kind[name].sealing is not None) and not may_open(
        gathering.context
    ):
        notes.leave_out("SEALED", "mentions", entity, name)
        return None
    file = file_in_vault(gathering.context, place.file) or read_file(gathering.context, place.file)
    if file is None:
        return None
    shown = gathering.reviewed.get((entity, id_, name))
    if not shown:
        notes.leave_out("REVIEW" if shown is None else "ART15_4", "mentions", entity, name)
        if shown is None:
            gathering.open.setdefault((entity, id_, name), file.name)
        return None
    gathering.context.shown(entity, id_, [name])
    said = {"id": file.id, "name": file.name, "mediaType": file.media_type, "size": file.size, "sha256": file.sha256}
    return {
        "entity": entity,
        "label": labelled(kind.labels, entity),
        "id": id_,
        "field": name,
        "fieldLabel": labelled(kind[name].labels, name),
        "value": f"{file.name} ({file.size} Bytes)",
        "file": said,
    }
