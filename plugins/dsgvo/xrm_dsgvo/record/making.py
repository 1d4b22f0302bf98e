"""Annotations, registers and recipients → the record: a function of what it is given, and of nothing else."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xrm_dsgvo.privacy import EntityPrivacy, FieldPrivacy, PrivacyModel
from xrm_dsgvo.record.words import ASSESSMENTS, KINDS, SPECIAL
from xrm_dsgvo.registers import Activity, Registers, RetentionClass

SCHEMA = "xrm-dsgvo-art30/1"


@dataclass(frozen=True)
class Around:
    """What the record has that no annotation says: recipients, measures, who is answerable.

    Args:
        controller: ``name``, ``contact`` and ``officer``.
        recipients: as the API answers them, with their contracts, transfers and connectors.
        measures: as the API answers them.
        assessments: those of activities that are approved, the newest last.
    """

    controller: Mapping[str, str] = field(default_factory=dict)
    recipients: Sequence[Mapping[str, Any]] = ()
    measures: Sequence[Mapping[str, Any]] = ()
    assessments: Sequence[Mapping[str, Any]] = ()


def record_of(privacy: PrivacyModel, registers: Registers, around: Around | None = None) -> dict[str, Any]:
    """The record as JSON: each activity for which something is processed, in the order of its key."""
    found = around or Around()
    used = sorted({key for entity in privacy for key in entity.activities})
    activities = [_activity(registers.activities[key], privacy, registers, found) for key in used]
    return {"schema": SCHEMA, "controller": dict(found.controller), "activities": activities}


def digest_of(record: Mapping[str, Any]) -> str:
    """The same for the same record, whatever the order of its parts."""
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def fields_of(privacy: PrivacyModel, activity: Activity, registers: Registers) -> Iterator[FieldPrivacy]:
    """The personal fields that are processed for an activity: those of its entities, unless their purposes are others.

    A field whose purposes are those of no activity of its entity belongs to all of them: nothing is left out.
    """
    for entity in privacy:
        if activity.key not in entity.activities:
            continue
        all_of = [registers.activities[key] for key in entity.activities]
        for each in entity.personal():
            fitting = [one.key for one in all_of if _is_for(each, one)]
            if activity.key in (fitting or entity.activities):
                yield each


def _is_for(field_: FieldPrivacy, activity: Activity) -> bool:
    if not field_.purposes:
        return True
    return any(
        one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
        for one in field_.purposes
        for other in activity.purposes
    )


def _activity(activity: Activity, privacy: PrivacyModel, registers: Registers, around: Around) -> dict[str, Any]:
    entities = [entity for entity in privacy if activity.key in entity.activities]
    fields = list(fields_of(privacy, activity, registers))
    recipients = _recipients(activity, fields, registers, around)
    engaged = {each["key"] for each in recipients}
    return {
        "key": activity.key,
        "labels": dict(activity.labels),
        "purposes": [_labelled(key, registers.purposes[key].labels) for key in sorted(activity.purposes)],
        "basis": list(activity.basis),
        "art9Basis": activity.art9_basis,
        "subjects": [_labelled(key, KINDS.get(key, {})) for key in sorted({k for e in entities for k in e.kinds})],
        "categories": _categories(fields, registers),
        "entities": sorted(entity.name for entity in entities),
        "recipients": recipients,
        "transfers": _transfers(each for each in around.recipients if each["key"] in engaged),
        "retention": _retention(entities, fields, registers),
        "measures": [
            _labelled(each["key"], {"de": each["nameDe"], "en": each["nameEn"]}) | {"goal": each["goal"]}
            for each in sorted(around.measures, key=lambda each: str(each["key"]))
            if activity.key in _keys(each) or not _keys(each)
        ],
        "assessments": _assessments(activity, around),
    }


def _assessments(activity: Activity, around: Around) -> list[dict[str, Any]]:
    """Of each kind the newest one."""
    newest = {str(each["kind"]): each for each in around.assessments if each["activity"] == activity.key}
    return [
        _labelled(kind, ASSESSMENTS[kind]) | {"outcome": each["outcome"], "reviewOn": each["reviewOn"]}
        for kind, each in sorted(newest.items())
    ]


def _categories(fields: Iterable[FieldPrivacy], registers: Registers) -> list[dict[str, Any]]:
    special: dict[str, str | None] = {}
    for each in fields:
        key = str(each.category)
        special[key] = special.get(key) or each.special or registers.categories[key].special
    return [
        _labelled(key, registers.categories[key].labels)
        | {"special": mark, "specialLabels": dict(SPECIAL[mark]) if mark else None}
        for key, mark in sorted(special.items())
    ]


def _recipients(
    activity: Activity, fields: Iterable[FieldPrivacy], registers: Registers, around: Around
) -> list[dict[str, Any]]:
    """Those that annotations name, and those that are engaged for it; ``actual``: a connector leads there."""
    planned = {key for each in fields for key in each.recipients}
    known = {str(each["key"]): each for each in around.recipients}
    engaged = {key for key, each in known.items() if activity.key in _keys(each)}
    found = []
    for key in sorted(planned | engaged):
        entry, one = registers.recipients.get(key), known.get(key)
        labels = dict(entry.labels) if entry else {}
        if one is not None:
            labels = {"de": str(one["name"]), "en": str(one["name"])}
        found.append(
            {
                "key": key,
                "labels": labels,
                "role": one["role"] if one else "planned",
                "country": one["country"] if one else None,
                "planned": key in planned,
                "actual": bool(one and one["connectors"]["nodes"]),
            }
        )
    return found


def _transfers(recipients: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        (
            {
                "recipient": recipient["key"],
                "country": each["country"],
                "instrument": each["instrument"],
                "module": each["module"],
                "until": each["validUntil"],
            }
            for recipient in recipients
            for each in recipient["transfers"]["nodes"]
        ),
        key=lambda each: (str(each["recipient"]), str(each["country"]), str(each["instrument"])),
    )


def _retention(
    entities: Iterable[EntityPrivacy], fields: Iterable[FieldPrivacy], registers: Registers
) -> list[dict[str, Any]]:
    """The Löschklassen of its entities, with the Datenarten that have them; and of fields that go earlier."""
    found: dict[str, set[str]] = {}
    for entity in entities:
        if entity.retention is not None:
            found.setdefault(entity.retention.class_, set()).add(str(entity.datenart))
    for each in fields:
        if each.retention_class:
            found.setdefault(each.retention_class, set())
    return [
        _class(registers.retention_classes[key])
        | {"datenarten": [_labelled(art, registers.datenarten[art].labels) for art in sorted(arts)]}
        for key, arts in sorted(found.items())
    ]


def _class(class_: RetentionClass) -> dict[str, Any]:
    return _labelled(class_.key, class_.labels) | {
        "months": class_.period.months,
        "days": class_.period.days,
        "endOfYear": class_.end_of_year,
        "legalRef": class_.legal_ref,
    }


def _keys(of: Mapping[str, Any]) -> frozenset[str]:
    return frozenset((of.get("activities") or {}).get("keys", ()))


def _labelled(key: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"key": key, "labels": dict(labels)}
