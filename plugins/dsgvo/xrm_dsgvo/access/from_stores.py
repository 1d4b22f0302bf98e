"""What stores of plugins have of a person, told as records are; and which of them could not be asked."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.api import DataStore, StoredItem, ask_stores, data_stores
from xrm_dsgvo.access.gathering import Gathering, described
from xrm_dsgvo.access.portable import is_provided
from xrm_dsgvo.access.values import LANGUAGES, labelled
from xrm_dsgvo.discovery import SubjectGraph
from xrm_dsgvo.discovery.graph import Hit, Seed
from xrm_dsgvo.own import Making
from xrm_dsgvo.privacy import EntityPrivacy
from xrm_dsgvo.retention.deadline import end_of
from xrm_dsgvo.stores.persons import of_graph, of_seed
from xrm_dsgvo.stores.saying import SaidStore, said_of


@dataclass(frozen=True)
class FromStores:
    """What there is.

    Args:
        records: as :meth:`Gathering.record` tells them.
        privacy: what their stores say of themselves, by name.
        searched: of each store its name, what it is called, and how much was found.
    """

    records: list[dict[str, Any]]
    privacy: Mapping[str, EntityPrivacy]
    searched: list[dict[str, Any]]


def from_stores(gathering: Gathering, graph: SubjectGraph, region: str) -> FromStores:
    """Ask all of them. The answer is not whole as long as one does not say, or does not say what it is."""
    stores = data_stores(gathering.context)
    if not stores:
        return FromStores([], {}, [])
    seconds = gathering.context.settings.stores_seconds
    about = of_graph(gathering.sources, graph, region)
    answers = ask_stores(gathering.context, "export", about, seconds=seconds)
    found = FromStores([], {}, [])
    privacy: dict[str, EntityPrivacy] = {}
    for name, answer in answers.items():
        label, said = labelled(stores[name].labels, name), said_of(stores[name], gathering.registers)
        found.searched.append({"store": name, "found": answer.count, "labels": label})
        gathering.notes.leave_out("NOT_SEARCHED", name, count=int(bool(answer.code)))
        if said is None:
            gathering.notes.leave_out("NOT_SAID", name, count=answer.count)
        elif answer.items:
            privacy[name] = said.privacy
            found.records.extend(_record(gathering, stores[name], said, label, each) for each in answer.items)
    return FromStores(found.records, privacy, found.searched)


def is_known_to_stores(context: Making, seed: Seed, region: str) -> bool:
    """Whether a store has something under what somebody has told of themselves."""
    if not data_stores(context):
        return False
    answers = ask_stores(context, "discover", of_seed(seed, region), seconds=context.settings.stores_seconds)
    return any(each.count for each in answers.values())


def _record(
    gathering: Gathering, store: DataStore, said: SaidStore, label: dict[str, str], item: StoredItem
) -> dict[str, Any]:
    hit = Hit(store.name, item.id, False, frozenset(), (), (), ())
    datenart = gathering.registers.datenarten.get(said.privacy.datenart or "")
    fields = [each for name, value in item.values.items() for each in _field(gathering, hit, said, name, value)]
    return {
        "entity": store.name,
        "label": label,
        "id": item.id,
        "own": False,
        "deleted": False,
        "gone": False,
        "restricted": False,
        "datenart": said.privacy.datenart,
        "datenartLabel": labelled(datenart.labels, said.privacy.datenart or "") if datenart else label,
        "createdAt": None,
        "changedAt": None,
        "about": [],
        "fields": fields,
        "history": [],
        "reads": [],
        "messages": [],
        "retention": _retained(gathering, said, item),
    }


def _field(gathering: Gathering, hit: Hit, said: SaidStore, name: str, value: Any) -> Iterator[dict[str, Any]]:
    """One value, if there is one and it may be told, as of a record."""
    field = said.privacy.fields.get(name)
    if value is None or value in ("", [], {}):
        return
    if field is None:
        gathering.notes.leave_out("NOT_SAID", hit.entity, hit.entity, name)
        return
    if gathering.portable and not is_provided(field):
        gathering.notes.leave_out("NOT_PROVIDED", hit.entity, hit.entity, name)
        return
    shown = {"de": "vorhanden", "en": "kept"}
    if field.access == "summary":
        gathering.notes.leave_out("SUMMARY", hit.entity, hit.entity, name)
        value = None
    else:
        value = gathering.told(hit, field, value, hit.entity)
        if value is None:
            return
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = dict.fromkeys(LANGUAGES, text)
    labels = said.field_labels.get(name, {})
    yield described(gathering.registers, field, labels) | {"value": value, "text": shown}


def _retained(gathering: Gathering, said: SaidStore, item: StoredItem) -> dict[str, Any] | None:
    if said.privacy.retention is None:
        return None
    class_ = gathering.registers.retention_classes[said.privacy.retention.class_]
    until = None if item.began_on is None else end_of(class_, item.began_on)
    return {
        "class": class_.key,
        "label": labelled(class_.labels, class_.key),
        "months": class_.period.months,
        "days": class_.period.days,
        "endOfYear": class_.end_of_year,
        "legalRef": class_.legal_ref,
        "startsWith": None,
        "until": None if until is None else until.isoformat(),
    }
