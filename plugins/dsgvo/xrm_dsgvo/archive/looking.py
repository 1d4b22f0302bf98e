"""What is kept for the law, a dispute or a hold alone is looked at for that, and it is kept who has."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from starlette.responses import Response

from xrm_core.api import Action, ActionContext, Record, Refuse, Route, RouteContext, Vaulted, in_vault
from xrm_dsgvo import own
from xrm_dsgvo.archive.entries import USE, ground_of, of_records
from xrm_dsgvo.own import Making
from xrm_dsgvo.restriction.telling import RestrictedFormer, RestrictedValue, asked_for, file_among, told

MOST = 200
_RIGHT = "dsgvo.archive_look"
_CLAIMS = frozenset({"legal_claims", "subject_rights"})
_ALLOWED = {"hold": _CLAIMS, "dispute": _CLAIMS}
"""What is held or disputed is there for that alone."""


class ArchivePurpose(Enum):
    """For what: a ``legal_duty``, such as books and audits, ``legal_claims``, or rights of the person."""

    legal_duty = "legal_duty"
    legal_claims = "legal_claims"
    subject_rights = "subject_rights"


@dataclass
class ArchiveLookInput:
    """Which records of an entity, at most 200, for what, and why."""

    entity: str
    records: list[str]
    purpose: ArchivePurpose
    because: str


@dataclass
class ArchivedData:
    """Of a record what lies in the archive, why, and until when."""

    record: str
    reason: str
    basis: str
    until: date | None
    values: list[RestrictedValue]
    former: list[RestrictedFormer]


@dataclass
class ArchiveLooked:
    """All that lies there of the records. Those of which nothing does are not among them."""

    records: list[ArchivedData]


def look(context: ActionContext, given: ArchiveLookInput) -> ArchiveLooked:
    """Open it. It takes the right to sealed values as well, and is in the log of reads.

    Raises:
        Refuse: nothing of them lies there, it is not there for that, or nothing is said of why.
        Forbidden: the caller may not open sealed values.
    """
    return ArchiveLooked([_told(context, entry, each) for entry, each in _looked_at(context, given)])


def look_at_file(context: RouteContext) -> Response:
    """One of its files, under the same conditions.

    Raises:
        Refuse, Forbidden: as above; or there is no such file.
    """
    purpose, because = asked_for(context, _RIGHT, ArchivePurpose)
    path = context.request.path
    given = ArchiveLookInput(path["entity"], [path["record"]], purpose, because)
    return file_among(context, (each for _, each in _looked_at(context, given)))


def actions() -> list[Action]:
    """``dsgvoArchiveLook``."""
    about = {
        "en": "Look at what is kept for the law, a dispute or a hold alone.",
        "de": "Ansehen, was nur noch für Gesetz, Streit oder Löschsperre aufbewahrt wird.",
    }
    return [Action(_RIGHT, look, input=ArchiveLookInput, answers=ArchiveLooked, description=about)]


def routes() -> list[Route]:
    """``/archive/{entity}/{record}/files/{file}``."""
    return [Route("/archive/{entity}/{record}/files/{file}", look_at_file, ("POST",), seconds=60.0)]


def _looked_at(context: Making, given: ArchiveLookInput) -> list[tuple[Record, Vaulted]]:
    """What lies there, once it is kept that somebody looks."""
    if not 0 < len(given.records) <= MOST:
        text = {"en": f"One to {MOST} records.", "de": f"Einen bis {MOST} Datensätze."}
        raise Refuse(text, field="records")
    if not given.because.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    entries = of_records(context, ((given.entity, each) for each in given.records))
    if not entries or given.entity not in context.records.model:
        raise Refuse({"en": "Nothing of it is archived.", "de": "Davon ist nichts archiviert."}, field="records")
    if any(given.purpose.value not in _ALLOWED.get(str(each["reason"]), {given.purpose.value}) for each in entries):
        text = {
            "en": "What is kept for a dispute or a legal hold is looked at for that alone: legal_claims.",
            "de": "Was für einen Streit oder eine Löschsperre bleibt, ist nur dafür einzusehen: legal_claims.",
        }
        raise Refuse(text, field="purpose")
    found = [(entry, each) for entry in entries for each in in_vault(context, deposit=str(entry["deposit"]))]
    said = {"purpose": given.purpose.value, "because": given.because.strip()[:2000], "at": own.now()}
    for id_ in sorted({str(entry["record_id"]) for entry, _ in found}):
        own.create(context, USE, {"entity_name": given.entity, "record_id": id_, **said})
    return found


def _told(context: Making, entry: Record, vaulted: Vaulted) -> ArchivedData:
    data, ground = told(context, vaulted), ground_of(entry)
    return ArchivedData(data.record, ground.reason.value, ground.basis, ground.until, data.values, data.former)
