"""Words of letters about requests, in both languages."""

from collections.abc import Mapping

Labels = Mapping[str, str]

TITLES: Mapping[str, Labels] = {
    "received": {"de": "Ihre Anfrage ist eingegangen", "en": "Your request has come"},
    "received_norm": {"de": "nach Art. 12 DSGVO", "en": "under Article 12 GDPR"},
    "identity": {"de": "Rückfrage zu Ihrer Anfrage", "en": "A question about your request"},
    "identity_norm": {"de": "nach Art. 12 Abs. 6 DSGVO", "en": "under Article 12(6) GDPR"},
    "extension": {"de": "Ihre Anfrage dauert länger", "en": "Your request takes longer"},
    "extension_norm": {"de": "nach Art. 12 Abs. 3 DSGVO", "en": "under Article 12(3) GDPR"},
    "decision": {"de": "Entscheidung über Ihre Anfrage", "en": "Decision on your request"},
    "decision_norm": {"de": "nach Art. 12 DSGVO", "en": "under Article 12 GDPR"},
    "recipients": {"de": "Wer unterrichtet wurde", "en": "Who was told"},
    "recipients_norm": {"de": "nach Art. 19 DSGVO", "en": "under Article 19 GDPR"},
}
LEADS: Mapping[str, Labels] = {
    "received": {
        "de": "Wir haben Ihre Anfrage erhalten und antworten bis zum {due}. Das kostet Sie nichts.",
        "en": "We have got your request and answer by {due}. It costs you nothing.",
    },
    "identity": {
        "de": "Bevor wir antworten, müssen wir sicher sein, dass Ihre Daten niemand anderes bekommt.",
        "en": "Before we answer we have to be sure that nobody else gets your data.",
    },
    "extension": {
        "de": "Wir brauchen für die Antwort länger, bis zum {due}.",
        "en": "We need longer for the answer, until {due}.",
    },
    "granted": {
        "de": "Wir haben Ihrer Anfrage entsprochen.",
        "en": "We have done what you asked for.",
    },
    "partial": {
        "de": "Wir haben Ihrer Anfrage zum Teil entsprochen.",
        "en": "We have done a part of what you asked for.",
    },
    "refused": {
        "de": "Wir können Ihrer Anfrage nicht entsprechen.",
        "en": "We cannot do what you asked for.",
    },
    "recipients": {
        "de": "Diese Empfänger hatten Daten von uns und sind über die Änderung unterrichtet worden.",
        "en": "These recipients had data from us and have been told of the change.",
    },
}
HEADINGS: Mapping[str, Labels] = {
    "address": {"de": "Anschrift", "en": "Address"},
    "right": {"de": "Sie verlangen", "en": "You ask for"},
    "why": {"de": "Warum", "en": "Why"},
    "copy": {"de": "Wenn Sie uns eine Ausweiskopie schicken", "en": "If you send us a copy of a passport"},
    "remedies": {"de": "Was Sie dagegen tun können", "en": "What you can do about it"},
    "recipients": {"de": "Empfänger", "en": "Recipients"},
    "stays": {"de": "Was bleibt, warum und bis wann", "en": "What stays, why and until when"},
    "backups": {"de": "Sicherungskopien", "en": "Backups"},
    "backups_clear": {
        "de": "Kopien in Sicherungen sind spätestens am {day} gelöscht. Bis dahin benutzen wir sie nicht anders.",
        "en": "Copies in backups are gone by {day} at the latest. Until then we use them for nothing else.",
    },
    "nobody": {
        "de": "Niemand hat diese Daten von uns bekommen, soweit wir es vermerkt haben.",
        "en": "Nobody has got these data from us, as far as we have noted it.",
    },
}
STAYS: Mapping[str, Labels] = {
    "norm": {"de": "Wir müssen oder dürfen es behalten: {norm}.", "en": "We have to keep it, or may: {norm}."},
    "hold": {
        "de": "Es wird für Rechtsansprüche gebraucht (Art. 17 Abs. 3 Buchst. e DSGVO).",
        "en": "It is needed for legal claims (Article 17(3)(e) GDPR).",
    },
    "purpose": {"de": "Wir brauchen es weiter für: {purpose}.", "en": "We go on needing it for: {purpose}."},
    "store": {
        "de": "In diesem Dienst muss ein Teil bleiben, etwa nach gesetzlichen Pflichten.",
        "en": "A part has to stay in this service, such as for duties by law.",
    },
    "OTHERS": {"de": "Es gehört auch zu anderen Personen.", "en": "It is that of other persons, too."},
    "REVIEWED": {
        "de": "Es geht darin um andere Personen; was Sie nennt, ist entfernt, soweit das möglich war.",
        "en": "It is about other persons; what names you was taken out as far as possible.",
    },
    "REQUIRED": {"de": "Es gehört zu Unterlagen anderer Personen.", "en": "It belongs to papers of other persons."},
    "ARCHIVED": {
        "de": "Es wird nur noch für einen Streit oder eine Löschsperre aufbewahrt.",
        "en": "It is kept for a dispute or a legal hold alone.",
    },
    "IN_VAULT": {
        "de": "Die Verarbeitung der Daten anderer Personen darin ist eingeschränkt.",
        "en": "The processing of data of other persons in it is restricted.",
    },
    "START_MISSING": {
        "de": "Ob die Frist dafür schon läuft, steht noch nicht fest.",
        "en": "It is not known yet whether its period has begun.",
    },
    "other": {"de": "Wir brauchen es noch.", "en": "We still need it."},
}
"""Why something stays after an erasure, to the person."""

