"""Whether a legal hold has come upon what a plan lets go."""

from xrm_core.api import Refuse
from xrm_dsgvo.erasure.plan import Plan, RecordAction
from xrm_dsgvo.own import Writing
from xrm_dsgvo.paging import every


def held(context: Writing, plan: Plan) -> bool:
    """Whether a legal hold has come upon anything that is still to go since it was planned."""
    going = {(each.entity, each.id) for each in plan.records if each.action is not RecordAction.HOLD}
    entities = {entity for entity, _ in going}
    return any(
        (each["record_id"] is None and each["entity_name"] in entities)
        or (str(each["entity_name"]), str(each["record_id"])) in going
        for each in every(context, "legal_hold", {"status": {"eq": "active"}})
    )


def require_free(context: Writing, plan: Plan) -> None:
    """At the end of what a plan does: whoever sets a hold from now on waits, and finds that the record is gone.

    Raises:
        Refuse: a hold has come since it was planned.
    """
    if held(context, plan):
        text = {
            "en": "A legal hold has come upon something that was to go: nothing was done.",
            "de": "Auf etwas, das gehen sollte, ist eine Löschsperre gekommen: Nichts wurde getan.",
        }
        raise Refuse(text)
