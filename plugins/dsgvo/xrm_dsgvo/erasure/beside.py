"""The queue, the outbox and what else the platform keeps beside records: nothing there names the person at the end.

It is looked for by what names the person and nobody else, which lives in memory alone. What can go goes: what is left,
such as the payload of a job that is still to run, does not let an erasure be said to be done.
"""

from collections.abc import Collection
from typing import Any

from xrm_core.api import InSystem, Refuse, forget_in_system
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.own import Writing
from xrm_dsgvo.stores.persons import of_plan

SYSTEM = "system"
"""The step, and its name in reports."""

LEFT = "STILL_IN_SYSTEM"


def named_by(context: Writing, plan: Plan) -> frozenset[str]:
    """Addresses, numbers and accounts of the person of a plan that nobody else has, in the ways in which they are
    written; as long as the change log has them.
    """
    return frozenset(of_plan(context, plan, own=True).identifiers)


def erase_beside(context: Writing, named: Collection[str]) -> int:
    """Erase it; answers in how many rows it was.

    Raises:
        Refuse: it is somewhere where it has to stay for now; nothing was done.
    """
    found = forget_in_system(context, named)
    if found.left:
        place = _place(found.left[0])
        text = {
            "en": f"The person is still named in {place}: let that end, or cancel it. Nothing was erased.",
            "de": f"Die Person ist noch genannt in {place}: erst beenden oder abbrechen. Nichts wurde gelöscht.",
        }
        raise Refuse(text)
    return found.erased


def left_beside(context: Writing, named: Collection[str]) -> tuple[int, list[dict[str, Any]]]:
    """The same of a run in parts: in how many rows it was, and as failures where it is left."""
    found = forget_in_system(context, named)
    places = [
        {"step": SYSTEM, "code": LEFT, "entity": f"{each.table}.{each.column}", "record": each.id or None}
        for each in found.left
    ]
    return found.erased, places


def _place(left: InSystem) -> str:
    return f"{left.table}.{left.column} {left.id}".rstrip()
