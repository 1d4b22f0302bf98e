"""Whoever has got data that go is to be told, whether the person has asked for it or not (Article 19)."""

from xrm_core.api import ActionContext
from xrm_dsgvo.disclosure.owed import joined, open_notices
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.erasure.plan import Decision, Plan
from xrm_dsgvo.erasure.steps import GONE
from xrm_dsgvo.requests.states import REQUEST


def owe_notices(context: ActionContext, run: str, planned: Plan) -> None:
    """Before the run begins: after it nobody knows any more which records these were.

    Args:
        context: of an action that holds the run.
        run: its id.
        planned: what goes by it; of what stays nobody is told.
    """
    mine = {"erasure_run": run}
    for each in context.find(REQUEST, {"erasure_run": {"id": {"eq": run}}, "status": {"eq": "decided"}}):
        joined(context, {"request": str(each["id"])}, mine)
    fields: dict[Key, set[str] | None] = {}
    for record in planned.records:
        going = {each.name for each in record.fields if each.decision is Decision.ERASE} | set(record.cut)
        if record.action in GONE:
            fields[record.entity, record.id] = None
        elif going:
            fields[record.entity, record.id] = going
    open_notices(context, "erasure", mine, fields)
