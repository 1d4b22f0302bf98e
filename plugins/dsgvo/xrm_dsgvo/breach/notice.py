"""Texts of notifications: to the authority (Article 33(3)), to the controller for whom we process the data (33(2)), and
to the persons (34(2)).

They are drafts: somebody reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_dsgvo.record.words import told
from xrm_dsgvo.registers import Registers

QUERY = """
query ($id: ID!) { dataBreach(id: $id) {
  summary confidentiality integrity availability noticedAt dueAt categories persons records consequences measures
  risk delayReasons processor { name } processorNoticedAt onBehalfOf notifiedAt
} }"""


class To(Enum):
    """Whom."""

    authority = "authority"
    controller = "controller"
    persons = "persons"


class NoticeLanguage(Enum):
    """In which language."""

    de = "de"
    en = "en"


@dataclass
class BreachNoticeInput:
    """Of which breach, to whom."""

    breach: str
    to: To = To.authority
    language: NoticeLanguage = NoticeLanguage.de


@dataclass
class BreachNotice:
    """The text; ``missing``: what the law wants in it and nobody has said yet."""

    subject: str
    text: str
    missing: list[str]


_WORDS: Mapping[str, Mapping[str, str]] = {
    "subject_authority": {
        "de": "Meldung einer Verletzung des Schutzes personenbezogener Daten (Art. 33 DSGVO)",
        "en": "Notification of a personal data breach (Article 33 GDPR)",
    },
    "subject_controller": {
        "de": "Meldung einer Verletzung des Datenschutzes an den Verantwortlichen (Art. 33 Abs. 2 DSGVO)",
        "en": "Notification of a personal data breach to the controller (Article 33(2) GDPR)",
    },
    "subject_persons": {
        "de": "Benachrichtigung über eine Verletzung des Schutzes Ihrer Daten (Art. 34 DSGVO)",
        "en": "Communication of a breach of your personal data (Article 34 GDPR)",
    },
    "controller": {"de": "Verantwortlicher", "en": "Controller"},
    "behalf": {"de": "Verarbeitet im Auftrag von", "en": "Processed on behalf of"},
    "former": {"de": "Ergänzt die Meldung vom", "en": "Adds to the notification of"},
    "there": {"de": "Dort bekannt geworden", "en": "Noticed there"},
    "noticed": {"de": "Bekannt geworden", "en": "Noticed"},
    "nature": {"de": "Art der Verletzung", "en": "Nature of the breach"},
    "confidentiality": {"de": "Vertraulichkeit", "en": "confidentiality"},
    "integrity": {"de": "Integrität", "en": "integrity"},
    "availability": {"de": "Verfügbarkeit", "en": "availability"},
    "summary": {"de": "Was geschehen ist", "en": "What happened"},
    "categories": {"de": "Kategorien der Daten", "en": "Categories of data"},
    "persons": {"de": "Zahl der Betroffenen (etwa)", "en": "Number of persons (about)"},
    "records": {"de": "Zahl der Datensätze (etwa)", "en": "Number of records (about)"},
    "consequences": {"de": "Wahrscheinliche Folgen", "en": "Likely consequences"},
    "measures": {"de": "Ergriffene und vorgeschlagene Maßnahmen", "en": "Measures taken and proposed"},
    "processor": {"de": "Bei unserem Auftragsverarbeiter", "en": "At our processor"},
    "delay": {"de": "Gründe der Verspätung", "en": "Reasons for the delay"},
    "officer": {"de": "Anlaufstelle für Fragen", "en": "Contact point"},
}


def notice(context: QueryContext, given: BreachNoticeInput) -> BreachNotice:
    """``dsgvoBreachNotice``: with the rights of the caller. Raises Refuse: there is no such breach."""
    breach = context.query(QUERY, {"id": given.breach})["dataBreach"]
    if breach is None:
        raise Refuse({"en": "There is no such breach.", "de": "Diese Datenpanne gibt es nicht."}, field="breach")
    return written(breach, given.to, given.language.value, context.settings, context.settings.all_registers())


def written(breach: Mapping[str, Any], to: To, language: str, settings: Any, registers: Registers) -> BreachNotice:
    """The text of a breach as the API answers it."""

    def word(name: str) -> str:
        return told(_WORDS[name], language)

    keys = (breach["categories"] or {}).get("keys", ())
    broken = [word(name) for name in ("confidentiality", "integrity", "availability") if breach[name]]
    parts: list[tuple[str, Any, bool]] = [
        ("controller", ", ".join(filter(None, (settings.controller, settings.controller_contact))), True),
        ("officer", settings.officer_contact, True),
        ("nature", ", ".join(broken), True),
        ("summary", breach["summary"], True),
        ("categories", ", ".join(told(registers.categories[key].labels, language, key) for key in keys), True),
    ]
    if to is not To.persons:
        parts += [
            ("behalf", breach["onBehalfOf"], to is To.controller),
            ("former", _minute(breach["notifiedAt"]), False),
            ("noticed", _minute(breach["noticedAt"]), True),
            ("persons", breach["persons"], True),
            ("records", breach["records"], True),
            ("processor", (breach["processor"] or {}).get("name"), False),
            ("there", _minute(breach["processorNoticedAt"]), False),
            ("delay", breach["delayReasons"], False),
        ]
    parts += [("consequences", breach["consequences"], True), ("measures", breach["measures"], True)]
    missing = [word(name) for name, value, needed in parts if needed and value in (None, "")]
    text = "\n\n".join(f"{word(name)}:\n{value}" for name, value, _ in parts if value not in (None, ""))
    return BreachNotice(word(f"subject_{to.value}"), text, missing)


def _minute(at: str | None) -> str:
    return "" if at is None else at[:16].replace("T", " ") + " UTC"


def query_fields() -> list[QueryField]:
    """``dsgvoBreachNotice``."""
    about = {"en": "Draft of a notification of a breach.", "de": "Entwurf der Meldung einer Datenpanne."}
    return [QueryField("dsgvo.breach_notice", notice, input=BreachNoticeInput, answers=BreachNotice, description=about)]
