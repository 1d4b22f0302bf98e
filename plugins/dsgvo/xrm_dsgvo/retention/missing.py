"""Records of which nobody has said when their period began: a defect once they are untouched for as long as it lasts.

What runs has no start yet, and that is right. What nobody has touched for a whole period probably ended long ago.
"""

from datetime import date
from typing import Any

from xrm_dsgvo.own import Writing
from xrm_dsgvo.paging import every
from xrm_dsgvo.privacy import EntityPrivacy
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.candidates import EVENT, latest_start, up_to
from xrm_dsgvo.retention.deciding import OURS
from xrm_dsgvo.retention.leavers import USER

AT_ONCE = 500


def without_start(
    context: Writing, registers: Registers, said: EntityPrivacy, day: date, after: str = ""
) -> tuple[list[str], str | None]:
    """Ids among the next records of an entity, and where to go on; None: this was the end."""
    if said.retention is None:
        return [], None
    start = said.retention.start
    last = latest_start(registers.retention_classes[said.retention.class_], day)
    inherits = start.type == "relationship_end" and (said.role != "is_subject" or said.name in OURS)
    if last is None or start.of or (start.event and inherits):
        return [], None
    where: dict[str, Any] = up_to(context.records.model, said.name, "updated_at", last)
    where |= {start.field: {"isNull": True}} if start.field else {}
    where |= {"active": {"eq": False}} if said.name == USER else {}  # who works here has not left
    ids = [str(each["id"]) for each in context.find(said.name, where, AT_ONCE, after)]
    more = ids[-1] if len(ids) == AT_ONCE else None
    if not ids or start.field:
        return ids, more
    told = {"event": {"eq": start.event}, "entity_name": {"eq": said.name}, "record_id": {"in": ids}}
    known = {str(each["record_id"]) for each in every(context, EVENT, told)}
    return [each for each in ids if each not in known], more
