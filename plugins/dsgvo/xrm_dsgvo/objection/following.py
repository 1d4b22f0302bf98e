"""Who has objected, and gets another address or becomes another record: a lead a contact, say. It holds there, too."""

from typing import Any

from xrm_core.api import On, RecordChange
from xrm_dsgvo.death import recording as deaths
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.informing import same_person
from xrm_dsgvo.objection.persons import LINK, addresses_on, one_person
from xrm_dsgvo.objection.spreading import spread
from xrm_dsgvo.own import Writing, create
from xrm_dsgvo.subjects import SUBJECT

ADDRESSES = {
    "contact": ("email", "phone", "mobile"),
    "customer": ("email", "phone"),
    "partner": ("email", "phone"),
    "lead": ("email", "phone"),
}
"""Persons with an address book entry, and what in it they are reached at."""

BECOMES = {"lead": ("contact", "duplicate_of")}
"""Relations that say of two records that they are one person."""


def hooks() -> list[On]:
    """What follows when somebody who may have objected is reached at something else."""
    new = [On(entity, "update", fields=fields, before=_looked_at) for entity, fields in ADDRESSES.items()]
    joined = [On(entity, ("create", "update"), fields=fields, before=_looked_at) for entity, fields in BECOMES.items()]
    return [*new, *joined]


def followed(context: Writing, key: Key) -> None:
    """What a person has objected to holds for all that they are reached at by now."""
    person = one_person(context, [key])
    subjects = [id_ for entity, id_ in sorted(person) if entity == SUBJECT and _is_there(context, id_)]
    if not subjects:
        return  # nobody has said anything of them
    records = sorted(each for each in person if each[0] != SUBJECT)
    for each in records:
        _of_one(context, each, subjects)
    addresses = addresses_on(context, records)
    spread(context, subjects, addresses, "same person")
    same_person.joined(context, person)
    deaths.followed(context, subjects, addresses)


def _is_there(context: Writing, subject: str) -> bool:
    stored = context.read(SUBJECT, subject)
    return stored is not None and stored["status"] not in ("erasing", "erased")


def _looked_at(change: RecordChange) -> None:
    entity = change.entity
    names = (*ADDRESSES[entity], *BECOMES.get(entity, ()))
    if not any(change.changes.get(each) for each in names):
        return  # something goes, and nothing comes

    def follow(context: Any, id_: str) -> None:
        followed(context, (entity, id_))

    change.then(follow)


def _of_one(context: Writing, key: Key, subjects: list[str]) -> None:
    """A record that belongs to nobody yet is the person's: what is said of them is said of it."""
    this = {"entity_name": {"eq": key[0]}, "record_id": {"eq": key[1]}}
    if not context.find(LINK, this, 1):
        create(context, LINK, {"data_subject": subjects[0], "entity_name": key[0], "record_id": key[1]})
