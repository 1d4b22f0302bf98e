"""Whom an entry of the journal is about, and which purpose: a backup may know records, and not yet whose they are."""

from collections.abc import Mapping
from typing import Any

from xrm_dsgvo.own import Looking, Writing, create
from xrm_dsgvo.purposes import PURPOSE
from xrm_dsgvo.subjects import SUBJECT, Person, subject_of

_MOST = 1_000


def told(context: Looking, subject: str | None) -> Mapping[str, Any] | None:
    """A data subject, with the records that are known to be about it; ids alone."""
    if subject is None:
        return None
    links = context.find("data_subject_link", {"data_subject": {"id": {"eq": subject}}}, _MOST)
    return {"subject": subject, "records": [[each["entity_name"], each["record_id"]] for each in links]}


def known(context: Writing, said: Mapping[str, Any] | None) -> str | None:
    """Its id here, made if one of its records is here; None: nothing of it is, or nobody was named."""
    if said is None:
        return None
    if context.read(SUBJECT, said["subject"]) is not None:
        return str(said["subject"])
    model, former = context.records.model, (SUBJECT, said["subject"])
    if (subject := _linked(context, *former)) is not None:
        return subject
    for entity, record in said["records"]:  # linked first: an entry before may have moved the record into the vault
        if (subject := _linked(context, entity, record)) is not None:
            _was(context, subject, former)
            return subject
    for entity, record in said["records"]:
        if entity in model and context.read(entity, record) is not None:
            subject = subject_of(context, Person(entity=entity, record=record))
            if subject is not None:
                _was(context, subject, former)
            return subject
    return None


def purpose_known(context: Writing, said: Mapping[str, Any] | None) -> str | None:
    """A purpose here, by its id or its key; None: all, also where the backup does not know it."""
    if said is None:
        return None
    if context.read(PURPOSE, said["id"]) is not None:
        return str(said["id"])
    found = context.find(PURPOSE, {"key": {"eq": said["key"]}}, 1)
    return str(found[0]["id"]) if found else None


def _linked(context: Looking, entity: str, record: str) -> str | None:
    found = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": record}}, 1)
    return str(found[0]["data_subject"]) if found else None


def _was(context: Writing, subject: str, former: tuple[str, str]) -> None:
    """Keep the id of then: by its keys are sealed texts of the journal, which go with the person."""
    entity, record = former
    create(context, "data_subject_link", {"data_subject": subject, "entity_name": entity, "record_id": record})
