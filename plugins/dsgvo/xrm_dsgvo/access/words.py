"""Words of answers to data subjects, in both languages."""

from collections.abc import Mapping

Labels = Mapping[str, str]

HEADINGS: Mapping[str, Labels] = {
    "title": {"de": "Auskunft über Ihre Daten", "en": "Access to your data"},
    "norm": {"de": "nach Art. 15 DSGVO", "en": "under Article 15 GDPR"},
    "controller": {"de": "Verantwortlicher", "en": "Controller"},
    "contact": {"de": "Kontakt", "en": "Contact"},
    "officer": {"de": "Datenschutzbeauftragte", "en": "Data protection officer"},
    "name": {"de": "Für", "en": "For"},
    "received": {"de": "Ihre Anfrage vom", "en": "Your request of"},
    "made": {"de": "Stand", "en": "As of"},
    "confirmed": {
        "de": "Wir verarbeiten Daten über Sie. Hier sind sie, mit allem, was dazu zu sagen ist.",
        "en": "We process data about you. Here they are, with all that is to be said of them.",
    },
    "nothing": {
        "de": "Außer Ihrer Anfrage und dieser Antwort verarbeiten wir keine Daten über Sie.",
        "en": "Apart from your request and this answer we process no data about you.",
    },
    "nothing_open": {
        "de": "Außer Ihrer Anfrage und dieser Antwort haben wir keine Daten über Sie gefunden. Was allein das Gesetz"
        " aufbewahren lässt, wurde dafür nicht geöffnet; was das ist und bis wann es bleibt, steht unten.",
        "en": "Apart from your request and this answer we have found no data about you. What the law alone has us keep"
        " was not opened for this; what that is, and until when it stays, is said below.",
    },
    "why": {"de": "Wozu, an wen und wie lange", "en": "What for, to whom and for how long"},
    "data": {"de": "Ihre Daten", "en": "Your data"},
    "mentions": {"de": "Wo Sie sonst erwähnt sind", "en": "Where else you are mentioned"},
    "origin": {"de": "Woher Daten stammen, die nicht von Ihnen sind", "en": "Whence data come that are not from you"},
    "decisions": {"de": "Automatisierte Bewertung", "en": "Automated assessment"},
    "disclosed": {"de": "An wen Ihre Daten gegangen sind", "en": "To whom your data have gone"},
    "notified": {"de": "Wer über Änderungen unterrichtet wurde", "en": "Who was told of changes"},
    "left_out": {"de": "Was durchsucht wurde und was fehlt", "en": "What was searched and what is left out"},
    "kept_after": {"de": "Was nach einer Löschung bleibt", "en": "What stays after an erasure"},
    "erased_on": {"de": "Gelöscht haben wir am {on}.", "en": "We have erased on {on}."},
    "rights": {"de": "Ihre Rechte", "en": "Your rights"},
    "kept_until": {"de": "Aufbewahrt bis", "en": "Kept until"},
    "kept_for": {"de": "Aufbewahrt", "en": "Kept"},
    "history": {"de": "früher", "en": "formerly"},
    "read": {"de": "Angesehen am (wie oft)", "en": "Looked at on (how often)"},
    "sent": {"de": "Nachrichten", "en": "Messages"},
    "trash": {"de": "im Papierkorb", "en": "in the trash"},
    "gone": {"de": "gelöscht, noch im Änderungsprotokoll", "en": "deleted, still in the change log"},
    "restricted": {"de": "eingeschränkt (Art. 18 DSGVO)", "en": "restricted (Article 18 GDPR)"},
    "unknown": {"de": "nicht bekannt", "en": "not known"},
    "searched": {"de": "Durchsucht", "en": "Searched"},
    "none": {"de": "keine", "en": "none"},
    "looked": {"de": "Eingeschränkte Daten angesehen am", "en": "Restricted data looked at on"},
    "uses": {"de": "Wozu eingeschränkte Daten genutzt wurden", "en": "What restricted data were used for"},
    "for": {"de": "wozu", "en": "what for"},
    "glossary": {"de": "Was die Wörter heißen", "en": "What the words mean"},
}
STATES: Mapping[str, Labels] = {
    "queued": {"de": "wartet", "en": "waits"},
    "handing_over": {"de": "wird übergeben", "en": "is handed over"},
    "sent": {"de": "gesendet", "en": "sent"},
    "failed": {"de": "gescheitert", "en": "failed"},
    "refused": {"de": "nicht gesendet", "en": "not sent"},
}
PURPOSES: Mapping[str, Labels] = {
    "consent": {"de": "mit Ihrer Einwilligung", "en": "with your consent"},
    "legal_claims": {"de": "für Rechtsansprüche", "en": "for legal claims"},
    "protect_other_person": {"de": "zum Schutz einer anderen Person", "en": "to protect another person"},
    "public_interest": {"de": "wegen eines öffentlichen Interesses", "en": "for a public interest"},
    "subject_rights": {"de": "um Ihre Rechte zu erfüllen", "en": "to give you your rights"},
}
WAYS: Mapping[str, Labels] = {
    "told": {"de": "unterrichtet am {on}", "en": "told on {on}"},
    "due": {"de": "wird noch unterrichtet", "en": "is still to be told"},
    "lapsed": {"de": "nicht mehr nötig: zuvor aufgehoben", "en": "no longer needed: it was lifted before"},
    "waived": {
        "de": "nicht unterrichtet: unmöglich oder unverhältnismäßig",
        "en": "not told: impossible, or a disproportionate effort",
    },
}
BECAME: Mapping[str, Labels] = {
    "rectification": {"de": "berichtigt", "en": "rectified"},
    "erasure": {"de": "gelöscht", "en": "erased"},
    "restriction": {"de": "eingeschränkt", "en": "restricted"},
    "lifting": {"de": "Einschränkung aufgehoben", "en": "restriction lifted"},
}
GLOSSARY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "de": (
        ("Verantwortlicher", "Wer bestimmt, wozu und wie Ihre Daten verarbeitet werden."),
        ("Empfänger", "Wer Daten von uns bekommt, auch wer sie nur in unserem Auftrag verarbeitet."),
        (
            "Rechtsgrundlage",
            "Warum wir Daten verarbeiten dürfen: Buchstabe a Einwilligung, b Vertrag, c Gesetz,"
            " d lebenswichtige Interessen, e öffentliche Aufgabe, f berechtigtes Interesse (Art. 6 Abs. 1 DSGVO).",
        ),
        ("Berechtigtes Interesse", "Ein Interesse von uns oder anderen, das Ihre Interessen nicht überwiegen."),
        ("Bewertung (Profiling)", "Aus Ihren Daten wird errechnet, was auf Sie zutreffen kann."),
        ("Eingeschränkt", "Die Daten werden aufbewahrt und sonst nicht genutzt (Art. 18 DSGVO)."),
        ("Geschwärzt (███)", "Hier steht etwas über eine andere Person, deren Rechte wir wahren."),
        ("Versiegelt", "Der Wert liegt verschlüsselt und wird nur für wenige geöffnet."),
    ),
    "en": (
        ("Controller", "Who decides what your data are processed for, and how."),
        ("Recipient", "Who gets data from us, also who processes them on our behalf alone."),
        (
            "Legal basis",
            "Why we may process data: letter a consent, b contract, c law, d vital interests, e public task,"
            " f legitimate interest (Article 6(1) GDPR).",
        ),
        ("Legitimate interest", "An interest of ours or of others that your interests do not outweigh."),
        ("Assessment (profiling)", "From your data it is reckoned what may be so of you."),
        ("Restricted", "The data are kept, and not used otherwise (Article 18 GDPR)."),
        ("Blackened (███)", "Something about another person stands here, whose rights we keep."),
        ("Sealed", "The value lies encrypted, and is opened for few."),
    ),
}
STORES: Mapping[str, Labels] = {
    "records": {"de": "Datensätze", "en": "records"},
    "trash": {"de": "Papierkorb", "en": "trash"},
    "vault": {"de": "eingeschränkt (Tresor)", "en": "restricted (vault)"},
    "change_log": {"de": "frühere Werte im Änderungsprotokoll", "en": "former values in the change log"},
    "outbox": {"de": "Nachrichten", "en": "messages"},
    "files": {"de": "Dateien", "en": "files"},
    "disclosures": {"de": "Übermittlungen", "en": "disclosures"},
    "reads": {"de": "Einsichten", "en": "reads"},
    "mentions": {"de": "Erwähnungen", "en": "mentions"},
    "other_files": {"de": "durchsuchte Dateien anderer", "en": "files of others that were searched"},
    "archive": {"de": "Archiv", "en": "archive"},
    "backups": {"de": "Sicherungen", "en": "backups"},
    "logs": {"de": "Protokolle", "en": "logs"},
}
DECISIONS: Mapping[str, Labels] = {
    "profiling": {
        "de": "wird zur Bewertung errechnet; ein Mensch entscheidet",
        "en": "is reckoned to assess; a person decides",
    },
    "art22": {
        "de": "automatisierte Entscheidung nach Art. 22 DSGVO: Sie können verlangen, dass ein Mensch sie prüft",
        "en": "an automated decision (Article 22 GDPR): you can ask that a person looks at it",
    },
}
ORIGINS: Mapping[str, Labels] = {
    "provided": {"de": "von Ihnen", "en": "from you"},
    "observed": {"de": "bei uns entstanden", "en": "came up with us"},
    "derived": {"de": "errechnet", "en": "reckoned"},
    "third_party": {"de": "von Dritten", "en": "from others"},
}
RIGHTS: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Sie können verlangen, dass falsche Daten berichtigt werden (Art. 16 DSGVO).",
        "Sie können verlangen, dass Daten gelöscht werden, soweit kein Gesetz sie verlangt (Art. 17 DSGVO).",
        "Sie können verlangen, dass die Verarbeitung eingeschränkt wird (Art. 18 DSGVO).",
        "Was Sie uns gegeben haben, bekommen Sie auf Wunsch zum Mitnehmen (Art. 20 DSGVO).",
        "Sie können der Verarbeitung widersprechen, der für Werbung jederzeit und ohne Gründe (Art. 21 DSGVO).",
        "Eine Einwilligung können Sie jederzeit widerrufen (Art. 7 Abs. 3 DSGVO).",
        "Sie können sich bei einer Aufsichtsbehörde für den Datenschutz beschweren (Art. 77 DSGVO).",
    ),
    "en": (
        "You can ask that wrong data are rectified (Article 16 GDPR).",
        "You can ask that data are erased, as far as no law demands them (Article 17 GDPR).",
        "You can ask that their processing is restricted (Article 18 GDPR).",
        "What you have given us you can get to take along (Article 20 GDPR).",
        "You can object to the processing, to that for advertising at any time and without reasons (Article 21 GDPR).",
        "You can withdraw a consent at any time (Article 7(3) GDPR).",
        "You can complain to a supervisory authority for data protection (Article 77 GDPR).",
    ),
}


def word(name: str, language: str) -> str:
    """A heading in a language."""
    return HEADINGS[name][language]