UNTIL: Mapping[str, Labels] = {
    "day": {"de": "Bis zum {day}.", "en": "Until {day}."},
    "open": {"de": "Ein Ende steht noch nicht fest.", "en": "Its end is not known yet."},
}
ASKED: Mapping[str, Labels] = {
    "access": {"de": "Auskunft (Art. 15 DSGVO)", "en": "access (Article 15 GDPR)"},
    "rectification": {"de": "Berichtigung (Art. 16 DSGVO)", "en": "rectification (Article 16 GDPR)"},
    "erasure": {"de": "Löschung (Art. 17 DSGVO)", "en": "erasure (Article 17 GDPR)"},
    "restriction": {"de": "Einschränkung der Verarbeitung (Art. 18 DSGVO)", "en": "restriction (Article 18 GDPR)"},
    "portability": {"de": "Daten zum Mitnehmen (Art. 20 DSGVO)", "en": "portability (Article 20 GDPR)"},
    "objection": {"de": "Widerspruch (Art. 21 DSGVO)", "en": "objection (Article 21 GDPR)"},
}
AS_HEIR: Mapping[str, Labels] = {
    "access": {"de": "Auskunft", "en": "information"},
    "rectification": {"de": "Berichtigung", "en": "rectification"},
    "erasure": {"de": "Löschung", "en": "erasure"},
    "restriction": {"de": "Einschränkung der Verarbeitung", "en": "restriction of processing"},
    "portability": {"de": "Daten zum Mitnehmen", "en": "data to take along"},
    "objection": {"de": "keine weitere Verarbeitung", "en": "no further processing"},
}
"""What somebody wants who has inherited: no right of the GDPR."""

HEIR_NORM: Labels = {"de": "als Erbin oder Erbe (§ 1922 BGB)", "en": "as an heir (§ 1922 BGB)"}
GROUNDS: Mapping[str, Labels] = {
    "not_identified": {
        "de": "Wir können Sie nicht identifizieren (Art. 11 und 12 Abs. 2 DSGVO).",
        "en": "We cannot identify you (Articles 11 and 12(2) GDPR).",
    },
    "unfounded": {
        "de": "Die Anfrage ist offenkundig unbegründet (Art. 12 Abs. 5 DSGVO).",
        "en": "The request is manifestly unfounded (Article 12(5) GDPR).",
    },
    "excessive": {
        "de": "Die Anfrage ist exzessiv (Art. 12 Abs. 5 DSGVO).",
        "en": "The request is excessive (Article 12(5) GDPR).",
    },
    "rights_of_others": {
        "de": "Rechte anderer Personen stehen entgegen (Art. 15 Abs. 4, Art. 20 Abs. 4 DSGVO).",
        "en": "Rights of other persons stand in the way (Articles 15(4) and 20(4) GDPR).",
    },
    "conditions": {
        "de": "Die Voraussetzungen des Rechts liegen nicht vor.",
        "en": "What the right asks for is not given.",
    },
    "law": {"de": "Ein Gesetz nimmt diesen Fall aus.", "en": "A law excepts this case."},
    "deceased": {
        "de": "Die Person ist verstorben; ihre Rechte nach der DSGVO gehen nicht über (Erwägungsgrund 27 DSGVO).",
        "en": "The person has died; their rights under the GDPR do not pass to others (Recital 27 GDPR).",
    },
}
REMEDIES: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Sie können sich bei einer Aufsichtsbehörde für den Datenschutz beschweren (Art. 77 DSGVO), etwa bei der an"
        " Ihrem Wohnort, Ihrem Arbeitsplatz oder unserem Sitz.",
        "Sie können vor Gericht gehen (Art. 79 DSGVO).",
    ),
    "en": (
        "You can complain to a supervisory authority for data protection (Article 77 GDPR), such as that where you"
        " live, where you work or where we are.",
        "You can go to court (Article 79 GDPR).",
    ),
}
COPY: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Schwärzen Sie alles außer Name, Anschrift, Geburtstag und Gültigkeit.",
        "Schicken Sie sie nicht mit offener E-Mail.",
        "Wir vernichten sie, sobald wir sie angesehen haben.",
    ),
    "en": (
        "Blacken all but name, address, day of birth and validity.",
        "Do not send it by open e-mail.",
        "We destroy it as soon as we have looked at it.",
    ),
}
