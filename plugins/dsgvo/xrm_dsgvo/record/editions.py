"""Editions of the record: one is proposed as it is now, and approved by somebody else; what was approved stays."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from xrm_core.api import (
    Action,
    ActionContext,
    DataStore,
    Model,
    On,
    QueryContext,
    QueryField,
    Record,
    Refuse,
    data_stores,
)
from xrm_dsgvo.own import change, create, kept, now
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.record.around import Ask, around_of
from xrm_dsgvo.record.differing import Difference, differences
from xrm_dsgvo.record.dpv import json_ld
from xrm_dsgvo.record.layout import html, html_of, pdf, pdf_of
from xrm_dsgvo.record.making import digest_of, record_of
from xrm_dsgvo.record.mandates import lines_of_mandates, mandates_of
from xrm_dsgvo.stores.saying import said_of

EDITION = "processing_record"
NO_STORES: Mapping[str, DataStore] = MappingProxyType({})
APPROVED = """
{ processingRecords(first: 1, where: {status: {eq: approved}}, orderBy: [{edition: DESC}]) {
  nodes { id edition content digest approvedAt }
} }"""


class Format(Enum):
    """As what the record is answered: ``json`` our own, ``dpv`` JSON-LD, ``html`` and ``pdf`` to read."""

    json = "json"
    dpv = "dpv"
    html = "html"
    pdf = "pdf"


class Language(Enum):
    """Of what is read."""

    de = "de"
    en = "en"


class Part(Enum):
    """Whose record: ours as a ``controller`` (Article 30(1)), or as a ``processor`` of others (30(2))."""

    controller = "controller"
    processor = "processor"


@dataclass
class Art30Input:
    """Which form, of HTML and PDF in which language, and whose record. That of a processor has no editions."""

    format: Format = Format.json
    language: Language = Language.de
    part: Part = Part.controller


@dataclass
class Art30:
    """The record as it is now. ``content`` is text, of a PDF base64. ``drift``: how it differs from the edition that is
    approved; empty: not at all.
    """

    content: str
    digest: str
    approved_edition: int | None
    drift: list[Difference] = field(default_factory=list)


@dataclass
class Proposed:
    """A new edition, and in what it differs from the one that is approved."""

    processing_record: str
    edition: int
    drift: list[Difference]


def now_of(model: Model, ask: Ask, settings: Any, stores: Mapping[str, DataStore] = NO_STORES) -> dict[str, Any]:
    """The record as it is now, with what stores of plugins say of themselves."""
    registers = settings.all_registers()
    elsewhere = {name: found.privacy for name, each in stores.items() if (found := said_of(each, registers))}
    privacy = PrivacyModel({**privacy_of(model).entities, **elsewhere})
    return record_of(privacy, registers, around_of(ask, settings))


def approved_of(ask: Ask) -> Mapping[str, Any] | None:
    """The edition that is approved."""
    found = ask(APPROVED, {})["processingRecords"]["nodes"]
    return found[0] if found else None


def drift_of(approved: Mapping[str, Any] | None, record: Mapping[str, Any]) -> list[Difference]:
    """In what it differs from the edition that is approved."""
    if approved is not None and approved["digest"] == digest_of(record):
        return []
    return list(differences(None if approved is None else approved["content"], record))


def written(record: Mapping[str, Any], format_: Format, language: str, standing: str) -> str | bytes:
    """The record in one of its forms. Raises Refuse: of a PDF, what lays it out is not installed."""
    if format_ is Format.pdf:
        return pdf(record, language, standing)
    if format_ is Format.html:
        return html(record, language, standing)
    value = json_ld(record) if format_ is Format.dpv else record
    return json.dumps(value, ensure_ascii=False, indent=2)


def art30(context: QueryContext, given: Art30Input) -> Art30:
    """``dsgvoArt30``."""
    if given.part is Part.processor:
        return _as_processor(context, given)
    record = now_of(context.model, context.query_as_system, context.settings, data_stores(context))
    approved = approved_of(context.query_as_system)
    drift = drift_of(approved, record)
    text = written(record, given.format, given.language.value, standing_of(approved, drift, given.language.value))
    content = base64.b64encode(text).decode() if isinstance(text, bytes) else text
    return Art30(content, digest_of(record), None if approved is None else approved["edition"], drift)


def _as_processor(context: QueryContext, given: Art30Input) -> Art30:
    if given.format is Format.dpv:
        text = {"en": "The record of a processor is JSON, HTML or PDF.", "de": "Es gibt JSON, HTML oder PDF."}
        raise Refuse(text, field="format")
    record = mandates_of(context.query_as_system, context.settings, today(context.settings))
    content = json.dumps(record, ensure_ascii=False, indent=2)
    if given.format is Format.html:
        content = html_of(lines_of_mandates(record, given.language.value))
    elif given.format is Format.pdf:
        content = base64.b64encode(pdf_of(lines_of_mandates(record, given.language.value))).decode()
    return Art30(content, digest_of(record), None)


def standing_of(approved: Mapping[str, Any] | None, drift: list[Difference], language: str) -> str:
    """Of which edition it is, to be read on it."""
    if approved is None or drift:
        return "Entwurf, nicht freigegeben" if language == "de" else "draft, not approved"
    on = str(approved["approvedAt"])[:10]
    edition = approved["edition"]
    return f"{edition}, freigegeben am {on}" if language == "de" else f"{edition}, approved on {on}"


def propose(context: ActionContext) -> Proposed:
    """Keep the record as it is now as a draft; an older draft is superseded by it."""
    record = now_of(context.records.model, context.query_as_system, context.settings, data_stores(context))
    approved = approved_of(context.query_as_system)
    drift = drift_of(approved, record)
    if approved is not None and not drift:
        text = {"en": "Nothing differs from the approved edition.", "de": "Nichts weicht von der Fassung ab."}
        raise Refuse(text)
    for each in context.find(EDITION, {"status": {"eq": "draft"}}, 100):
        change(context, EDITION, each["id"], {"status": "superseded"})
    last = context.query_as_system("{ processingRecordsAggregate { max { edition } } }")["processingRecordsAggregate"]
    edition = int((last[0]["max"]["edition"] if last else None) or 0) + 1
    values = {"edition": edition, "content": record, "digest": digest_of(record), "status": "draft"}
    return Proposed(create(context, EDITION, values), edition, drift)


def approve(context: ActionContext, edition: Record) -> None:
    """Somebody else than who proposed it finds it right.

    Raises:
        Refuse: it is no draft, the caller has proposed it, or something has changed since.
    """
    if edition["status"] != "draft":
        raise Refuse({"en": "Only a draft is approved.", "de": "Nur ein Entwurf wird freigegeben."}, field="status")
    actor = context.caller.actor
    if actor is None or actor == edition["created_by"]:
        text = {
            "en": "Somebody else than who proposed it approves an edition.",
            "de": "Eine Fassung gibt jemand anderes frei als wer sie vorgelegt hat.",
        }
        raise Refuse(text, field="approved_by")
    record = now_of(context.records.model, context.query_as_system, context.settings, data_stores(context))
    if digest_of(record) != edition["digest"]:
        text = {
            "en": "Something has changed since it was proposed: propose it anew.",
            "de": "Seit sie vorgelegt wurde, hat sich etwas geändert: Neu vorlegen.",
        }
        raise Refuse(text, field="digest")
    for each in context.find(EDITION, {"status": {"eq": "approved"}}, 100):
        change(context, EDITION, each["id"], {"status": "superseded"})
    change(context, EDITION, edition["id"], {"status": "approved", "approved_by": actor, "approved_at": now()})


def query_fields() -> list[QueryField]:
    """``dsgvoArt30``."""
    about = {"en": "The record of processing activities.", "de": "Das Verzeichnis von Verarbeitungstätigkeiten."}
    return [QueryField("dsgvo.art30", art30, input=Art30Input, answers=Art30, cost=500, seconds=20, description=about)]


def actions() -> list[Action]:
    """``dsgvoArt30Propose`` and ``approveEditionProcessingRecord``."""
    proposing = {"en": "Propose an edition of the record.", "de": "Eine Fassung des Verzeichnisses vorlegen."}
    approving = {"en": "Approve an edition of the record.", "de": "Eine Fassung des Verzeichnisses freigeben."}
    return [
        Action("dsgvo.art30_propose", propose, answers=Proposed, description=proposing),
        Action("dsgvo.approve_edition", approve, EDITION, needs="read", description=approving),
    ]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {
        "en": "Editions are proposed and approved by actions, and stay.",
        "de": "Fassungen entstehen durch Vorlage und Freigabe, und sie bleiben.",
    }
    return [kept(EDITION, text)]
