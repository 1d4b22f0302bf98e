"""The history: series of calls, meetings, e-mails, tasks and notes about every kind of record."""

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from xrm_core.demo.customer_stories import CUSTOMER_STORIES
from xrm_core.demo.draw import NOW, Draw, Record, instant, parsed
from xrm_core.demo.organisations import Organisation
from xrm_core.demo.other_stories import OTHER_STORIES
from xrm_core.demo.sales_area import SalesAreas
from xrm_core.demo.stories import Step, Story

_AHEAD = dt.timedelta(days=45)  # planned activities reach so far beyond the demo's day
_LATE = dt.timedelta(days=60)  # older ones are all done
_SEGMENTS = {"key_account": 8.0, "mid_market": 3.0, "small_business": 1.0, "public_sector": 2.5}
_RECENT = 1.6


@dataclass(frozen=True, slots=True)
class Target:
    """Something to have a series about; ``people`` are its contacts as (id, name, created)."""

    entity: str
    id: str
    owner: str
    created: dt.datetime
    german: bool
    firm: str
    city: str
    project: str
    weight: float
    people: tuple[tuple[str, str, dt.datetime], ...]


def activities(
    draw: Draw, count: int, targets: dict[str, list[Target]], products: list[Record], areas: SalesAreas
) -> list[Record]:
    """``count`` activities, ordered by creation. ``targets`` are grouped by entity."""
    stories = [story for story in (*CUSTOMER_STORIES, *OTHER_STORIES) if targets.get(story.target)]
    weights = [story.weight for story in stories]
    loads = {entity: [target.weight for target in found] for entity, found in targets.items()}
    catalogue = sorted(products, key=lambda product: str(product["created_at"]))
    made: list[Record] = []
    while len(made) < count:
        story = draw.weighted(stories, weights)
        target = draw.weighted(targets[story.target], loads[story.target])
        made.extend(_series(draw, story, target, catalogue, areas))
    return sorted(made[:count], key=lambda record: (record["created_at"], record["id"]))


