"""What of a person is moved into the vault, and how."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.discovery import Hit, Key, Seed, discover
from xrm_dsgvo.erasure.addresses import of_others, points_of
from xrm_dsgvo.erasure.values import erased
from xrm_dsgvo.own import Making
from xrm_dsgvo.points import POINT, digest, restricted_form
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.subjects import SUBJECT

OURS = frozenset(each.stem for each in (Path(__file__).parent.parent / "schemas").glob("*.json"))
"""Entities of the plugin: proofs and cases, which are needed for the rights of the person themselves."""

_ACCOUNTS = frozenset({"user", "team"})
_INSTEAD = frozenset({"constant", "random_token"})
"""Strategies of erasure that have something to stand in place of a required value."""


@dataclass
class Reach:
    """What is to be moved: whole records, values of others, and what is in the trash. ``left`` stays where it is."""

    records: list[Key] = field(default_factory=list)
    values: dict[Key, dict[str, Any]] = field(default_factory=dict)
    trashed: list[Key] = field(default_factory=list)
    left: list[Key] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.records or self.values or self.trashed)


def reach_of(context: Making, subject: str) -> Reach:
    """Records that are the person go as a whole. Of those about them their fields are emptied; where one cannot be, and
    the record is about nobody else, it goes as a whole as well. What others refer to stays theirs.
    """
    model = context.records.model
    privacy = privacy_of(model)
    graph = discover(context, model, Seed(((SUBJECT, subject),)), context.settings.region)
    found = Reach()
    for hit in graph.hits:
        if hit.restricted or hit.entity in OURS:
            continue
        if hit.entity in _ACCOUNTS:
            found.left.append(hit.key)
        elif hit.deleted:
            found.trashed.append(hit.key)
        elif hit.own:
            found.records.append(hit.key)
        else:
            _about(context, privacy, hit, found)
    own = [hit.key for hit in graph.hits if hit.own and not hit.deleted and hit.entity not in OURS]
    for key, instead in _points(context, privacy, subject, own):
        found.values[key] = instead
    return found


def _about(context: Making, privacy: PrivacyModel, hit: Hit, found: Reach) -> None:
    stored = context.read(hit.entity, hit.id)
    if stored is None:
        return
    entity, said = context.records.model[hit.entity], privacy[hit.entity]
    instead: dict[str, Any] = {}
    for name in hit.mine:
        each, rule = entity[name], said.fields[name]
        if each.virtual or rule.restrict == "readonly" or stored.get(name) is None:
            continue
        if not each.required:
            instead[name] = None
        elif each.sealing is None and rule.erase is not None and rule.erase.strategy in _INSTEAD:
            instead[name] = erased(each, rule.erase, stored[name])
        elif not hit.others:
            found.records.append(hit.key)
            return
        else:
            found.left.append(hit.key)
    if instead:
        found.values[hit.key] = instead


def _points(
    context: Making, privacy: PrivacyModel, subject: str, own: list[Key]
) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Addresses that are this person's alone: their hash stands there meanwhile, by which the gate still knows them."""
    if context.settings.suppression_key is None:
        return
    holders = context.find("contact_point_holder", {"data_subject": {"id": {"eq": subject}}}, 1_000)
    ids = {str(each["contact_point"]) for each in holders}
    ids |= {point for key in own for point in points_of(context, privacy, *key, own)}
    for id_ in sorted(ids):
        point: Record | None = context.read(POINT, id_)
        if point is None or of_others(context, id_, subject) or str(point["value"]).startswith("restricted:"):
            continue
        hashed = digest(point["kind"], point["value"], context.settings)
        yield (POINT, id_), {"value": restricted_form(hashed)}
