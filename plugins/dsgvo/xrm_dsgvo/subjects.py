"""Persons behind records and contact points."""

from dataclasses import dataclass
from typing import Any

from xrm_core.api import On, Record, RecordChange, Refuse
from xrm_dsgvo.ages import minor_until
from xrm_dsgvo.own import Writing, create, is_own, kept, upsert
from xrm_dsgvo.privacy import is_company, privacy_of, require_of_persons, require_person

SUBJECT = "data_subject"
PACKAGE = "answer_package"
_DEATH = ("deceased", "died_on", "death_source")
_OURS = ("status", "merged_into", *_DEATH)


@dataclass
class Person:
    """Whom something is about: a data subject, or a record about one, such as a contact."""

    data_subject: str | None = None
    entity: str | None = None
    record: str | None = None


def subject_of(context: Writing, person: Person | None, *, gone: bool = False) -> str | None:
    """The data subject, made if the record has none yet; None: nobody is named. With ``gone`` also of a record that
    only the change log has.

    Raises:
        Refuse: there is no such record, or no such person, or records of its entity are no persons.
    """
    if person is None:
        return None
    entity, record = person.entity, person.record
    if known := person.data_subject or (record if entity == SUBJECT else None):
        if context.read(SUBJECT, known) is None:
            raise Refuse({"en": "There is no such person.", "de": "Diese Person gibt es nicht."}, field="person")
        return known
    nobody = Refuse({"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}, field="person")
    if not entity or not record or entity not in context.records.model:
        raise nobody
    require_of_persons(privacy_of(context.records.model)[entity], "person")
    stored = context.read(entity, record)
    found = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": record}}, 1)
    if stored is None and gone:
        stored = next(iter(context.gone(entity, 1, record)), None)
    if found and (stored is not None or any(each.id == record for each in context.vaulted(entity))):
        return str(found[0]["data_subject"])  # who is restricted has rights, too
    if stored is None:
        raise nobody
    made = create(context, SUBJECT, {"minor_until": minor_until(context, entity, stored)})
    values = {"data_subject": made, "entity_name": entity, "record_id": record}
    create(context, "data_subject_link", values)
    return made


def natural(context: Writing, person: Person | None, field: str = "person", *, gone: bool = False) -> str | None:
    """The same of whom a right of the GDPR belongs to: a natural person. Advertising may be objected to, and consented
    to, by a company as well: for that ask :func:`subject_of`.

    Raises:
        Refuse: as :func:`subject_of`, or it is none (``subject.when``).
    """
    if person is not None and not person.data_subject and person.entity in privacy_of(context.records.model).entities:
        require_natural(context, (str(person.entity), str(person.record)), field)
    subject = subject_of(context, person, gone=gone)
    if subject is not None and person is not None and person.data_subject:
        require_natural(context, (SUBJECT, subject), field)
    return subject


def require_natural(context: Writing, key: tuple[str, str], field: str) -> None:
    """Demand that a record is no company; one that is not there is somebody else's to refuse.

    Raises:
        Refuse: it is one, or a data subject of which nothing but companies is known.
    """
    privacy = privacy_of(context.records.model)
    if key[0] == SUBJECT:
        links = context.find("data_subject_link", {"data_subject": {"id": {"eq": key[1]}}}, 1_000)
        keys = [(str(each["entity_name"]), str(each["record_id"])) for each in links]
    else:
        keys = [key]
    known = [(privacy[entity], found) for entity, id_ in keys if (found := _anywhere(context, entity, id_)) is not None]
    companies = [each for each in known if is_company(*each)]
    if companies and len(companies) == len(known):
        require_person(*companies[0], field)


def _anywhere(context: Writing, entity: str, id_: str) -> Record | None:
    """A record, also if its data are restricted."""
    if entity not in context.records.model:
        return None
    stored = context.read(entity, id_)
    if privacy_of(context.records.model)[entity].when is None:
        return stored  # nothing is asked of its values
    moved = (each.values for each in context.vaulted(entity) if each.id == id_)
    found = {**(stored or {}), **next(moved, {})} or None
    return found if found is not None else next(iter(context.gone(entity, 1, id_)), None)


def has_died(context: Writing, record: tuple[str, str]) -> bool:
    """Whether the person of a record has died, as far as is known."""
    this = {"entity_name": {"eq": record[0]}, "record_id": {"eq": record[1]}}
    links = [] if record[0] == SUBJECT else context.find("data_subject_link", this, 10)
    ids = [record[1]] if record[0] == SUBJECT else [str(each["data_subject"]) for each in links]
    return any((context.read(SUBJECT, each) or {}).get("deceased") for each in ids)


def _is_there(context: Writing, entity: str, id_: str) -> bool:
    """Whether a record is stored, restricted, or known to the change log alone."""
    if entity not in context.records.model:
        return False
    if context.read(entity, id_) is not None or any(each.id == id_ for each in context.vaulted(entity, [id_])):
        return True
    return bool(context.gone(entity, 1, id_))


def class_of_package(token_hash: str) -> str:
    """What seals an answer to be fetched: each has a key of its own, which is destroyed when it was."""
    return f"LK-30T-EXPORT {token_hash}"


def holds(context: Writing, point: str, subject: str | None) -> None:
    """Keep that a person is reached at a contact point."""
    if subject is not None:
        values = {"contact_point": point, "data_subject": subject}
        upsert(context, "contact_point_holder", ("contact_point", "data_subject"), values)


def hooks() -> list[On]:
    """Persons and what they are reached at do not go, and their status is written by actions alone."""
    text = {
        "en": "Persons and their contact points are kept by the plugin for data protection.",
        "de": "Personen und ihre Kontaktpunkte führt das Plugin für Datenschutz.",
    }
    return [
        On(SUBJECT, ("create", "update"), fields=_OURS, before=_by_actions),
        kept(SUBJECT, text, "delete", "restore"),
        kept("contact_point_holder", text, "update", "delete", "restore"),
        On("data_subject_link", "create", before=_of_a_person),
        kept("data_subject_link", text, "update", "delete", "restore"),
    ]


def _of_a_person(change_: RecordChange) -> None:
    """What is linked by hand is there, and a record of a person: whoever is somebody gets to see all that is theirs."""
    if is_own(change_):
        return
    key = (str(change_.changes["entity_name"]), str(change_.changes["record_id"]))

    def look(context: Any, _: str) -> None:
        if key[0] == SUBJECT or not _is_there(context, *key):
            text = {"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}
            raise Refuse(text, field="record_id")
        require_of_persons(privacy_of(context.records.model)[key[0]], "entity_name")

    change_.then(look)


def _by_actions(change_: RecordChange) -> None:
    begins = change_.operation == "create" and change_.after.get("status") == "active"
    if is_own(change_) or (begins and not any(change_.after.get(each) for each in _DEATH)):
        return
    text = {
        "en": "Its status, and that somebody has died, is changed by actions alone.",
        "de": "Den Status, und dass jemand verstorben ist, ändern nur Aktionen.",
    }
    raise Refuse(text, field="status")