def _series(draw: Draw, story: Story, target: Target, products: list[Record], areas: SalesAreas) -> Iterator[Record]:
    start = draw.moment(target.created, NOW, _RECENT)
    known = [person for person in target.people if person[2] <= start]
    contact, name, _ = draw.pick(known) if known else (None, "Frau Weiß" if target.german else "Mr Hill", None)
    offered = bisect_right(products, instant(start), key=lambda product: str(product["created_at"]))
    words = {
        "firm": target.firm,
        "person": name,
        "product": draw.pick(products[: max(1, offered)])["name"],
        "city": target.city,
        "project": target.project,
    }
    for step in story.steps:
        at = max(start, draw.working(start + dt.timedelta(days=step.day + draw.between(0, 1 + step.day // 4))))
        unforeseen = step.kind == "note" or step.direction == "inbound"
        if at > NOW + _AHEAD or (at > NOW and unforeseen):
            return
        record = _activity(draw, step, at, start, target, words, areas)
        record["contact"] = contact if step.kind in ("call", "meeting", "email") else None
        yield record


def _activity(
    draw: Draw,
    step: Step,
    at: dt.datetime,
    start: dt.datetime,
    target: Target,
    words: dict[str, str],
    areas: SalesAreas,
) -> Record:
    subject, description = step.german if target.german else step.english
    planned = step.kind in ("meeting", "task") or at > NOW
    if planned:  # the next quarter of an hour, as people write it in a calendar
        at = at.replace(second=0, microsecond=0) + dt.timedelta(minutes=15 - at.minute % 15)
    if at > NOW:
        created = draw.moment(start, NOW)
    elif planned:
        created = max(start, at - dt.timedelta(days=draw.between(1, 12), minutes=draw.between(0, 300)))
    else:
        created = at
    timed = step.kind in ("call", "meeting")
    minutes = max(2, round(draw.spread(step.minutes, 0.3))) if step.minutes else None
    ends = at + dt.timedelta(minutes=minutes or 0)
    due = at + dt.timedelta(days=draw.between(1, 7)) if step.kind == "task" else at
    status = _status(draw, step, due)
    finished = min(NOW, ends if timed else at + dt.timedelta(hours=draw.between(0, 70)) if step.kind == "task" else at)
    record = {
        **draw.system_fields(created, areas.author(target.owner, instant(created)), 0),
        "kind": step.kind,
        "subject": subject.format_map(words)[:250],
        # What came of it is written down afterwards; a task says from the start what is to be done.
        "description": description.format_map(words) if status == "completed" or step.kind == "task" else None,
        "status": status,
        "priority": draw.weighted(("low", "normal", "high", "urgent"), (10, 66, 19, 5)),
        "direction": step.direction or None,
        "outcome": _outcome(draw, step) if status == "completed" else None,
        "location": (target.city if draw.chance(0.7) else "Online") if step.kind == "meeting" else None,
        "due_at": instant(due) if step.kind != "note" else None,
        "starts_at": instant(at) if timed else None,
        "ends_at": instant(ends) if timed else None,
        "duration_minutes": minutes if timed else None,
        "completed_at": instant(max(created, finished)) if status == "completed" else None,
        "regarding": {target.entity: target.id},
        "owner": target.owner,
    }
    if status == "completed":
        record["updated_at"] = record["completed_at"]
    return record


def _status(draw: Draw, step: Step, due: dt.datetime) -> str:
    if step.kind == "note":
        return "completed"
    if due > NOW:
        return "in_progress" if step.kind == "task" and draw.chance(0.3) else "planned"
    if step.kind == "task" and due > NOW - _LATE and draw.chance(0.25):
        return draw.pick(["planned", "in_progress"])  # overdue
    return "cancelled" if step.kind != "email" and draw.chance(0.03) else "completed"


def _outcome(draw: Draw, step: Step) -> str | None:
    if step.kind not in ("call", "meeting"):
        return None
    weights = (58, 26, 12, 4) if step.kind == "call" else (74, 24, 0, 2)
    return draw.weighted(("successful", "follow_up", "not_reached", "declined"), weights)


def targets_of(
    organisations: list[Organisation],
    contacts: list[Record],
    projects: list[Record],
    products: list[Record],
    teams: list[tuple[Record, str]],
) -> dict[str, list[Target]]:
    """Everything that a series can be about, by entity; teams come with the id of their lead."""
    found: dict[str, list[Target]] = defaultdict(list)
    at: dict[str, list[tuple[str, str, dt.datetime]]] = defaultdict(list)
    for contact in contacts:
        (place,) = contact["organisation"].values()
        at[place].append(_person(contact))
    by_id: dict[str, Organisation] = {}
    for one in organisations:
        by_id[one.record["id"]] = one
        weight = _SEGMENTS[one.record["segment"]] if one.entity == "customer" else 1.0
        found[one.entity].append(_target(one.entity, one.record, one, weight, tuple(at[one.record["id"]])))
    for contact in contacts:
        (place,) = contact["organisation"].values()
        found["contact"].append(_target("contact", contact, by_id[place], 1.0, (_person(contact),)))
    for project in projects:
        customer = by_id[project["customer"]]
        found["project"].append(_target("project", project, customer, 1.0, tuple(at[customer.record["id"]])))
    for product in products:
        found["product"].append(_own("product", product, product["manager"]))
    for team, lead in teams:
        found["team"].append(_own("team", team, lead))
    return dict(found)


def _person(contact: Record) -> tuple[str, str, dt.datetime]:
    return contact["id"], f"{contact['first_name']} {contact['last_name']}", parsed(contact["created_at"])


def _target(
    entity: str, record: Record, place: Organisation, weight: float, people: tuple[tuple[str, str, dt.datetime], ...]
) -> Target:
    title = record["name"].split(" – ")[0] if entity == "project" else ""
    return Target(
        entity, record["id"], record["owner"], parsed(record["created_at"]), place.language == "de",
        place.record["name"], place.city.name, title, weight, people,
    )  # fmt: skip


def _own(entity: str, record: Record, owner: str) -> Target:
    return Target(entity, record["id"], owner, parsed(record["created_at"]), True, record["name"], "Ulm", "", 1.0, ())
