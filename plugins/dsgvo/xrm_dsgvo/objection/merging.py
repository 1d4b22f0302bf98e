"""Records of one person that are merged: what one of them has objected to holds for all their addresses.

A merge never widens anything: objections and restrictions of both hold, and consents stay with the contact points for
which they were given.
"""

from xrm_core.api import HookContext, On, Record, RecordChange
from xrm_dsgvo.death import recording as deaths
from xrm_dsgvo.informing import same_person
from xrm_dsgvo.objection.persons import HOLDER, addresses_of, addresses_on, one_person
from xrm_dsgvo.objection.spreading import spread
from xrm_dsgvo.own import Writing, change
from xrm_dsgvo.subjects import SUBJECT, Person, holds, subject_of

ENTITIES = ("contact", "customer", "lead")
"""Records that are persons and may be there twice."""

MERGED_INTO = "merged_into"
"""Kind of the cause of a record's going when it has become part of another one (``docs/merge.md``)."""

_STAYING = {"restriction": ("active", "lift_announced"), "objection": ("restricted",)}
"""What is still under way goes on with who stays: entities with the states in which it is."""

_MOST = 1_000


def hooks() -> list[On]:
    """What becomes of persons when their records are merged."""
    return [On(entity, "delete", before=_looked_at) for entity in ENTITIES]


def merged(context: Writing, entity: str, gone: Record, into: str) -> None:
    """One of two records of a person has become part of the other."""
    same_person.merged(context, entity, str(gone["id"]), into)
    link = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": gone["id"]}}, 1)
    kept = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": into}}, 1)
    if not link and not kept:
        return  # nobody has said anything of either
    stays = subject_of(context, Person(entity=entity, record=into))
    assert stays is not None  # noqa: S101 - the record is there: it was merged into
    went = str(link[0]["data_subject"]) if link else None
    if went is not None and went != stays:
        _joined(context, went, stays)
    person = one_person(context, [(entity, into)])
    subjects = [stays, *sorted(id_ for kind, id_ in person if kind == SUBJECT and id_ != stays)]
    addresses = addresses_on(context, person) | set(addresses_of(context, entity, gone))
    spread(context, subjects, addresses, "merge")
    same_person.joined(context, person)
    deaths.followed(context, subjects, addresses)


def _looked_at(change_: RecordChange) -> None:
    before = dict(change_.before)

    def follow(context: HookContext, _id: str) -> None:
        into = next((name for kind, name in reversed(context.caller.causes) if kind == MERGED_INTO), None)
        if into is not None:
            merged(context, change_.entity, before, into)

    change_.then(follow)


def _joined(context: Writing, went: str, stays: str) -> None:
    """One person: the stricter status, and all that they are reached at."""
    old, new = context.read(SUBJECT, went), context.read(SUBJECT, stays)
    if old is None or new is None:
        return
    change(context, SUBJECT, went, {"merged_into": stays})
    if old["status"] == "restricted" and new["status"] == "active":
        change(context, SUBJECT, stays, {"status": "restricted"})
    deaths.joined(context, old, new)
    for entity, open_ in _STAYING.items():
        of = {"data_subject": {"id": {"eq": went}}, "status": {"in": list(open_)}}
        for each in context.find(entity, of, _MOST):
            change(context, entity, each["id"], {"data_subject": stays})
    for each in context.find(HOLDER, {"data_subject": {"id": {"eq": went}}}, _MOST):
        holds(context, str(each["contact_point"]), stays)
