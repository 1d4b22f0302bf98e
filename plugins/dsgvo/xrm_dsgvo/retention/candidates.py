"""Which records may be due on a day: those whose period has begun early enough, a page at a time.

A page is found by the start alone, with an index and a bound; whether a record goes is for ``deciding``.
"""

from dataclasses import dataclass
from datetime import MINYEAR, date, timedelta
from typing import Any

from xrm_core.api import Model, Record
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import EntityPrivacy, PrivacyModel, Start
from xrm_dsgvo.registers import Registers, RetentionClass
from xrm_dsgvo.retention.deadline import end_of

EVENT = "retention_event"


@dataclass(frozen=True)
class Page:
    """Ids of records that may be due, each once; where the next page begins, None: this was the last."""

    ids: tuple[str, ...]
    after: str | None


def latest_start(class_: RetentionClass, day: date) -> date | None:
    """The last day with which a period may have begun that has ended before ``day``; None: there is none."""
    first, last = date(MINYEAR, 1, 1), day
    while first < last:
        middle = first + timedelta(days=((last - first).days + 1) // 2)
        end = end_of(class_, middle)
        if end is not None and end < day:
            first = middle
        else:
            last = middle - timedelta(days=1)
    end = end_of(class_, first)
    return first if end is not None and end < day else None


def kept(privacy: PrivacyModel) -> list[EntityPrivacy]:
    """The entities with a period: persons first, since what belongs to them goes along."""
    found = [each for each in privacy if each.retention is not None]
    return sorted(found, key=lambda each: (each.role != "is_subject", each.name))


def page(
    context: Writing, model: Model, registers: Registers, said: EntityPrivacy, day: date, after: str, limit: int
) -> Page:
    """The next records of an entity.

    Args:
        context: reads.
        model: with the entity.
        registers: with the Löschklassen.
        said: of the entity; without a period nothing is found.
        day: on which it is asked.
        after: of the page before; empty: the first.
        limit: how many are looked at.
    """
    if said.retention is None:
        return Page((), None)
    keys = {said.retention.class_, *(each.retention_class for each in said.personal())} - {None}
    days = [latest_start(registers.retention_classes[str(key)], day) for key in keys]
    last = max((each for each in days if each is not None), default=None)
    if last is None:
        return Page((), None)
    found = _found(context, model, said, said.retention.start, last, after, limit)
    ids = [str(each["record_id"] if said.retention.start.event else each["id"]) for each in found]
    return Page(tuple(dict.fromkeys(ids)), str(found[-1]["id"]) if len(found) == limit else None)


def purpose_page(context: Writing, model: Model, said: EntityPrivacy, day: date, after: str, limit: int) -> Page:
    """The next records of an entity whose purpose has ended before a day; arguments as of :func:`page`."""
    if said.retention is None or said.retention.purpose_end is None:
        return Page((), None)
    start = said.retention.purpose_end
    found = _found(context, model, said, start, day - timedelta(days=1), after, limit)
    ids = [str(each["record_id"] if start.event else each["id"]) for each in found]
    return Page(tuple(dict.fromkeys(ids)), str(found[-1]["id"]) if len(found) == limit else None)


def _found(
    context: Writing, model: Model, said: EntityPrivacy, start: Start, last: date, after: str, limit: int
) -> list[Record]:
    if start.of:
        return []  # it goes with what it belongs to
    if start.event:
        where = {"event": {"eq": start.event}, "entity_name": {"eq": said.name}}
        return context.find(EVENT, where | {"happened_on": {"lte": last.isoformat()}}, limit, after)
    return context.find(said.name, up_to(model, said.name, str(start.field), last), limit, after)


def up_to(model: Model, entity: str, field: str, last: date) -> dict[str, Any]:
    """A filter: a date, or a moment, is on a day or before."""
    found = model[entity].field(field)
    if found is not None and str(found.type) == "date":
        return {field: {"lte": last.isoformat()}}
    return {field: {"lt": f"{(last + timedelta(days=1)).isoformat()}T00:00:00Z"}}
