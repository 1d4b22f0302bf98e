"""What of a person is moved into the vault, and how."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xrm_core.api import Field, Record, Refuse
from xrm_dsgvo.discovery import Hit, Key, Seed, discover
from xrm_dsgvo.erasure.addresses import of_others, points_of
from xrm_dsgvo.erasure.values import erased
from xrm_dsgvo.own import Making
from xrm_dsgvo.points import POINT, digest, held, normal, restricted_form
from xrm_dsgvo.privacy import FieldPrivacy, PrivacyModel, privacy_of
from xrm_dsgvo.subjects import SUBJECT

OURS = frozenset(each.stem for each in (Path(__file__).parent.parent / "schemas").glob("*.json"))
"""Entities of the plugin: proofs and cases, which are needed for the rights of the person themselves."""

ACCOUNTS = frozenset({"user", "team"})
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
        # of what is restricted for somebody else, or in some fields, the rest is in its table
        if hit.entity in OURS or (hit.restricted and not hit.deleted and context.read(*hit.key) is None):
            continue
        if hit.entity in ACCOUNTS:
            found.left.append(hit.key)
        elif hit.deleted:
            found.trashed.append(hit.key)
        elif hit.own:
            found.records.append(hit.key)
        else:
            _about(context, privacy, hit, found)
    own = [hit.key for hit in graph.hits if hit.own and not hit.deleted and hit.entity not in OURS]
    for entity, id_ in own:
        make_points(context, entity, id_, [each.name for each in privacy[entity].personal()])
    for key, instead in _points(context, privacy, subject, own):
        found.values[key] = instead
    return found


def make_points(context: Making, entity: str, id_: str, names: Iterable[str]) -> list[str]:
    """Have contact points for the addresses in fields of a record, by whose hashes the gate knows them meanwhile, and
    what comes from outside is known; their ids.
    """
    stored = context.read(entity, id_) if context.settings.suppression_key is not None else None
    found: list[str] = []
    for name in names if stored is not None else ():
        field, value = context.records.model[entity][name], (stored or {}).get(name)
        if str(field.type) not in ("email", "phone") or field.sealing is not None or not value:
            continue
        try:
            found.append(held(context, str(field.type), normal(str(field.type), str(value), context.settings.region)))
        except Refuse:  # it is no address at all
            continue
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
        if can_be_empty(each, rule):
            if (there := stands_there(each, rule, stored[name])) != stored[name]:
                instead[name] = there
        elif not hit.others:
            found.records.append(hit.key)
            return
        else:
            found.left.append(hit.key)
    if instead:
        found.values[hit.key] = instead


def can_be_empty(field: Field, said: FieldPrivacy) -> bool:
    """Whether a value can be moved on its own: nothing need stand there, or something can."""
    strategy = said.erase.strategy if said.erase is not None else ""
    return not field.required or (field.sealing is None and strategy in _INSTEAD)


def stands_there(field: Field, said: FieldPrivacy, value: Any) -> Any:
    """What stands in place of a value that can be moved."""
    return erased(field, said.erase, value) if field.required and said.erase is not None else None


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
        if (instead := in_hashed_form(context, id_, subject)) is not None:
            yield (POINT, id_), instead


def in_hashed_form(context: Making, point: str, subject: str) -> dict[str, Any] | None:
    """What stands in a contact point meanwhile; None: it is somebody else's, too, or stands so already."""
    stored: Record | None = context.read(POINT, point)
    if stored is None or of_others(context, point, subject) or str(stored["value"]).startswith("restricted:"):
        return None
    return {"value": restricted_form(digest(stored["kind"], stored["value"], context.settings))}
