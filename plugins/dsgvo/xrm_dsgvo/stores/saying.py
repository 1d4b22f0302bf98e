"""What a store says of itself by ``x-dsgvo``: its items are told as records of an entity would be. No I/O in here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jsonschema import Draft202012Validator

from xrm_core.api import DataStore
from xrm_dsgvo.privacy import EntityPrivacy, FieldPrivacy, Retention, Start
from xrm_dsgvo.privacy.implied import WORD
from xrm_dsgvo.registers import Registers

_KEY = {"type": "string", "minLength": 1}
_KEYS = {"type": "array", "items": _KEY, "uniqueItems": True}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_FIELD = {
    "type": "object",
    "required": ["category", "origin"],
    "additionalProperties": False,
    "properties": {
        "category": _KEY,
        "origin": {"enum": ["provided", "observed", "derived", "third_party"]},
        "decision": {"enum": ["none", "profiling", "art22"]},
        "logic": _LABELS,
        "purposes": _KEYS,
        "recipients": _KEYS,
        "access": {"enum": ["full", "summary", "withhold"]},
        "withholdBasis": {"enum": ["art15_4", "bdsg29_1", "geschgehg"]},
        "thirdParty": {"enum": ["none", "may_contain", "is_third_party"]},
        "freeText": {"type": "boolean"},
        "labels": _LABELS,
    },
}
_FORM = Draft202012Validator(
    {
        "type": "object",
        "required": ["activities", "fields"],
        "additionalProperties": False,
        "properties": {
            "datenart": _KEY,
            "activities": {**_KEYS, "minItems": 1},
            "kinds": _KEYS,
            "retention": {
                "type": "object",
                "required": ["class"],
                "additionalProperties": False,
                "properties": {"class": _KEY},
            },
            "fields": {"type": "object", "additionalProperties": _FIELD},
        },
    }
)
_WORDS = {"withholdBasis": "withhold_basis", "thirdParty": "third_party", "freeText": "free_text"}
_SAME = ("category", "origin", "decision", "logic", "access")


@dataclass(frozen=True, slots=True)
class StoreMistake:
    """What is wrong with what a store says of itself, and how to mend it."""

    store: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SaidStore:
    """A store as an entity of which each item is a record, with the labels of its fields."""

    privacy: EntityPrivacy
    labels: Mapping[str, str]
    field_labels: Mapping[str, Mapping[str, str]]


def mistakes(stores: Mapping[str, DataStore], registers: Registers) -> Iterator[StoreMistake]:
    """All of them. A store without a word is one: nobody could tell what for it keeps what it has."""
    for name, store in stores.items():
        if WORD not in store.annotations:
            reason = f'it says nothing by "{WORD}" of what it keeps, what for and how long.'
            yield StoreMistake(name, reason, 'Add it to the "annotations" of its DataStore: docs/dsgvo/stores.md.')
            continue
        said = store.annotations[WORD]
        wrong = [f"{'/'.join(map(str, each.absolute_path))}: {each.message[:200]}" for each in _FORM.iter_errors(said)]
        for each in wrong:
            yield StoreMistake(name, f'its "{WORD}" has a mistake at {each}.', "See docs/dsgvo/stores.md.")
        for kind, key in () if wrong else _unknown(said, registers):
            remedy = "Correct it, or add it to a file that XRM_DSGVO_REGISTERS names."
            yield StoreMistake(name, f'no register has the {kind} "{key}".', remedy)
        for each in () if wrong else _without_logic(said):
            reason = f'nobody says by "logic" how "{each}" comes about, which persons are told (Article 15(1)(h)).'
            yield StoreMistake(name, reason, 'Add "logic" with a text in "de" and "en".')


def said_of(store: DataStore, registers: Registers) -> SaidStore | None:
    """What a store says of itself; None: nothing that can be used."""
    if next(mistakes({store.name: store}, registers), None) is not None:
        return None
    said = store.annotations[WORD]
    retention = said.get("retention")
    privacy = EntityPrivacy(
        store.name,
        "about_subject",
        MappingProxyType({name: _field(store.name, name, each) for name, each in said["fields"].items()}),
        kinds=tuple(said.get("kinds", ())),
        datenart=said.get("datenart"),
        activities=tuple(said["activities"]),
        retention=None if retention is None else Retention(retention["class"], Start("collection"), "delete"),
    )
    labels = {name: each.get("labels", {}) for name, each in said["fields"].items()}
    return SaidStore(privacy, store.labels, MappingProxyType(labels))


def _without_logic(said: Mapping[str, Any]) -> Iterator[str]:
    fields: Mapping[str, Mapping[str, Any]] = said["fields"]
    return (name for name, each in fields.items() if each.get("decision", "none") != "none" and "logic" not in each)


def _field(store: str, name: str, said: Mapping[str, Any]) -> FieldPrivacy:
    values: dict[str, Any] = {word: said[word] for word in _SAME if word in said}
    values |= {ours: said[word] for word, ours in _WORDS.items() if word in said}
    values |= {word: tuple(said.get(word, ())) for word in ("purposes", "recipients")}
    return FieldPrivacy(store, name, **values)


def _unknown(said: Mapping[str, Any], known: Registers) -> Iterator[tuple[str, str]]:
    """What it names that is in no register."""
    fields = list(said["fields"].values())
    named: list[tuple[str, list[str], Any]] = [
        ("activity", said["activities"], known.activities),
        ("Datenart", [said["datenart"]] if "datenart" in said else [], known.datenarten),
        ("Löschklasse", [said["retention"]["class"]] if "retention" in said else [], known.retention_classes),
        ("category", [each["category"] for each in fields], known.categories),
        ("purpose", [key for each in fields for key in each.get("purposes", ())], known.purposes),
        ("recipient", [key for each in fields for key in each.get("recipients", ())], known.recipients),
    ]
    yield from ((kind, key) for kind, keys, there in named for key in dict.fromkeys(keys) if key not in there)
