"""Who is to be erased and is under a legal hold is restricted to what the hold is for."""

from xrm_dsgvo.own import Making, Writing, change
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.restriction.restricting import RESTRICTION, Ground, restrict
from xrm_dsgvo.restriction.standing import STANDING
from xrm_dsgvo.restriction.terms import AllowedPurpose
from xrm_dsgvo.retention.persons import held
from xrm_dsgvo.subjects import SUBJECT, Person, subject_of

BECAUSE = "Art. 17(3)(e) DSGVO, § 35(3) BDSG"
_MOST = 1_000


def restrict_held(context: Making, person: Person) -> int:
    """Restrict all of a person; answers how many records were moved. Without a key store it stops messages alone.

    Raises:
        Refuse: the person is erased.
    """
    subject = subject_of(context, person)
    if subject is None:
        return 0
    purposes = [AllowedPurpose.legal_claims]
    standing = restrict(context, subject, Ground.hold, BECAUSE, needs_vault=False, purposes=purposes)
    return sum(each.records for each in standing.moved)


def remind_of_released(context: Writing) -> None:
    """A hold was released: restrictions that nothing holds any more are to be looked at today."""
    where = {"ground": {"eq": Ground.hold.value}, "status": {"in": list(STANDING)}}
    whole = {"status": {"eq": "active"}, "record_id": {"isNull": True}}
    entities = {str(hold["entity_name"]) for hold in context.find("legal_hold", whole, _MOST)}
    for each in context.find(RESTRICTION, where, _MOST):
        of = {"data_subject": {"id": {"eq": each["data_subject"]}}}
        links = context.find("data_subject_link", of, _MOST)
        keys = {(str(link["entity_name"]), str(link["record_id"])) for link in links}
        keys.add((SUBJECT, str(each["data_subject"])))
        if not held(context, keys) and not entities & {entity for entity, _ in keys}:
            change(context, RESTRICTION, str(each["id"]), {"review_on": today(context.settings)})
