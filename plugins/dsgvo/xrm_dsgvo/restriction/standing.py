"""Whether data of a person lie in the vault."""

from xrm_core.api import Refuse
from xrm_dsgvo.own import Looking
from xrm_dsgvo.subjects import SUBJECT

_LIFT = {
    "en": "Data of this person are restricted: lift the restriction first (dsgvoRestrictionLift).",
    "de": "Daten dieser Person sind eingeschränkt: erst die Einschränkung aufheben (dsgvoRestrictionLift).",
}


def require_nothing_restricted(context: Looking, entity: str, record: str) -> None:
    """Raise Refuse: of the person that a record is, something lies in the vault."""
    subjects = [record]
    if entity != SUBJECT:
        links = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": record}})
        subjects = [str(each["data_subject"]) for each in links]
    for subject in subjects:
        of = {"data_subject": {"id": {"eq": subject}}, "status": {"in": ["active", "lift_announced"]}}
        if any(each["deposit"] is not None for each in context.find("restriction", of)):
            raise Refuse(_LIFT, field="record")
