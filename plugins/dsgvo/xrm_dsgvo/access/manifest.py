"""What an answer says of itself: where it was looked, how much was found, what was left out and why. No content."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REASONS: Mapping[str, Mapping[str, str]] = {
    "REVIEW": {
        "de": "Ein Text, der andere nennen kann, ist noch nicht geprüft.",
        "en": "A text that may name others is still to be reviewed.",
    },
    "ART15_4": {
        "de": "Rechte anderer Personen (Art. 15 Abs. 4 DSGVO).",
        "en": "Rights of other persons (Article 15(4) GDPR).",
    },
    "BLACKENED": {
        "de": "In einem Text ist geschwärzt, was andere nennt (Art. 15 Abs. 4 DSGVO).",
        "en": "In a text what names others is blackened (Article 15(4) GDPR).",
    },
    "BDSG29_1": {"de": "Geheimhaltung (§ 29 Abs. 1 BDSG).", "en": "Secrecy (§ 29(1) BDSG)."},
    "GESCHGEHG": {
        "de": "Geschäftsgeheimnis; die Aufsichtsbehörde oder ein Gericht prüft es.",
        "en": "A trade secret; the authority or a court looks at it.",
    },
    "SUMMARY": {"de": "Wird nur dem Bestehen nach genannt.", "en": "Only told to exist."},
    "SEALED": {
        "de": "Ein versiegelter Wert: Wer ihn öffnen darf, muss die Antwort erstellen.",
        "en": "A sealed value: who may open it has to make the answer.",
    },
    "SEALED_FORMER": {
        "de": "Frühere versiegelte Werte werden nicht geöffnet.",
        "en": "Former sealed values are not opened.",
    },
    "FILE_APART": {
        "de": "Der Inhalt einer Datei liegt der Auskunft gesondert bei.",
        "en": "The content of a file is given along apart.",
    },
    "NOT_PROVIDED": {
        "de": "Nicht von der Person bereitgestellt (Art. 20 Abs. 1 DSGVO).",
        "en": "Not provided by the person (Article 20(1) GDPR).",
    },
    "NO_BASIS": {
        "de": "Weder auf Einwilligung noch auf Vertrag gestützt (Art. 20 Abs. 1 Buchst. a DSGVO).",
        "en": "Based neither on consent nor on a contract (Article 20(1)(a) GDPR).",
    },
    "CANDIDATE": {
        "de": "Vielleicht dieselbe Person; nicht bestätigt und darum nicht enthalten.",
        "en": "Perhaps the same person; not confirmed, and so not included.",
    },
    "OTHER_TEXTS": {
        "de": "Erwähnungen in Texten und Dateien anderer Personen wurden nicht durchsucht.",
        "en": "Mentions in texts and files of other persons were not searched.",
    },
    "OTHER_FILES": {
        "de": "Dateien anderer Personen wurden nicht durchsucht.",
        "en": "Files of other persons were not searched.",
    },
    "FILES_RUNNING": {
        "de": "Die Suche in Dateien anderer Personen läuft noch.",
        "en": "The search of files of other persons is under way.",
    },
    "FILES_NOT_FOR_ALL": {
        "de": "Dateien anderer Personen wurden nicht nach allen Namen und Anschriften durchsucht, die bekannt sind.",
        "en": "Files of other persons were not searched for all names and addresses that are known.",
    },
    "FILE_PICTURE": {
        "de": "Nicht durchsucht: Bilder und eingescannte Seiten ohne Text.",
        "en": "Not searched: pictures and scanned pages without text.",
    },
    "FILE_FORMAT": {
        "de": "Nicht durchsucht: ein Format, das nicht gelesen wird.",
        "en": "Not searched: a format that is not read.",
    },
    "FILE_ENCRYPTED": {
        "de": "Nicht durchsucht: mit einem Kennwort geschützt.",
        "en": "Not searched: protected by a password.",
    },
    "FILE_TOO_LARGE": {
        "de": "Nicht oder nicht ganz durchsucht: zu groß.",
        "en": "Not searched, or not all of it: too large.",
    },
    "FILE_BROKEN": {
        "de": "Nicht oder nicht ganz durchsucht: beschädigt.",
        "en": "Not searched, or not all of it: damaged.",
    },
    "FILE_QUARANTINED": {
        "de": "Nicht durchsucht: in Quarantäne.",
        "en": "Not searched: in quarantine.",
    },
    "FILE_CLOSED": {
        "de": "Nicht durchsucht: Der Inhalt war nicht zu öffnen.",
        "en": "Not searched: its content could not be opened.",
    },
    "BDSG34_ARCHIVE": {
        "de": "Nur noch wegen gesetzlicher Aufbewahrungspflichten gespeichert, von Personen getrennt und gesperrt: Für"
        " Auskünfte wird es nicht geöffnet, da das unverhältnismäßig wäre (§ 34 Abs. 1 Nr. 2 Buchst. a BDSG). Etwas"
        " davon kann Sie betreffen; wenn Sie einen Vorgang nennen, etwa eine Rechnung, sehen wir nach.",
        "en": "Stored by duties of law to keep it alone, cut off from persons and blocked: it is not opened for this,"
        " which would be a disproportionate effort (§ 34(1) no. 2(a) BDSG). Some of it may be about you; if you name a"
        " matter, such as an invoice, we look for it.",
    },
    "ARCHIVE_CLAIMS": {
        "de": "Für Streitfälle aufbewahrt; so viel davon, dass nicht alles durchsucht wurde.",
        "en": "Kept for disputes; so much of it that not all was searched.",
    },
    "NOT_SEARCHED": {
        "de": "Dieser Speicher eines Plugins hat nicht geantwortet.",
        "en": "This store of a plugin has not answered.",
    },
    "NOT_SAID": {
        "de": "Der Speicher eines Plugins sagt nicht, was er hier aufbewahrt und wozu.",
        "en": "The store of a plugin does not say what it keeps here, and what for.",
    },
    "BDSG34_BACKUP": {
        "de": "Sicherungskopien dienen allein der Datensicherung (§ 34 Abs. 1 Nr. 2 Buchst. b BDSG).",
        "en": "Backups serve to secure data alone (§ 34(1) no. 2(b) BDSG).",
    },
    "BDSG34_LOG": {
        "de": "Protokolle über Anmeldungen dienen der Datenschutzkontrolle (§ 34 Abs. 1 Nr. 2 Buchst. b BDSG).",
        "en": "Logs of sign-ins serve to control data protection (§ 34(1) no. 2(b) BDSG).",
    },
}
"""Why something is left out, by code."""

_OPEN = frozenset({"REVIEW", "SEALED", "NOT_SEARCHED", "NOT_SAID", "FILES_RUNNING"})
"""With these an answer does not go out."""

_ALWAYS = (("BDSG34_BACKUP", "backups"), ("BDSG34_LOG", "logs"))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not in the answer, or not as it is stored. Of a whole store the last two are empty."""

    code: str
    store: str
    entity: str = ""
    field: str = ""


