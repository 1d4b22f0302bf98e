"""Duties to inform somebody who is known by several records: what tells the person tells them as each of these.

Records are joined as an answer to the person would join them: duplicates that surely are theirs, records that became
one, a lead and the contact that it became.
"""

from collections.abc import Collection, Iterable

from xrm_dsgvo.days import day_in
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.own_records import own_records
from xrm_dsgvo.informing.duties import DUTY, of_records, open_of, told
from xrm_dsgvo.objection.persons import HOLDER, LINK, one_person
from xrm_dsgvo.own import Writing, change, create
from xrm_dsgvo.subjects import SUBJECT, Person, subject_of

DELIVERY = "notice_delivery"
_MOST = 1_000


def all_of(context: Writing, keys: Iterable[Key]) -> set[Key]:
    """Some records of persons with all that are the same persons'. Nothing is searched where nobody is to be told."""
    found = one_person(context, keys)
    if context.find(DUTY, {"status": {"eq": "open"}}, 1):
        for entity, id_ in sorted(found):
            if entity == SUBJECT:
                found |= set(own_records(context, id_))
    return found


def joined(context: Writing, keys: Iterable[Key]) -> int:
    """It has become known that records are one person's: duties end where a notice was given to the person, by
    whichever of them, since the data came. Answers how many.
    """
    person = one_person(context, keys)
    waiting = open_of(context, person)
    given = _given(context, {id_ for entity, id_ in person if entity == SUBJECT}, context.settings.time_zone)
    done = [each for each in waiting if any(day >= str(each["collected_on"])[:10] for day in given)]
    return told(context, [(str(each["entity_name"]), str(each["record_id"])) for each in done])


def merged(context: Writing, entity: str, gone: str, into: str) -> None:
    """A record has become part of another one: who is to be told is known by that from now on. Of a record there is one
    duty, so if that has one as well, the other stays with what has gone, which is known to be the same person's.
    """
    waiting = open_of(context, [(entity, gone)])
    if waiting and not of_records(context, [(entity, into)]):
        for each in waiting:
            change(context, DUTY, str(each["id"]), {"record_id": into})
    elif waiting:
        this = {"entity_name": entity, "record_id": gone}
        if not context.find(LINK, {name: {"eq": value} for name, value in this.items()}, 1):
            person = subject_of(context, Person(entity=entity, record=into))
            create(context, LINK, {"data_subject": person, "source": "merge", **this})
    joined(context, [(entity, into), (entity, gone)])


def _given(context: Writing, subjects: Collection[str], zone: str) -> list[str]:
    """The days on which these persons were given a notice: by name, or at an address of theirs without a name."""
    if not subjects:
        return []
    who = {"id": {"in": sorted(subjects)}}
    points = {str(each["contact_point"]) for each in context.find(HOLDER, {"data_subject": who}, _MOST)}
    found = context.find(DELIVERY, {"data_subject": who}, _MOST)
    if points:
        at = {"contact_point": {"id": {"in": sorted(points)}}, "data_subject": {"isNull": True}}
        found += context.find(DELIVERY, at, _MOST)
    return [day_in(each["delivered_at"], zone).isoformat() for each in found]
