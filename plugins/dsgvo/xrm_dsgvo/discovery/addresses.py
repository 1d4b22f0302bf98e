"""Contact points of a person to which nothing leads: those with an address that a record of theirs has, or once had."""

from collections.abc import Collection, Iterator
from functools import partial

from xrm_core.api import Record
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.identity import one_form
from xrm_dsgvo.discovery.sources import Sources, refers_to, target_of
from xrm_dsgvo.points import POINT

HOLDER = "contact_point_holder"
_KINDS = frozenset({"email", "phone"})
"""Types of fields, and kinds of contact points."""


def addresses_of(sources: Sources, own: Collection[Key], region: str) -> list[Key]:
    """Those that are nobody else's, too.

    Args:
        sources: where to look.
        own: the records that are the person.
        region: of which country phone numbers without a country are.
    """
    if POINT not in sources.model:
        return []
    found: dict[Key, None] = {}
    for key in own:
        for kind, form in _forms(sources, key, region) if key[0] != POINT else ():
            same = {"kind": {"eq": kind}, "value": {"eq": form}}
            for record, _ in sources.where(POINT, same, partial(_is, kind, form)):
                point = (POINT, str(record["id"]))
                if point not in own and not is_shared(sources, point, record, own):
                    found[point] = None
    return list(found)


def is_shared(sources: Sources, point: Key, record: Record, own: Collection[Key]) -> bool:
    """Whether somebody else is reached at a contact point, too, or has it on a record: a family's stays theirs."""
    held, of = sources.model[HOLDER]["contact_point"], sources.model[HOLDER]["data_subject"]
    holders = sources.where(HOLDER, refers_to(held, point), lambda each: target_of(held, each) == point)
    if any(target_of(of, each) not in own for each, _ in holders):
        return True
    kind, value = record.get("kind"), record.get("value")
    for said in sources.privacy.matched() if value is not None else ():
        if said.entity == POINT or str(sources.model[said.entity][said.name].type) != kind:
            continue
        there = sources.where(said.entity, {said.name: {"eq": value}}, partial(_has, said.name, value))
        if any((said.entity, str(each["id"])) not in own for each, _ in there):
            return True
    return False


def _has(name: str, value: object, record: Record) -> bool:
    return record.get(name) == value


def _is(kind: str, value: str, record: Record) -> bool:
    return (record.get("kind"), record.get("value")) == (kind, value)


def _forms(sources: Sources, key: Key, region: str) -> Iterator[tuple[str, str]]:
    """The addresses of a record in their one form, former ones among them where the log can be read."""
    record = sources.read(key) or {}
    for said in sources.privacy[key[0]].personal():
        kind = str(sources.model[key[0]][said.name].type)
        if kind in _KINDS:
            for value in {record.get(said.name), *map(str, sources.former(key, said.name))} - {None}:
                if (form := one_form(kind, str(value), region)) is not None:
                    yield kind, form
