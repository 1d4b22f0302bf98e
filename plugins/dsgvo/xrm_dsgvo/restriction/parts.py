"""A restriction of some records or fields of a person, such as a phone number that they dispute; the rest goes on."""

from collections.abc import Iterable, Iterator
from typing import Any

from xrm_core.api import Refuse
from xrm_dsgvo.discovery import Hit, Key, Seed, SubjectGraph, discover
from xrm_dsgvo.erasure.addresses import points_of
from xrm_dsgvo.own import Making
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.reach import (
    ACCOUNTS,
    OURS,
    Reach,
    can_be_empty,
    in_hashed_form,
    make_points,
    stands_there,
)
from xrm_dsgvo.restriction.terms import RestrictedPart
from xrm_dsgvo.subjects import SUBJECT


def reach_of_parts(context: Making, subject: str, parts: Iterable[RestrictedPart], *, there: bool = False) -> Reach:
    """What is to be moved of parts.

    Args:
        context: a transaction.
        subject: the person.
        parts: of what is about them.
        there: those that are not there any more are left out, and values that are gone already.

    Raises:
        Refuse: one is not about the person, belongs to others as well, or cannot be moved on its own.
    """
    model = context.records.model
    graph = discover(context, model, Seed(((SUBJECT, subject),)), context.settings.region)
    own = [each.key for each in graph.hits if each.own]
    found = Reach()
    for part in parts:
        hit = _hit(context, graph, part)
        if hit is None or (hit.restricted and context.read(*hit.key) is None):
            if there:
                continue
            raise _no(
                part,
                "is not about the person, or is restricted already",
                "betrifft die Person nicht oder ist schon eingeschränkt",
            )
        if hit.deleted:
            found.trashed.append(hit.key)
        elif part.fields:
            names = [each for each in part.fields if each in hit.mine or not there]
            if values := _values(context, hit, part, names, there=there):
                found.values.setdefault(hit.key, {}).update(values)
            found.values.update(_points(context, subject, own, hit, names))
        elif _of_others(context, hit):
            raise _no(part, "is about others, too: name its fields", "betrifft auch andere: die Felder nennen")
        else:
            found.records.append(hit.key)
            found.values.update(_points(context, subject, own, hit, hit.mine))
    return found


def _hit(context: Making, graph: SubjectGraph, part: RestrictedPart) -> Hit | None:
    known = part.entity in context.records.model and part.entity not in OURS | ACCOUNTS
    return graph.hit((part.entity, part.record)) if known else None


def _values(context: Making, hit: Hit, part: RestrictedPart, names: Iterable[str], *, there: bool) -> dict[str, Any]:
    entity, said = context.records.model[hit.entity], privacy_of(context.records.model)[hit.entity]
    stored = context.read(*hit.key) or {}
    values: dict[str, Any] = {}
    for name in names:
        if name not in hit.mine or entity[name].virtual:
            raise _no(part, f"has no field {name} of the person", f"hat kein Feld {name} der Person")
        if not can_be_empty(entity[name], said.fields[name]):
            raise _no(part, f"needs its {name}: restrict all of it", f"braucht {name}: den Datensatz einschränken")
        instead = stands_there(entity[name], said.fields[name], stored.get(name))
        if not there or stored.get(name) != instead:
            values[name] = instead
    return values


def _points(
    context: Making, subject: str, own: list[Key], hit: Hit, names: Iterable[str]
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """The contact points of addresses in these fields, unless others have them: nothing is sent there either."""
    privacy = privacy_of(context.records.model)
    made = set(make_points(context, *hit.key, names))
    for point in sorted(made & set(points_of(context, privacy, *hit.key, own)) if made else ()):
        if (instead := in_hashed_form(context, point, subject)) is not None:
            yield (POINT, point), instead


def _of_others(context: Making, hit: Hit) -> bool:
    stored = context.read(*hit.key) or {}
    return any(stored.get(name) is not None for name in hit.others)


def _no(part: RestrictedPart, english: str, german: str) -> Refuse:
    what = f"{part.entity} {part.record}"
    return Refuse({"en": f"{what} {english}.", "de": f"{what} {german}."}, field="only")
