"""A small pack that the lint passes, and ways to spoil it."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import xrm_dsgvo

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerKind, LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.plugins import InstalledPlugin, Plugins

NOTHING = {"personal": False}
NULL = {"strategy": "null"}
NAME = {"category": "user.name", "identifier": "direct", "origin": "provided", "erase": NULL}
WITH_PERSON = {"role": "about_subject", "kinds": ["customer"]}


def kept(subject: Mapping[str, Any], class_: str, start: str, then: str, on_erase: str, art: str) -> dict[str, Any]:
    """The words of an entity."""
    return {
        "v": 1,
        "datenart": art,
        "subject": dict(subject),
        "activities": ["vertrieb.kundenpflege"],
        "retention": {"class": class_, "start": {"type": "process_end", "field": start}, "then": then},
        "onErase": on_erase,
    }


def link(role: str, traverse: str, on_erase: str) -> dict[str, Any]:
    """The words of a relation."""
    return {"link": {"role": role, "traverse": traverse, "onErase": on_erase}}


def text(said: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A field of text."""
    return {"type": "string", "maxLength": 100, **more, "x-dsgvo": dict(said)}


def date(said: Mapping[str, Any]) -> dict[str, Any]:
    """A field of a day."""
    return {"type": "string", "format": "date", "x-dsgvo": dict(said)}


def relation(to: str, inverse: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """A relation."""
    return {"x-relation": {"to": to, "inverse": inverse, "on_delete": "cascade"}, "x-dsgvo": dict(said)}


FREE = {"category": "user.content.private", "origin": "observed", "freeText": True, "thirdParty": "may_contain"}
PACK: Mapping[str, Any] = {
    "person": {
        "x-dsgvo": kept(
            {"role": "is_subject", "kinds": ["customer"], "birthDate": "born_on"},
            *("LK-3J-BEZIEHUNG", "left_on", "anonymize", "anonymize", "kontaktstammdaten"),
        ),
        "required": ["last_name"],
        "properties": {
            "last_name": text(NAME | {"erase": {"strategy": "constant", "value": "—"}}),
            "nickname": text(NAME),
            "label": {
                "type": "string",
                "x-computed": "TRIM(last_name)",
                "x-dsgvo": NAME
                | {"origin": "derived", "derivedFrom": ["last_name"], "erase": {"strategy": "recompute"}},
            },
            "email": {
                "type": "string",
                "format": "email",
                "x-dsgvo": NAME
                | {"category": "user.contact.email", "match": {"normalizer": "email", "strength": "strong"}},
            },
            "born_on": date({"category": "user.demographic.date_of_birth", "origin": "provided", "erase": NULL}),
            "left_on": date(NOTHING),
            "health": text(
                {
                    "category": "user.health_and_medical",
                    "special": "art9",
                    "origin": "provided",
                    "purposes": ["essential.service"],
                    "encrypt": {"key": "subject"},
                    "erase": NULL,
                }
            )
            | {"x-sealed": {}},
            "notes": {**text(FREE | {"erase": NULL}), "x-type": "long_text"},
            "photo": {
                "x-type": "file",
                "x-dsgvo": {
                    "category": "user.content.self_image",
                    "origin": "provided",
                    "erase": {"strategy": "delete_file"},
                },
            },
            "colour": {"type": "string", "enum": ["red", "blue"], "x-dsgvo": NAME | {"category": "user"}},
            "firm": relation("firm", "people", NOTHING),
        },
    },
    "firm": {
        "x-dsgvo": {"v": 1, "subject": {"role": "none"}},
        "properties": {
            "name": text(NOTHING),
            "logo": {"x-type": "file", "x-dsgvo": {**NOTHING, "why": "A sign."}},
            "manager": relation("person", "managed", link("reference", "none", "unlink")),
        },
    },
    "case": {
        "x-dsgvo": kept(
            {"role": "shared", "kinds": ["customer"]},
            *("LK-3J-VORGANG", "created_at", "delete", "anonymize", "aktivitaeten"),
        ),
        "required": ["requester"],
        "properties": {
            "requester": relation("person", "cases", link("owner", "down", "anonymize")),
            "copies": {
                "x-relation": {
                    "to": "person",
                    "many": True,
                    "inverse": "watched",
                    "attributes": {"since": date(NAME | {"of": "person"})},
                },
                "x-dsgvo": link("participant", "down", "cascade"),
            },
            "body": {**text(FREE | {"of": "requester", "erase": NULL}), "x-type": "long_text"},
            "source": text(NOTHING),
        },
    },
    "invoice": {
        "x-dsgvo": kept(WITH_PERSON, *("LK-8J-BUCHUNGSBELEG", "issued_on", "delete", "delete", "auftraege")),
        "properties": {
            "bill_to": relation("person", "invoices", link("owner", "down", "block")),
            "issued_on": date(NOTHING),
            "phone": text(NAME | {"retentionClass": "LK-6M-VORGANG"}),
            "street": text(NAME),
            "pdf": {
                "x-type": "file",
                "x-dsgvo": {
                    "category": "xrm.contract",
                    "origin": "derived",
                    "derivedFrom": ["street", "phone"],
                    "erase": {"strategy": "delete_file"},
                },
            },
        },
    },
}
OWN_REGISTERS = {
    "activities": {
        "vertrieb.kundenpflege": {"labels": {"en": "Care"}, "basis": ["b"], "purposes": ["sales"], "art9Basis": "a"}
    }
}
GONE = object()
"""In place of a value: the word is taken away."""


@cache
def keywords(registers: str = "") -> Keywords:
    """The word of the plugin, with registers of a deployment in a file."""
    environment = {"XRM_DSGVO_REGISTERS": registers} if registers else {}
    return Keywords(Plugins([InstalledPlugin("dsgvo", xrm_dsgvo)], environment=environment))


def layer(files: Mapping[str, Any], name: str = "core", kind: LayerKind = "core") -> LayerSource:
    """Entity files as a layer."""
    texts = []
    for entity, body in files.items():
        own = {} if "x-extends" in body or "x-relationship" in body else {"x-entity": entity, "type": "object"}
        texts.append((f"{name}/{entity}.json", json.dumps({**own, **body}, indent=1)))
    return LayerSource(name, kind, texts=texts)


def changed(place: str, words: Mapping[str, Any] | object) -> dict[str, Any]:
    """The pack with other words at ``case``, ``case.body`` or ``case.copies.since``."""
    pack = copy.deepcopy(dict(PACK))
    entity, *names = place.split(".")
    at = pack[entity]
    for i, name in enumerate(names):
        at = at["properties"][name] if i == 0 else at["x-relation"]["attributes"][name]
    if words is GONE:
        del at["x-dsgvo"]
        return pack
    assert isinstance(words, Mapping)
    for key, value in words.items():
        target = at if key.startswith("+") else at["x-dsgvo"]
        if value is GONE:
            del target[key.removeprefix("+")]
        else:
            target[key.removeprefix("+")] = value
    return pack


def model_of(files: Mapping[str, Any], registers: str) -> Model:
    """The model of a pack."""
    return load([layer(files)], keywords(registers))


def refusal(files: Mapping[str, Any], registers: str) -> SchemaFilesInvalid:
    """Why a pack does not load."""
    with pytest.raises(SchemaFilesInvalid) as caught:
        model_of(files, registers)
    return caught.value