@dataclass
class Notes:
    """What is noted while an answer is made."""

    found: Counter[str] = field(default_factory=Counter)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    kept: dict[LeftOut, tuple[tuple[str, str | None], ...]] = field(default_factory=dict)
    """Of what the law keeps: by which norms, and until when at the latest."""

    def leave_out(self, code: str, store: str, entity: str = "", name: str = "", count: int = 1) -> None:
        """Note that something is left out."""
        if count:
            self.left_out[LeftOut(code, store, entity, name)] += count

    def not_opened(self, code: str, store: str, entity: str, kept: tuple[tuple[str, str | None], ...]) -> None:
        """Note that nobody has opened what the law alone keeps of an entity, whosever it is: norms and last days."""
        self.left_out[LeftOut(code, store, entity)] += 0
        self.kept[LeftOut(code, store, entity)] = kept

    def not_searched(self, entity: str) -> None:
        """Note that nobody has looked into the files of an entity for mentions, however many it has."""
        self.left_out[LeftOut("OTHER_FILES", "files", entity)] += 0


def manifest_of(
    notes: Notes,
    searched: Mapping[str, int],
    candidates: int,
    made_on: str,
    label: Callable[[str, str], Mapping[str, str]],
    elsewhere: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """It as JSON: names, counts and codes; ``elsewhere`` are stores of plugins, ``label`` is what people call an entity
    or a field.
    """
    notes.leave_out("CANDIDATE", "records", count=candidates)
    every = [(each, count) for each, count in notes.left_out.items()]
    every += [(LeftOut(code, store), 0) for code, store in _ALWAYS]
    stores = ["records", "trash", "vault", "change_log", "outbox", "files", "disclosures", "reads", "mentions"]
    stores += ["archive"] if notes.found["archive"] else []
    stores += ["other_files"] if notes.found["other_files"] else []
    return {
        "madeOn": made_on,
        "searched": [{"entity": name, "found": found} for name, found in sorted(searched.items())],
        "stores": [{"store": name, "found": notes.found[name]} for name in stores] + [dict(each) for each in elsewhere],
        "leftOut": [
            {
                "code": each.code,
                "store": each.store,
                "entity": each.entity,
                "field": each.field,
                "label": dict(label(each.entity, each.field)) if each.entity else None,
                "count": count,
                "reason": dict(REASONS[each.code]),
                **_kept(notes.kept.get(each)),
            }
            for each, count in sorted(every, key=lambda one: (one[0].code, one[0].store, one[0].entity, one[0].field))
        ],
        "open": sum(count for each, count in notes.left_out.items() if each.code in _OPEN),
    }


def _kept(ends: Sequence[tuple[str, str | None]] | None) -> dict[str, Any]:
    return {} if ends is None else {"kept": [{"basis": basis, "until": until} for basis, until in ends]}
