"""Words of the record that no register has, in both languages."""

from collections.abc import Mapping

Labels = Mapping[str, str]

KINDS: Mapping[str, Labels] = {
    "customer": {"de": "Kunden", "en": "Customers"},
    "prospect": {"de": "Interessenten", "en": "Prospects"},
    "contact_person": {"de": "Ansprechpartner", "en": "Contact persons"},
    "employee": {"de": "Beschäftigte", "en": "Employees"},
    "supplier_vendor": {"de": "Lieferanten und Partner", "en": "Suppliers and partners"},
    "job_applicant": {"de": "Bewerber", "en": "Job applicants"},
    "visitor": {"de": "Besucher", "en": "Visitors"},
    "next_of_kin": {"de": "Angehörige", "en": "Next of kin"},
    "child": {"de": "Kinder", "en": "Children"},
    "anonymous_user": {"de": "Nutzer ohne Namen", "en": "Anonymous users"},
    "member": {"de": "Mitglieder", "en": "Members"},
    "donor": {"de": "Spender", "en": "Donors"},
}
ROLES: Mapping[str, Labels] = {
    "processor": {"de": "Auftragsverarbeiter", "en": "processor"},
    "sub_processor": {"de": "Unterauftragsverarbeiter", "en": "sub-processor"},
    "joint_controller": {"de": "gemeinsam Verantwortlicher", "en": "joint controller"},
    "controller": {"de": "eigener Verantwortlicher", "en": "controller of its own"},
    "planned": {"de": "vorgesehen", "en": "planned"},
}
INSTRUMENTS: Mapping[str, Labels] = {
    "adequacy": {"de": "Angemessenheitsbeschluss (Art. 45)", "en": "adequacy decision (Article 45)"},
    "scc": {"de": "Standardvertragsklauseln (Art. 46)", "en": "standard contractual clauses (Article 46)"},
    "bcr": {"de": "Interne Vorschriften (Art. 47)", "en": "binding corporate rules (Article 47)"},
    "art49": {"de": "Ausnahme (Art. 49)", "en": "derogation (Article 49)"},
}
ASSESSMENTS: Mapping[str, Labels] = {
    "impact": {"de": "Datenschutz-Folgenabschätzung (Art. 35)", "en": "Impact assessment (Article 35)"},
    "legitimate_interests": {"de": "Interessenabwägung", "en": "Balancing of interests"},
}
OUTCOMES: Mapping[str, Labels] = {
    "acceptable": {"de": "Risiko ist vertretbar", "en": "the risk is acceptable"},
    "not_needed": {"de": "nicht nötig", "en": "not needed"},
    "consult_authority": {"de": "Behörde zu konsultieren", "en": "the authority is to be consulted"},
}
SPECIAL: Mapping[str, Labels] = {
    "art9": {"de": "besondere Kategorie, Art. 9", "en": "special category, Article 9"},
    "art10": {"de": "Straftaten, Art. 10", "en": "offences, Article 10"},
}
HEADINGS: Mapping[str, Labels] = {
    "title": {"de": "Verzeichnis von Verarbeitungstätigkeiten", "en": "Record of processing activities"},
    "norm2": {"de": "nach Art. 30 Abs. 2 DSGVO", "en": "under Article 30(2) GDPR"},
    "processor": {"de": "Auftragsverarbeiter", "en": "Processor"},
    "services": {"de": "Kategorien von Verarbeitungen", "en": "Categories of processing"},
    "activities": {"de": "Verarbeitungstätigkeiten", "en": "Processing activities"},
    "norm": {"de": "nach Art. 30 Abs. 1 DSGVO", "en": "under Article 30(1) GDPR"},
    "controller": {"de": "Verantwortlicher", "en": "Controller"},
    "contact": {"de": "Kontakt", "en": "Contact"},
    "officer": {"de": "Datenschutzbeauftragte", "en": "Data protection officer"},
    "edition": {"de": "Fassung", "en": "Edition"},
    "approved": {"de": "freigegeben", "en": "approved"},
    "differs": {
        "de": "weicht von der freigegebenen Fassung ab, oder es gibt keine",
        "en": "differs from the approved edition, or there is none",
    },
    "purposes": {"de": "Zwecke", "en": "Purposes"},
    "basis": {"de": "Rechtsgrundlagen", "en": "Legal bases"},
    "subjects": {"de": "Betroffene Personen", "en": "Data subjects"},
    "categories": {"de": "Kategorien personenbezogener Daten", "en": "Categories of personal data"},
    "recipients": {"de": "Empfänger", "en": "Recipients"},
    "transfers": {"de": "Übermittlungen in Drittländer", "en": "Transfers to third countries"},
    "retention": {"de": "Fristen für die Löschung", "en": "Time limits for erasure"},
    "measures": {"de": "Technische und organisatorische Maßnahmen", "en": "Technical and organisational measures"},
    "assessments": {"de": "Abwägungen und Folgenabschätzungen", "en": "Assessments"},
    "none": {"de": "keine", "en": "none"},
}


def told(labels: Labels, language: str, key: str = "") -> str:
    """The label in a language; else in any, else the key."""
    return labels.get(language) or next(iter(labels.values()), key)
