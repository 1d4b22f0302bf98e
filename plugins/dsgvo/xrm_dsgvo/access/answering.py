"""The answer to a request for access or portability as JSON: what Article 15(1) wants, the data, the manifest."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from xrm_core.api import Model, Record, Refuse
from xrm_dsgvo.access.archived import claims, left_by_erasures, note_law, said_of_themselves
from xrm_dsgvo.access.from_stores import from_stores, is_known_to_stores
from xrm_dsgvo.access.gathering import Gathering, Place
from xrm_dsgvo.access.manifest import manifest_of
from xrm_dsgvo.access.mentioned_files import mentioned_files, mentioned_texts, note_search
from xrm_dsgvo.access.others import others_of
from xrm_dsgvo.access.portable import without_basis
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.days import day_in
from xrm_dsgvo.disclosure.telling import notified_of, told
from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.graph import Hit
from xrm_dsgvo.discovery.hanging import with_gone
from xrm_dsgvo.discovery.mentions import mentions, needles_of
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.file_search.results import searched_for
from xrm_dsgvo.own import Making
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.record.around import around_of
from xrm_dsgvo.record.making import fields_of, record_of
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.requests.cases import today
from xrm_dsgvo.requests.identity import seed_of
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.restriction.standing import RESTRICTION

SCHEMA = "xrm-dsgvo-access/1"
_MOST = 1_000


@dataclass(frozen=True)
class Made:
    """An answer, and the texts that somebody has to look at before it goes out."""

    content: dict[str, Any]
    open: Mapping[Place, str]

    @property
    def digest(self) -> str:
        """The same for the same answer, whatever it is laid out as."""
        return digest_of(self.content)


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of JSON in one form."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def made(context: Making, request: Record, *, texts: bool = False) -> Made:
    """The answer to a request, as things are now; with ``texts`` of others that name the person.

    Raises:
        Refuse: nobody has said who has asked, and somebody is known by the name or the address that they gave: these
            are no proof that it is them.
    """
    model, settings = context.records.model, context.settings
    privacy, registers = privacy_of(model), settings.all_registers()
    sources = Sources(context, model, privacy, gone=True)
    seed = seed_of(context, request)
    graph = discover_in(sources, seed, settings.region)
    unknown = request["data_subject"] is None
    if unknown and (graph.hits or is_known_to_stores(context, seed, settings.region)):
        text = {
            "en": "Somebody is known by this address: say who has asked, by dsgvoRequestIdentify with a record.",
            "de": "Unter dieser Anschrift ist jemand bekannt: mit dsgvoRequestIdentify sagen, wer gefragt hat.",
        }
        raise Refuse(text, field="request")
    graph = with_gone(context, sources, graph)
    words = [str(each) for each in (request["blackened"] or {}).get("words", ())]
    reviewed = {
        (str(e), str(id_), str(f)): bool(show) for e, id_, f, show in (request["review"] or {}).get("texts", ())
    }
    named = mentions(sources, graph) if texts else []
    others = others_of(sources, graph, words, settings.region, [key for key, _ in named])
    portable = request["kind"] == "portability"
    gathering = Gathering(context, sources, registers, others, reviewed, portable)
    hits = [each for each in graph.hits if each.key != (REQUEST, request["id"])]
    elsewhere = from_stores(gathering, graph, settings.region)
    records = gathering.all(hits) + elsewhere.records
    privacy = PrivacyModel({**privacy.entities, **elsewhere.privacy})
    told_of = [one for key, name in named if (one := gathering.mention(key, name)) is not None]
    searched = None if portable else searched_for(context, [each.key for each in hits if each.own])
    if searched is not None:
        known = {each.key for each in graph.hits}
        told_of += [*mentioned_files(gathering, searched, known), *mentioned_texts(gathering, searched, known)]
    if not portable:
        known = {each.key for each in graph.hits}
        needles = {*needles_of(sources, graph), *said_of_themselves(seed)}
        told_of += claims(gathering, known, needles)
        note_law(gathering, known)
    gone = [] if portable else told(context, [each.key for each in hits])
    gathering.notes.found["disclosures"] = len(gone)
    day = today(settings).isoformat()
    of_found = _restricted(privacy, records)
    content = {
        "schema": SCHEMA,
        "meta": {
            "request": request["id"],
            "right": request["kind"],
            "receivedOn": str(request["received_on"])[:10],
            "madeOn": day,
            "name": request["name"],
        },
        "found": bool(records or told_of),
        "art15": {
            **record_of(of_found, registers, around_of(context.query_as_system, settings)),
            "automatedDecisions": list(_decisions(records)),
            "sources": list(_from_others(privacy, records)),
            "disclosures": gone,
            "notices": [] if portable else _notices(context, hits),
            "keptAfterErasure": [] if portable else list(left_by_erasures(context, registers, hits, day)),
            "restrictedUses": [] if portable else list(_uses(context, hits)),
            "rights": ["16", "17", "18", "20", "21", "77"],
        },
        "mentions": told_of,
        "data": [_with_basis(each, of_found, registers) for each in records],
    }
    if portable:
        for entity, name in without_basis(content):
            gathering.notes.leave_out("NO_BASIS", "records", entity, name)
    if not texts:
        gathering.notes.leave_out("OTHER_TEXTS", "records")
    note_search(gathering.notes, model, searched, [each.key for each in graph.hits if each.own])
    candidates, label = len(graph.candidates), partial(_label, model)
    content["manifest"] = manifest_of(gathering.notes, graph.searched, candidates, day, label, elsewhere.searched)
    return Made(content, gathering.open)


def _label(model: Model, entity: str, name: str) -> dict[str, str]:
    """What people call an entity, or a field of it."""
    if entity not in model:
        return labelled({}, entity)
    kind, field = model[entity], model[entity].field(name) if name else None
    of, what = labelled(kind.labels, entity), labelled(field.labels, name) if field else None
    return of if what is None else {each: f"{of[each]}: {what[each]}" for each in of}


def _restricted(privacy: PrivacyModel, records: list[dict[str, Any]]) -> PrivacyModel:
    """What annotations say of what was found, and of nothing else."""
    names: dict[str, set[str]] = {}
    for each in records:
        names.setdefault(each["entity"], set()).update(field["name"] for field in each["fields"])
    entities = {
        name: replace(
            privacy[name], fields=MappingProxyType({each: privacy[name].fields[each] for each in sorted(fields)})
        )
        for name, fields in names.items()
    }
    return PrivacyModel(MappingProxyType(entities))


def _with_basis(record: dict[str, Any], found: PrivacyModel, registers: Registers) -> dict[str, Any]:
    """By which letters of Article 6(1) each field is processed: those of the activities that need it."""
    basis: dict[str, set[str]] = {}
    for key in found[record["entity"]].activities:
        activity = registers.activities[key]
        for each in fields_of(PrivacyModel({record["entity"]: found[record["entity"]]}), activity, registers):
            basis.setdefault(each.name, set()).update(activity.basis)
    fields = [each | {"basis": sorted(basis.get(each["name"], ()))} for each in record["fields"]]
    return record | {"fields": fields}


def _notices(context: Making, hits: list[Hit]) -> list[dict[str, Any]]:
    """Which recipients were told of what has become of the data (Article 19, second sentence)."""
    requests = [each.id for each in hits if each.entity == REQUEST]
    return notified_of(context, [each.key for each in hits], requests)


def _uses(context: Making, hits: list[Hit]) -> Iterator[dict[str, Any]]:
    """When, and for which purpose, restricted data were looked at; not by whom (CJEU C-579/21)."""
    for each in hits:
        if each.entity == RESTRICTION:
            used = context.find("restriction_use", {"restriction": {"id": {"eq": each.id}}}, _MOST)
            zone = context.settings.time_zone
            yield from ({"on": day_in(one["at"], zone).isoformat(), "purpose": one["purpose"]} for one in used)


def _decisions(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen = {
        (each["entity"], field["name"]): {"entity": each["entity"], "field": field["name"]}
        | {"label": field["label"], "kind": field["decision"], "logic": field["logic"]}
        for each in records
        for field in each["fields"]
        if field["decision"] != "none"
    }
    yield from (seen[key] for key in sorted(seen))


def _from_others(privacy: PrivacyModel, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Whence what did not come from the person (Article 15(1)(g)): what the field beside it says."""
    for each in records:
        values = {one["name"]: one for one in (*each["about"], *each["fields"])}
        for one in each["fields"]:
            if one["origin"] == "third_party":
                source = privacy[each["entity"]].fields[one["name"]].source_field
                source_ = values.get(source or "")
                yield {"entity": each["entity"], "id": each["id"], "field": one["name"], "label": one["label"]} | {
                    "source": source_["text"] if source_ else None
                }
