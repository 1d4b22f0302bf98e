"""What the archive keeps of somebody from whom it is cut off, in an answer to them.

What the law alone keeps is not opened for answers (§ 34(1) no. 2(a) BDSG): the answer says that there is such data, of
which kinds, by which norms and until when. For what a dispute or a hold keeps the law has no such exception: it is
searched for what names the person, as texts of others are, and shown once somebody has looked at it.
"""

from collections.abc import Collection, Iterator
from typing import Any

from xrm_core.api import ActionContext, Record
from xrm_dsgvo import own
from xrm_dsgvo.access.gathering import Gathering
from xrm_dsgvo.access.unsealing import may_open
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.archive.entries import CLAIMS, ENTRY, USE, ground_of, key_of, names_of
from xrm_dsgvo.discovery.graph import Hit, Key, Seed
from xrm_dsgvo.own import Making
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.requests.staying import why_of
from xrm_dsgvo.spelling import names

MOST_CLAIMS = 1_000
"""Entries of the archive that are opened for one answer."""

_AT_ONCE = 500


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
        for datenart, decision, basis, until, count in (run["report"] or {}).get("kept", ()):
            if until and str(until)[:10] < today:
                continue
            known = registers.datenarten.get(datenart)
            why = {each: why_of(registers.activities, str(decision), str(basis), each) for each in ("de", "en")}
            yield {
                "erasedOn": str(run["ran_at"])[:10],
                "datenart": datenart,
                "label": labelled(known.labels if known else {}, str(datenart)),
                "count": count,
                "decision": decision,
                "basis": basis,
                "why": why,
                "until": None if until is None else str(until)[:10],
            }


def cut_off(context: Any, known: Collection[Key]) -> list[Record]:
    """Entries of the archive whose records are not the person's by any link."""
    found: list[Record] = []
    after = ""
    while page := context.find(ENTRY, {}, _AT_ONCE, after):
        found += (each for each in page if key_of(each) not in known)
        if len(page) < _AT_ONCE:
            break
        after = str(page[-1]["id"])
    return found


def note_law(gathering: Gathering, entries: Collection[Record]) -> None:
    """Say in the manifest which kinds the law alone keeps, by which norms and until when at the latest."""
    kept: dict[str, dict[str, str | None]] = {}
    for each in entries:
        ground = ground_of(each)
        if ground.reason not in CLAIMS:
            ends = kept.setdefault(key_of(each)[0], {})
            until = None if ground.until is None else ground.until.isoformat()
            last = ends.get(ground.basis, until)
            ends[ground.basis] = None if until is None or last is None else max(until, last)
    for entity, ends in kept.items():
        said = tuple((basis, ends[basis]) for basis in sorted(ends))
        gathering.notes.not_opened("BDSG34_ARCHIVE", "archive", entity, said)


def claims(gathering: Gathering, entries: Collection[Record], needles: Collection[str]) -> Iterator[dict[str, Any]]:
    """What a dispute or a hold keeps, and names the person: told once somebody has looked at it."""
    context, notes = gathering.context, gathering.notes
    mine = [each for each in entries if ground_of(each).reason in CLAIMS]
    if len(mine) > MOST_CLAIMS:
        for entity in sorted({key_of(each)[0] for each in mine[MOST_CLAIMS:]}):
            notes.leave_out("ARCHIVE_CLAIMS", "archive", entity)
    for each in mine[:MOST_CLAIMS]:
        entity, id_ = key_of(each)
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
