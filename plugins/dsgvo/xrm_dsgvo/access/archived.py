"""What the archive keeps of somebody from whom it is cut off, in an answer to them.

What the law alone keeps is not opened for answers (§ 34(1) no. 2(a) BDSG): the answer says that there is such data, of
which kinds, by which norms and until when. For what a dispute or a hold keeps the law has no such exception: it is
searched for what names the person, as texts of others are, and shown once somebody has looked at it.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import ActionContext
from xrm_dsgvo import own
from xrm_dsgvo.access.gathering import Gathering
from xrm_dsgvo.access.unsealing import may_open
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.archive.entries import CLAIMS, ENTRY, USE, Reason, key_of, names_of, of_records
from xrm_dsgvo.discovery.graph import Hit, Key, Seed
from xrm_dsgvo.own import Making
from xrm_dsgvo.paging import every
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.requests.staying import why_of
from xrm_dsgvo.spelling import names

MOST_CLAIMS = 1_000
"""Entries of the archive that are opened for one answer."""

_GROUPS = """
query ($dated: ArchiveEntryFilter!, $open: ArchiveEntryFilter!) {
  dated: archiveEntriesAggregate(where: $dated, groupBy: [{entityName: VALUE}, {basis: VALUE}], first: 1000) {
    key { entityName basis } max { until }
  }
  open: archiveEntriesAggregate(where: $open, groupBy: [{entityName: VALUE}, {basis: VALUE}], first: 1000) {
    key { entityName basis }
  }
}"""


def left_by_erasures(
    context: Making, registers: Registers, hits: Collection[Hit], today: str
) -> Iterator[dict[str, Any]]:
    """What former erasures that the person has asked for have left: each kind with its ground, the last day, and of how
    many records, as was told then. What has ended since is not among it.
    """
    for hit in hits:
        request = context.read(REQUEST, hit.id) if hit.entity == REQUEST else None
        run = context.read("erasure_run", str(request["erasure_run"])) if request and request["erasure_run"] else None
        if run is None or not str(run["status"]).startswith("complete"):
            continue
        erased_on = datetime.fromisoformat(str(run["ran_at"])).astimezone(ZoneInfo(context.settings.time_zone))
        for datenart, decision, basis, until, count in (run["report"] or {}).get("kept", ()):
            if until and str(until)[:10] < today:
                continue
            known = registers.datenarten.get(datenart)
            why = {each: why_of(registers.activities, str(decision), str(basis), each) for each in ("de", "en")}
            yield {
                "erasedOn": erased_on.date().isoformat(),
                "datenart": datenart,
                "label": labelled(known.labels if known else {}, str(datenart)),
                "count": count,
                "decision": decision,
                "basis": basis if decision == "restrict" else "",  # of a hold it is an id, of a purpose a key
                "why": why,
                "until": None if until is None else str(until)[:10],
            }


def note_law(gathering: Gathering, known: Collection[Key]) -> None:
    """Say in the manifest which kinds the law alone keeps, by which norms and until when at the latest; ``known`` are
    records of the answer, which has what the archive keeps of them.
    """
    context = gathering.context
    told = sorted({str(each["record_id"]) for each in of_records(context, known)})
    law = {"reason": {"in": [each.value for each in Reason if each not in CLAIMS]}, "not": {"recordId": {"in": told}}}
    given = {"dated": {**law, "until": {"isNull": False}}, "open": {**law, "until": {"isNull": True}}}
    found = context.query_as_system(_GROUPS, given)
    kept: dict[str, dict[str, str | None]] = {}
    for each in (*found["dated"], *found["open"]):  # of what has no end yet nobody can say the last day
        until = (each.get("max") or {}).get("until")
        kept.setdefault(each["key"]["entityName"], {})[each["key"]["basis"] or ""] = until
    for entity, ends in sorted(kept.items()):
        said = tuple((basis, ends[basis]) for basis in sorted(ends))
        gathering.notes.not_opened("BDSG34_ARCHIVE", "archive", entity, said)


def claims(gathering: Gathering, known: Collection[Key], needles: Collection[str]) -> Iterator[dict[str, Any]]:
    """What a dispute or a hold keeps, and names the person: told once somebody has looked at it. ``known`` are records
    of the answer, ``needles`` what names the person.
    """
    context, notes = gathering.context, gathering.notes
    held = every(context, ENTRY, {"reason": {"in": [each.value for each in CLAIMS]}})
    for number, each in enumerate(each for each in held if key_of(each) not in known):
        entity, id_ = key_of(each)
        if number >= MOST_CLAIMS:
            notes.leave_out("ARCHIVE_CLAIMS", "archive")
            return
        if entity not in gathering.sources.model:
            continue
        if not may_open(context):
            notes.leave_out("SEALED", "archive", entity)
            continue
        there = [one for one in context.vaulted(entity, [id_]) if one.deposit == str(each["deposit"])]
        values = {name: one.values.get(name) for one in there for name in sorted(names_of(each))}
        texts = {name: value for name, value in values.items() if isinstance(value, str) and value}
        notes.found["archive"] += 1
        if any(names(text, needles) for text in texts.values()):
            _note_use(context, (entity, id_))
            fields = gathering.sources.model[entity].fields
            for name in sorted(name for name in texts if name in fields and str(fields[name].type) != "file"):
                if (told := gathering.mention((entity, id_), name, texts[name], "archive")) is not None:
                    yield told


def _note_use(context: Making, key: Key) -> None:
    """Who makes an answer sees it. A route that lists files reads from a snapshot, and shows nothing of it."""
    if isinstance(context, ActionContext):
        said = {"purpose": "subject_rights", "because": "dsgvoAccess", "at": own.now()}
        own.create(context, USE, {"entity_name": key[0], "record_id": key[1], **said})


def said_of_themselves(seed: Seed) -> Iterator[str]:
    """What names who has asked, of whom there may be no record any more."""
    yield from (each for each in (seed.email, seed.phone, seed.iban) if each)
    if seed.name and " " in seed.name:
        yield seed.name
