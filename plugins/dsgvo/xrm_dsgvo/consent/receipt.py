"""The record of one consent: in the names of ISO/IEC TS 27560, and as a protocol that can be printed.

Who relies on a consent shows what was said, by whom, and how it is known (Article 7(1); BGH, I ZR 164/09: the concrete
declaration of each person, whole, kept and printable).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_dsgvo.consent.protocol import protocol

SCHEMA = "ISO/IEC TS 27560:2023"
_CLASS = "LK-5J-7AUWG"
QUERY = """
query ($id: ID!) { consent(id: $id) {
  id status channel products controllers noticeVersion language jurisdiction collectionMethod source explicit
  evidenceText evidenceFile { name } grantedAt requestedAt messageId confirmedAt withdrawnAt withdrawalMethod lastUsedAt
  dataSubject { id minorUntil }
  contactPoint { id kind value }
  purpose { key nameDe nameEn }
  declaration { key edition text withdrawalHint }
  guardianConsent { id status dataSubject { id } }
  events(first: 1000, orderBy: [{position: ASC}]) { nodes { kind at via note } }
  uses { totalCount }
} }"""


class ReceiptLanguage(Enum):
    """In which language."""

    de = "de"
    en = "en"


@dataclass
class ReceiptInput:
    """Of which consent."""

    consent: str
    language: ReceiptLanguage = ReceiptLanguage.de


@dataclass
class Receipt:
    """``record``: JSON in the names of ISO/IEC TS 27560. ``html``: the protocol, to read and print."""

    record: str
    html: str


def receipt(context: QueryContext, given: ReceiptInput) -> Receipt:
    """``dsgvoConsentReceipt``: with the rights of the caller. Raises Refuse: they see no such consent."""
    consent = context.query(QUERY, {"id": given.consent})["consent"]
    if consent is None:
        text = {"en": "There is no such consent.", "de": "Diese Einwilligung gibt es nicht."}
        raise Refuse(text, field="consent")
    period = context.settings.all_registers().retention_classes[_CLASS].period
    kept = {"class": _CLASS, "period": f"{period.months} months", "from": "the last of: grant, use, end"}
    record = record_of(consent, context.settings, kept)
    return Receipt(
        json.dumps(record, ensure_ascii=False, indent=2),
        protocol(consent, context.settings, given.language.value, context.model),
    )


def record_of(consent: Mapping[str, Any], settings: Any, kept: Mapping[str, str]) -> dict[str, Any]:
    """The structure of the standard; what of it a consent does not have is left out."""
    names = (consent["controllers"] or {}).get("names", ())
    purpose = {
        "purpose": consent["purpose"]["nameEn"],
        "purpose_type": consent["purpose"]["key"],
        "lawful_basis": "consent, Article 6(1)(a) GDPR",
        "pii_information": [
            {"pii_type": consent["contactPoint"]["kind"], "pii_value": consent["contactPoint"]["value"]}
        ],
        "pii_controllers": list(names),
        "collection_method": consent["collectionMethod"],
        "processing_method": f"messages by {consent['channel']}",
        "services": (consent["products"] or {}).get("names"),
        "retention_period": dict(kept),
        "jurisdictions": [consent["jurisdiction"]],
        "recipient_third_parties": [each for each in names if each != settings.controller],
        "withdrawal_method": "by the link in each message, by any word to the controller, at any time",
        "privacy_rights": "Articles 7(3), 15 to 22 and 77 GDPR",
        "consent_type": "expressly given" if consent["explicit"] else "given",
    }
    subject, guardian = consent["dataSubject"], consent["guardianConsent"]
    record = {
        "schema_version": SCHEMA,
        "record_id": consent["id"],
        "pii_principal_id": subject["id"] if subject else consent["contactPoint"]["id"],
        "pii_processing": {
            "privacy_notice": consent["noticeVersion"],
            "language": consent["language"],
            "consent_text": consent["declaration"] and {**consent["declaration"]},
            "purposes": [{name: value for name, value in purpose.items() if value not in (None, [])}],
        },
        "party_identification": [
            {"party_id": name, "party_name": name, "party_role": "pii_controller", **_contact(name, settings)}
            for name in names
        ],
        "guardian": guardian and {"record_id": guardian["id"], "event_state": guardian["status"]},
        "event": [
            {"event_time": each["at"], "event_type": each["kind"], "event_method": each["via"], "note": each["note"]}
            for each in consent["events"]["nodes"]
        ],
        "event_state": consent["status"],
        "evidence": {
            "statement": consent["evidenceText"],
            "file": (consent["evidenceFile"] or {}).get("name"),
            "source": consent["source"],
            "confirmation_message": consent["messageId"],
        },
    }
    return {name: value for name, value in record.items() if value is not None}


def query_fields() -> list[QueryField]:
    """``dsgvoConsentReceipt``."""
    about = {"en": "The record of a consent, to print.", "de": "Der Nachweis einer Einwilligung, zum Drucken."}
    return [QueryField("dsgvo.consent_receipt", receipt, input=ReceiptInput, answers=Receipt, description=about)]


def _contact(name: str, settings: Any) -> dict[str, str]:
    return {"party_address": settings.controller_contact} if name == settings.controller else {}
