"""Where files are: fields of records in their tables, in the trash and in the vault, page by page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.api import Entity, JobContext, Model, Record
from xrm_dsgvo.archive.entries import CLAIMS, ENTRY
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import within

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a record that holds a file."""

    key: Key
    field: str
    file: str


def entities_with_files(model: Model) -> list[Entity]:
    """Those with a field that holds one."""
    return [each for each in model if any(_is_file(each, name) for name in each.fields)]


def places_of(job: JobContext, entity: Entity) -> Iterator[Place]:
    """All of an entity; each page is a transaction of its own, so nobody waits for it.

    Raises:
        SealingUnavailable: something lies in the vault, and that cannot be opened.
    """
    names = [name for name in entity.fields if _is_file(entity, name)]
    after = ""
    while page := _page(job, entity.name, after):
        for record in page:
            yield from _places(entity.name, names, record)
        after = str(page[-1]["id"])
    with job.read() as connection:
        context = within(job, connection)
        aside = entity.name in context.set_aside()
        vaulted = [(each.id, each.values) for each in context.vaulted(entity.name)] if aside else []
    for id_, values in vaulted:
        yield from _places(entity.name, names, {**values, "id": id_})
    yield from _disputed(job, entity.name, names)
    after = ""
    while aside and (page := _deleted(job, entity.name, after)):
        for record in page:
            yield from _places(entity.name, names, record)
        after = str(page[-1]["id"])


def _disputed(job: JobContext, entity: str, names: list[str]) -> Iterator[Place]:
    """What a dispute or a hold keeps in the archive. What the law alone keeps there is not opened for this."""
    after = ""
    while True:
        with job.read() as connection:
            context = within(job, connection)
            if entity not in context.kept_aside():
                return
            kept_for = {"entity_name": {"eq": entity}, "reason": {"in": [each.value for each in CLAIMS]}}
            entries = context.find(ENTRY, kept_for, _AT_ONCE, after)
            deposits = {str(each["deposit"]) for each in entries}
            there = context.vaulted(entity, sorted({str(each["record_id"]) for each in entries}))
            found = [(each.id, each.values) for each in there if each.deposit in deposits]
        for id_, values in found:
            yield from _places(entity, names, {**values, "id": id_})
        if len(entries) < _AT_ONCE:
            return
        after = str(entries[-1]["id"])


def _page(job: JobContext, entity: str, after: str) -> list[Record]:
    with job.read() as connection:
        found: list[Record] = within(job, connection).find(entity, {}, _AT_ONCE, after)
    return found


def _deleted(job: JobContext, entity: str, after: str) -> list[Record]:
    with job.read() as connection:
        found: list[Record] = within(job, connection).deleted(entity, after, _AT_ONCE)
    return found


def _places(entity: str, names: list[str], record: Mapping[str, Any]) -> Iterator[Place]:
    for name in names:
        if (file := file_of(record.get(name))) is not None:
            yield Place((entity, str(record["id"])), name, file)


def file_of(value: Any) -> str | None:
    """The id of the file that a field holds; of a sealed one more may be told."""
    said = value.get("id") if isinstance(value, Mapping) else value
    return None if said is None else str(said)


def _is_file(entity: Entity, name: str) -> bool:
    return str(entity[name].given.type) == "file"
