"""A model with its annotations → :class:`~xrm_dsgvo.privacy.model.PrivacyModel`."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from xrm_core.api import Entity, Field, Model
from xrm_dsgvo.privacy.implied import of_entity, of_field
from xrm_dsgvo.privacy.model import (
    Edge,
    EntityPrivacy,
    Erase,
    FieldPrivacy,
    Link,
    Match,
    PrivacyModel,
    Retention,
    Start,
)

_SAME = ("category", "special", "identifier", "origin", "decision", "logic", "restrict", "access", "why")
_NAMES = {"sourceField": "source_field", "retentionClass": "retention_class", "withholdBasis": "withhold_basis"}


def privacy_of(model: Model) -> PrivacyModel:
    """What a model says of data protection. It must have passed the lint.

    Raises:
        ValueError: an annotation is missing or cannot be used; names it.
    """
    return _privacy_of(_ByFingerprint(model))


class _ByFingerprint:
    """A model as a key: equal ones say the same."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __hash__(self) -> int:
        return hash(self.model.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByFingerprint) and self.model.fingerprint == other.model.fingerprint


@lru_cache(maxsize=8)
def _privacy_of(key: _ByFingerprint) -> PrivacyModel:
    model = key.model
    entities = {entity.name: _entity(model, entity) for entity in model}
    edges = tuple(edges_of(model))
    starts: dict[str, list[Edge]] = {}
    for edge in edges:
        starts.setdefault(edge.start, []).append(edge)
    return PrivacyModel(
        MappingProxyType(entities), edges, MappingProxyType({name: tuple(found) for name, found in starts.items()})
    )


def edges_of(model: Model) -> Iterator[Edge]:
    """The ways from records to others that links allow."""
    for entity in model:
        for field in entity.fields.values():
            said = of_field(model, entity, field)[0].get("link")
            if said is None or field.relation is None:
                continue
            link = link_of(said)
            for target in field.relation.targets:
                if link.traverse in ("down", "both"):
                    yield Edge(target, entity.name, entity.name, field.name, link, down=True)
                if link.traverse in ("up", "both"):
                    yield Edge(entity.name, target, entity.name, field.name, link, down=False)


def link_of(said: Mapping[str, Any]) -> Link:
    """A link of its words."""
    return Link(said["role"], said["traverse"], said["onErase"])


def names_of(said: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    if said is None:
        return ()
    return (said,) if isinstance(said, str) else tuple(said)


def _entity(model: Model, entity: Entity) -> EntityPrivacy:
    said = of_entity(model, entity)
    if "subject" not in said:
        raise ValueError(f"Nobody says by x-dsgvo how records of {entity.name} relate to persons.")
    subject = said["subject"]
    return EntityPrivacy(
        entity.name,
        subject["role"],
        MappingProxyType({field.name: _field(model, entity, field) for field in entity.all_fields()}),
        kinds=tuple(subject.get("kinds", ())),
        when=subject.get("when"),
        birth_date=subject.get("birthDate"),
        datenart=said.get("datenart"),
        activities=tuple(said.get("activities", ())),
        retention=_retention(said["retention"]) if "retention" in said else None,
        on_erase=said.get("onErase"),
        audit=said.get("audit", "sealed"),
        search=said.get("search", "none"),
        outbox=said.get("outbox", "ids_only"),
    )


def _retention(said: Mapping[str, Any]) -> Retention:
    end = said.get("purposeEnd")
    return Retention(said["class"], _start(said["start"]), said["then"], None if end is None else _start(end))


def _start(said: Mapping[str, Any]) -> Start:
    return Start(said["type"], said.get("field"), said.get("event"), said.get("of"))


def _field(model: Model, entity: Entity, field: Field) -> FieldPrivacy:
    said, implied = of_field(model, entity, field)
    if not said:
        raise ValueError(f"Nobody says by x-dsgvo what {entity.name}.{field.name} is.")
    values: dict[str, Any] = {name: said[name] for name in _SAME if name in said}
    values |= {name: said[word] for word, name in _NAMES.items() if word in said}
    if "link" in said:
        values["link"] = link_of(said["link"])
    if "match" in said:
        values["match"] = Match(said["match"]["normalizer"], said["match"]["strength"])
    if "erase" in said:
        erase = said["erase"]
        values["erase"] = Erase(erase["strategy"], erase.get("value"), erase.get("to"), erase.get("why", ""))
    if "necessity" in said:
        values |= {"necessity": said["necessity"]["level"], "necessity_why": said["necessity"].get("why", "")}
    return FieldPrivacy(
        entity.name,
        field.name,
        of=names_of(said.get("of")),
        derived_from=tuple(said.get("derivedFrom", ())),
        purposes=tuple(said.get("purposes", ())),
        recipients=tuple(said.get("recipients", ())),
        free_text=said.get("freeText", False),
        third_party=said.get("thirdParty", "none"),
        encrypt=said.get("encrypt"),
        implied=implied,
        **values,
    )
